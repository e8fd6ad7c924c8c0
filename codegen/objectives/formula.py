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
from typing import TYPE_CHECKING

from sympy import Add, Expr, Heaviside, Integer, Matrix, Max, Mul, Rational, Symbol, simplify, sqrt

from ...derive.notation.coordinates import Space, in_coordinates
from ...derive.notation.indices import components, is_dummy, reindex
from ...derive.notation.symbols import Component, Field, factor, gradient, square_factor
from ..program.statements import Entry, Number, Stack, Statement, Vector

if TYPE_CHECKING:
    from ..lowering.lower import Lowering

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
            for p in self._range for n, m in combinations(self._range, 2)
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
        formulas = [self._at(gradient("i"), (n,), at) for n in self._range]
        return (*_entries(at, self.dimension), *_stacked(target, formulas))

    def noisy_gradient(self, at: str, target: str, scale: Expr) -> tuple[Statement, ...]:
        sums = [
            Add(*(self._at(factor("i", "p"), (n, p), at) * _entry("zeta1", p) for p in self._range))
            for n in self._range
        ]
        name = "B_zeta1" if at == "theta" else f"B_zeta1_{at}"
        noisy = (*_entries("zeta1", self.dimension), *_entries(at, self.dimension), *_stacked(name, sums))
        both = Symbol(f"{target}_mean", real=True) + scale * Symbol(name, real=True)
        return (*noisy, *self.gradient(at, f"{target}_mean"), Vector(target, both))

    def vector(self, component: Component, lowering: Lowering) -> str:
        name = f"{component.field.name}_{''.join(component.indices)}"
        lowering.add(
            *_stacked(
                name, [self._value(component, (n,) * len(component.indices), lowering) for n in self._range]
            )
        )
        return name

    def contracted(self, term: Expr, lowering: Lowering) -> Expr:
        factors = Mul.make_args(term)
        left = [f for f in factors if not _indices(f) <= {"i"}]
        while summed := {index for f in left for index in _indices(f) if is_dummy(index)}:
            open_ = {
                name: set().union(*(_indices(f) for f in left if name in _indices(f))) - {name}
                for name in summed
            }
            name = min(summed, key=lambda name: (len(open_[name]), name))
            inside = [f for f in left if name in _indices(f)]
            left = [f for f in left if f not in inside] + [
                self._tensor(inside, name, sorted(open_[name]), lowering)
            ]
        return Mul(
            *(lowering.local(f) for f in left),
            lowering.local(Mul(*(f for f in factors if _indices(f) <= {"i"}))),
        )

    def closed(self, term: Expr, lowering: Lowering) -> Expr:
        return self.contracted(term, lowering)

    @property
    def _range(self) -> range:
        return range(1, self.dimension + 1)

    def _at(self, component: Component, numbers: tuple[int, ...], at: str) -> Expr:
        """Return the value of a component at a vector, in the entries of that vector."""
        return self.space.component(component, numbers).xreplace(
            {x: _entry(at, n) for n, x in enumerate(self.space.theta, 1)}
        )

    def _tensor(self, factors: list[Expr], summed: str, free: list[str], lowering: Lowering) -> Expr:
        """Return the sum of a product over one index as a component with the free indices, or 0."""
        alone = reindex(Mul(*(f for f in factors if _indices(f) == {summed})), {summed: "i"})
        rest = [f for f in factors if _indices(f) != {summed}]
        if alone != 1:
            rest.append(Field(lowering.as_vector(alone, lowering.local(alone)))(summed))
        definition = reindex(Mul(*rest), dict(zip(free, FREE, strict=False)) | {summed: "_1"})
        if definition not in lowering.known:
            lowering.known[definition] = self._new_tensor(definition, len(free), lowering)
        made = lowering.known[definition]
        return reindex(made, dict(zip(FREE, free, strict=False)))

    def _new_tensor(self, definition: Expr, rank: int, lowering: Lowering) -> Expr:
        name = f"T{len(lowering.known)}"
        made, values = Field(name, rank), []
        for numbers in product(self._range, repeat=rank):
            free = dict(zip(FREE, numbers, strict=False))
            value = in_coordinates(
                definition, free, self.dimension, lambda c, at: self._value(c, at, lowering)
            )
            values.append(_named(_label(name, numbers), value, lowering))
            lowering.known[made, numbers] = values[-1]
        if rank == 0 or not any(values):
            return values[0]
        if rank == 1:
            lowering.add(*_stacked(name, values))
        return made(*FREE[:rank])

    def _value(self, c: Component, numbers: tuple[int, ...], lowering: Lowering) -> Expr:
        """Return a number or the name of one, after the statements that make it."""
        field, head, tail = c.field, numbers[: c.field.rank], tuple(sorted(numbers[c.field.rank :]))
        if field.gradient:
            head, tail = tuple(sorted(numbers)), ()
        elif field.symmetric:
            head = tuple(sorted(head))
        numbers = (*head, *tail)
        if (field, numbers) in lowering.known:
            return lowering.known[field, numbers]
        if len(numbers) == 1:
            lowering.add(*_entries(field.name, self.dimension))
            return _entry(field.name, numbers[0])
        if field == square_factor:
            value = self._square_factor(numbers[0], numbers[1], lowering)
        else:
            lowering.add(*_entries("theta", self.dimension))
            value = self._at(c, numbers, "theta")
        name = _label(field.name, head) + (_label("_by", tail) if tail else "")
        lowering.known[field, numbers] = _named(name, value, lowering)
        return lowering.known[field, numbers]

    def _square_factor(self, i: int, j: int, lowering: Lowering) -> Expr:
        """Return an entry of Cholesky's factor of ``2 S_ij**2``; where a pivot vanishes, so does its
        column.
        """
        if j > i:
            return Integer(0)

        def entry(i: int, j: int) -> Expr:
            return self._value(square_factor("i", "j"), (i, j), lowering)

        s = self._value(covariance("i", "j"), (j, i), lowering)
        left = 2 * s**2 - Add(*(entry(i, k) * entry(j, k) for k in range(1, j)))
        if left.is_number:  # nested square roots of exact numbers would grow
            left = left.evalf(30)
        if i == j:
            return sqrt(Max(left, 0))
        return Integer(0) if entry(j, j) == 0 else left * Heaviside(entry(j, j)) / Max(entry(j, j), TINY)


def _indices(factor_: Expr) -> set[str]:
    return {index for c in components(factor_) for index in c.indices}


def _entry(vector: str, n: int) -> Symbol:
    return Symbol(f"{vector}_at_{n - 1}", real=True)


def _entries(vector: str, dimension: int) -> list[Statement]:
    return [Entry(str(_entry(vector, n)), vector, n - 1) for n in range(1, dimension + 1)]


def _label(name: str, numbers: tuple[int, ...]) -> str:
    """Name the entry of a tensor as kernels name the entries of a vector, counting from 0."""
    return "_".join((name, *(str(n - 1) for n in numbers)))


def _named(name: str, value: Expr, lowering: Lowering) -> Expr:
    """Return a number, or the symbol of a number per path with this value."""
    if value.is_number or isinstance(value, Symbol):
        return value
    lowering.add(Number(name, value))
    return Symbol(name, real=True)


def _stacked(name: str, values: list[Expr]) -> list[Statement]:
    """Make a vector of values; those that have a name keep it."""
    names = [
        str(value) if isinstance(value, Symbol) else _label(name, (n,)) for n, value in enumerate(values, 1)
    ]
    numbers = [
        Number(label, value)
        for label, value in zip(names, values, strict=True)
        if not isinstance(value, Symbol)
    ]
    return [*numbers, Stack(name, tuple(names))]
