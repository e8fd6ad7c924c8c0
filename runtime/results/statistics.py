"""Means with standard errors, and the slope of an error against the step on log-log axes.

All functions are pure NumPy: numbers in, numbers out.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...derive.errors import BadInput

FLOOR = 3.0
"""A point is measured only where its absolute value exceeds this many standard errors."""


@dataclass(frozen=True)
class MeanEstimate:
    """Means of independent samples and their standard errors, arrays of one shape."""

    mean: NDArray[np.float64]
    standard_error: NDArray[np.float64]


def mean_estimate(count: ArrayLike, total: ArrayLike, squares: ArrayLike) -> MeanEstimate:
    """Mean and standard error from the number of samples, their sum and the sum of their squares.

    Parameters
    ----------
    count, total, squares : array_like
        Broadcast against each other; `count` is at least 2 everywhere.

    Notes
    -----
    The variance is ``(squares - total**2 / count) / (count - 1)``. The subtraction loses about
    ``2 log10(|mean| / sd)`` of the 16 digits, and round-off below zero is cut to zero; so sum the differences
    of coupled paths, or deviations from a reference value, where the mean is much larger than the spread.
    Sums that are not finite (a path diverged) give ``nan`` standard errors, not zero.

    Raises
    ------
    ValueError
        If a count is below 2: one sample has no spread.

    Examples
    --------
    >>> estimate = mean_estimate(4, 10.0, 30.0)      # samples 1, 2, 3, 4
    >>> float(estimate.mean), round(float(estimate.standard_error), 6)
    (2.5, 0.645497)
    """
    n, sums, squares = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.float64) for a in (count, total, squares))
    )
    if not (n >= 2).all():
        raise BadInput(
            f"count is {n.min():g}, expected at least 2 samples for a standard error; use more paths"
        )
    with np.errstate(invalid="ignore", over="ignore"):
        mean = np.asarray(sums / n)
        variance = np.maximum((squares - sums * mean) / (n - 1), 0.0)
        return MeanEstimate(mean, np.sqrt(np.asarray(variance / n)))


@dataclass(frozen=True)
class Slope:
    """Exponent p of ``|e| ~ tau**p`` with its interval.

    Attributes
    ----------
    slope, low, high : float or None
        The exponent and its interval; None where it could not be fitted.
    used : tuple of bool
        For each point given, in the order given, whether it was above the noise floor and entered the fit.
    reason : str or None
        Why there is no slope.
    floor : float
        The noise floor, in standard errors.
    confidence : float
        Nominal coverage of the interval.
    """

    slope: float | None
    low: float | None
    high: float | None
    used: tuple[bool, ...]
    reason: str | None = None
    floor: float = FLOOR
    confidence: float = 0.95

    def __str__(self) -> str:
        """Return ``1.98 [1.91, 2.05]`` or the reason why there is none."""
        if self.slope is None:
            return f"none: {self.reason}"
        return f"{self.slope:.2f} [{self.low:.2f}, {self.high:.2f}]"

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self) | {"used": list(self.used)}


@dataclass(frozen=True)
class LocalSlope:
    """Exponent between two successive steps, ``log(e_coarse / e_fine) / log(coarse / fine)``, in absolute
    values.
    """

    coarse: float
    fine: float
    slope: float
    standard_error: float


def fit_slope(
    taus: ArrayLike,
    errors: ArrayLike,
    standard_errors: ArrayLike,
    *,
    floor: float = FLOOR,
    confidence: float = 0.95,
) -> Slope:
    """Weighted least squares of ``log|e|`` against ``log tau`` over the points above the noise floor.

    A point enters where ``|e| > floor * se`` (so never where e is zero or not finite). Its logarithm has
    standard error ``se / |e|``, at most ``1 / floor``, and weight ``(|e| / se)**2``. Points are taken as
    independent.

    Parameters
    ----------
    taus : array_like, shape (n,)
        Steps, positive.
    errors, standard_errors : array_like, shape (n,)
        Weak errors, of either sign, and their standard errors. Zero says that the error is exact: an exact
        point among noisy ones gets the weight of the most precise noisy one, and if all are exact their
        weights are equal.
    floor : float
        Noise floor in standard errors.
    confidence : float
        Nominal coverage of the interval, between 0 and 1.

    Returns
    -------
    Slope
        The half-width of the interval is the normal quantile times the standard error propagated from
        `standard_errors`. Where three or more points scatter about the line more than that,
        ``chi**2/dof > 1``, the standard error is multiplied by ``sqrt(chi**2/dof)`` and the quantile is
        Student's with ``dof = n - 2``: so a curved error law shows as a wide interval. Exact points have no
        propagated error, only scatter; two exact points give an interval of width zero. With fewer than two
        usable steps the slope is None and `reason` says why.

    Raises
    ------
    ValueError
        For shapes that differ, steps that are not positive, negative standard errors, or a confidence not in
        (0, 1).
    """
    if not 0 < confidence < 1:
        raise BadInput(f"confidence is {confidence!r}, expected a number between 0 and 1, for instance 0.95")
    tau, error, se, used = _points(taus, errors, standard_errors, floor)
    flags = tuple(bool(u) for u in used)
    x, y = np.log(tau[used]), np.log(np.abs(error[used]))
    distinct = np.unique(x).size
    if distinct < 2:
        reason = (
            f"{distinct} of {tau.size} steps have |error| above {floor:g} standard errors, a slope needs 2"
        )
        return Slope(None, None, None, flags, reason, floor, confidence)

    sigma = se[used] / np.abs(error[used])
    exact = sigma == 0
    sigma[exact] = 1.0 if exact.all() else sigma[~exact].min()
    weight = sigma**-2.0
    x = x - np.average(x, weights=weight)
    spread = float(np.sum(weight * x**2))
    slope = float(np.sum(weight * x * y)) / spread

    dof = x.size - 2
    residual = y - np.average(y, weights=weight) - slope * x
    inflation = float(np.sum(weight * residual**2)) / dof if dof else 0.0
    if inflation > 1 or (exact.all() and dof):
        half = student_quantile(confidence, dof) * math.sqrt(inflation / spread)
    else:
        half = 0.0 if exact.all() else NormalDist().inv_cdf((1 + confidence) / 2) / math.sqrt(spread)
    return Slope(slope, slope - half, slope + half, flags, None, floor, confidence)


def local_slopes(
    taus: ArrayLike, errors: ArrayLike, standard_errors: ArrayLike, *, floor: float = FLOOR
) -> tuple[LocalSlope, ...]:
    """Slopes between successive usable steps, from the coarsest to the finest.

    Their drift towards an integer shows what one fitted line hides. Usable as in `fit_slope`; neighbours
    share a point, so neighbouring slopes are correlated.

    Raises
    ------
    ValueError
        As `fit_slope`, and if a step is given twice.
    """
    tau, error, se, used = _points(taus, errors, standard_errors, floor)
    if np.unique(tau).size < tau.size:
        raise BadInput(
            f"taus {tau.tolist()} repeat a step, expected distinct steps; average the repeated ones first"
        )
    order = [int(i) for i in np.argsort(-tau) if used[i]]
    result = []
    for i, j in pairwise(order):
        ratio = math.log(tau[i] / tau[j])
        slope = math.log(abs(error[i] / error[j])) / ratio
        spread = math.hypot(se[i] / error[i], se[j] / error[j]) / ratio
        result.append(LocalSlope(float(tau[i]), float(tau[j]), slope, spread))
    return tuple(result)


def student_quantile(confidence: float, dof: int) -> float:
    """The t with ``P(|T| < t) = confidence`` for Student's T with `dof` degrees of freedom.

    The probability is a finite trigonometric sum in ``atan(t / sqrt(dof))`` (Abramowitz and Stegun 26.7.3 and
    26.7.4); it is increasing, and bisected here to the last digits.

    >>> round(student_quantile(0.95, 3), 6)
    3.182446
    """
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        angle = (low + high) / 2
        low, high = (angle, high) if _student_probability(angle, dof) < confidence else (low, angle)
    return math.tan(low) * math.sqrt(dof)


def _student_probability(angle: float, dof: int) -> float:
    odd = dof % 2
    cosine = math.cos(angle)
    term, total = (cosine if odd else 1.0), 0.0
    for k in range(2 + odd, dof + 1, 2):
        total += term
        term *= cosine**2 * (k - 1) / k
    total *= math.sin(angle)
    return 2 / math.pi * (angle + total) if odd else total


def _points(taus: ArrayLike, errors: ArrayLike, standard_errors: ArrayLike, floor: float):
    tau, error, se = (np.asarray(a, dtype=np.float64) for a in (taus, errors, standard_errors))
    if tau.ndim != 1 or not tau.shape == error.shape == se.shape:
        raise BadInput(
            f"taus, errors and standard errors have shapes {tau.shape}, {error.shape} and {se.shape}, "
            "expected one length; give one error and one standard error for each step"
        )
    if not (np.isfinite(tau) & (tau > 0)).all():
        raise BadInput(
            f"taus are {tau.tolist()}, expected positive numbers; give each step as a positive number"
        )
    if (se < 0).any():
        raise BadInput(f"standard errors are {se.tolist()}, expected numbers >= 0; give 0 for an exact error")
    if not floor >= 0:
        raise BadInput(f"floor is {floor!r}, expected a number >= 0; 3 is the usual one")
    return tau, error, se, np.isfinite(error) & (np.abs(error) > floor * se)
