"""Numbers at which two expressions differ."""

import pytest

from optsde.derive.claims.witness import find_witness
from optsde.derive.notation.symbols import Field, gradient

S, F = Field("S", 2, symmetric=True, varies=True), gradient


def test_one_dimension_is_enough_where_it_is():
    found = find_witness(F("i", "_1") * F("_1"), 2 * F("i", "_1") * F("_1"), 1)
    assert set(found.values) == {"f'", "f''"}
    assert found.indices == {"i": 1}
    at = found.values
    assert (found.published, found.derived) == (float(at["f'"] * at["f''"]), float(2 * at["f'"] * at["f''"]))


def test_two_dimensions_where_indices_are_exchanged():
    found = find_witness(F("i") * S("i", "j", "_1") * F("_1"), F("j") * S("i", "j", "_1") * F("_1"), 2)
    assert set(found.indices.values()) == {1, 2}
    assert "F[1]" in found.values
    assert found.published != found.derived


def test_three_dimensions_where_all_indices_differ():
    """An antisymmetric combination vanishes as soon as two indices are equal."""
    a, b, c = Field("a"), Field("b"), Field("c")
    rows = [(a, b, c, 1), (b, c, a, 1), (c, a, b, 1), (b, a, c, -1), (a, c, b, -1), (c, b, a, -1)]
    determinant = sum(sign * x("i") * y("j") * z("k") for x, y, z, sign in rows)
    found = find_witness(determinant + 1, determinant * 0 + 1, 3)
    assert sorted(found.indices.values()) == [1, 2, 3]


def test_equal_expressions_have_none():
    with pytest.raises(ValueError, match="are equal at all points tried"):
        find_witness(F("i", "_1") * F("_1"), F("i", "_2") * F("_2"), 1)
