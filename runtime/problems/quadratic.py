"""Problems to run optimizers on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from ...codegen.objectives.linear_operators import Dense, Diagonal, Factor, Multiple
from ...codegen.objectives.quadratic import QuadraticFields, by_diagonal
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
    {'B': (10000, 1), 'B2': (10000, 1)}
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
        return self._fields

    @cached_property
    def _fields(self) -> QuadraticFields:
        hessian = by_diagonal("H") if axes(self.hessian) == 1 else Dense("H")
        if self.factor is not None:
            factor = Factor("B", np.asarray(self.factor).shape[1])
        elif self.covariance is not None:
            factor = Dense("B")
        elif self.variances is not None or isinstance(hessian, Diagonal):
            factor = by_diagonal("B")
        else:
            factor = Multiple("B", "spread", hessian)
        return QuadraticFields(hessian, factor, single=self.dimension == 1)

    @property
    def matrices(self) -> Mapping[str, Array]:
        """The matrices of the kernels: ``H``, the covariance ``S``, factors ``B B^T = S`` and
        ``B2 B2^T = 2 S o S``, ``H o S``.

        Those that are diagonal are among the `vectors`; there is no ``S`` where the noise has a factor, and
        no ``B`` where that is a multiple of ``H``.
        """
        return self._matrices

    @cached_property
    def _matrices(self) -> Mapping[str, Array]:
        return {name: self.matrix(name) for name in self.fields.matrices}

    @property
    def vectors(self) -> Mapping[str, Array]:
        """The constant vectors of the kernels."""
        vectors = {"minimum": np.asarray(self.minimum), "S_diagonal": self._variances}
        if isinstance(self.fields.hessian, Diagonal):
            vectors["H"] = np.asarray(self.hessian)
        if isinstance(self.fields.factor, Diagonal):
            vectors["B"] = np.sqrt(self._variances)
        return vectors

    @property
    def numbers(self) -> Mapping[str, float]:
        """The numbers of the kernels: `spread`, where ``B`` is so many times ``H``."""
        return dict.fromkeys(self.fields.numbers, float(self.minimum_noise or 0.0))

    def matrix(self, name: str) -> Array:
        """Return one of ``H``, ``S``, ``HS``, ``B``, ``B2`` as a matrix, diagonal ones too."""
        match name, self.fields.factor:
            case "HS", _:
                return self.matrix("H") * self.matrix("S")
            case "H", _:
                hessian = np.asarray(self.hessian)
                return np.diag(hessian) if hessian.ndim == 1 else hessian
            case "S", Dense():
                return np.asarray(self.covariance)
            case "S", _:
                factor = self.matrix("B")
                return factor @ factor.T
            case "B", Factor():
                return np.asarray(self.factor)
            case "B2", Factor():
                return square_factor(np.asarray(self.factor))
            case "B", Multiple():
                return (self.minimum_noise or 0.0) * self.matrix("H")
            case "B", Diagonal():
                return np.diag(self.vectors["B"])
        covariance = self.matrix("S")
        return symmetric_root(covariance if name == "B" else 2 * covariance * covariance)

    @property
    def _variances(self) -> Array:
        """The diagonal of ``S``."""
        match self.fields.factor:
            case Diagonal() if self.variances is None:
                return ((self.minimum_noise or 0.0) * np.asarray(self.hessian)) ** 2
            case Diagonal():
                return np.asarray(self.variances)
            case Factor():
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
        match self.fields.factor:
            case Factor():
                noise = {"factor": np.asarray(self.factor)}
            case Diagonal():
                noise = {"S": self._variances}
            case _:
                noise = {"S": self.matrix("S")}
        return {"H": np.asarray(self.hessian), **noise, "minimum": np.asarray(self.minimum)}
