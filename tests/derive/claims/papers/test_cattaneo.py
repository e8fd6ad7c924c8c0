"""Planted errors in the claims on fixed memories are found."""

from dataclasses import replace

import pytest

from optsde.derive.claims.papers import cattaneo, kovachki
from optsde.derive.claims.verdicts import check


def test_a_wrong_memory_term_is_found():
    claim = kovachki.heavy_ball_memory
    wrong = replace(claim, drift={"theta": claim.drift["theta"].replace("(1 + beta)", "(1 - beta)")})
    (difference,) = check(wrong).differences
    assert (difference.power, difference.blocks) == (1, ("theta",))


@pytest.mark.parametrize(
    ("old", "new", "summary"),
    [
        ("second*eps", "eps", "agrees if eps = 0"),
        ("first - second", "first + second", "differs: drift[theta] tau^1"),
        ("H(g/sqrt(R))", "H(g)/sqrt(R)", "differs: drift[theta] tau^1"),
        ("/sqrt(R)", "/R", "differs: drift[theta] tau^0, drift[theta] tau^1"),
    ],
)
def test_a_wrong_memory_term_of_adam_is_found(old, new, summary):
    claim = cattaneo.adam_memory
    head, found, tail = claim.drift["theta"].rpartition(old)
    assert found
    assert check(replace(claim, drift={"theta": head + new + tail})).summary == summary
