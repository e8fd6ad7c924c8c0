"""Matrices that users give: checked, and their factors."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...derive.errors import BadInput

Array = NDArray[np.float64]


def square_factor(factor: Array) -> Array:
    """Return ``B2`` with ``B2 B2^T = 2 S o S`` for ``S = B B^T``: columns ``sqrt(2) B_p o B_p`` and
    ``2 B_p o B_q``, p < q.

    ``S_ij**2 = sum_pq B_ip B_iq B_jp B_jq``, where p and q may be exchanged.
    """
    p, q = np.triu_indices(factor.shape[1])
    return np.where(p == q, np.sqrt(2), 2.0) * factor[:, p] * factor[:, q]


def symmetric_root(matrix: Array) -> Array:
    """Return the symmetric square root of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def axes(value: ArrayLike) -> int:
    """Return how many indices a value has; 2 for what is no array of numbers, so that it is refused as a
    matrix.
    """
    try:
        return np.asarray(value, dtype=float).ndim
    except (TypeError, ValueError):
        return 2


def numbers(name: str, value: ArrayLike) -> Array:
    """Return an array of numbers.

    Raises
    ------
    ValueError
        It is none.
    """
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{name} is not a matrix of numbers; expected rows of as many numbers each") from error


def finite(name: str, array: Array) -> Array:
    """Return the array.

    Raises
    ------
    ValueError
        An entry is not finite.
    """
    if not np.isfinite(array).all():
        raise BadInput(f"{name} contains {array[~np.isfinite(array)][0]}; expected finite numbers")
    return array


def fixed(array: ArrayLike) -> Array:
    """Return a copy that nobody changes."""
    copy = np.array(array, dtype=float)
    copy.flags.writeable = False
    return copy


def nonnegative(name: str, value: float) -> float:
    """Return a number.

    Raises
    ------
    ValueError
        It is none, negative or not finite.
    """
    array = numbers(name, value)
    if array.ndim or not (np.isfinite(array) and array >= 0):
        raise BadInput(f"{name} is {value!r}; expected a finite number >= 0")
    return float(array)


def row(name: str, value: ArrayLike) -> Array:
    """Return d numbers.

    Raises
    ------
    ValueError
        There is none, or one is not finite.
    """
    array = finite(name, numbers(name, value))
    if array.ndim != 1 or not array.size:
        raise BadInput(f"{name} has shape {array.shape}; expected d numbers")
    return array


def diagonal(name: str, value: ArrayLike, d: int) -> Array:
    """Return the d diagonal entries of a positive semidefinite matrix.

    Raises
    ------
    ValueError
        There are others than d, or a number is negative or not finite.
    """
    array = row(name, value)
    if len(array) != d:
        raise BadInput(f"{name} has {len(array)} numbers; expected {d}, as many as H has rows")
    if array.min() < 0:
        raise BadInput(f"{name} contains {array.min():.6g}; expected numbers >= 0")
    return array


def columns(name: str, value: ArrayLike, d: int) -> Array:
    """Return a matrix of d rows and at most d columns.

    Raises
    ------
    ValueError
        It has another shape, or a number is not finite.
    """
    array = numbers(name, value)
    if array.ndim != 2 or len(array) != d or not 1 <= array.shape[1] <= d:
        raise BadInput(f"{name} has shape {array.shape}; expected {d} rows of 1 to {d} numbers")
    return finite(name, array)


def semidefinite(name: str, matrix: ArrayLike, d: int) -> Array:
    """Return a symmetric, positive semidefinite matrix of d rows.

    Raises
    ------
    ValueError
        It is none, by more than rounding.
    """
    array = symmetric(name, matrix)
    if len(array) != d:
        raise BadInput(f"{name} has shape {array.shape}; expected that of H, {(d, d)}")
    scale, smallest = np.abs(array).max(), np.linalg.eigvalsh(array)[0]
    if smallest < -1e-12 * max(scale, 1e-300) * len(array):
        raise BadInput(f"{name} has the eigenvalue {smallest:.6g}; expected a positive semidefinite matrix")
    return array


def symmetric(name: str, matrix: ArrayLike) -> Array:
    """Return a symmetric matrix.

    Raises
    ------
    ValueError
        It is none, by more than rounding.
    """
    array = numbers(name, matrix)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        raise BadInput(f"{name} has shape {array.shape}; expected d rows of d numbers")
    finite(name, array)
    scale = np.abs(array).max()
    if (gap := np.abs(array - array.T).max()) > 1e-12 * scale:
        raise BadInput(f"{name} is not symmetric, entries differ by {gap:.3g}; expected a symmetric matrix")
    return array
