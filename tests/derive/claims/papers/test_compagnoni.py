"""Planted errors in the claims on signs are found."""

from dataclasses import replace

import pytest

from smelt.derive.claims.papers import compagnoni
from smelt.derive.claims.verdicts import check


def test_a_wrong_sign_of_signs_is_found():
    claim = compagnoni.sign_sgd_order_1()
    assert check(replace(claim, drift={"theta": "E"})).summary == "differs: drift[theta] tau^0"
    assert check(replace(claim, drift={"theta": "-erf(g/sqrt(Sigma))"})).summary == "agrees if signal far above noise"
    assert check(replace(claim, drift={"theta": "-2*erf(g/sqrt(Sigma))"})).summary == "differs: drift[theta] tau^0"


@pytest.mark.parametrize(
    ("make", "old", "new"),
    [
        (compagnoni.sign_sgd_phase_1, "-sign(g)", "-2*sign(g)"),
        (compagnoni.sign_sgd_phase_1, "-sign(g)", "-g"),
        (compagnoni.sign_sgd_phase_3, "2/pi", "1/pi"),
        (compagnoni.sign_sgd_phase_3, "sqrt(Sigma)", "Sigma"),
        (compagnoni.sign_sgd_phase_3_large_noise, "2/pi", "1/pi"),
        (compagnoni.sign_sgd_phase_3_large_noise, "-sqrt(2/pi)*g/sqrt(Sigma)", "-erf(g/sqrt(2*Sigma)) "),
    ],
)
def test_a_wrong_phase_of_signs_is_found(make, old, new):
    claim = make()
    assert old in claim.drift["theta"]
    wrong = check(replace(claim, drift={"theta": claim.drift["theta"].replace(old, new)}))
    right = "agrees if signal far below noise" if "erf" in new else "differs: drift[theta] tau^0"
    assert wrong.summary == right
