"""Problems to run optimizers on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..codegen.fields import Fields, QuadraticFields

Array = NDArray[np.float64]


class Problem(Protocol):
    """An objective with its noise, as `simulate` and `weak_error` take it: a form for kernels, and numbers to run them on."""

    @property
    def dimension(self) -> int:
        """The number d of coordinates."""
        ...

    @property
    def fields(self) -> Fields:
        """What kernels need to know of the objective's form."""
        ...

    @property
    def matrices(self) -> Mapping[str, Array]:
        """The matrices that its kernels read, by name."""
        ...

    @property
    def vectors(self) -> Mapping[str, Array]:
        """The constant vectors that its kernels read, by name."""
        ...

    @property
    def noiseless(self) -> "Problem":
        """The same objective without noise."""
        ...

    @property
    def description(self) -> Mapping[str, object]:
        """The problem as data, for records."""
        ...


@dataclass(frozen=True, eq=False)
class Quadratic:
    """``f = 1/2 (theta - minimum)^T H (theta - minimum)`` with Gaussian gradient noise of constant covariance ``S``.

    Attributes
    ----------
    hessian : ndarray (d, d)
        Symmetric, positive semidefinite.
    noise : float or ndarray (d, d)
        A number s: the minimum is seen with noise ``s N(0, I)``, so ``S = s**2 H H``. A matrix: the covariance ``S`` itself.
    minimum : ndarray (d,), optional
        Zero unless given.

    Raises
    ------
    ValueError
        A shape, a symmetry, definiteness or finiteness is not as described.

    Examples
    --------
    >>> Quadratic([[1, 0.5], [0.5, 1]], noise=0.25).matrices["S"]
    array([[0.078125, 0.0625  ],
           [0.0625  , 0.078125]])
    """

    hessian: ArrayLike
    noise: ArrayLike = 1.0
    minimum: ArrayLike | None = None

    def __post_init__(self) -> None:
        hessian = _symmetric("H", self.hessian)
        noise = np.asarray(self.noise, dtype=float)
        if noise.ndim == 0:
            if not (np.isfinite(noise) and noise >= 0):
                raise ValueError(f"noise {noise}; expected a finite number >= 0, or a covariance matrix")
        else:
            noise = _symmetric("noise covariance", noise)
            if noise.shape != hessian.shape:
                raise ValueError(f"noise covariance has shape {noise.shape}; expected that of H, {hessian.shape}")
        minimum = np.zeros(len(hessian)) if self.minimum is None else np.asarray(self.minimum, dtype=float)
        if minimum.shape != (len(hessian),) or not np.isfinite(minimum).all():
            raise ValueError(f"minimum {self.minimum}; expected {len(hessian)} finite numbers")
        for name, value in (("hessian", hessian), ("noise", noise), ("minimum", minimum)):
            object.__setattr__(self, name, value)

    @property
    def dimension(self) -> int:
        """The number d of coordinates."""
        return len(np.asarray(self.hessian))

    @property
    def fields(self) -> QuadraticFields:
        """What kernels need to know of the objective's form."""
        return QuadraticFields()

    @property
    def matrices(self) -> Mapping[str, Array]:
        """The matrices of the kernels: ``H``, the covariance ``S``, factors ``B B^T = S`` and ``B2 B2^T = 2 S o S``."""
        hessian, noise = np.asarray(self.hessian), np.asarray(self.noise)
        factor = noise * hessian if noise.ndim == 0 else _root(noise)
        covariance = factor @ factor.T
        return {"H": hessian, "S": covariance, "B": factor, "B2": _root(2 * covariance * covariance)}

    @property
    def vectors(self) -> Mapping[str, Array]:
        """The constant vectors of the kernels."""
        return {"minimum": np.asarray(self.minimum), "S_diagonal": np.diag(self.matrices["S"]).copy()}

    @property
    def noiseless(self) -> "Quadratic":
        """The same objective without noise."""
        return Quadratic(self.hessian, 0.0, self.minimum)

    @property
    def description(self) -> Mapping[str, object]:
        """The problem as data, for records."""
        return {"H": np.asarray(self.hessian), "S": self.matrices["S"], "minimum": np.asarray(self.minimum)}


def _root(matrix: Array) -> Array:
    """Return the symmetric square root of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def _symmetric(name: str, matrix: ArrayLike) -> Array:
    try:
        array = np.asarray(matrix, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not a matrix of numbers; expected d rows of d numbers") from error
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        raise ValueError(f"{name} has shape {array.shape}; expected d rows of d numbers")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains {array[~np.isfinite(array)][0]}; expected finite numbers")
    scale = np.abs(array).max()
    if (gap := np.abs(array - array.T).max()) > 1e-12 * scale:
        raise ValueError(f"{name} is not symmetric, entries differ by {gap:.3g}; expected a symmetric matrix")
    smallest = np.linalg.eigvalsh(array)[0]
    if smallest < -1e-12 * max(scale, 1e-300) * len(array):
        raise ValueError(f"{name} has the eigenvalue {smallest:.6g}; expected a positive semidefinite matrix")
    return array
