"""Paths that became non-finite or negative on the way: when, how many, and how that is said."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Lost = tuple[tuple[float, int], ...]
"""Times at which more paths were non-finite than at the time recorded before, with how many."""


def divergence(
    times: Sequence[float] | NDArray[np.float64], finite: Sequence[int] | NDArray[np.int64], paths: int
) -> Lost:
    """Return when how many paths were lost, from the numbers of those that were finite at increasing
    times.
    """
    lost = [paths - int(count) for count in finite]
    return tuple((float(t), n) for t, n, before in zip(times, lost, [0, *lost], strict=False) if n > before)


def lost_text(lost: Lost) -> str:
    """Return `` (3 by time 0.25, 40 by time 1)`` with the first and the last time, or nothing."""
    ends = dict.fromkeys([*lost[:1], *lost[-1:]])
    return f" ({', '.join(f'{n} by time {t:g}' for t, n in ends)})" if lost else ""


def warnings(nonfinite: int, negative: int, paths: int, lost: Lost = ()) -> list[str]:
    """Return a line for each thing that went wrong on some paths."""
    lines = []
    if nonfinite:
        became = f"became non-finite{lost_text(lost)}"
        lines.append(
            f"  {nonfinite} of {paths} paths {became}, are left out: take a regularisation or smaller steps"
        )
    if negative:
        lines.append(f"  on {negative} of {paths} paths v was negative")
    return lines
