from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from smelt.runtime.totals import ONE, Totals, exact_sums


def test_sums_are_exact_over_the_whole_range_of_float64() -> None:
    random = np.random.default_rng(1)
    rows = random.standard_normal((57, 40)) * 10.0 ** random.integers(-320, 290, (57, 40))
    rows[:, 0] = 0.0
    rows[:, 1] = np.tile([1e200, 1.0, -1e200], 19)
    rows[:, 2] = 5e-324
    rows[:, 3] = 1e290
    for column, total in zip(rows.T.tolist(), exact_sums(rows), strict=True):
        assert Fraction(total, ONE) == sum(map(Fraction, column))


def test_sums_do_not_depend_on_how_rows_are_grouped() -> None:
    rows = np.random.default_rng(2).lognormal(sigma=20, size=(64, 5))
    whole = exact_sums(rows)
    for cuts in ([10], [1, 2, 40], list(range(1, 64))):
        parts = [exact_sums(part) for part in np.split(rows, cuts)]
        assert [sum(column) for column in zip(*parts, strict=True)] == whole


def totals(first: int, stop: int, sums: list[int]) -> Totals:
    return Totals(((first, stop),), (1, 1, 1, 1), tuple(n * ONE for n in sums), {"alone": np.full((1, 1, 1), float(first))})


def test_totals_add_in_any_order() -> None:
    a, b, c = totals(0, 10, [9, 1, 2, 1, 0]), totals(10, 20, [10, 3, 4, 0, 1]), totals(30, 40, [8, 0, 1, 2, 2])
    one = a + b + c
    other = c + (b + a)
    assert one.ranges == other.ranges == ((0, 20), (30, 40))
    assert one.exact == other.exact
    assert one.n_paths == 30
    assert one.counts.tolist() == [27]
    assert one.sums.tolist() == [[[4.0]]]
    assert one.squares.tolist() == [[[7.0]]]
    assert (one.nonfinite.tolist(), one.negative.tolist()) == ([3], [3])
    assert one.finals["alone"].tolist() == other.finals["alone"].tolist() == [[[0.0]]]


def test_paths_are_not_counted_twice() -> None:
    a = totals(0, 10, [9, 1, 2, 1, 0])
    with pytest.raises(ValueError, match=r"paths 5 \.\.\. 9 are in both"):
        a + totals(5, 20, [9, 1, 2, 1, 0])
    with pytest.raises(ValueError, match="different kernels or records"):
        a + replace(a, ranges=((10, 20),), shape=(2, 1, 1, 1))
