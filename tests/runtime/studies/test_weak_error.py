"""Weak errors of SGD's equations on a quadratic, where both sides are known in closed form."""

import json
import math
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise

import numpy as np
import pytest
from flat import measured
from linear_gaussian import equation as exact_equation
from linear_gaussian import optimizer
from quadratics import quadratic
from sympy import Integer

from optsde.derive import (
    adam,
    ballistic,
    batch_equivalent,
    batch_mean,
    gaussian,
    modified_equation,
    rmsprop,
    sgd,
    two_point,
)
from optsde.derive.schemes.known import additive_heun, euler_maruyama, heun, runge_kutta
from optsde.runtime import WeakErrorStudy, load
from optsde.runtime.results.shown import plain

PROBLEM = quadratic([[1.0, 0.5], [0.5, 1.5]], [[0.5, 0.2], [0.2, 0.8]], minimum=[0.3, -0.2])
START = np.array([1.0, -0.5])
OBSERVABLES = ("norm(theta)**2", "theta[0]")
TAUS = (0.5, 0.25, 0.125)


@cache
def equation(regime: str, order: int):
    form = "fluctuation" if (regime, order) == ("ballistic", 1) else "diffusion"
    made = {"ballistic": ballistic, "batch-equivalent": batch_equivalent}[regime]
    return modified_equation(sgd(), made, gaussian(), order, form)


def study(regime: str = "batch-equivalent", order: int = 2, **changes) -> WeakErrorStudy:
    asked = {
        "taus": TAUS,
        "horizon": 1.0,
        "start": {"theta": START},
        "observables": OBSERVABLES,
        "paths": 20_000,
        "seed": 3,
    }
    return measured(equation(regime, order), PROBLEM, **(asked | changes))


def exact(
    regime: str, order: int, tau: float, start: np.ndarray = START, skipped: int = 0
) -> dict[str, float]:
    noise = 1.0 if regime == "ballistic" else tau**-0.5
    steps = round(1.0 / tau) - skipped
    right = optimizer(PROBLEM, start, tau, steps, noise)
    approximate = exact_equation(PROBLEM, start, tau, steps * tau, order, noise)
    means = zip(
        OBSERVABLES, (approximate.norm2(), approximate.first()), (right.norm2(), right.first()), strict=True
    )
    return {name: a - b for name, (a, _), (b, _) in means}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("regime", ["ballistic", "batch-equivalent"])
def test_the_weak_error_is_the_exact_one(regime, order):
    found = study(regime, order)
    assert [(r.tau, r.observable) for r in found.rows] == [
        (tau, name) for tau in TAUS for name in OBSERVABLES
    ]
    for row in found.rows:
        wanted = exact(regime, order, row.tau)[row.observable]
        assert abs(row.weak_error - wanted) <= 4 * row.standard_error + abs(row.own_error)
        assert row.equation - row.optimizer == pytest.approx(row.weak_error, rel=1e-12)
        assert (row.paths, row.nonfinite, row.negative) == (20_000, 0, 0)
        assert row.substeps % 4 == 0
    # not vacuous: at the largest tau the errors of the two orders differ by more than what is allowed above
    first, other = found.rows[0], exact(regime, 3 - order, 0.5)[OBSERVABLES[0]]
    assert abs(first.weak_error - other) > 2 * (4 * first.standard_error + abs(first.own_error))


@pytest.mark.parametrize("draws", [1, 2])
def test_signs_have_another_fourth_moment_than_their_equation(draws):
    """``E theta**4`` by cumulants: those of SGD are sums over its steps, the fourth of a mean of n signs is
    ``-2/n**3``.
    """
    tau, start = 0.25, np.zeros(1)
    problem, smaller = quadratic([[1.0]], [[4.0]]), quadratic([[1.0]], [[4.0 / draws]])
    law = batch_mean(two_point(), Integer(draws))
    (row,) = measured(
        modified_equation(sgd(), ballistic, law, 2),
        problem,
        taus=[tau],
        horizon=1.0,
        start={"theta": start},
        observables=["theta[0]**4"],
        paths=100_000,
        seed=3,
        substeps=32,
    ).rows
    right, approximate = (
        law.mean[0] ** 4 + 6 * law.mean[0] ** 2 * law.covariance[0, 0] + 3 * law.covariance[0, 0] ** 2
        for law in (optimizer(smaller, start, tau, 4, 1.0), exact_equation(smaller, start, tau, 1.0, 2, 1.0))
    )
    fourth = -2 / draws**3 * (tau * 2) ** 4 * sum((1 - tau) ** (4 * n) for n in range(4))
    bound = 4 * row.standard_error + abs(row.own_error)
    assert abs(row.weak_error - (approximate - right - fourth)) <= bound
    assert abs(fourth) > 2 * bound


