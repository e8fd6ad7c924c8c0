"""Problems to run optimizers on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from ...codegen.objectives.protocol import Fields
from ...codegen.objectives.quadratic import Covariance, QuadraticFields
from .matrices import (
    Array,
    axes,
    diagonal,
    finite,
    noise_of,
    numbers,
    square_factor,
    symmetric,
    symmetric_root,
)


class Problem(Protocol):
    """An objective with its noise, as `simulate` and `weak_error` take it: a form for kernels, and numbers to
    run them on.
    """

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
    def numbers(self) -> Mapping[str, float]:
        """The numbers that its kernels read, by name."""
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
    """``f = 1/2 (theta - minimum)^T H (theta - minimum)`` with gradient noise of constant covariance ``S``.

    Diagonal ``H`` and ``S`` and a factor of few columns cost O(d) memory and time; `matrices` and `vectors`
    hold no more.

    Attributes
    ----------
    hessian : ndarray (d, d) or (d,)
        ``H``, symmetric and positive semidefinite, or its diagonal.
    noise : float or ndarray (d,) or (d, d), optional
        A number s: the minimum is seen with noise ``s N(0, I)``, so ``S = s**2 H H``. A vector: the
        variances, ``S`` is diagonal. A matrix: the covariance ``S`` itself. 1 unless `noise` or `factor` is
        given.
    minimum : ndarray (d,), optional
        Zero unless given.
    factor : ndarray (d, r), optional
        In the place of `noise`: ``B`` with ``S = B B^T``. The noise then has r dimensions and that of its
        squares r(r+1)/2, so it pays for r well below d.

    Raises
    ------
    ValueError
        A shape, a symmetry, definiteness or finiteness is not as described, or `noise` and `factor` are both
        given.

    Examples
    --------
    >>> Quadratic([[1, 0.5], [0.5, 1]], noise=0.25).matrices["S"]
    array([[0.078125, 0.0625  ],
           [0.0625  , 0.078125]])
    >>> wide = Quadratic(np.linspace(1, 2, 10_000), factor=np.ones((10_000, 1)))
    >>> {name: matrix.shape for name, matrix in wide.matrices.items()}
    {'B': (10000, 1), 'B2': (10000, 1), 'B_transposed': (1, 10000)}
    """

    hessian: ArrayLike
    noise: ArrayLike | None = None
    minimum: ArrayLike | None = None
    factor: ArrayLike | None = None

    def __post_init__(self) -> None:
        hessian = (
            diagonal("the diagonal of H", self.hessian)
            if axes(self.hessian) == 1
            else symmetric("H", self.hessian)
        )
        d = len(hessian)
        if self.noise is not None and self.factor is not None:
            raise ValueError(
                "got both noise and factor; expected one of them: the factor B gives the covariance B B^T"
            )
        noise = factor = None
        if self.factor is not None:
            factor = numbers("noise factor", self.factor)
            if factor.ndim != 2 or len(factor) != d or not 1 <= factor.shape[1] <= d:
                raise ValueError(
                    f"noise factor has shape {factor.shape}; expected {d} rows of 1 to {d} numbers"
                )
            finite("noise factor", factor)
        else:
            noise = noise_of(1.0 if self.noise is None else self.noise, d)
        minimum = np.zeros(d) if self.minimum is None else np.asarray(self.minimum, dtype=float)
        if minimum.shape != (d,) or not np.isfinite(minimum).all():
            raise ValueError(f"minimum {self.minimum}; expected {d} finite numbers")
        for name, value in (("hessian", hessian), ("noise", noise), ("minimum", minimum), ("factor", factor)):
            object.__setattr__(self, name, value)

    @property
    def dimension(self) -> int:
        """The number d of coordinates."""
        return len(np.asarray(self.hessian))

    @property
    def fields(self) -> QuadraticFields:
        """What kernels need to know of the objective's form."""
        hessian = "diagonal" if axes(self.hessian) == 1 else "dense"
        if self.factor is not None:
            return QuadraticFields(hessian, "factor", np.asarray(self.factor).shape[1])
        kinds: tuple[Covariance, ...] = (
            "diagonal" if hessian == "diagonal" else "spread",
            "diagonal",
            "dense",
        )
        return QuadraticFields(
            hessian, kinds[np.asarray(self.noise).ndim], rank=1 if self.dimension == 1 else 0
        )

    @property
    def matrices(self) -> Mapping[str, Array]:
        """The matrices of the kernels: ``H``, the covariance ``S``, factors ``B B^T = S`` and
        ``B2 B2^T = 2 S o S``, ``H o S``.

        Those that are diagonal are among the `vectors`; of a factor there is also the transpose, and no
        ``S``.
        """
        return self._matrices

    @cached_property
    def _matrices(self) -> Mapping[str, Array]:
        fields, matrices = self.fields, {name: self.matrix(name) for name in _dense(self.fields)}
        return matrices | (
            {"B_transposed": self.matrix("B").T.copy()} if fields.covariance == "factor" else {}
        )

    @property
    def vectors(self) -> Mapping[str, Array]:
        """The constant vectors of the kernels."""
        vectors = {"minimum": np.asarray(self.minimum), "S_diagonal": self._variances}
        if self.fields.hessian == "diagonal":
            vectors["H"] = np.asarray(self.hessian)
        if self.fields.covariance == "diagonal":
            vectors["B"] = np.sqrt(self._variances)
        return vectors

    @property
    def numbers(self) -> Mapping[str, float]:
        """The numbers of the kernels: `spread`, where ``B`` is so many times ``H``."""
        return {"spread": float(np.asarray(self.noise))} if self.fields.covariance == "spread" else {}

    def matrix(self, name: str) -> Array:
        """Return one of ``H``, ``S``, ``HS``, ``B``, ``B2`` as a matrix, diagonal ones too."""
        match name, self.fields.covariance:
            case "HS", _:
                return self.matrix("H") * self.matrix("S")
            case "H", _:
                hessian = np.asarray(self.hessian)
                return np.diag(hessian) if hessian.ndim == 1 else hessian
            case "S", "dense":
                return np.asarray(self.noise)
            case "S", _:
                factor = self.matrix("B")
                return factor @ factor.T
            case "B", "factor":
                return np.asarray(self.factor)
            case "B2", "factor":
                return square_factor(np.asarray(self.factor))
            case "B", "spread":
                return np.asarray(self.noise) * self.matrix("H")
            case "B", "diagonal":
                return np.diag(self.vectors["B"])
        covariance = self.matrix("S")
        return symmetric_root(covariance if name == "B" else 2 * covariance * covariance)

    @property
    def _variances(self) -> Array:
        """The diagonal of ``S``."""
        match self.fields.covariance:
            case "diagonal" if np.asarray(self.noise).ndim == 0:
                return (np.asarray(self.noise) * np.asarray(self.hessian)) ** 2
            case "diagonal":
                return np.asarray(self.noise)
            case "factor":
                return np.einsum("ip,ip->i", np.asarray(self.factor), np.asarray(self.factor))
        return np.diag(self.matrix("S")).copy()

    @property
    def noiseless(self) -> "Quadratic":
        """The same objective without noise."""
        return Quadratic(self.hessian, 0.0, self.minimum)

    @property
    def description(self) -> Mapping[str, object]:
        """The problem as data, for records: diagonal matrices by their diagonals, a factor in the place of
        ``S``.
        """
        match self.fields.covariance:
            case "factor":
                noise = {"factor": np.asarray(self.factor)}
            case "diagonal":
                noise = {"S": self._variances}
            case _:
                noise = {"S": self.matrix("S")}
        return {"H": np.asarray(self.hessian), **noise, "minimum": np.asarray(self.minimum)}


def _dense(fields: QuadraticFields) -> list[str]:
    """Names of the matrices that are not diagonal."""
    hessian = ["H", "HS"] if fields.hessian == "dense" else []
    match fields.covariance:
        case "diagonal":
            return hessian
        case "factor":
            return [*hessian, "B", "B2"]
    return [*hessian, "S", "B", "B2"]
