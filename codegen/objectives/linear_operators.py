"""Constant linear operators: what is known of a matrix, and its product with a vector as statements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

from sympy import Expr, Symbol

from ..program.statement import Statement
from ..program.statements import Apply, Matrix, Vector


class Operator(ABC):
    """``y = A x``; abstract."""

    name: str
    """In the names of products."""

    @property
    def matrices(self) -> tuple[str, ...]:
        """The matrices that are given at run time."""
        return ()

    @property
    def transposed(self) -> Operator:
        """The transpose; of a symmetric operator itself."""
        return self

    def product(self, operand: str) -> str:
        """Return the name of the product with a vector, unless it gets another."""
        return f"{self.name}_{operand}"

    @abstractmethod
    def applied(self, operand: str, target: str = "") -> tuple[Statement, ...]:
        """Return statements, the last of which sets the vector `target`, or `product`, to the product with a
        vector.
        """


@dataclass(frozen=True)
class Dense(Operator):
    """A symmetric matrix given at run time."""

    name: str

    @property
    def matrices(self) -> tuple[str, ...]:
        return (self.name,)

    def applied(self, operand: str, target: str = "") -> tuple[Statement, ...]:
        return (Apply(target or self.product(operand), Matrix(self.name), (operand,)),)


@dataclass(frozen=True)
class Diagonal(Operator):
    """A diagonal matrix by its diagonal, an expression of constant vectors."""

    name: str
    entries: Expr

    def applied(self, operand: str, target: str = "") -> tuple[Statement, ...]:
        # y_i = a_i x_i
        return (Vector(target or self.product(operand), self.entries * Symbol(operand, real=True)),)


@dataclass(frozen=True)
class Factor(Operator):
    """A matrix of d rows and a number of columns, or its transpose, of which there is no copy."""

    name: str
    columns: int
    turned: bool = False

    @property
    def matrices(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def transposed(self) -> Factor:
        return replace(self, turned=not self.turned)

    def product(self, operand: str) -> str:
        return f"{self.name}{'_transposed' if self.turned else ''}_{operand}"

    def applied(self, operand: str, target: str = "") -> tuple[Statement, ...]:
        matrix, length = Matrix(self.name, self.turned), self.columns if self.turned else 0
        return (Apply(target or self.product(operand), matrix, (operand,), length),)


@dataclass(frozen=True)
class Gram(Operator):
    """``B B^T``, by two products with a factor."""

    name: str
    factor: Factor

    @property
    def matrices(self) -> tuple[str, ...]:
        return self.factor.matrices

    def applied(self, operand: str, target: str = "") -> tuple[Statement, ...]:
        # y_i = sum_p B_ip sum_j B_jp x_j
        inner = self.factor.transposed.applied(operand)
        return (*inner, *self.factor.applied(inner[-1].target, target or self.product(operand)))


@dataclass(frozen=True)
class Multiple(Operator):
    """A number given at run time, by its name, times an operator."""

    name: str
    number: str
    operator: Dense

    @property
    def matrices(self) -> tuple[str, ...]:
        return self.operator.matrices

    def applied(self, operand: str, target: str = "") -> tuple[Statement, ...]:
        inner = self.operator.applied(operand)
        product = Symbol(self.number, real=True) * Symbol(inner[-1].target, real=True)
        return (*inner, Vector(target or self.product(operand), product))
