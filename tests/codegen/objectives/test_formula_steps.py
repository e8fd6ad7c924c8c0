"""Steps on objectives given by formulas, in NumPy: against component forms, a quadratic, and steps written by
hand.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from formulas import CONSTANTS, DT, TAU, X, fields, formulas, number, values
from interpreter import after
from quadratics import quadratic

from optsde.codegen.lowering.regularisation import unregularised
from optsde.codegen.lowering.steps import euler_maruyama_step, optimizer_step
from optsde.codegen.numba.cpu import emit, usual_shape
from optsde.codegen.objectives.formula import FormulaFields
from optsde.codegen.objectives.quadratic import QuadraticFields
from optsde.codegen.program.check import check
from optsde.codegen.program.statements import Kernel, Track
from optsde.derive import (
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    heavy_ball,
    modified_equation,
    nesterov,
    parse_regime,
    reshuffled,
    rmsprop,
    sgd,
)
from optsde.derive.derivation.chain import Chain
from optsde.derive.optimizers.modifiers import epoch
from optsde.derive.optimizers.momentum import svag
from optsde.runtime.problems.quadratic import Quadratic

EQUATIONS = [
    (make(), regime, order, "diffusion")
    for make in (sgd, heavy_ball, rmsprop, adam)
    for regime, order in ((ballistic, 2), (ballistic, 1), (batch_equivalent, 1))
] + [(rmsprop("torch"), ballistic, 2, "diffusion")]


@pytest.mark.parametrize(("rule", "regime", "order", "form"), EQUATIONS, ids=lambda x: getattr(x, "name", x))
def test_a_step_has_the_drift_and_the_covariance_of_its_equation(rule, regime, order, form):
    """For noise that depends on theta, against the component form in two dimensions; one dimension is derived
    by hand below.
    """
    d = 2
    (f, b), x = formulas(d), values(d)
    equation = modified_equation(rule, regime, gaussian(), order, form)
    step = euler_maruyama_step(equation, fields(d), unregularised())
    components = equation.expand(d, f, factor=b)
    numbers = {name: x[name] for name in (*CONSTANTS, "t", "tau")}
    numbers |= {
        f"{block}_{n + 1}": entry for block in ("theta", "m", "v") for n, entry in enumerate(x[block])
    }

    def evaluated(matrix: sp.Matrix) -> np.ndarray:
        symbols = sorted(matrix.free_symbols, key=str)
        return np.array(sp.lambdify(symbols, matrix)(*(numbers[s.name] for s in symbols)), dtype=float)

    none = {name: np.zeros(d) for name in ("zeta1", "zeta2")}
    still = after(step, x | none)
    drift = sum(TAU**power * evaluated(part)[:, 0] for power, part in enumerate(components.drift))
    np.testing.assert_allclose(
        (still - np.stack([x[b] for b in step.state])).ravel(), DT * drift, rtol=1e-9, atol=1e-12
    )

    # the factor is a polynomial c0 + c1 sqrt(tau) + c2 tau; its square is compared power by power, exactly
    taus, at = np.array([0.1, 0.3, 0.6]), []
    for tau in taus:
        still = after(step, x | none | {"tau": tau})
        columns = [
            after(step, x | none | {"tau": tau, name: unit}) - still
            for name in step.noise
            for unit in np.eye(d)
        ]
        at.append(np.stack([0 * still, *columns]).reshape(len(columns) + 1, -1).T / np.sqrt(DT))
    c0, c1, c2 = np.tensordot(
        np.linalg.inv(np.vander(np.sqrt(taus), 3, increasing=True)), np.stack(at), axes=1
    )
    square = [c0 @ c0.T, c1 @ c1.T + c0 @ c2.T + c2 @ c0.T]
    size = np.abs(np.stack(at)).max()
    for found, right in zip(square, components.covariance, strict=False):
        np.testing.assert_allclose(found, evaluated(right), rtol=1e-9, atol=1e-10 * max(size**2, 1))


def test_the_synchronised_step_in_one_dimension_is_that_derived_by_hand():
    """Batch-equivalent RMSprop with ``S = B**2``: ``sigma``, ``nu`` and ``Lambda`` of both blocks."""
    f, b = formulas(1)
    x, b = values(1), b[0]
    equation = modified_equation(rmsprop(), batch_equivalent, gaussian(), 2, "synchronised")
    step = euler_maruyama_step(equation, fields(1), unregularised())
    th, c = X[1][0], x["c"]
    f1, f2, f3 = (number(f.diff(th, n), x) for n in (1, 2, 3))
    b0, b1, b2, s1, s2 = (
        number(e, x) for e in (b, b.diff(th), b.diff(th, 2), (b**2).diff(th), (b**2).diff(th, 2))
    )
    root = np.sqrt(x["v"])
    p, dp, s0, w = (
        1 / (root + x["eps"]),
        -1 / (2 * root * (root + x["eps"]) ** 2),
        b0**2,
        np.sqrt(DT) * x["past_zeta1"],
    )
    drift_theta = -p * f1 + TAU * (
        -(p**2) * f2 * f1 / 2 + c / 2 * (s0 - x["v"]) * dp * f1 + p**3 * s0 * f3 / 4
    )
    drift_v = c * (s0 - x["v"]) + TAU * (
        c * f1**2 + c**2 / 2 * (s0 - x["v"]) + c / 2 * p * s1 * f1 - c / 4 * p**2 * s0 * s2
    )
    limit_pb = -p * f1 * p * b1 + c * (s0 - x["v"]) * dp * b0 + p**2 * s0 / 2 * p * b2
    lambda_theta = limit_pb / 2 - p**2 * b0 * f2 / 2 - p**3 * b0 * (b1**2 + b0 * b2) / 2
    lambda_v = 2 * c * f1 * b0 + 3 * c * p * s0 * b1
    noise_theta = -p * b0 - p**2 * b0 * b1 * w + TAU * lambda_theta
    noise_v = 2 * c * s0 * w + TAU * lambda_v
    wanted = [
        x["theta"] + DT * drift_theta + np.sqrt(DT) * noise_theta * x["zeta1"],
        x["v"] + DT * drift_v + np.sqrt(DT) * noise_v * x["zeta1"],
    ]
    np.testing.assert_allclose(after(step, x), np.stack(wanted), rtol=1e-12)


def both_forms(d: int) -> tuple[Quadratic, FormulaFields]:
    """One quadratic with constant noise in both forms."""
    random = np.random.default_rng(d)
    root, spread = random.normal(size=(2, d, d))
    problem = quadratic(root @ root.T + np.eye(d), spread @ spread.T, random.normal(size=d))
    offset = sp.Matrix(X[d]) - sp.Matrix(problem.vectors["minimum"])
    f = (offset.T * sp.Matrix(problem.matrices["H"]) * offset)[0] / 2
    return problem, FormulaFields(f, sp.Matrix(problem.matrices["B"]))


FORMS = [
    (ballistic, 1, "fluctuation"),
    (ballistic, 1, "ode"),
    (ballistic, 2, "diffusion"),
    (batch_equivalent, 2, "synchronised"),
]


@pytest.mark.parametrize("make", [sgd, heavy_ball, rmsprop, adam])
def test_a_quadratic_by_a_formula_takes_the_steps_of_the_quadratic(make):
    d = 3
    problem, formula = both_forms(d)
    x = values(d, **problem.matrices, **problem.vectors)
    chain = Chain(make(), batch_equivalent, gaussian())
    found, wanted = (after(optimizer_step(chain, form), x) for form in (formula, QuadraticFields()))
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    for regime, order, form in FORMS:
        equation = modified_equation(make(), regime, gaussian(constant=True), order, form)
        # the second Brownian motion acts by another square root of 2 S o S: compare without it
        still = x | {"zeta2": np.zeros(d)}
        found, wanted = (
            after(euler_maruyama_step(equation, form, unregularised()), still)
            for form in (formula, QuadraticFields())
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-11)


def test_a_sample_at_a_shifted_point_has_the_noise_of_that_point():
    """Nesterov: gradient and noise factor at ``theta + lr (1 - mu lr) v``; cubic f, columns of ``B`` that are
    gradients.
    """
    x1, x2 = X[2]
    f = x1**3 / 3 + x1 * x2**2 - x2
    b = sp.Matrix([[1 + x1**2, x1 * x2], [sp.Rational(1, 2), x1**2 / 2 + sp.exp(x2)]])
    x = values(2)
    step = optimizer_step(Chain(nesterov(), batch_equivalent, gaussian()), FormulaFields(f, b))
    kept = (1 - x["mu"] * TAU) * x["v"]
    a, c = x["theta"] + TAU * kept
    noise = np.array([[1 + a**2, a * c], [0.5, a**2 / 2 + np.exp(c)]]) @ x["zeta1"]
    velocity = kept - TAU * (np.array([a**2 + c**2, 2 * a * c - 1]) + noise / np.sqrt(TAU))
    np.testing.assert_allclose(after(step, x), np.stack([x["theta"] + TAU * velocity, velocity]), rtol=1e-12)


def test_noise_that_is_no_gradient_is_refused_at_a_shifted_point_only():
    x1, x2 = X[2]
    turning = FormulaFields(x1**2 + x2**2, sp.Matrix([[1, 0], [x1, 1]]))
    with pytest.raises(
        ValueError, match=r"kernel for nesterov .* only if it is a gradient; expected a noise factor whose"
    ):
        optimizer_step(Chain(nesterov(), ballistic, gaussian()), turning)
    assert optimizer_step(Chain(heavy_ball(), ballistic, gaussian()), turning).noise == ("zeta1",)
    assert not turning.gradient_noise
    assert FormulaFields(x1, sp.Matrix([[sp.sin(2 * x1), x2], [0, x1]])).gradient_noise


def test_several_samples_are_refused():
    for rule in (epoch(sgd(), 3), svag()):
        with pytest.raises(
            ValueError, match=rf"kernel for {rule.name} .*, which takes . samples in a step; expected one"
        ):
            optimizer_step(Chain(rule, ballistic, gaussian()), fields(2))


def test_the_equation_of_an_epoch_is_a_gradient_flow():
    """``-grad(f + eps/4 (|F|**2 + tr S))``, differentiated by SymPy; the kernel has no noise."""
    rule, d = epoch(sgd(), 3), 2
    law = reshuffled(gaussian(), sp.Integer(3))
    step = euler_maruyama_step(
        modified_equation(rule, parse_regime("lr=tau/3", rule), law, 2), fields(d), unregularised()
    )
    x, own = values(d), fields(d)
    theta = own.space.theta
    slope = [own.objective.diff(s) for s in theta]
    spread = sum(entry**2 for entry in own.noise_factor)
    potential = own.objective + TAU / 12 * (sum(s**2 for s in slope) + spread)
    at = dict(zip(theta, x["theta"], strict=True))
    drift = np.array([float(-potential.diff(s).subs(at)) for s in theta])
    assert step.noise == ()
    np.testing.assert_allclose(after(step, x), (x["theta"] + DT * drift)[None], rtol=1e-12)


@pytest.mark.parametrize("form", ["diffusion", "synchronised"])
def test_steps_satisfy_the_programs_rules(form):
    equation = modified_equation(adam(), ballistic, gaussian(), 2, form)
    tracks = (
        Track("equation", euler_maruyama_step(equation, fields(2), unregularised()), "substep"),
        Track("optimizer", optimizer_step(equation.chain, fields(2)), "step"),
    )
    kernel = Kernel(2, tracks, (), ((1.0, -1.0),))
    check(kernel)
    assert (tracks[0].step.matrices, tracks[0].step.vectors) == ((), ())
    assert usual_shape(kernel) == "unrolled"
    with pytest.raises(
        ValueError, match="shape 'looped' for a step with a formula for each coordinate; expected the shape"
    ):
        emit(kernel, "test", "looped")


SCRIPT = """
import sys; sys.path.insert(0, sys.argv[1])
from formulas import fields
from optsde.codegen.lowering.steps import euler_maruyama_step
from optsde.derive import batch_equivalent, gaussian, modified_equation, sgd
from optsde.codegen.lowering.regularisation import unregularised
equation = modified_equation(sgd(), batch_equivalent, gaussian(), 2, "synchronised")
print(euler_maruyama_step(equation, fields(2), unregularised()))
"""


def test_statements_do_not_depend_on_the_hash_seed():
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parents[1])]
    processes = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )
        for seed in ("1", "77")
    ]
    found = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert found[0] == found[1]
    assert "Stack" in found[0]


def test_an_equation_for_constant_noise_is_refused_where_noise_varies():
    equation = modified_equation(sgd(), ballistic, gaussian(constant=True), 2)
    with pytest.raises(
        ValueError, match="was derived for constant noise, the objective's depends on theta; derive"
    ):
        euler_maruyama_step(equation, fields(1), unregularised())


def test_no_diffusion_is_simulated_that_has_no_factor():
    equation = modified_equation(rmsprop(), batch_equivalent, gaussian(), 2)
    with pytest.raises(ValueError, match="has no factor in closed form"):
        euler_maruyama_step(equation, fields(1), unregularised())
