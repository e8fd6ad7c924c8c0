"""Control variates: a linearised copy of the step follows the same noise; its sampling error predicts that of
the observables.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...codegen.program.shapes import input_lengths
from ...codegen.program.statements import Observable, Step, Track
from ...derive.errors import BadInput
from ..kernels.interpreter import carry_out, observed
from ..problems.problem import Problem
from ..results.statistics import MeanEstimate
from .requests import UNSTABLE

Array = NDArray[np.float64]


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
        raise BadInput(
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
        raise BadInput(
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
