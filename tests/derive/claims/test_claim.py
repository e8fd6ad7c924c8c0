"""Claims as data: what their formulas mean, and which are refused."""

from dataclasses import replace

import pytest
from sympy import erf, sqrt

from optsde.derive.claims.claim import in_one_dimension
from optsde.derive.claims.papers import callisti, compagnoni, li_tai_e
from optsde.derive.notation.symbols import Field, gradient

S = Field("S", 2, symmetric=True, varies=True)
F = gradient


def test_a_drift_and_a_covariance_by_power_of_tau():
    found = li_tai_e.sgd_order_2.coefficients()
    drift = {(0, ("theta",)): -F("i"), (1, ("theta",)): -F("_1", "i") * F("_1") / 2}
    assert found == {**drift, (1, ("theta", "theta")): S("i", "j")}


def test_the_second_chaos_has_covariance_two_s_squared():
    claim = replace(li_tai_e.sgd_order_1, noise={"theta": "sqrt(tau)*(F*B(dW) + B2(dW2))"})
    assert claim.coefficients()[1, ("theta", "theta")] == F("i") * F("j") * S("i", "j") + 2 * S("i", "j") ** 2


def test_a_matrix_before_the_noise():
    claim = replace(li_tai_e.sgd_order_1, order=2, noise={"theta": "B(dW) + tau*H(B(dW))"})
    found = claim.coefficients()
    assert found[0, ("theta", "theta")] == S("i", "j")
    assert found[1, ("theta", "theta")] == F("_1", "i") * S("_1", "j") + F("_1", "j") * S("_1", "i")
    assert found[2, ("theta", "theta")] == F("_1", "i") * F("_2", "j") * S("_1", "_2")


def test_in_one_dimension_the_noise_needs_no_factor():
    found = compagnoni.sign_sgd_order_1.coefficients()
    assert found[1, ("theta", "theta")] == 1 - erf(F("i") / sqrt(2 * S("i", "i"))) ** 2
    with pytest.raises(ValueError, match="mixes the factors B and B2, or lacks one"):
        replace(compagnoni.sign_sgd_order_1, one_dimension=False).coefficients()


def test_one_dimension_has_one_index():
    assert in_one_dimension(F("i", "_1") * S("_1", "j")) == F("i", "i") * S("i", "i")
    found = callisti.rmsprop_batch_order_2.coefficients()
    assert {
        index for e in found.values() for c in e.free_symbols if hasattr(c, "indices") for index in c.indices
    } == {"i"}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"drift": {}}, "SGD, order 1 has formulas for theta; expected a drift each of theta"),
        (
            {"drift": {"theta": "-g", "v": "g"}},
            "has formulas for theta, v, theta; expected a drift each of theta",
        ),
        ({"noise": {"m": "B(dW)"}}, "has formulas for theta, m; expected"),
        ({"noise": {"theta": "dW"}}, "mixes the factors B and B2, or lacks one"),
        ({"noise": {"theta": "B(dW) + B2(dW)"}}, "mixes the factors B and B2, or lacks one"),
        ({"noise": {"theta": "B(B(dW))"}}, "mixes the factors B and B2, or lacks one"),
        ({"noise": {"theta": "B(dW)/tau"}}, r"contains tau\*\*\(-1\); expected powers from 0 on"),
    ],
)
def test_bad_claims_are_refused(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        replace(li_tai_e.sgd_order_1, **change).coefficients()
