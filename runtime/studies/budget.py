"""How many paths a study runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...codegen.numba.memory import LARGEST_UNIT
from ..results.study import Row, Stopped

FIRST_PATHS = 16 * LARGEST_UNIT
"""Where a number of paths is looked for, so many are run first; then it is doubled."""


@dataclass(frozen=True)
class Budget:
    """How many paths are run: all, or until a precision is reached or the time is up."""

    paths: int
    precision: float | None = None
    seconds: float | None = None

    @property
    def pilot(self) -> int:
        """Paths of a pilot run: a small share of all paths, and few where it is open how many will be run."""
        share = max(2 * LARGEST_UNIT, self.paths // 32)
        return share if self.precision is None and self.seconds is None else min(share, 2 * FIRST_PATHS)

    def more(self, rows: Sequence[Row], elapsed: float) -> int | Stopped:
        """Return how many paths to add to those of some rows, a multiple of 1024 but for the last; or why to
        stop.
        """
        done = rows[0].paths if rows else 0
        if self.precision is None and self.seconds is None:
            return "paths" if done else self.paths
        share = self.precision or 0.0
        if rows and all(r.standard_error + abs(r.own_error) <= share * abs(r.weak_error) for r in rows):
            return "precision"
        if done == self.paths:
            return "paths"
        most = done or FIRST_PATHS
        if self.seconds is not None and done:
            most = min(most, int(done * (self.seconds / elapsed - 1)) // LARGEST_UNIT * LARGEST_UNIT)
        return min(most, self.paths - done) if most > 0 else "seconds"
