from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from optsde.codegen.numba.memory import LARGEST_UNIT
from optsde.runtime.kernels.totals import ONE, Totals, exact_sums


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


K = LARGEST_UNIT


def totals(first: int, stop: int, sums: list[int]) -> Totals:
    return Totals(
        ((first, stop),),
        (1, 1, 1, 1),
        tuple(n * ONE for n in sums),
        {"alone": np.full((1, 1, 1), float(first))},
    )


def test_totals_add_in_any_order() -> None:
    a, b, c = (
        totals(0, K, [9, 1, 2, 1, 0]),
        totals(K, 2 * K, [10, 3, 4, 0, 1]),
        totals(3 * K, 4 * K, [8, 0, 1, 2, 2]),
    )
    one = a + b + c
    other = c + (b + a)
    assert one.ranges == other.ranges == ((0, 2 * K), (3 * K, 4 * K))
    assert one.exact == other.exact
    assert one.n_paths == 3 * K
    assert one.counts.tolist() == [27]
    assert one.sums.tolist() == [[[4.0]]]
    assert one.squares.tolist() == [[[7.0]]]
    assert (one.nonfinite.tolist(), one.negative.tolist()) == ([3], [3])
    assert one.finals["alone"].tolist() == other.finals["alone"].tolist() == [[[0.0]]]


def test_paths_are_not_counted_twice() -> None:
    a = totals(0, 2 * K, [9, 1, 2, 1, 0])
    with pytest.raises(ValueError, match=r"paths 1024 \.\.\. 2047 are in both"):
        a + totals(K, 3 * K, [9, 1, 2, 1, 0])
    with pytest.raises(
        ValueError, match="the totals of path 5 alone; expected runs that start at multiples of 1024"
    ):
        a + totals(5, 6, [1, 1, 2, 0, 0])
    with pytest.raises(ValueError, match="different kernels or records"):
        a + replace(a, ranges=((2 * K, 3 * K),), shape=(2, 1, 1, 1))
