"""Planted errors in the claims on signs are found."""

import math
from dataclasses import replace

import pytest
import sympy as sp

from optsde.derive.claims.papers import compagnoni
from optsde.derive.claims.verdicts import check
from optsde.derive.notation.symbols import Field, gradient


def test_a_wrong_sign_of_signs_is_found():
    claim = compagnoni.sign_sgd_order_1
    assert check(replace(claim, drift={"theta": "E"})).summary == "differs: drift[theta] tau^0"
    assert (
        check(replace(claim, drift={"theta": "-erf(g/sqrt(Sigma))"})).summary
        == "agrees if signal far above noise"
    )
    assert (
        check(replace(claim, drift={"theta": "-2*erf(g/sqrt(Sigma))"})).summary
        == "differs: drift[theta] tau^0"
    )


@pytest.mark.parametrize(
    ("claim", "old", "new"),
    [
        (compagnoni.sign_sgd_phase_1, "-sign(g)", "-2*sign(g)"),
        (compagnoni.sign_sgd_phase_1, "-sign(g)", "-g"),
        (compagnoni.sign_sgd_phase_3, "2/pi", "1/pi"),
        (compagnoni.sign_sgd_phase_3, "sqrt(Sigma)", "Sigma"),
        (compagnoni.sign_sgd_phase_3_large_noise, "2/pi", "1/pi"),
        (compagnoni.sign_sgd_phase_3_large_noise, "-sqrt(2/pi)*g/sqrt(Sigma)", "-erf(g/sqrt(2*Sigma)) "),
    ],
)
def test_a_wrong_phase_of_signs_is_found(claim, old, new):
    claim = claim
    assert old in claim.drift["theta"]
    wrong = check(replace(claim, drift={"theta": claim.drift["theta"].replace(old, new)}))
    right = "agrees if signal far below noise" if "erf" in new else "differs: drift[theta] tau^0"
    assert wrong.summary == right


@pytest.mark.parametrize(
    ("claim", "assumption"),
    [
        (compagnoni.sign_sgd_phase_1, "signal far above noise"),
        (compagnoni.sign_sgd_phase_3, "signal far below noise"),
    ],
)
def test_a_difference_that_vanishes_as_a_whole_says_when(claim, assumption):
    """Neither erf nor its leading term vanishes by itself."""
    (difference,) = check(claim).differences
    assert difference.assumptions == (assumption,)


def test_the_middle_phase_lies_between_parallel_lines():
    """For 1 < Y < 3/2 the derived drift -erf(Y) lies between -(m Y + q) for erf's chord and the tangent
    parallel to it.

    erf is concave there, so the chord is below and every tangent above it: the bounds of phase 2, with the
    best constants of their slope. The tangent touches where ``2/sqrt(pi) exp(-Y**2) = m``, between the ends.
    """
    low, high = 1.0, 1.5
    slope = (math.erf(high) - math.erf(low)) / (high - low)
    touch = math.sqrt(-math.log(slope * math.sqrt(math.pi) / 2))
    assert low < touch < high
    below, above = math.erf(low) - slope * low, math.erf(touch) - slope * touch
    assert 0 < above - below < 0.02
    (row,) = check(compagnoni.sign_sgd_order_1).rows
    signal, variance = gradient("i"), Field("S", 2, symmetric=True, varies=True)("i", "i")
    for n in range(101):
        y = low + (high - low) * n / 100
        drift = float(row.derived.subs({signal: sp.Float(y * math.sqrt(2)), variance: 1}))
        assert slope * y + below - 1e-12 <= -drift <= slope * y + above + 1e-12
