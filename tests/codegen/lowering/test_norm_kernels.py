"""Kernels with sums over coordinates: equations against their components, the optimizers in loops against
NumPy.
"""

from functools import cache, partial

import library_rules as plain
import numpy as np
import pytest
from interpreter import after, carry_out, value
from quadratics import quadratic
from step_values import DT, TAU, factor, in_components, values
from sympy import Integer

from optsde.codegen.lowering.by_products import ProductLowering
from optsde.codegen.lowering.regularisation import unregularised
from optsde.codegen.lowering.steps import euler_maruyama_step, optimizer_step
from optsde.codegen.objectives.quadratic import QuadraticFields
from optsde.codegen.program.kernel import Kernel, Track
from optsde.codegen.program.statements import Total
from optsde.derive import (
    ballistic,
    dot,
    gaussian,
    lamb,
    lars,
    modified_equation,
    norm,
    normalized_sgd,
    parse_regime,
    sam,
    total,
)
from optsde.derive.derivation.chain import Chain
from optsde.derive.notation.symbols import Field, constant_factor, g, gradient, zeta1
from optsde.derive.optimizers.rule import THETA, Block, Hyperparameter, UpdateRule
from optsde.derive.regimes import Regime
from optsde.runtime.kernels.compiled import compile_kernel
from optsde.runtime.kernels.rng import normals
from optsde.runtime.problems.quadratic import Quadratic

LARGE = "noise=tau**(1/2)"
RULES = [
    (lamb(), "ballistic"), (lars(), LARGE), (normalized_sgd(), LARGE), (normalized_sgd("eps"), LARGE),
    (sam("normalized"), LARGE), (sam(), "ballistic"), (sam(), "rho=tau**(1/2)"),
]  # fmt: skip
NAMES = [f"{rule.name}-{rule.variant}-{regime}" for rule, regime in RULES]
NAMED = pytest.mark.parametrize("number", range(len(RULES)), ids=NAMES)


@cache
def _step(number: int):
    rule, regime = RULES[number]
    equation = modified_equation(rule, parse_regime(regime, rule), gaussian(constant=True), 2)
    return equation, euler_maruyama_step(equation, QuadraticFields(), unregularised())


@NAMED
def test_a_step_has_the_drift_of_its_equation(number: int) -> None:
    (equation, step), x = _step(number), values(3)
    drift, _ = in_components(equation, x)
    still = after(step, x | {"zeta1": np.zeros(3), "zeta2": np.zeros(3)})
    wanted = DT * sum(TAU**power * part for power, part in enumerate(drift))
    np.testing.assert_allclose(
        (still - np.stack([x[b] for b in step.state])).ravel(), wanted, rtol=1e-10, atol=1e-13
    )


def test_the_noise_of_lamb_has_the_covariance_of_its_equation() -> None:
    (equation, step), x = _step(0), values(3)
    _, covariance = in_components(equation, x)
    columns = factor(step, x)
    np.testing.assert_allclose(columns @ columns.T, TAU * covariance[1], rtol=1e-10, atol=1e-12)


def test_the_noise_of_normalized_sgd_comes_after_order_two() -> None:
    """Of large batches: ``tau**(3/2) (1 - n n^T) B zeta / |F|`` in a step has a covariance of order
    ``tau**2``.
    """
    equation, step = _step(2)
    assert not any(any(part.values()) for part in equation.covariance)
    assert equation.certificate.weak_order == 2
    assert step.noise == ()


def test_each_sum_is_made_once() -> None:
    for number in range(len(RULES)):
        _, step = _step(number)
        sums = [s.expression for s in step.statements if isinstance(s, Total)]
        assert len(set(sums)) == len(sums)


def test_a_number_is_not_taken_for_the_vector_that_it_sums() -> None:
    """``H B zeta + theta sum_i (B zeta)_i``."""
    noisy, theta = constant_factor("_1", "_2") * zeta1("_2"), Field("theta")("i")
    made, x = ProductLowering(QuadraticFields(), {}, unregularised(), vectors={"theta", "zeta1"}), values(3)
    found = made.lowered(gradient("i", "_1") * noisy + theta * noisy)
    wanted = x["H"] @ x["B"] @ x["zeta1"] + x["theta"] * (x["B"] @ x["zeta1"]).sum()
    np.testing.assert_allclose(value(found, carry_out(made.statements, x)), wanted, rtol=1e-12)


