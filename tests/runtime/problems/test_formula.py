"""Problems by formulas: input, records, and compiled kernels against NumPy."""

import math

import numpy as np
import pytest
import sympy as sp
from flat import measured, simulated
from quadratics import quadratic

from optsde.derive import ballistic, batch_equivalent, gaussian, modified_equation, rmsprop, sgd
from optsde.derive.derivation.chain import Chain
from optsde.runtime import Formula, load
from optsde.runtime.kernels.rng import normals

x, y, theta = sp.Symbol("theta_1", real=True), sp.Symbol("theta_2", real=True), sp.Symbol("theta", real=True)
PLANE = Formula(
    x**3 / 3 + x * y**2 + sp.exp(-(y**2)), [[1 + x**2 / 4, y / 5], [sp.sin(x) / 2, sp.Rational(1, 2)]], 2
)
ASKED = {
    "tau": 0.125,
    "horizon": 0.5,
    "start": {"theta": [0.3, 0.2], "v": 1.0},
    "constants": {"eps": 0.1, "c": 1.0},
}


def test_numbers_and_formulas_and_text_are_read_alike():
    problem = Formula("a*theta**2/2 + sin(theta)/4", "1 + b*theta", 1, {"a": 0.3, "b": 2})
    assert problem.f == sp.Rational(3, 20) * theta**2 + sp.sin(theta) / 4
    assert problem.factor == sp.Matrix([[1 + 2 * theta]])
    plain, a = sp.Symbol("theta"), sp.Symbol("a", positive=True)
    assert Formula(a * plain**2, 0.1, 1, {"a": 0.25}).f == theta**2 / 4
    assert Formula(x * y, 2, 2).factor == 2 * sp.eye(2)
    assert Formula(x * y, [[1], ["theta_1"]], 2).factor == sp.Matrix([1, x])
    assert Formula(x * y, np.eye(2), 2).factor == sp.eye(2)
    assert Formula(x * y, sp.eye(2), 2).factor == sp.eye(2)


def test_what_kernels_need():
    assert (PLANE.fields.dimension, PLANE.fields.constant_noise) == (2, False)
    assert (PLANE.matrices, PLANE.vectors) == ({}, {})
    column = Formula(x * y, [[1], ["theta_1"]], 2).fields
    assert column.noise_factor == sp.Matrix([[1, 0], [x, 0]])
    assert Formula(x * y, 3, 2).fields.constant_noise
    assert PLANE.noiseless.fields.noise_factor == sp.zeros(2, 2)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ("theta_1", 1, 9),
            "dimension 9 of an objective given by a formula; expected 1 to 8: its kernels write the",
        ),
        (("theta", 1, 0), "dimension 0 of an objective"),
        (("theta", 1, 1.5), r"dimension 1\.5 of an objective"),
        (("theta_1", 1, 1), "the name 'theta_1' .* did you mean theta?"),
        (("theta + a",), "the name 'a' .* is not accepted"),
        (
            (sp.Symbol("a") * theta,),
            "objective contains a; expected theta; give other names a value in constants",
        ),
        (("theta", "b"), "the name 'b'"),
        (
            ("theta", 1, 1, {"theta": 1.0}),
            r"constant theta = 1\.0; expected a finite number for another name than theta's",
        ),
        (("a", 1, 1, {"a": math.inf}), "constant a = inf"),
        (("__import__('os')",), "is not accepted"),
        (
            (sp.sqrt(-1) * theta,),
            "objective I.theta is not real and finite; expected a real function of theta",
        ),
        ((sp.oo,), "objective oo is not real and finite"),
        ((math.nan,), "objective is nan; expected a formula or a finite number"),
        ((None,), "objective is None; expected a formula"),
        (("theta", math.inf), "noise factor is inf"),
        (("theta", [[1, 2]]), r"noise factor has rows of \[2\] entries; expected 1 rows of 1 to 1 entries"),
        (
            ("theta_1", [[1, 2], [1]], 2),
            r"noise factor has rows of \[2, 1\] entries; expected 2 rows of 1 to 2 entries",
        ),
        (("theta_1", [[1, 0]], 2), r"noise factor has rows of \[2\] entries"),
        (("theta_1", [1, 2], 2), r"noise factor has rows of \[0, 0\] entries"),
        (("theta_1", [], 2), "noise factor has rows of list entries"),
        (("theta", None), "noise factor has rows of NoneType entries"),
    ],
)
def test_other_problems_are_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint) as refusal:
        Formula(*arguments)
    assert "\n" not in str(refusal.value)


