"""The statements of a program: what a kernel computes, one quantity at a time.

Inside an expression a plain `sympy.Symbol` names a number or the entry ``i`` of a vector; there are no loops
here, they belong to the text. A new kind of statement needs a class here, its text in each shape of kernel,
and a line in the interpreter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from sympy import Add, DiracDelta, Expr, Integer, Symbol

from ...derive.errors import KernelRefused
from .statement import Scope, Statement, check_defined, replaced, symbols


@dataclass(frozen=True)
class Expressed(Statement):
    """``target = expression``; abstract."""

    target: str
    expression: Expr

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(symbols(self.expression))

    def check(self, scope: Scope) -> None:
        check_defined(self.reads, scope.uniform, scope.numbers)

    def renamed(self, names: Mapping[str, Symbol]) -> Self:
        return replace(self, expression=replaced(self.expression, names))

    def with_values(self, target: str, values: Mapping[str, Expr]) -> Sequence[Statement]:
        found = replaced(self.expression, values)
        return (type(self)(target, found),) if found != 0 else ()

    def derivative(self, target: str, slopes: Mapping[str, Expr]) -> Sequence[Statement]:
        # d target_i = sum_n (d expression_i / d x_n,i) dx_n,i
        moved = [name for name in self.reads if slopes.get(name, 0) != 0]
        found = Add(*(_slope(self.expression, name) * slopes[name] for name in moved))
        return (type(self)(target, found),) if found != 0 else ()


@dataclass(frozen=True)
class Scalar(Expressed):
    """``target = expression``: one number for all paths, of parameters, `t` and earlier scalars."""

    kind, label = "uniform", "scalar"

    def check(self, scope: Scope) -> None:
        check_defined(self.reads, scope.uniform)


@dataclass(frozen=True)
class Number(Expressed):
    """``target = expression``: one number per path, of scalars, totals, entries and earlier numbers."""

    kind, label, one_by_one = "number", "number", True


@dataclass(frozen=True)
class OfVectors(Expressed):
    """``expression_i`` of vectors at the same i; abstract."""

    def check(self, scope: Scope) -> None:
        check_defined(self.reads, scope.uniform, scope.numbers, scope.vectors)

    def span(self, known: Mapping[str, int], dimension: int) -> int:
        found = {name: known[name] for name in self.reads if name in known}
        if len(set(found.values())) > 1:
            shown = ", ".join(f"{name} of {length}" for name, length in sorted(found.items()))
            raise KernelRefused(
                f"{self.expression} has vectors of several lengths: {shown}; multiply by a matrix first"
            )
        return next(iter(found.values()), dimension)


@dataclass(frozen=True)
class Vector(OfVectors):
    """``target_i = expression_i``: of vectors at the same i, scalars and numbers per path."""

    kind, label = "vector", "vector"


@dataclass(frozen=True)
class Total(OfVectors):
    """``target = sum_i expression_i``: one number per path."""

    kind, label = "number", "total"


@dataclass(frozen=True)
class Matrix:
    """A constant matrix given at run time, or its transpose, of which there is no copy."""

    name: str
    transposed: bool = False

    def __str__(self) -> str:
        return f"{self.name}^T" if self.transposed else self.name


@dataclass(frozen=True)
class Function:
    """A Numba function ``call(x, ..., y, lanes)`` that fills the rows of y from the rows of its operands.

    Rows lie one behind the other, each with a number for every one of `lanes` paths; ``call`` writes nothing
    but y. The text of a kernel imports it by its name. `derivatives` has for each operand a function
    ``(x, ..., dx, y, lanes)`` of the same kind, linear in ``dx``: the derivative by that operand.
    """

    call: Callable[..., Any]
    derivatives: tuple[Function, ...] = ()

    @property
    def name(self) -> str:
        """The name of the function in its module."""
        return self.call.__name__

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Apply(Statement):
    """``target = operator(operands)``: a constant matrix times a vector, or a function of vectors.

    Attributes
    ----------
    target : str
    operator : Matrix or Function
    operands : tuple of str
        Earlier vectors; one for a matrix.
    length : int
        Of the target; 0 for d.
    """

    target: str
    operator: Matrix | Function
    operands: tuple[str, ...]
    length: int = 0

    kind, label, whole = "vector", "product", True

    @property
    def reads(self) -> tuple[str, ...]:
        return self.operands

    @property
    def matrices(self) -> tuple[str, ...]:
        return (self.operator.name,) if isinstance(self.operator, Matrix) else ()

    def check(self, scope: Scope) -> None:
        if isinstance(self.operator, Matrix):
            if self.operator.name not in scope.matrices:
                raise KernelRefused(
                    f"{self.operator.name!r} is none of the matrices {sorted(scope.matrices)}"
                )
            if len(self.operands) != 1:
                raise KernelRefused(f"a matrix is applied to {len(self.operands)} vectors; expected one")
        elif (
            self.operator.call.__qualname__ != self.operator.name
            or self.operator.call.__module__ == "__main__"
        ):
            raise KernelRefused(
                f"the function {self.operator.name} cannot be imported; define it at the top of a module"
            )
        for name in self.operands:
            if name not in scope.vectors:
                raise KernelRefused(f"{name!r} is no earlier vector")

    def with_values(self, target: str, values: Mapping[str, Expr]) -> Sequence[Statement]:
        operands = tuple(str(values.get(name, name)) for name in self.operands)
        if "0" in operands:
            if isinstance(self.operator, Matrix):
                return ()
            raise KernelRefused(
                f"{self.operator} of a vector that is zero; expected one that a kernel computes"
            )
        return (replace(self, target=target, operands=operands),)

    def derivative(self, target: str, slopes: Mapping[str, Expr]) -> Sequence[Statement]:
        moved = [n for n, name in enumerate(self.operands) if slopes.get(name, 0) != 0]
        if not moved:
            return ()
        if isinstance(self.operator, Matrix):  # d (A_ij x_j) = A_ij dx_j
            return self.with_values(target, slopes)
        if len(self.operator.derivatives) != len(self.operands):
            raise KernelRefused(
                f"the derivative of {self.operator} is needed; give it a function for each of its operands"
            )
        # d f_i(x, y) = f_i,j(x, y) dx_j + f_i,k(x, y) dy_k: a function for each sum
        parts = [
            replace(
                self,
                target=target if len(moved) == 1 else f"{target}_by_{n}",
                operator=self.operator.derivatives[n],
                operands=(*self.operands, str(slopes[self.operands[n]])),
            )
            for n in moved
        ]
        both = Vector(target, Add(*(Symbol(part.target, real=True) for part in parts)))
        return parts if len(parts) == 1 else [*parts, both]

    def size(self, known: Mapping[str, int], dimension: int) -> int:
        return self.length or dimension


@dataclass(frozen=True)
class Entry(Statement):
    """``target = vector_index``: one number per path."""

    target: str
    vector: str
    index: int

    kind, label, whole = "number", "entry", True

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.vector,)

    def check(self, scope: Scope) -> None:
        if self.vector not in scope.vectors:
            raise KernelRefused(f"{self.vector!r} is no earlier vector")
        if not 0 <= self.index < (length := scope.vectors[self.vector]):
            raise KernelRefused(f"index {self.index} is outside 0 ... {length - 1}")

    def with_values(self, target: str, values: Mapping[str, Expr]) -> Sequence[Statement]:
        vector = str(values.get(self.vector, self.vector))
        return (Entry(target, vector, self.index),) if vector != "0" else ()

    def derivative(self, target: str, slopes: Mapping[str, Expr]) -> Sequence[Statement]:
        return self.with_values(target, {self.vector: slopes.get(self.vector, Integer(0))})


@dataclass(frozen=True)
class Stack(Statement):
    """``target_i = entries[i]``: a vector of d numbers per path."""

    target: str
    entries: tuple[str, ...]

    kind, label, one_by_one = "vector", "stack", True

    @property
    def reads(self) -> tuple[str, ...]:
        return self.entries

    def check(self, scope: Scope) -> None:
        if len(self.entries) != scope.dimension or not scope.numbers.issuperset(self.entries):
            raise KernelRefused(f"{self.entries} are not {scope.dimension} earlier numbers per path")

    def with_values(self, target: str, values: Mapping[str, Expr]) -> Sequence[Statement]:
        names = [str(values.get(entry, entry)) for entry in self.entries]
        if set(names) == {"0"}:
            return ()
        named = [f"{target}_{n}" if name == "0" else name for n, name in enumerate(names)]
        zeros = (Number(new, Integer(0)) for new, name in zip(named, names, strict=True) if name == "0")
        return (*zeros, Stack(target, tuple(named)))

    def derivative(self, target: str, slopes: Mapping[str, Expr]) -> Sequence[Statement]:
        return self.with_values(target, {entry: slopes.get(entry, Integer(0)) for entry in self.entries})


def reads(statements: Sequence[Statement], names: Iterable[str]) -> set[str]:
    """Return the names with all that the statements that set them read, directly or not."""
    found = set(names)
    for statement in reversed(statements):
        if statement.target in found:
            found.update(statement.reads)
    return found


def _slope(expression: Expr, name: str) -> Expr:
    """Return the derivative by the symbol of a name; where a function jumps, that beside."""
    (variable,) = (s for s in expression.atoms(Symbol) if s.name == name)
    return expression.diff(variable).replace(DiracDelta, lambda *_: Integer(0))