def test_sums_of_sums_and_of_ones() -> None:
    """``theta - lr (g - mean(g)) norm(theta - mean(theta))``, twice the same mean."""
    lr, ones = Hyperparameter("lr", "learning rate"), total(Integer(1))
    shape = norm(THETA - total(THETA) / ones) * (g - dot(g, Integer(1)) / ones)
    rule = UpdateRule(
        "own",
        "own",
        blocks=(Block("theta"),),
        hyperparameters=(lr,),
        update={"theta": THETA - lr.symbol * shape},
        reference="",
    )
    step, x = optimizer_step(Chain(rule, ballistic, gaussian()), QuadraticFields()), values(3)
    noisy = x["H"] @ (x["theta"] - x["minimum"]) + x["B"] @ x["zeta1"]
    spread = np.linalg.norm(x["theta"] - x["theta"].mean())
    np.testing.assert_allclose(
        after(step, x)[0], x["theta"] - TAU * spread * (noisy - noisy.mean()), rtol=1e-13
    )
    assert sum(isinstance(s, Total) for s in step.statements) == 4


D, STEPS, PATHS, SEED = 12, 40, 3, 5
NUMBERS = {
    "lamb": {"lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-6, "weight_decay": 0.01},
    "sam": {"lr": 0.1, "rho": 0.05},
}
STEPPED = {"lamb": plain.lamb, "sam": partial(plain.sharpness_aware, normalized=True)}


def noisy_gradient(problem: Quadratic, noise: np.ndarray, point: np.ndarray) -> np.ndarray:
    return problem.matrices["H"] @ (point - problem.vectors["minimum"]) + noise


def test_many_coordinates_in_loops_step_as_numpy_does() -> None:
    """One kernel with both optimizers as tracks, 40 steps from a vector of twelve."""
    random = np.random.default_rng(2)
    root = random.normal(size=(D, D))
    problem = quadratic(root @ root.T / D + np.eye(D), 0.04 * np.eye(D), random.normal(size=D))
    rules = {rule.name: rule for rule in (lamb(), sam("normalized"))}
    tracks, start = [], {}
    for name, rule in rules.items():
        own = {h.name: h.symbol for h in rule.hyperparameters} | {b.name: b.symbol for b in rule.blocks}
        regime = Regime("unscaled", Integer(1), own)
        tracks.append(Track(name, optimizer_step(Chain(rule, regime, gaussian()), problem.fields), "step"))
        start[name] = np.array([np.full(D, 0.7) if b.name == "theta" else np.zeros(D) for b in rule.blocks])
    kernel = Kernel(D, tuple(tracks), (), ((1.0, 0.0),))
    finals = (
        compile_kernel(kernel, "looped")
        .run(
            parameters={
                t.name: {n: {**NUMBERS[t.name], "tau": 1.0}[n] for n in t.step.parameters} for t in tracks
            },
            matrices={n: problem.matrices[n] for n in ("B", "H")},
            vectors={"minimum": problem.vectors["minimum"]},
            start=start,
            tau=1.0,
            n_steps=STEPS,
            n_paths=PATHS,
            seed=SEED,
            record_steps=[STEPS],
            n_keep=PATHS,
            threads=1,
        )
        .finals
    )
    for path in range(PATHS):
        noise = normals(SEED, path, D * STEPS).reshape(STEPS, D) @ problem.matrix("B").T
        for name, rule in rules.items():
            x = {b.name: row.copy() for b, row in zip(rule.blocks, start[name], strict=True)}
            for t in range(STEPS):
                STEPPED[name](x, partial(noisy_gradient, problem, noise[t]), t + 1, NUMBERS[name])
            found, wanted = finals[name][path][0], x["theta"]
            assert np.max(np.abs(found - wanted) / np.maximum(1, np.abs(wanted))) <= 1e-13, name