def test_the_noise_free_start_counts_as_part_of_the_horizon():
    skipped = 2
    for row in study(noise_free_steps=skipped, taus=(0.25,)).rows:
        begin = optimizer(PROBLEM, START, row.tau, skipped, 0.0).mean
        wanted = exact("batch-equivalent", 2, row.tau, begin, skipped)[row.observable]
        assert abs(row.weak_error - wanted) <= 4 * row.standard_error + abs(row.own_error)
        right = optimizer(PROBLEM, begin, row.tau, 2, row.tau**-0.5)
        mean, variance = right.norm2() if row.observable == OBSERVABLES[0] else right.first()
        assert abs(row.optimizer - mean) <= 4 * math.sqrt(variance / row.paths)


def test_noise_free_steps_take_time():
    """Without any noise they change nothing for the optimizer, even one with bias corrections that depend on
    time.
    """
    made = modified_equation(adam(), ballistic, gaussian(), 1, "ode")
    asked = {
        "taus": (0.25,),
        "horizon": 1.0,
        "t0": 0.5,
        "paths": 16,
        "substeps": 4,
        "start": {"theta": 1.0, "v": 1.0},
    }
    asked |= {"scheme": euler_maruyama}
    usual, later = (
        measured(made, quadratic([[1.0]], 0.0), **asked, noise_free_steps=n).rows[0] for n in (0, 2)
    )
    assert later.optimizer == pytest.approx(usual.optimizer, rel=1e-12)
    # the equation starts elsewhere
    assert later.equation != pytest.approx(usual.equation, rel=1e-6)


def test_the_own_error_bounds_the_discretisations_bias():
    """Plain Euler would be wrong by far more; the exact bias of the extrapolated equation is below the
    reported one.
    """
    rows = study(paths=200_000, substeps=4, taus=(0.25,)).rows
    for row in rows:
        bias = row.weak_error - exact("batch-equivalent", 2, row.tau)[row.observable]
        assert abs(bias) <= abs(row.own_error) + 4 * row.standard_error
    fine = study(paths=200_000, substeps=16, taus=(0.25,)).rows
    # the correction is of order substep squared: 16 times smaller, within the noise of both
    assert abs(fine[0].own_error) < abs(rows[0].own_error) / 8


def test_a_scheme_of_order_two_has_the_exact_weak_error_too():
    """What is left after the extrapolation is of order h^4, the last correction of order h^3."""
    for row in study(scheme=additive_heun, substeps=4).rows:
        wanted = exact("batch-equivalent", 2, row.tau)[row.observable]
        assert abs(row.weak_error - wanted) <= 4 * row.standard_error + abs(row.own_error)


@pytest.mark.parametrize(
    ("scheme", "power"),
    [pytest.param(euler_maruyama, 3, marks=pytest.mark.slow), (heun, 4), (runge_kutta, 6)],
    ids=["Euler", "Heun", "Runge-Kutta"],
)
def test_an_ode_is_extrapolated_with_the_weights_of_its_scheme(scheme, power):
    """The optimizer without noise, exactly: what is left is of order ``h^(p+2)``, so twice the substeps
    divide it by that.
    """
    problem = quadratic(PROBLEM.matrices["H"], 1e-12, minimum=PROBLEM.vectors["minimum"])
    made = modified_equation(sgd(), ballistic, gaussian(), 1, "ode")
    left = []
    for substeps in (4, 8):
        (row, _) = measured(
            made,
            problem,
            taus=(0.125,),
            horizon=1.0,
            start={"theta": START},
            observables=OBSERVABLES,
            paths=2,
            substeps=substeps,
            scheme=scheme,
        ).rows
        flow = exact_equation(problem, START, 0.125, 1.0, 1, 0.0).norm2()[0]
        left.append(abs(row.equation - flow))
        assert left[-1] < abs(row.own_error)
    # rates up to 1.8 and h = 1/8 on the coarsest grid: the ratio is 2**power within a factor 1.5, another
    # power is not
    assert 2.0**power / 1.5 < left[0] / left[1] < 2.0**power * 1.5


