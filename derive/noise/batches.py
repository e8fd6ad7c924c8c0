"""Draws with and without replacement: partitions of the factors of a product, and in how many ways batches
contain them.
"""

from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import product
from math import prod
from typing import TypeVar

from sympy import Add, Dummy, Expr, Integer, Mul, Poly, factor, factorial, ff
from sympy.functions.combinatorial.numbers import stirling

from ..notation.symbols import KEPT

Item = TypeVar("Item")


@lru_cache(KEPT)
def inclusion(parts: tuple[tuple[tuple[int, int], ...], ...], batch: Expr, population: Expr) -> Expr:
    """Return the factor of a product of moments of one draw in a joint moment of batches without replacement.

    The moment is ``batch**-p sum_q (batch)_m (batch)_n .../(population)_(m+n+...) sum' prod_b x_b`` over the
    partitions q of its p slots into m parts of the first sample, n of the second, ..., and over different
    data points for different parts: no point is in two batches. Moebius inversion on the lattice of
    partitions writes the sum over different points as free sums, ``population`` times a moment each: a part
    with n_s slots of sample s that q splits into ``k = sum k_s`` pieces has the factor
    ``(-1)**(k-1) (k-1)!``, in ``prod stirling(n_s, k_s)`` ways.

    Parameters
    ----------
    parts : tuple
        For each moment the numbers of samples, each with the number of its slots.
    batch, population : Expr
    """
    marks = {s: Dummy() for part in parts for s, _ in part}
    ways = []
    for part in parts:
        samples, sizes = zip(*part, strict=True)
        splits = product(*(range(1, n + 1) for n in sizes))
        ways.append(Add(*(
            (-1) ** (sum(split) - 1) * factorial(sum(split) - 1)
            * prod(stirling(n, k) * marks[s] ** k for s, n, k in zip(samples, sizes, split, strict=True))
            for split in splits
        )))  # fmt: skip
    polynomial = Poly(Mul(*ways), *marks.values())
    probabilities = (weight * _chance(pieces, batch, population) for pieces, weight in polynomial.terms())
    slots = sum(n for part in parts for _, n in part)
    return factor(population ** len(parts) / batch**slots * Add(*probabilities))


def _chance(pieces: tuple[int, ...], batch: Expr, population: Expr) -> Expr:
    """Return the probability that given different data points, so many for each batch, are in their
    batches.
    """
    drawn, points = Mul(*(ff(batch, n) for n in pieces)), ff(population, sum(pieces))
    return Integer(0) if drawn == 0 or points == 0 else drawn / points


def partitions(items: tuple[Item, ...], sizes: Collection[int]) -> Iterator[list[tuple[Item, ...]]]:
    """Yield the partitions of a sequence into parts of the given sizes; equal items count as different
    ones.
    """
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for chosen, left in _splits(rest):
        if len(chosen) + 1 in sizes:
            for partition in partitions(left, sizes):
                yield [(first, *chosen), *partition]


def _splits(items: tuple[Item, ...]) -> Iterator[tuple[tuple[Item, ...], tuple[Item, ...]]]:
    for mask in range(2 ** len(items)):
        chosen = tuple(item for n, item in enumerate(items) if mask >> n & 1)
        yield chosen, tuple(item for n, item in enumerate(items) if not mask >> n & 1)
