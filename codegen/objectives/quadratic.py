"""A quadratic objective: constant operators, or the little that is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Rational, Symbol, sqrt

from ...derive.errors import KernelRefused
from ...derive.notation.indices import components
from ...derive.notation.symbols import Component
from ..program.statement import Statement
from ..program.statements import Total, Vector
from .linear_operators import Dense, Diagonal, Factor, Gram, Multiple, Operator

H, B = Dense("H"), Dense("B")
VARIANCES = Symbol("S_diagonal", real=True)
"""The constant vector ``S_ii``."""


def by_diagonal(name: str) -> Diagonal:
    """Return the diagonal operator whose diagonal is a constant vector of its own name."""
    return Diagonal(name, Symbol(name, real=True))


@dataclass(frozen=True)
class QuadraticFields:
    """``f = 1/2 (theta - minimum)^T H (theta - minimum)`` with constant noise covariance ``S = B B^T``.

    Attributes
    ----------
    hessian : Dense or Diagonal
        ``H``.
    factor : Dense, Diagonal, Factor or Multiple
        ``B``: a symmetric root, the root of a diagonal, a matrix of few columns, or a multiple of ``H``.
    single : bool
        Whether there is a single coordinate: its noise has one dimension then, whatever it is made of.
    """

    hessian: Dense | Diagonal = H
    factor: Dense | Diagonal | Factor | Multiple = B
    single: bool = False

    @property
    def covariance(self) -> Operator:
        """``S``."""
        match self.factor:
            case Diagonal():
                return Diagonal("S", VARIANCES)
            case Factor():
                return Gram("S", self.factor)
        return Dense("S")

    @property
    def square_factor(self) -> Operator:
        """``B2`` with ``B2 B2^T = 2 S o S``."""
        match self.factor:
            case Diagonal():
                return Diagonal("B2", sqrt(2) * VARIANCES)
            case Factor(columns=r):
                return Factor("B2", r * (r + 1) // 2)
        return Dense("B2")

    @property
    def hadamard(self) -> Operator:
        """``H o S``, of a diagonal ``H`` diagonal whatever ``S`` is."""
        if isinstance(self.hessian, Diagonal):
            return Diagonal("HS", self.hessian.entries * VARIANCES)
        return Dense("HS")

    @property
    def matrices(self) -> tuple[str, ...]:
        """The names of all matrices that are not diagonal."""
        parts = (self.hessian, self.hadamard, self.covariance, self.factor, self.square_factor)
        return tuple(dict.fromkeys(name for part in parts for name in part.matrices))

    @property
    def constant_noise(self) -> bool:
        return True

    @property
    def gradient_noise(self) -> bool:
        return True

    @property
    def constants(self) -> tuple[str, ...]:
        diagonals = [part.name for part in (self.hessian, self.factor) if isinstance(part, Diagonal)]
        return (VARIANCES.name, *diagonals, "minimum")

    @property
    def numbers(self) -> tuple[str, ...]:
        return (self.factor.number,) if isinstance(self.factor, Multiple) else ()

    @property
    def widths(self) -> Mapping[str, int]:
        rank = self.factor.columns if isinstance(self.factor, Factor) else int(self.single)
        return {"zeta1": rank, "zeta2": rank * (rank + 1) // 2} if rank else {}

    def vanishes(self, component: Component) -> bool:
        field = component.field
        constant = field.rank if not field.gradient else 2
        return len(component.indices) > constant

    def value(self, at: str = "theta", target: str = "loss") -> tuple[Statement, ...]:
        # f = 1/2 x_i (H x)_i at x = theta - minimum
        statements = self.gradient(at, f"{target}_slope")
        offset, slope = (Symbol(s.target, real=True) for s in (statements[0], statements[-1]))
        return (*statements, Total(target, Rational(1, 2) * offset * slope))

    def gradient(self, at: str = "theta", target: str = "F") -> tuple[Statement, ...]:
        return self._slope(Symbol(at, real=True), target)

    def _slope(self, point: Expr, target: str) -> tuple[Statement, ...]:
        offset = Vector(f"{target}_offset", point - Symbol("minimum", real=True))
        return (offset, *self.hessian.applied(offset.target, target))

    def noisy_gradient(self, at: str, target: str, scale: Expr) -> tuple[Statement, ...]:
        if isinstance(self.factor, Multiple):  # H (theta - minimum + scale s zeta1): one product for both
            seen = scale * Symbol(self.factor.number, real=True) * Symbol("zeta1", real=True)
            return self._slope(Symbol(at, real=True) + seen, target)
        noisy, mean = self.factor.applied("zeta1"), Symbol(f"{target}_mean", real=True)
        both = mean + scale * Symbol(noisy[-1].target, real=True)
        return (*noisy, *self.gradient(at, mean.name), Vector(target, both))

    def operator(self, link: Expr) -> Operator:
        """Return the operator by whose rows i a component at i and j stands, or a product of components."""
        if isinstance(link, Component):
            found = self._named()[self.matrix(link)]
            return found if link.indices == ("i", "j") else found.transposed
        if sorted(str(c.field.name) for c in components(link)) != ["F", "S"] or len(link.args) != 2:
            raise KernelRefused(f"{link} in a kernel for a quadratic; expected a single matrix, or H o S")
        return self.hadamard

    def _named(self) -> Mapping[str, Operator]:
        return {"H": self.hessian, "S": self.covariance, "B": self.factor, "B2": self.square_factor}

    def matrix(self, component: Component) -> str:
        """Return the name of the matrix behind a component at i and j, such as ``F[i,j]``."""
        names = {"F": "H", "S": "S", "B": "B", "B2": "B2"}
        if component.field.name not in names or len(component.indices) != 2:
            raise KernelRefused(
                f"{component} in a kernel for a quadratic; expected H, S or a factor of the noise"
            )
        return names[component.field.name]
