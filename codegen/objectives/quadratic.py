"""A quadratic objective: constant matrices to multiply by, or the little that is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sympy import Expr, Symbol, sqrt

from ...derive.errors import KernelRefused
from ...derive.notation.indices import components
from ...derive.notation.symbols import Component
from ..program.statements import MatVec, Statement, Vector

Covariance = Literal["dense", "diagonal", "spread", "factor"]


@dataclass(frozen=True)
class QuadraticFields:
    """``f = 1/2 (theta - minimum)^T H (theta - minimum)`` with constant noise covariance ``S``.

    A diagonal matrix is a constant vector, its products are element by element.

    Attributes
    ----------
    hessian : {"dense", "diagonal"}
    covariance : {"dense", "diagonal", "spread", "factor"}
        What is known of ``S = B B^T``: nothing, and ``B`` is a symmetric root; that it is diagonal; that it
        is ``s**2 H H`` with a number s, `spread`; that ``B`` has `rank` columns.
    rank : int
        The number r of dimensions of the noise, that of its squares is r(r+1)/2: the columns of a factor, or
        1 for a single coordinate; 0 for as many as coordinates.
    """

    hessian: Literal["dense", "diagonal"] = "dense"
    covariance: Covariance = "dense"
    rank: int = 0

    @property
    def constant_noise(self) -> bool:
        return True

    @property
    def gradient_noise(self) -> bool:
        return True

    @property
    def constants(self) -> tuple[str, ...]:
        diagonals = [
            *(["H"] if self.hessian == "diagonal" else []),
            *(["B"] if self.covariance == "diagonal" else []),
        ]
        return ("S_diagonal", *diagonals, "minimum")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("spread",) if self.covariance == "spread" else ()

    @property
    def widths(self) -> Mapping[str, int]:
        return {"zeta1": self.rank, "zeta2": self.rank * (self.rank + 1) // 2} if self.rank else {}

    def vanishes(self, component: Component) -> bool:
        field = component.field
        constant = field.rank if not field.gradient else 2
        return len(component.indices) > constant

    def gradient(self, at: str = "theta", target: str = "F") -> tuple[Statement, ...]:
        return self._slope(Symbol(at, real=True), target)

    def _slope(self, point: Expr, target: str) -> tuple[Statement, ...]:
        offset = Vector(f"{target}_offset", point - Symbol("minimum", real=True))
        return (offset, *self.applied("H", offset.target, target))

    def noisy_gradient(self, at: str, target: str, scale: Expr) -> tuple[Statement, ...]:
        if self.covariance == "spread":  # H (theta - minimum) + scale s H zeta1: one product for both
            seen = scale * Symbol("spread", real=True) * Symbol("zeta1", real=True)
            return self._slope(Symbol(at, real=True) + seen, target)
        noisy, mean = self.applied("B", "zeta1"), Symbol(f"{target}_mean", real=True)
        both = mean + scale * Symbol(noisy[-1].target, real=True)
        return (*noisy, *self.gradient(at, mean.name), Vector(target, both))

    def applied(self, matrix: str, operand: str, target: str = "") -> tuple[Statement, ...]:
        """Return statements, the last of which sets a vector, ``MATRIX_OPERAND`` by default, to a matrix
        times a vector.
        """
        target = target or f"{matrix}_{operand}"
        kind, x = self.hessian if matrix == "H" else self.covariance, Symbol(operand, real=True)
        match matrix, kind:
            case "HS", _ if self.hessian == "diagonal":
                return (Vector(target, Symbol("H", real=True) * Symbol("S_diagonal", real=True) * x),)
            case "HS", _:
                return (MatVec(target, matrix, operand),)
            case "B2", "diagonal":
                return (Vector(target, sqrt(2) * Symbol("S_diagonal", real=True) * x),)
            case _, "diagonal":
                return (Vector(target, Symbol("S_diagonal" if matrix == "S" else matrix, real=True) * x),)
            case "B", "spread":
                (product,) = self.applied("H", operand)
                return (
                    product,
                    Vector(target, Symbol("spread", real=True) * Symbol(product.target, real=True)),
                )
            case "S", "factor":
                (inner,) = self.applied("B_transposed", operand)
                return (inner, *self.applied("B", inner.target, target))
            case "B_transposed", _:
                return (MatVec(target, matrix, operand, self.rank),)
        return (MatVec(target, matrix, operand),)

    def oriented(self, component: Expr) -> str:
        """Return the matrix by whose rows i a component at i and j stands: all but a factor of few columns
        are symmetric.
        """
        if not isinstance(component, Component):
            if (
                sorted(str(c.field.name) for c in components(component)) != ["F", "S"]
                or len(component.args) != 2
            ):
                raise KernelRefused(
                    f"{component} in a kernel for a quadratic; expected a single matrix, or H o S"
                )
            return "HS"
        name = self.matrix(component)
        if self.covariance != "factor" or name in ("H", "S") or component.indices == ("i", "j"):
            return name
        if name == "B2":
            raise KernelRefused(
                f"{component} in a kernel for a quadratic whose noise has a factor; expected a covariance "
                "matrix"
            )
        return "B_transposed"

    def matrix(self, component: Component) -> str:
        """Return the constant matrix behind a component at i and j, such as ``F[i,j]``."""
        names = {"F": "H", "S": "S", "B": "B", "B2": "B2"}
        if component.field.name not in names or len(component.indices) != 2:
            raise KernelRefused(
                f"{component} in a kernel for a quadratic; expected H, S or a factor of the noise"
            )
        return names[component.field.name]