def test_a_stricter_share_takes_more_substeps():
    loose, strict = (study(paths=100_000, own_share=share, taus=(0.5,)).rows[0] for share in (0.5, 0.01))
    assert loose.substeps < strict.substeps
    assert abs(strict.own_error) < abs(loose.own_error)
    assert [r.substeps for r in study(paths=100, substeps=12).rows] == [12] * 6


def test_paths_are_added_until_the_precision_is_reached():
    asked = {"taus": (0.5,), "observables": OBSERVABLES[:1], "substeps": 16, "paths": 2_000_000}
    (row,) = study(**asked, precision=0.05).rows
    assert row.stopped == "precision"
    assert row.standard_error + abs(row.own_error) <= 0.05 * abs(row.weak_error)
    assert row.paths in [2**n for n in range(14, 21)]
    # half as many paths were not enough, and the sums are those of one run
    (half,) = study(**{**asked, "paths": row.paths // 2}, precision=0.05).rows
    assert half.stopped == "paths"
    (whole,) = study(**{**asked, "paths": row.paths}).rows
    assert replace(whole, stopped="precision") == row


def test_paths_are_added_until_the_time_is_up():
    few = study(taus=(0.5,), substeps=4, paths=10**12, seconds=0.2).rows
    assert {row.stopped for row in few} == {"seconds"}
    assert 1024 <= few[0].paths < 10**9
    assert study(taus=(0.5,), substeps=4, paths=2000, seconds=60.0).rows[0].stopped == "paths"
    with pytest.raises(ValueError, match=r"seconds is -1; expected a finite number > 0"):
        study(seconds=-1)


def test_antithetic_pairs_measure_the_same():
    """SGD and its equation are linear: what is left of the spread of theta[0] is round-off."""
    (plain, first), (pairs, exactly) = (
        study(taus=(0.25,), antithetic=both, substeps=8).rows for both in (False, True)
    )
    wanted = exact("batch-equivalent", 2, 0.25)
    for row in (plain, pairs, exactly):
        own = abs(row.own_error) + abs(row.own_standard_error)
        assert abs(row.weak_error - wanted[row.observable]) <= 4 * row.standard_error + own
    assert pairs.standard_error < plain.standard_error
    assert exactly.standard_error < 1e-12 < first.standard_error


def test_numbers_are_determined_by_the_seed():
    few = {"paths": 2000, "substeps": 4}
    first, again, parallel, other = (
        study(**few),
        study(**few, threads=1),
        study(**few, threads=2),
        study(**few, seed=4),
    )
    assert first.rows == again.rows == parallel.rows
    assert all(a.optimizer != b.optimizer for a, b in zip(first.rows, other.rows, strict=True))


def test_each_tau_has_its_own_noise():
    few = {"paths": 64, "substeps": 4, "start": {"theta": PROBLEM.vectors["minimum"]}}

    def noise(tau: float, taus: tuple[float, ...], seed: int) -> float:
        """After one step from the minimum, what theta[0] has moved in units of the noise, on average over the
        paths.
        """
        found = {
            (r.tau, r.observable): r.optimizer
            for r in study(**few, horizon=max(taus), taus=taus, seed=seed).rows
        }
        return (found[tau, "theta[0]"] - 0.3) / math.sqrt(tau)

    same = noise(0.5, (0.5,), 0)
    assert noise(0.5, (0.5, 0.25), 0) == pytest.approx(same, rel=1e-12)  # seeds go by the place in the list
    assert noise(0.25, (0.25,), 0) == pytest.approx(same, rel=1e-12)
    others = [noise(0.5, (0.25, 0.5), 0), noise(0.5, (0.5,), 1), noise(0.5, (0.25, 0.5), 1)]
    assert all(abs(a - b) > 1e-6 for a, b in combinations([same, *others], 2))


def test_slopes_of_the_known_errors():
    for order in (1, 2):
        found = study(order=order, paths=100_000)
        taus, errors, standard_errors = found.series(OBSERVABLES[0])
        np.testing.assert_array_equal(taus, TAUS)
        np.testing.assert_array_equal(errors, [r.weak_error for r in found.rows[::2]])
        np.testing.assert_array_equal(standard_errors, [r.standard_error for r in found.rows[::2]])
        values = [exact("batch-equivalent", order, tau)[OBSERVABLES[0]] for tau in TAUS]
        for local, (coarse, fine) in zip(found.local_slopes[OBSERVABLES[0]], pairwise(values), strict=True):
            wanted = math.log(coarse / fine) / math.log(2)
            own = max(abs(r.own_error / r.weak_error) for r in found.rows[::2])
            assert abs(local.slope - wanted) < 4 * local.standard_error + 2 * own / math.log(2)
        slope = found.slopes[OBSERVABLES[0]]
        assert slope.low <= slope.slope <= slope.high
        assert found.weak_order == order


def test_a_study_is_saved_read_back_and_printed_as_data(tmp_path):
    found = study(paths=2000, substeps=4)
    found.save(str(tmp_path / "study.json"))
    again = load(str(tmp_path / "study.json"))
    assert (again.name, again.weak_order, again.seconds) == (found.name, found.weak_order, found.seconds)
    assert again.rows == found.rows
    assert again.slopes == found.slopes
    np.testing.assert_array_equal(again.settings["problem"]["S"], found.settings["problem"]["S"])
    data = json.loads(json.dumps(plain(found.to_json()), allow_nan=False))
    assert {"tau", "observable", "weak_error", "standard_error", "own_error", "substeps", "paths"} <= set(
        data["rows"][0]
    )
    assert {"observable", "slope", "low", "high"} <= set(data["slopes"][0])
    assert [s["observable"] for s in data["slopes"]] == list(OBSERVABLES) == list(found.observables)
    assert data["seconds"] > 0
    assert data["settings"]["seed"] == 3


def test_progress_is_labelled_by_tau():
    calls = []
    study(paths=2000, substeps=4, progress=lambda label, done, total: calls.append((label, done, total)))
    assert list(dict.fromkeys(label for label, _, _ in calls)) == ["tau=0.5", "tau=0.25", "tau=0.125"]
    assert calls[-1][1:] == (2000, 2000)


def test_paths_that_diverge_are_counted_or_refused():
    made = modified_equation(rmsprop(), batch_equivalent, gaussian(), 2)
    asked = {"taus": (0.5,), "horizon": 1.0, "paths": 2000, "substeps": 4, "start": {"theta": 1.0, "v": 0.05}}
    values = {"constants": {"eps": 0.1, "c": 1.0}, "observables": ("theta[0]**2",)}
    (row,) = measured(made, quadratic([[1.0]], [[0.3]]), **asked, **values).rows
    assert 0 < row.nonfinite < 2000
    assert row.lost[-1][1] == row.nonfinite
    assert {t for t, _ in row.lost} <= {0.5, 1.0}
    assert row.negative > 0
    assert math.isfinite(row.weak_error)
    with pytest.raises(
        ValueError, match=r"2000 of 2000 paths became non-finite \(2000 by time 0\.5\); expected a stable"
    ):
        measured(made, quadratic([[1.0]], [[0.3]]), **asked | {"start": {"theta": 1.0, "v": 0.0}}, **values)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"taus": ()}, r"taus are \[\]; expected at least one, each once"),
        ({"taus": (0.5, 0.5)}, r"taus are \[0\.5, 0\.5\]; expected at least one, each once"),
        ({"taus": (0.5, 0.3)}, r"horizon 1 is not a multiple of tau 0\.3; take 0\.9"),
        ({"taus": (0.5, -0.5)}, r"tau is -0\.5"),
        ({"substeps": 6}, "substeps is 6; expected a multiple of 4: three nested grids"),
        ({"substeps": 0}, "substeps is 0"),
        ({"noise_free_steps": 2}, r"2 noise-free steps of tau 0\.5 fill the horizon 1; take fewer"),
        ({"noise_free_steps": -1}, "noise-free steps is -1"),
        ({"own_share": 0.0}, r"own share is 0\.0; expected a finite number > 0"),
        ({"own_share": math.nan}, "own share is nan"),
        ({"paths": 1}, "paths is 1; expected a whole number of at least 2"),
        ({"seed": -1}, "seed is -1"),
        ({"t0": 0.3}, r"t0 0\.3 is not a multiple of tau 0\.5"),
        ({"observables": ("theta[5]",)}, r"the name 'theta\[5\]'"),
        ({"constants": {"c": 1.0}}, "constant 'c'; sgd"),
        ({"start": {"theta": [math.inf, 0]}}, "start of theta is"),
    ],
)
def test_bad_input_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint) as refusal:
        study(**changes)
    assert "\n" not in str(refusal.value)
