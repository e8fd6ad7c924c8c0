"""What every statement of a program can do, and where it may stand.

A statement knows what it reads, of which kind and how long its target is, what must hold where it stands, and
its derivative: whatever is done to a program asks the statements.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

from sympy import Expr, Symbol

from ...derive.errors import KernelRefused

Kind = Literal["uniform", "number", "vector"]
"""Of a quantity: one number for all paths, one number per path, a vector per path."""


def symbols(expression: Expr) -> list[str]:
    """Return the names of the symbols of an expression, sorted."""
    return sorted({s.name for s in expression.atoms(Symbol)})


def replaced(expression: Expr, values: Mapping[str, Expr]) -> Expr:
    """Return the expression with values in the place of the symbols of these names."""
    return expression.xreplace({s: values[s.name] for s in expression.atoms(Symbol) if s.name in values})


class Statement(ABC):
    """``target = ...``; a program has each target once."""

    target: str
    kind: ClassVar[Kind]
    label: ClassVar[str]
    """Of the kind of statement, for messages."""
    whole: ClassVar[bool] = False
    """Whether it reads vectors as a whole, so that they must be complete before it."""
    one_by_one: ClassVar[bool] = False
    """Whether it stands for one of d coordinates that have formulas of their own: no loop goes over them."""

    @property
    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """The names of the quantities that it reads; matrices are not among them."""

    @property
    def matrices(self) -> tuple[str, ...]:
        """The names of the constant matrices that it reads."""
        return ()

    @abstractmethod
    def check(self, scope: Scope) -> None:
        """Refuse what does not hold where the statement stands.

        Raises
        ------
        ValueError
        """

    @abstractmethod
    def with_values(self, target: str, values: Mapping[str, Expr]) -> Sequence[Statement]:
        """Return statements, the last of which sets `target` as this one does, with other inputs; none where
        it is zero.

        Parameters
        ----------
        target : str
        values : mapping of str to Expr
            A symbol, or 0, for each name that is replaced.

        Raises
        ------
        ValueError
            It cannot be given a 0.
        """

    @abstractmethod
    def derivative(self, target: str, slopes: Mapping[str, Expr]) -> Sequence[Statement]:
        """Return statements, the last of which sets `target` to the derivative of this statement's target;
        none where it is zero.

        Parameters
        ----------
        target : str
        slopes : mapping of str to Expr
            The derivative of each name, a symbol or 0. A name that is not in it does not change.

        Raises
        ------
        ValueError
            The derivative is not known.
        """

    def renamed(self, names: Mapping[str, Symbol]) -> Self:
        """Return the statement with other inputs and the same target."""
        (found,) = self.with_values(self.target, names)
        assert isinstance(found, type(self))
        return found

    def to(self, target: str) -> Self:
        """Return the statement with another target."""
        found = copy(self)
        object.__setattr__(found, "target", target)
        return found

    def size(self, known: Mapping[str, int], dimension: int) -> int:
        """Return the length of the target, from the lengths of the vectors before it."""
        return self.span(known, dimension) if self.kind == "vector" else 1

    def span(self, known: Mapping[str, int], dimension: int) -> int:
        """Return the length of the vectors that it reads entry by entry or adds up; d if it reads none.

        Raises
        ------
        ValueError
            They have several lengths.
        """
        return dimension


@dataclass
class Scope:
    """What is known where a statement stands: names by kind, the lengths of vectors, matrices."""

    dimension: int
    uniform: set[str]
    vectors: dict[str, int]
    matrices: set[str]
    numbers: set[str] = field(default_factory=set)

    def add(self, statement: Statement) -> None:
        """Check a statement, then know its target.

        Raises
        ------
        ValueError
            The statement does not hold here.
        """
        statement.check(self)
        match statement.kind:
            case "uniform":
                self.uniform.add(statement.target)
            case "number":
                self.numbers.add(statement.target)
            case "vector":
                self.vectors[statement.target] = statement.size(self.vectors, self.dimension)


def check_defined(names: Iterable[str], *known: Iterable[str]) -> None:
    """Refuse a name that is none of those known.

    Raises
    ------
    ValueError
    """
    everything = set().union(*known)
    for name in names:
        if name not in everything:
            raise KernelRefused(f"{name!r} is not defined there; define it in an earlier statement")