def test_the_optimizer_takes_its_steps_with_the_noise_of_where_it_is():
    """RMSprop in the batch-equivalent regime on a cubic with a full factor B(theta), path by path."""
    found = simulated(Chain(rmsprop(), batch_equivalent, gaussian()), PLANE, **ASKED, paths=3, seed=7, keep=3)
    tau, eps, c = 0.125, 0.1, 1.0
    for path in range(3):
        state, v = np.array([0.3, 0.2]), np.ones(2)
        for zeta in normals(7, path, 8).reshape(4, 2):
            a, b = state
            slope = np.array([a**2 + b**2, 2 * a * b - 2 * b * np.exp(-(b**2))])
            noise = np.array([[1 + a**2 / 4, b / 5], [np.sin(a) / 2, 0.5]]) @ zeta
            g = slope + noise / np.sqrt(tau)
            state, v = state - tau * g / (np.sqrt(v) + eps), v + c * tau * (tau * g**2 - v)
        np.testing.assert_allclose(found.finals[path], [state, v], rtol=1e-12)


def test_a_quadratic_by_a_formula_has_the_paths_of_the_quadratic():
    plain = quadratic([[1.0, 0.5], [0.5, 1.5]], [[0.5, 0.2], [0.2, 0.8]], [0.25, -0.5])
    offset = sp.Matrix([x - sp.Rational(1, 4), y + sp.Rational(1, 2)])
    f = (offset.T * sp.Matrix([[1, 0.5], [0.5, 1.5]]) * offset)[0] / 2
    formula = Formula(f, plain.matrices["B"], 2)
    made = modified_equation(rmsprop(), batch_equivalent, gaussian(), 2, "synchronised")
    asked = ASKED | {"paths": 100, "seed": 3, "keep": 100, "substeps": 2}
    runs = [simulated(made, problem, **asked) for problem in (plain, formula)]
    # 8 steps of well-conditioned arithmetic
    np.testing.assert_allclose(runs[1].finals, runs[0].finals, rtol=1e-12)


def test_single_precision_has_the_moments_of_double():
    chain = Chain(rmsprop(), batch_equivalent, gaussian())
    double, single = (
        simulated(chain, PLANE, **ASKED, paths=10_000, dtype=dtype) for dtype in ("float64", "float32")
    )
    # other random numbers, so compare the ensembles
    spread = np.hypot(double.standard_errors[-1], single.standard_errors[-1])
    assert (np.abs(double.means[-1] - single.means[-1]) < 4 * spread).all()


def test_records_hold_the_problem(tmp_path):
    run = simulated(Chain(rmsprop(), batch_equivalent, gaussian()), PLANE, **ASKED, paths=10)
    run.save(str(tmp_path / "run.json"))
    saved = load(str(tmp_path / "run.json")).settings["problem"]
    assert saved == PLANE.description
    assert saved["factor"] == [["theta_1**2/4 + 1", "theta_2/5"], ["sin(theta_1)/2", "1/2"]]
    again = Formula(**saved)
    assert (again.f, again.factor) == (PLANE.f, PLANE.factor)


def test_noise_free_steps_leave_the_noise_out():
    """All steps but the last: theta is linear in the noise of that one, so its mean is that of a run without
    noise.
    """
    problem = Formula(theta**4 / 4, 1 + sp.sin(theta) / 2)
    made = modified_equation(sgd(), ballistic, gaussian(), 1, "ode")
    asked = {
        "horizon": 0.5,
        "start": {"theta": 1.0},
        "observables": ("theta[0]",),
        "paths": 4096,
        "substeps": 4,
    }
    (row,) = measured(made, problem, taus=(0.125,), **asked, noise_free_steps=3).rows
    at = here = 1.0
    for _ in range(4):
        here, at = at, at - 0.125 * at**3
    deviation = 0.125 * (1 + np.sin(here) / 2)
    assert abs(row.optimizer - at) < 4 * deviation / math.sqrt(4096)
    # noise in all four steps would have twice the deviation
    assert row.standard_error < 1.2 * deviation / math.sqrt(4096)
