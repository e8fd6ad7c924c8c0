"""The control variate, against the exact moments of SGD and of Gaussian polynomials, and against the plain
means.
"""

import math
from typing import Any

import numpy as np
import pytest
from flat import measured, simulated
from linear_gaussian import euler, optimizer
from quadratics import quadratic

from optsde.codegen.lowering.kernels import MOST_NUMBERS, control_track
from optsde.codegen.lowering.regularisation import smooth
from optsde.codegen.lowering.steps import optimizer_step
from optsde.codegen.program.observables import observable
from optsde.derive import (
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    modified_equation,
    rmsprop,
    sgd,
    sign_sgd,
)
from optsde.derive.derivation.chain import Chain
from optsde.derive.derivation.equation import ModifiedEquation
from optsde.runtime import Quadratic
from optsde.runtime.problems.formula import Formula
from optsde.runtime.results.statistics import MeanEstimate
from optsde.runtime.studies.binding import on_track
from optsde.runtime.studies.control_variate import check_complete, controlled, expectations

PROBLEM = quadratic([[1.0, 0.5], [0.5, 1.5]], [[0.5, 0.2], [0.2, 0.8]], minimum=[0.3, -0.2])
START = np.array([1.0, -0.5])
LAW = gaussian(constant=True)
SGD = Chain(sgd(), ballistic, LAW)
POLYNOMIALS = ("norm(theta)**2", "theta[0]", "theta[0]**2*theta[1] + 2", "mean(theta**3)")


def means(law) -> list[float]:
    """Of `POLYNOMIALS`, by the moments of a Gaussian vector."""
    m, c = law.mean, law.covariance
    cubes = [m[i] ** 3 + 3 * m[i] * c[i, i] for i in range(2)]
    return [law.norm2()[0], m[0], m[0] ** 2 * m[1] + c[0, 0] * m[1] + 2 * m[0] * c[0, 1] + 2, sum(cubes) / 2]


def test_the_means_on_a_linear_chain_are_exact():
    found = [observable(text, ("theta",), 2) for text in POLYNOMIALS]
    track = control_track(optimizer_step(SGD, PROBLEM.fields), "step", found, 2)
    exact = expectations(track, found, {"tau": 0.25}, PROBLEM, START[None], 0.0, 0.25, [1, 5])
    wanted = [means(optimizer(PROBLEM, START, 0.25, steps, 1.0)) for steps in (1, 5)]
    np.testing.assert_allclose(exact, wanted, rtol=1e-13)
    np.testing.assert_array_equal(on_track(track, START[None]), [START, START])


