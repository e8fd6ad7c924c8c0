import json
import math
from statistics import NormalDist

import numpy as np
import pytest

from optsde.runtime.results.statistics import fit_slope, local_slopes, mean_estimate, student_quantile

TAUS = 2.0 ** -np.arange(1, 7)


def test_mean_estimate_is_the_textbook_one():
    samples = np.random.default_rng(1).normal(0.3, 2.0, size=(50, 3))
    estimate = mean_estimate(50, samples.sum(axis=0), (samples**2).sum(axis=0))
    np.testing.assert_allclose(estimate.mean, samples.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(
        estimate.standard_error, samples.std(axis=0, ddof=1) / math.sqrt(50), rtol=1e-12
    )


def test_variance_is_never_negative():
    constants = np.array([0.1, 1 / 3, 1e8 + 0.1, -7e-9])
    estimate = mean_estimate(7, sum([constants] * 7), sum([constants**2] * 7))
    assert (estimate.standard_error >= 0).all()
    # round-off only: squares are known to n eps relative, so the variance to about eps * constants**2
    assert (estimate.standard_error <= 1e-7 * np.abs(constants)).all()


def test_counts_broadcast_and_divergence_is_not_hidden():
    estimate = mean_estimate([2, 4], [[2.0, 4.0], [np.inf, np.nan]], [[4.0, 8.0], [np.inf, np.nan]])
    np.testing.assert_allclose(estimate.standard_error[0], [1.0, math.sqrt(4 / 3 / 4)])
    assert np.isnan(estimate.standard_error[1]).all()


def test_one_sample_has_no_standard_error():
    with pytest.raises(ValueError, match="count is 1, expected at least 2"):
        mean_estimate([3, 1], 1.0, 1.0)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("relative", [0.0, 1e-3, 0.2])
def test_a_power_law_gives_its_power(power, relative):
    errors = -0.7 * TAUS**power
    fit = fit_slope(TAUS, errors, relative * np.abs(errors))
    assert fit.used == (True,) * 6
    assert fit.slope == pytest.approx(power, abs=1e-12)
    # all weights equal: half-width is z * relative / sqrt(sum (x - mean)**2), with x in steps of log 2
    half = NormalDist().inv_cdf(0.975) * relative / (math.log(2) * math.sqrt(17.5))
    assert fit.high - fit.slope == pytest.approx(half, abs=1e-11)
    assert fit.slope - fit.low == pytest.approx(half, abs=1e-11)


def test_weights_are_inverse_variances():
    errors, relative = np.array([0.9, 0.2, 0.07]), np.array([0.01, 0.1, 0.05])
    x, y = np.log([0.5, 0.25, 0.125]), np.log(errors)
    design = np.column_stack([np.ones(3), x]) / relative[:, None]
    expected = np.linalg.lstsq(design, y / relative, rcond=None)[0][1]
    assert fit_slope([0.5, 0.25, 0.125], errors, relative * errors).slope == pytest.approx(
        expected, rel=1e-12
    )


def _expected_coverage(dof, confidence):
    """Of the interval that is normal for chi**2 <= dof and scaled Student beyond: slope and chi**2 are
    independent.
    """
    chi2 = np.linspace(0, dof + 60 * math.sqrt(dof), 400_001)[1:]
    density = chi2 ** (dof / 2 - 1) * np.exp(-chi2 / 2) / (2 ** (dof / 2) * math.gamma(dof / 2))
    t, z = student_quantile(confidence, dof), NormalDist().inv_cdf((1 + confidence) / 2)
    width = np.where(chi2 > dof, t * np.sqrt(chi2 / dof), z)
    inside = np.array([math.erf(w / math.sqrt(2)) for w in width[::100]])
    inside = np.interp(chi2, chi2[::100], inside)
    return float(np.sum(density * inside) / np.sum(density))


@pytest.mark.parametrize(("n", "confidence"), [(4, 0.8), (6, 0.8), (9, 0.95)])
def test_interval_covers_as_often_as_it_should(n, confidence):
    rng, runs, taus = np.random.default_rng(7), 3000, 2.0 ** -np.arange(n)
    # one percent noise: log(1 + s) is s up to 1e-4, two percent of its spread
    covered = 0
    for _ in range(runs):
        exact = 0.3 * taus**2
        fit = fit_slope(
            taus, exact * (1 + 0.01 * rng.standard_normal(n)), 0.01 * exact, confidence=confidence
        )
        covered += fit.low <= 2 <= fit.high
    expected = _expected_coverage(n - 2, confidence)
    assert expected > confidence
    assert covered / runs == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / runs))


def test_two_noisy_points_cover_at_the_nominal_rate():
    rng, runs = np.random.default_rng(8), 4000
    covered = 0
    for _ in range(runs):
        fit = fit_slope(
            [0.5, 0.25], np.array([0.5, 0.25]) * (1 + 0.01 * rng.standard_normal(2)), [0.005, 0.0025]
        )
        covered += fit.low <= 1 <= fit.high
    assert covered / runs == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / runs))


def test_curvature_widens_the_interval():
    errors = TAUS + 3 * TAUS**2
    tight = fit_slope(TAUS, errors, 1e-6 * errors)
    exact = fit_slope(TAUS, errors, 0 * errors)
    assert tight.high - tight.low > 0.1
    assert (tight.slope, tight.low, tight.high) == pytest.approx(
        (exact.slope, exact.low, exact.high), rel=1e-9
    )


