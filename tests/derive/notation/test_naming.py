"""Names of catalogues: every spelling of one is found, others are refused with what was probably meant."""

import pytest

from optsde.derive.errors import BadInput
from optsde.derive.notation.naming import advice, did_you_mean, named, split_at_commas

KNOWN = {"Euler-Maruyama": 1, "batch_equivalent": 2, "RI6": 3}


@pytest.mark.parametrize(
    ("text", "found"),
    [("euler maruyama", 1), ("EULER_MARUYAMA", 1), ("batch-equivalent", 2), (" ri6 ", 3)],
)
def test_every_spelling_is_found(text, found):
    assert named("scheme", text, KNOWN) == found


def test_a_misspelt_name_is_helped():
    with pytest.raises(BadInput, match=r"unknown scheme 'eulr'; expected one of Euler-Maruyama, b.*, RI6$"):
        named("scheme", "eulr", KNOWN)
    with pytest.raises(
        BadInput, match=r"'batch equivalnt'; did you mean batch-equivalent\? expected .*, or x"
    ):
        named("regime", "batch equivalnt", KNOWN, ", or x")
    with pytest.raises(BadInput, match=r"'x{57}\.\.\.'"):
        named("regime", "x" * 1000, KNOWN)


def test_advice():
    assert did_you_mean("lrr", ["lr", "mu"]) == "did you mean lr? "
    assert did_you_mean("zzz", ["lr", "mu"]) == ""
    assert advice("zzz", ["mu", "lr"]) == "expected one of mu, lr"


@pytest.mark.parametrize(
    ("text", "parts"),
    [("", [""]), ("a,b", ["a", "b"]), ("f(a,b),[c,d],e", ["f(a,b)", "[c,d]", "e"]), ("a,", ["a", ""])],
)
def test_commas_inside_brackets_do_not_split(text, parts):
    assert split_at_commas(text) == parts
