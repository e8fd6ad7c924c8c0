"""Published and derived equations measured side by side."""

import json
from dataclasses import replace

import numpy as np
import pytest

from optsde.derive.claims.papers import callisti, li_tai_e
from optsde.derive.claims.verdicts import check
from optsde.runtime.results.shown import plain
from optsde.runtime.studies.comparisons import compare


@pytest.fixture(scope="module")
def wrong_sgd():
    """SGD with twice the correction of its drift."""
    claim = replace(li_tai_e.sgd_order_2, drift={"theta": "-g - eta*H(g)"})
    return compare(check(claim), paths=2000, seed=3)


def exact_error(tau: float, correction: float) -> float:
    """``E |theta|**2`` of the equation less that of SGD on the problem of `compare`, whose noise has the
    factor ``0.7 H``.
    """
    steps, error = round(1 / tau), 0.0
    for h, mean in zip(
        (0.5, 1.5), (0.5 / 2**0.5, 1.5 / 2**0.5), strict=True
    ):  # of H, and the start along its eigenvectors
        rate, kept, variance = h + correction * tau * h**2, (1 - tau * h) ** 2, (0.7 * h) ** 2
        decay = np.exp(-2 * rate)
        equation = decay * mean**2 + tau * variance * (1 - decay) / (2 * rate)
        chain = kept**steps * mean**2 + tau**2 * variance * (1 - kept**steps) / (1 - kept)
        error += equation - chain
    return error


@pytest.mark.slow
def test_a_right_claim_is_the_derived_equation():
    found = compare(check(li_tai_e.sgd_order_2), paths=500, seed=1)
    for published, derived in zip(found.published.rows, found.derived.rows, strict=True):
        assert published.optimizer == derived.optimizer
        assert published.weak_error == pytest.approx(derived.weak_error, abs=1e-13)


def test_a_wrong_drift_has_the_error_that_it_predicts(wrong_sgd):
    """Every eigenvector of H is an Ornstein-Uhlenbeck process of rate ``h + r tau h**2`` against an
    autoregression.
    """
    for study, r in ((wrong_sgd.published, 1.0), (wrong_sgd.derived, 0.5)):
        for row in study.rows:
            bound = 4 * row.standard_error + abs(row.own_error)
            assert abs(row.weak_error - exact_error(row.tau, r)) < bound
    # not vacuous: at the largest tau the two differ by more than both bounds
    assert abs(exact_error(0.25, 1.0) - exact_error(0.25, 0.5)) > 2 * bound
    assert (wrong_sgd.published.weak_order, wrong_sgd.derived.weak_order) == (1, 2)


def test_the_optimizer_is_the_same_in_both(wrong_sgd):
    assert [r.optimizer for r in wrong_sgd.published.rows] == [r.optimizer for r in wrong_sgd.derived.rows]


def test_table_and_json(wrong_sgd, tmp_path):
    text = str(wrong_sgd)
    assert text.startswith("li2019, SGD, order 2\n")
    assert text.count("published") == text.count("derived ") == 1
    assert f"{wrong_sgd.published.rows[-1].weak_error:.3e}" in text
    assert set(json.loads(json.dumps(plain(wrong_sgd.to_json())))) == {
        "paper",
        "name",
        "noise",
        "published",
        "derived",
    }
    wrong_sgd.plot(str(tmp_path / "errors.png"))
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize(
    "claim", [callisti.adam_ballistic_order_2, callisti.adam_batch_order_2], ids=["ballistic", "batch"]
)
def test_the_sign_of_the_covariance_of_m_and_v_shows(claim):
    """Cov(m, v) enters d E[m v]/dt at order tau: of the wrong sign it leaves an error far above the derived
    one's.
    """
    found = compare(check(claim), paths=100_000, seed=0)
    (published, derived) = (
        [row for row in study.rows if row.observable == "m[0]*v[0]"][-1]
        for study in (found.published, found.derived)
    )
    noise = np.hypot(published.standard_error, derived.standard_error)
    assert abs(published.weak_error) > abs(derived.weak_error) + 10 * noise


@pytest.mark.slow
@pytest.mark.parametrize(
    ("claim", "noise"),
    [(callisti.adam_polynomial, "two-point"), (callisti.adam_polynomial_batch, "mean of 8 two-point")],
    ids=["one sample", "batches"],
)
def test_the_variance_of_a_square_of_signs_shows(claim, noise):
    """Published noise in v at order tau, where there is none or less: v**2 keeps an error of order 1, while
    that of theta**2 is of order 2 for the derived equation. From tau to tau/4 they fall by less and by more
    than 8, which is of order 3/2.
    """
    found = compare(check(claim), paths=100_000, seed=0)
    assert found.title == f"callisti2025-code, {claim.name}, noise: {noise}"
    assert found.to_json()["noise"] == noise
    (coarse, fine), (wrong, still_wrong) = (
        [row for row in study.rows if row.observable == name and row.tau in (1 / 4, 1 / 16)]
        for study, name in ((found.derived, "norm(theta)**2"), (found.published, "norm(v)**2"))
    )
    assert abs(fine.weak_error) + 4 * fine.standard_error < abs(coarse.weak_error) / 8
    assert abs(still_wrong.weak_error) - 4 * still_wrong.standard_error > abs(wrong.weak_error) / 8
    published, derived = (
        [row for row in study.rows if row.observable == "norm(v)**2"][-1]
        for study in (found.published, found.derived)
    )
    assert abs(published.weak_error) > abs(derived.weak_error) + 10 * np.hypot(
        published.standard_error, derived.standard_error
    )
    assert found.derived.settings["problem"]["H"].shape == (1, 1)
