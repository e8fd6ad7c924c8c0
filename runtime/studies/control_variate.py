"""A control variate: a linearised step runs along, and how far its mean is from its known expectation tells
of other means.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sympy import Add, Expr, Mul, Pow, Symbol

from ...codegen.program.linearised import linearised
from ...codegen.program.shapes import input_lengths
from ...codegen.program.statements import Entry, Observable, Pace, Step, Total, Track
from ..kernels.interpreter import carry_out, observed
from ..problems.quadratic import Problem
from ..results.statistics import MeanEstimate
from .requests import UNSTABLE

Array = NDArray[np.float64]

CONTROL = "linear"
"""Name of the track."""
MOST_NUMBERS = 512
"""In the state: its covariance is moved by matrices of the square of it."""
MOST_DEGREE = 3
"""Of an observable: its expectation is the same for all symmetric laws with the same mean and covariance."""


def control_track(step: Step, pace: Pace, observables: Sequence[Observable], dimension: int) -> Track:
    """Return the track of a step's linearisation, on which the means of some observables are known.

    Raises
    ------
    ValueError
        The step has no noise near its path without noise, an observable is no polynomial of degree at most 3,
        or the state has too many numbers.
    """
    for phi in observables:
        if not 0 <= _degree(phi) <= MOST_DEGREE:
            raise ValueError(
                f"control variate for {phi.name}; expected a polynomial of degree at most {MOST_DEGREE}, as "
                "norm(theta)**2, "
                "whose mean is known: take such observables or no control variate"
            )
    if (size := len(step.state) * dimension) > MOST_NUMBERS:
        raise ValueError(
            f"control variate for a state of {size} numbers; expected at most {MOST_NUMBERS}: its covariance "
            "is followed step "
            "by step"
        )
    return Track(CONTROL, linearised(step), pace)


def start_on(track: Track, state: Array) -> Array:
    """Return the start of a track from the state, shape (blocks, d): a linearised step has each block
    twice.
    """
    return np.tile(state, (len(track.step.state) // len(state), 1))


def expectations(
    track: Track,
    observables: Sequence[Observable],
    numbers: Mapping[str, float],
    problem: Problem,
    state: Array,
    t0: float,
    dt: float,
    records: Collection[int],
) -> Array:
    """Return the exact means of observables after some steps of a `control_track`, shape (records,
    observables).

    Parameters
    ----------
    track : Track
    observables : sequence of Observable
    numbers : mapping of str to float
        The step's parameters.
    problem : Problem
    state : ndarray (blocks, d)
    t0, dt : float
        Time of the start, duration of a step.
    records : collection of int
        Numbers of steps.

    Raises
    ------
    ValueError
        The linearisation grows beyond all bounds.
    """
    means = []
    with np.errstate(over="ignore", invalid="ignore"):
        for n, (mean, covariance) in enumerate(_moments(track.step, numbers, problem, state, t0, dt)):
            if n in records:
                means.append([_mean(phi, track.step, mean, covariance) for phi in observables])
            if n == max(records):
                break
    if not np.isfinite(means).all():
        raise ValueError(
            "control variate: the linearised step grows beyond all bounds; take a smaller tau or leave it out"
        )
    return np.array(means)


def controlled(target: MeanEstimate, control: MeanEstimate, both: MeanEstimate, exact: Array) -> MeanEstimate:
    """Return the means of a target, corrected by how far those of the control are from its exact means.

    The factor is the regression of one on the other over the same paths, whence a bias of the order of one
    over their number.

    Parameters
    ----------
    target, control, both : MeanEstimate
        Over the same paths, all that were run; `both` of the sum of the other two.
    exact : ndarray
        Of the control.
    """
    of_target, of_control, of_both = (e.standard_error**2 for e in (target, control, both))
    covariance = (of_both - of_target - of_control) / 2
    factor = np.divide(covariance, of_control, out=np.zeros_like(covariance), where=of_control > 0)
    mean = target.mean - factor * (control.mean - exact)
    return MeanEstimate(mean, np.sqrt(np.maximum(of_target - factor * covariance, 0.0)))


def check_complete(finite: int, paths: int, lost: str) -> None:
    """Refuse to correct means over a part of the paths."""
    if finite < paths:
        raise ValueError(
            f"control variate, whose mean is known over all paths, but {paths - finite} of {paths} became "
            f"non-finite{lost}; "
            f"leave it out, or {UNSTABLE}"
        )


def _moments(
    step: Step, numbers: Mapping[str, float], problem: Problem, state: Array, t0: float, dt: float
) -> Iterator[tuple[Array, Array]]:
    """Yield the mean, flat, and the covariance before the first step and after each: a step is tried on unit
    vectors.
    """
    blocks, d = state.shape
    widths = input_lengths(step, d)
    ends = np.cumsum([1, state.size, *(widths[name] for name in step.noise)])
    count, moved = int(ends[-1]), slice(1, ends[1])
    deviations = np.zeros((count, state.size))
    deviations[moved] = np.eye(state.size)
    noise = {name: np.zeros((count, widths[name])) for name in step.noise}
    for name, first, stop in zip(step.noise, ends[1:], ends[2:], strict=False):
        noise[name][first:stop] = np.eye(widths[name])
    known = {**numbers, **{name: problem.vectors[name] for name in step.vectors}, **noise}
    mean, covariance, n = state.ravel(), np.zeros((state.size, state.size)), 0
    while True:
        yield mean, covariance
        states = np.hstack([mean + deviations, np.tile(mean, (count, 1))]).reshape(count, 2 * blocks, d)
        given = {name: states[:, row] for row, name in enumerate(step.state)}
        found = carry_out(step.statements, {**known, **given, "t": t0 + n * dt}, problem.matrices, d)
        after = np.hstack([np.broadcast_to(found[name], (count, d)) for name in step.result[:blocks]])
        transfer, spread = after[moved] - after[0], after[ends[1] :] - after[0]
        mean, covariance, n = after[0], transfer.T @ covariance @ transfer + spread.T @ spread, n + 1


def _mean(phi: Observable, step: Step, mean: Array, covariance: Array) -> float:
    """Return the mean of a cubic polynomial: what is odd about the mean cancels, what is even is a quadratic
    form.
    """
    if not np.isfinite(covariance).all():
        return np.nan
    variances, axes = np.linalg.eigh(covariance)
    shifts = (axes * np.sqrt(np.maximum(variances, 0.0))).T
    states = np.vstack([mean, mean + shifts, mean - shifts])
    names = step.state[: len(step.state) // 2]
    values = observed(phi, dict(zip(names, np.split(states, len(names), axis=1), strict=True)))
    return float(values[0] + (values[1:] - values[0]).sum() / 2)


def _degree(phi: Observable) -> int:
    """Return the degree of an observable in the state; -1 if it is no polynomial."""
    degrees: dict[str, int] = {}
    for statement in phi.statements:
        match statement:
            case Entry(target, _, _):
                degrees[target] = 1
            case Total(target, expression):
                degrees[target] = _degree_of(
                    expression, dict.fromkeys((s.name for s in expression.atoms(Symbol)), 1)
                )
    return _degree_of(phi.expression, degrees)


def _degree_of(expression: Expr, degrees: Mapping[str, int]) -> int:
    if isinstance(expression, Symbol):
        return degrees[expression.name]
    parts = [_degree_of(part, degrees) for part in expression.args if not part.is_number]
    if not parts:
        return 0
    if min(parts) >= 0:
        if isinstance(expression, Add):
            return max(parts)
        if isinstance(expression, Mul):
            return sum(parts)
        if isinstance(expression, Pow) and expression.exp.is_Integer and expression.exp > 0:
            return int(expression.exp) * parts[0]
    return -1