def test_points_below_the_floor_are_left_out_and_said_so():
    errors = TAUS**2
    errors[[2, 5]] = 1e3, np.nan
    standard_errors = 1e-3 * TAUS**2
    standard_errors[2] = 334.0
    fit = fit_slope(TAUS, errors, standard_errors)
    assert fit.used == (True, True, False, True, True, False)
    assert fit.slope == pytest.approx(2, abs=1e-12)
    assert fit_slope(TAUS, errors, standard_errors, floor=2.9).used[2]


def test_an_exact_point_weighs_like_the_most_precise_noisy_one():
    errors = np.array([1.0, 0.3, 0.2])
    mixed = fit_slope(TAUS[:3], errors, [0.0, 0.03, 0.001])
    assert mixed == fit_slope(TAUS[:3], errors, [0.005, 0.03, 0.001])


def test_two_exact_points_have_an_exact_slope():
    fit = fit_slope([0.5, 0.25], [4.0, -1.0], [0, 0])
    assert (fit.slope, fit.low, fit.high) == pytest.approx((2, 2, 2), abs=1e-14)


@pytest.mark.parametrize(
    ("errors", "standard_errors", "count"),
    [([0.0, 0.0], [0.0, 0.0], 0), ([1.0, 1.0], [0.1, 0.5], 1), ([np.inf, 1.0], [0.1, np.nan], 0)],
)
def test_too_few_points_give_a_reason(errors, standard_errors, count):
    fit = fit_slope([0.5, 0.25], errors, standard_errors)
    assert (fit.slope, fit.low, fit.high) == (None, None, None)
    assert f"{count} of 2 steps" in fit.reason
    assert "a slope needs 2" in fit.reason


def test_one_step_given_twice_is_one_step():
    assert fit_slope([0.5, 0.5], [1.0, 1.1], [0.01, 0.01]).slope is None


def test_local_slopes():
    errors = np.array([0.04, 0.35, 1e-9, 3.0])
    taus = np.array([0.125, 0.25, 1 / 16, 0.5])
    rows = local_slopes(taus, -errors, [0.004, 0.0, 1.0, 0.03])
    assert [(row.coarse, row.fine) for row in rows] == [(0.5, 0.25), (0.25, 0.125)]
    assert [row.slope for row in rows] == pytest.approx([math.log2(3 / 0.35), math.log2(0.35 / 0.04)])
    assert [row.standard_error for row in rows] == pytest.approx([0.01 / math.log(2), 0.1 / math.log(2)])


def test_slope_as_json_keeps_everything():
    fit = fit_slope(TAUS, TAUS**2 * 1.1, TAUS**2 * [0.01, 0.01, 0.02, 0.02, 0.1, 1.0])
    assert json.loads(json.dumps(fit.to_json())) == {
        "slope": fit.slope, "low": fit.low, "high": fit.high, "used": [True] * 5 + [False],
        "reason": None, "floor": 3.0, "confidence": 0.95,
    }  # fmt: skip


# two-sided 95 %, from Student's table (Abramowitz and Stegun, table 26.10)
TABLE = {3: 3.182, 4: 2.776, 5: 2.571, 10: 2.228, 15: 2.131, 30: 2.042}


@pytest.mark.parametrize("dof", TABLE)
def test_student_quantiles(dof):
    assert student_quantile(0.95, dof) == pytest.approx(TABLE[dof], abs=5.1e-4)


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_student_quantiles_in_closed_form(confidence):
    assert student_quantile(confidence, 1) == pytest.approx(math.tan(math.pi * confidence / 2), rel=1e-12)
    assert student_quantile(confidence, 2) == pytest.approx(
        confidence * math.sqrt(2 / (1 - confidence**2)), rel=1e-12
    )


@pytest.mark.parametrize(
    ("taus", "errors", "standard_errors", "message"),
    [
        ([0.5, 0.25], [1.0], [1.0], r"shapes \(2,\), \(1,\) and \(1,\), expected one length"),
        ([[0.5]], [[1.0]], [[1.0]], "expected one length"),
        ([0.5, 0.0], [1.0, 1.0], [0.1, 0.1], "expected positive numbers"),
        ([0.5, np.nan], [1.0, 1.0], [0.1, 0.1], "expected positive numbers"),
        ([0.5, 0.25], [1.0, 1.0], [0.1, -0.1], "expected numbers >= 0"),
    ],
)
def test_bad_points(taus, errors, standard_errors, message):
    for function in (fit_slope, local_slopes):
        with pytest.raises(ValueError, match=message):
            function(taus, errors, standard_errors)


def test_bad_options():
    with pytest.raises(ValueError, match="confidence is 95, expected a number between 0 and 1"):
        fit_slope([0.5, 0.25], [1, 1], [0, 0], confidence=95)
    with pytest.raises(ValueError, match="floor is -1, expected a number >= 0"):
        fit_slope([0.5, 0.25], [1, 1], [0, 0], floor=-1)
    with pytest.raises(ValueError, match="repeat a step"):
        local_slopes([0.5, 0.5], [1, 1], [0, 0])
