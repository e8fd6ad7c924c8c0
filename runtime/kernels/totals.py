"""Sums over paths that are exact, so that no order, slice or number of threads can change them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...codegen.numba.memory import LARGEST_UNIT

ONE = 1 << 1074
"""Exact sums are integers in units of the smallest positive float64, 1/ONE."""


def exact_sums(rows: NDArray[np.float64]) -> list[int]:
    """Sums of the columns of a finite array, in units of 1/ONE.

    Cuts all numbers of a column at the same binary place, high enough that the upper parts add up without
    rounding error (Rump, Ogita, Oishi, SIAM J. Sci. Comput. 31, 189, 2008), and goes on with the rest.
    """
    totals = [0] * rows.shape[1]
    guard = math.ceil(math.log2(rows.shape[0])) + 1
    while rows.any():
        _, exponent = np.frexp(np.abs(rows).max(axis=0))
        cut = np.ldexp(1.5, exponent + guard)
        upper = (rows + cut) - cut
        for n, value in enumerate(upper.sum(axis=0).tolist()):
            numerator, denominator = value.as_integer_ratio()
            totals[n] += numerator * (ONE // denominator)
        rows = rows - upper
    return totals


@dataclass(frozen=True)
class Totals:
    """What an ensemble of paths adds up to.

    Attributes
    ----------
    ranges : tuple of (int, int)
        The paths, as first and last + 1 of disjoint ranges in increasing order.
    shape : tuple of int
        Numbers of records, observables, contrasts and tracks.
    exact : tuple of int
        In units of 1/ONE: for each record the count and for each observable and contrast the sum and the sum
        of squares; then for each track the paths that are not finite and those that became negative.
    finals : dict of str to ndarray, shape (kept paths, state blocks, d)
        States after the last step of the first paths of the run that holds the lowest path, by track.
    """

    ranges: tuple[tuple[int, int], ...]
    shape: tuple[int, int, int, int]
    exact: tuple[int, ...]
    finals: dict[str, NDArray]

    def __add__(self, other: Totals) -> Totals:
        """The totals of both sets of paths: the same bits as those of one run over all of them."""
        if self.shape != other.shape or self.finals.keys() != other.finals.keys():
            raise ValueError(
                f"totals of different kernels or records cannot be added: {self.shape} and {other.shape}"
            )
        if single := [first for first, _ in self.ranges + other.ranges if first % LARGEST_UNIT]:
            raise ValueError(
                f"the totals of path {single[0]} alone; expected runs that start at multiples of "
                f"{LARGEST_UNIT}"
            )
        ranges: list[tuple[int, int]] = []
        for first, stop in sorted(self.ranges + other.ranges):
            if ranges and first < ranges[-1][1]:
                raise ValueError(
                    f"paths {first} ... {min(stop, ranges[-1][1]) - 1} are in both totals; add disjoint runs"
                )
            if ranges and first == ranges[-1][1]:
                first = ranges.pop()[0]
            ranges.append((first, stop))
        exact = tuple(a + b for a, b in zip(self.exact, other.exact, strict=True))
        return Totals(
            tuple(ranges), self.shape, exact, min(self, other, key=lambda totals: totals.ranges).finals
        )

    @property
    def n_paths(self) -> int:
        """Number of paths, finite or not."""
        return sum(stop - first for first, stop in self.ranges)

    @cached_property
    def _floats(self) -> NDArray[np.float64]:
        return np.array([n / ONE for n in self.exact])

    @cached_property
    def _records(self) -> NDArray[np.float64]:
        records, observables, contrasts, tracks = self.shape
        return self._floats[: len(self.exact) - 2 * tracks].reshape(records, 1 + 2 * observables * contrasts)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Paths behind each record's sums, shape (records,)."""
        return self._records[:, 0].astype(np.int64)

    def _moment(self, which: int) -> NDArray[np.float64]:
        records, observables, contrasts, _ = self.shape
        return self._records[:, 1:].reshape(records, observables, contrasts, 2)[..., which]

    @property
    def sums(self) -> NDArray[np.float64]:
        """Sums of the contrasts, correctly rounded, shape (records, observables, contrasts)."""
        return self._moment(0)

    @property
    def squares(self) -> NDArray[np.float64]:
        """Sums of the contrasts' squares, correctly rounded, shape (records, observables, contrasts)."""
        return self._moment(1)

    @property
    def nonfinite(self) -> NDArray[np.int64]:
        """Paths of each track that were not finite at a record, shape (tracks,)."""
        tracks = self.shape[3]
        return self._floats[len(self.exact) - 2 * tracks :][:tracks].astype(np.int64)

    @property
    def negative(self) -> NDArray[np.int64]:
        """Paths of each track on which a nonnegative block went below 0 after some step, shape (tracks,)."""
        return self._floats[len(self.exact) - self.shape[3] :].astype(np.int64)
