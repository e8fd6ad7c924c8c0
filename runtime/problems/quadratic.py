"""Problems to run optimizers on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from ...codegen.objectives.quadratic import Covariance, QuadraticFields
from ...derive.errors import BadInput
from .matrices import (
    Array,
    axes,
    columns,
    diagonal,
    fixed,
    nonnegative,
    numbers,
    row,
    semidefinite,
    square_factor,
    symmetric,
    symmetric_root,
)


@dataclass(frozen=True, eq=False)
class Quadratic:
    """``f = 1/2 (theta - minimum)^T H (theta - minimum)`` with gradient noise of constant covariance ``S``.

    Diagonal ``H`` and ``S`` and a factor of few columns cost O(d) memory and time; `matrices` and `vectors`
    hold no more.

    Attributes
    ----------
    hessian : ndarray (d, d) or (d,)
        ``H``, symmetric, or its diagonal; at a saddle it has negative eigenvalues.
    minimum_noise : float, optional
        A number s: the minimum is seen with noise ``s N(0, I)``, so ``S = s**2 H H``. 1 unless one of the
        other three is given.
    variances : ndarray (d,), optional
        The variances of the gradient's coordinates: ``S`` is diagonal.
    covariance : ndarray (d, d), optional
        ``S`` itself, symmetric and positive semidefinite.
    factor : ndarray (d, r), optional
        ``B`` with ``S = B B^T``. The noise then has r dimensions and that of its squares r(r+1)/2, so it
        pays for r well below d.
    minimum : ndarray (d,), optional
        Zero unless given.

    Raises
    ------
    ValueError
        A shape, a symmetry, definiteness or finiteness is not as described, or several of the four are given.

    Examples
    --------
    >>> Quadratic([[1, 0.5], [0.5, 1]], minimum_noise=0.25).matrices["S"]
    array([[0.078125, 0.0625  ],
           [0.0625  , 0.078125]])
    >>> wide = Quadratic(np.linspace(1, 2, 10_000), factor=np.ones((10_000, 1)))
    >>> {name: matrix.shape for name, matrix in wide.matrices.items()}
    {'B': (10000, 1), 'B2': (10000, 1), 'B_transposed': (1, 10000)}
    """

    hessian: ArrayLike
    minimum_noise: float | None = field(default=None, kw_only=True)
    variances: ArrayLike | None = field(default=None, kw_only=True)
    covariance: ArrayLike | None = field(default=None, kw_only=True)
    factor: ArrayLike | None = field(default=None, kw_only=True)
    minimum: ArrayLike | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        flat = axes(self.hessian) == 1
        hessian = row("the diagonal of H", self.hessian) if flat else symmetric("H", self.hessian)
        d = len(hessian)
        names = ("minimum_noise", "variances", "covariance", "factor")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            raise BadInput(f"got both {given[0]} and {given[1]}; expected one of {', '.join(names)}")
        kept = {"hessian": hessian}
        match given:
            case [] | ["minimum_noise"]:
                spread = nonnegative(
                    "minimum_noise", 1.0 if self.minimum_noise is None else self.minimum_noise
                )
                object.__setattr__(self, "minimum_noise", spread)
            case ["variances"]:
                kept["variances"] = diagonal("variances", cast(ArrayLike, self.variances), d)
            case ["covariance"]:
                kept["covariance"] = semidefinite("covariance", cast(ArrayLike, self.covariance), d)
            case _:
                kept["factor"] = columns("factor", cast(ArrayLike, self.factor), d)
        minimum = np.zeros(d) if self.minimum is None else numbers("minimum", self.minimum)
        if minimum.shape != (d,) or not np.isfinite(minimum).all():
            raise BadInput(f"minimum {self.minimum}; expected {d} finite numbers")
        for name, value in (kept | {"minimum": minimum}).items():
            object.__setattr__(self, name, fixed(value))

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
        if self.covariance is not None:
            kind: Covariance = "dense"
        else:
            kind = "diagonal" if self.variances is not None or hessian == "diagonal" else "spread"
        return QuadraticFields(hessian, kind, rank=1 if self.dimension == 1 else 0)

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
        return {"spread": float(self.minimum_noise or 0.0)} if self.fields.covariance == "spread" else {}

    def matrix(self, name: str) -> Array:
        """Return one of ``H``, ``S``, ``HS``, ``B``, ``B2`` as a matrix, diagonal ones too."""
        match name, self.fields.covariance:
            case "HS", _:
                return self.matrix("H") * self.matrix("S")
            case "H", _:
                hessian = np.asarray(self.hessian)
                return np.diag(hessian) if hessian.ndim == 1 else hessian
            case "S", "dense":
                return np.asarray(self.covariance)
            case "S", _:
                factor = self.matrix("B")
                return factor @ factor.T
            case "B", "factor":
                return np.asarray(self.factor)
            case "B2", "factor":
                return square_factor(np.asarray(self.factor))
            case "B", "spread":
                return (self.minimum_noise or 0.0) * self.matrix("H")
            case "B", "diagonal":
                return np.diag(self.vectors["B"])
        covariance = self.matrix("S")
        return symmetric_root(covariance if name == "B" else 2 * covariance * covariance)

    @property
    def _variances(self) -> Array:
        """The diagonal of ``S``."""
        match self.fields.covariance:
            case "diagonal" if self.variances is None:
                return ((self.minimum_noise or 0.0) * np.asarray(self.hessian)) ** 2
            case "diagonal":
                return np.asarray(self.variances)
            case "factor":
                return np.einsum("ip,ip->i", np.asarray(self.factor), np.asarray(self.factor))
        return np.diag(self.matrix("S")).copy()

    @property
    def noiseless(self) -> "Quadratic":
        """The same objective without noise."""
        return Quadratic(self.hessian, minimum_noise=0.0, minimum=self.minimum)

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