@pytest.mark.parametrize("antithetic", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_linear_chain_is_known_without_its_paths(antithetic):
    """The control is what is simulated: nothing of the spread is left but what cancellation leaves of 16
    digits.
    """
    asked = {
        "tau": 0.25,
        "horizon": 2.0,
        "start": {"theta": START},
        "observables": POLYNOMIALS,
        "paths": 2000,
        "seed": 5,
    }
    equation = modified_equation(sgd(), ballistic, LAW, 2)
    for target, law in (
        (SGD, lambda n: optimizer(PROBLEM, START, 0.25, n, 1.0)),
        (equation, lambda n: euler(PROBLEM, START, 0.25, n, 4, 2, 1.0)),
    ):
        found = simulated(target, PROBLEM, **asked, substeps=4, antithetic=antithetic, control_variate=True)
        np.testing.assert_allclose(found.means, [means(law(n)) for n in range(1, 9)], rtol=1e-9)
        assert found.standard_errors.max() < 1e-8
        assert found.settings["control_variate"] is True


def test_the_correction_is_that_of_a_regression():
    random = np.random.default_rng(1)
    control = random.normal(size=(1000, 3))
    target = 0.3 * control + random.normal(size=(1000, 3)) * [1.0, 0.01, 0.0]
    control[:, 2] = 1.0  # a control that does not vary corrects nothing

    def estimate(samples) -> MeanEstimate:
        return MeanEstimate(samples.mean(0), samples.std(0, ddof=1) / math.sqrt(1000))

    found = controlled(
        estimate(target), estimate(control), estimate(target + control), np.array([0.1, 0.2, 0.3])
    )
    for n in range(2):
        (factor, _), residuals, *_ = np.linalg.lstsq(
            np.column_stack([control[:, n], np.ones(1000)]), target[:, n]
        )
        assert found.mean[n] == pytest.approx(
            target[:, n].mean() - factor * (control[:, n].mean() - 0.1 * (n + 1)), rel=1e-10
        )
        assert found.standard_error[n] == pytest.approx(math.sqrt(residuals[0] / 999 / 1000), rel=1e-8)
    assert found.mean[2] == pytest.approx(target[:, 2].mean(), rel=1e-12)
    assert found.standard_error[2] == pytest.approx(target[:, 2].std(ddof=1) / math.sqrt(1000))


def asked_of(problem: Quadratic | Formula) -> tuple[ModifiedEquation, dict[str, Any]]:
    """An equation for each kind of problem, and what is asked of it."""
    rule, regime = (rmsprop(), ballistic) if isinstance(problem, Quadratic) else (adam(), batch_equivalent)
    asked = {
        "start": {"theta": [1.0, 0.5], "v": 1.0},
        "observables": ("norm(theta)**2", "theta[1]"),
        "horizon": 1.0,
        "t0": 1.0,
    }
    asked |= {"regularisation": smooth(), "constants": {"eps": 0.1}, "paths": 20_000}
    return modified_equation(rule, regime, LAW, 2), asked


DENSE = quadratic([[1, 0.5], [0.5, 1]], noise=0.25)
FORMULA = Formula("theta_1**2/2 + theta_1*theta_2/2 + theta_2**4/4", "0.3", 2)


@pytest.mark.parametrize(
    ("problem", "what"),
    [
        (DENSE, "equation"),
        (FORMULA, "optimizer"),
        *(
            pytest.param(p, w, marks=pytest.mark.slow)
            for p, w in ((DENSE, "optimizer"), (FORMULA, "equation"))
        ),
    ],
    ids=["dense-equation", "formula-optimizer", "dense-optimizer", "formula-equation"],
)
def test_means_stay_the_same_and_vary_less(problem, what):
    """Independent samples: the difference has the standard errors of both."""
    equation, asked = asked_of(problem)
    target = equation if what == "equation" else equation.chain
    plain, better = (
        simulated(target, problem, **asked, tau=0.125, seed=c, control_variate=c > 0) for c in (0, 1)
    )
    error = np.hypot(plain.standard_errors, better.standard_errors)
    assert (np.abs(plain.means - better.means) < 4.5 * error).all()  # 8 times, 2 observables: 1e-4
    assert (better.standard_errors[-1] < 0.2 * plain.standard_errors[-1]).all()


@pytest.mark.parametrize(
    "problem", [DENSE, pytest.param(FORMULA, marks=pytest.mark.slow)], ids=["dense", "formula"]
)
def test_weak_errors_stay_the_same(problem):
    equation, asked = asked_of(problem)
    plain, better = (
        measured(equation, problem, **asked, taus=[0.125], seed=c, control_variate=c > 0).rows for c in (0, 1)
    )
    for first, second in zip(plain, better, strict=True):
        spread = math.hypot(first.standard_error, second.standard_error)
        assert abs(first.weak_error - second.weak_error) < 4 * spread + abs(first.own_error) + abs(
            second.own_error
        )
        assert second.standard_error <= 1.02 * first.standard_error  # spreads as 20,000 paths show them


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("norm(theta)**2", True),
        ("theta[0]*theta[1]*v[0]", True),
        ("dot(theta, v) - 3*theta[0]**3", True),
        ("2", True),
        ("norm(theta)", False),
        ("norm(theta)**4", False),
        ("norm(theta)**2*norm(v)**2", False),
        ("1/theta[0]", False),
        ("sum(abs(theta))", False),
        ("sum(theta**2)*theta[0]**2", False),
        ("sqrt(2)*theta[0]", True),
    ],
)
def test_only_polynomials_of_degree_three_are_known(text, known):
    step = optimizer_step(Chain(rmsprop(), ballistic, LAW), PROBLEM.fields)
    phi = observable(text, step.state, 2)
    if known:
        assert control_track(step, "step", [phi], 2).step.state == ("theta", "v", "theta_mean", "v_mean")
    else:
        with pytest.raises(ValueError, match="expected a polynomial of degree at most 3, as"):
            control_track(step, "step", [phi], 2)


def test_what_cannot_be_controlled_is_refused():
    asked = {
        "tau": 0.25,
        "horizon": 1.0,
        "start": {"theta": START},
        "observables": POLYNOMIALS[:1],
        "paths": 100,
    }
    with pytest.raises(ValueError, match="control variate for path 3 alone"):
        simulated(SGD, PROBLEM, **asked, only_path=3, control_variate=True)
    with pytest.raises(ValueError, match="which has no noise near its path"):
        simulated(Chain(sign_sgd(), ballistic, LAW), PROBLEM, **asked, control_variate=True)
    with pytest.raises(ValueError, match="state of 1026 numbers"):
        control_track(
            optimizer_step(Chain(rmsprop(), ballistic, LAW), PROBLEM.fields), "step", [], MOST_NUMBERS + 1
        )
    with pytest.raises(ValueError, match="all paths, but 3 of 10 became non-finite at once; leave it out"):
        check_complete(7, 10, " at once")
    phi = observable("theta[0]", ("theta",), 2)
    track = control_track(optimizer_step(SGD, PROBLEM.fields), "step", [phi], 2)
    with pytest.raises(ValueError, match="grows beyond all bounds"):
        expectations(track, [phi], {"tau": 1e3}, PROBLEM, START[None], 0.0, 1e3, [200])
