"""An objective and its noise factor given by formulas: everything is written out coordinate by coordinate.

A term in index notation is summed over one dummy after the other, that with the fewest other indices first.
What it is a sum over becomes a tensor of its own, made once, of which only the entries that do not vanish
have statements: ``sum_jk F_ijk S_jk P_j P_k`` needs the matrix ``sum_k F_ijk S_jk P_k``, then the vector that
is its product with ``P``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product

from sympy import Add, Expr, Matrix, Rational, Symbol, simplify

from ...derive.notation.coordinates import Space
from ...derive.notation.symbols import Component, Field, factor, gradient, square_factor
from ..program.statements import Entry, Number, Stack, Statement, Vector

LARGEST_DIMENSION = 8
"""Second derivatives of the noise factor have d**4 entries, and each is a statement."""

FREE = "ijklmn"
"""Names of the free indices of a tensor, in order."""

TINY = Rational(1, 10**30)

covariance = Field("S", rank=2, symmetric=True, varies=True)


@dataclass(frozen=True)
class FormulaFields:
    """``f(theta)`` with noise ``B(theta) zeta``, ``S = B B^T``.

    Attributes
    ----------
    objective : Expr
        In ``theta_1, theta_2, ...``; ``theta`` in one dimension.
    noise_factor : Matrix
        d rows and columns, in the same symbols.
    """

    objective: Expr
    noise_factor: Matrix

    @property
    def dimension(self) -> int:
        """The number d of coordinates."""
        return self.noise_factor.rows

    @cached_property
    def space(self) -> Space:
        """Components as functions of theta."""
        return Space(self.dimension, self.objective, self.noise_factor, {})

    @property
    def constant_noise(self) -> bool:
        return not self.noise_factor.free_symbols

    @property
    def gradient_noise(self) -> bool:
        slope = self.space.component
        curls = (
            slope(factor("i", "p", "j"), (n, p, m)) - slope(factor("i", "p", "j"), (m, p, n))
            for p in self.coordinates for n, m in combinations(self.coordinates, 2)
        )  # fmt: skip
        return all(simplify(curl) == 0 for curl in curls)

    @property
    def constants(self) -> tuple[str, ...]:
        return ()

    @property
    def numbers(self) -> tuple[str, ...]:
        return ()

    @property
    def widths(self) -> Mapping[str, int]:
        return dict.fromkeys(("zeta1", "zeta2"), self.dimension)

    def vanishes(self, component: Component) -> bool:
        if len(component.indices) == 1 or component.field == square_factor:
            return False
        numbers = product(range(1, self.dimension + 1), repeat=len(component.indices))
        return all(self.space.component(component, at) == 0 for at in numbers)

    def gradient(self, at: str = "theta", target: str = "F") -> tuple[Statement, ...]:
        formulas = [self.at(gradient("i"), (n,), at) for n in self.coordinates]
        return (*entries(at, self.dimension), *stacked(target, formulas))

    def noisy_gradient(self, at: str, target: str, scale: Expr) -> tuple[Statement, ...]:
        sums = [
            Add(*(self.at(factor("i", "p"), (n, p), at) * entry("zeta1", p) for p in self.coordinates))
            for n in self.coordinates
        ]
        name = "B_zeta1" if at == "theta" else f"B_zeta1_{at}"
        noisy = (*entries("zeta1", self.dimension), *entries(at, self.dimension), *stacked(name, sums))
        both = Symbol(f"{target}_mean", real=True) + scale * Symbol(name, real=True)
        return (*noisy, *self.gradient(at, f"{target}_mean"), Vector(target, both))

    @property
    def coordinates(self) -> range:
        """1, ..., d."""
        return range(1, self.dimension + 1)

    def at(self, component: Component, numbers: tuple[int, ...], at: str) -> Expr:
        """Return the value of a component at a vector, in the entries of that vector."""
        return self.space.component(component, numbers).xreplace(
            {x: entry(at, n) for n, x in enumerate(self.space.theta, 1)}
        )


def entry(vector: str, n: int) -> Symbol:
    return Symbol(f"{vector}_at_{n - 1}", real=True)


def entries(vector: str, dimension: int) -> list[Statement]:
    return [Entry(str(entry(vector, n)), vector, n - 1) for n in range(1, dimension + 1)]


def label(name: str, numbers: tuple[int, ...]) -> str:
    """Name the entry of a tensor as kernels name the entries of a vector, counting from 0."""
    return "_".join((name, *(str(n - 1) for n in numbers)))


def stacked(name: str, values: list[Expr]) -> list[Statement]:
    """Make a vector of values; those that have a name keep it."""
    names = [
        str(value) if isinstance(value, Symbol) else label(name, (n,)) for n, value in enumerate(values, 1)
    ]
    numbers = [
        Number(label, value)
        for label, value in zip(names, values, strict=True)
        if not isinstance(value, Symbol)
    ]
    return [*numbers, Stack(name, tuple(names))]
