"""Lowering for an objective by a formula: each coordinate is written out, one sum at a time."""

from dataclasses import dataclass
from itertools import product

from sympy import Add, Expr, Heaviside, Integer, Max, Mul, Symbol, sqrt

from ...derive.notation.coordinates import in_coordinates
from ...derive.notation.indices import components, is_dummy, reindex
from ...derive.notation.symbols import Component, Field, square_factor
from ..objectives.formula import FREE, TINY, FormulaFields, covariance, entries, entry, label, stacked
from ..program.statements import Number
from .lower import Lowering


@dataclass
class CoordinateLowering(Lowering):
    """Makes each entry of a tensor once; common parts are left to `program.simplify`."""

    fields: FormulaFields  # pyright: ignore[reportIncompatibleVariableOverride]

    def vector_of(self, component: Component) -> str:
        name = f"{component.field.name}_{''.join(component.indices)}"
        self.add(
            *stacked(
                name, [self._value(component, (n,) * len(component.indices)) for n in self.fields.coordinates]
            )
        )
        return name

    def contracted(self, term: Expr) -> Expr:
        factors = Mul.make_args(term)
        left = [f for f in factors if not _indices(f) <= {"i"}]
        while summed := {index for f in left for index in _indices(f) if is_dummy(index)}:
            open_ = {
                name: set().union(*(_indices(f) for f in left if name in _indices(f))) - {name}
                for name in summed
            }
            name = min(summed, key=lambda name: (len(open_[name]), name))
            inside = [f for f in left if name in _indices(f)]
            left = [f for f in left if f not in inside] + [self._tensor(inside, name, sorted(open_[name]))]
        return Mul(
            *(self.local(f) for f in left),
            self.local(Mul(*(f for f in factors if _indices(f) <= {"i"}))),
        )

    def closed(self, term: Expr) -> Expr:
        return self.contracted(term)

    def _tensor(self, factors: list[Expr], summed: str, free: list[str]) -> Expr:
        """Return the sum of a product over one index as a component with the free indices, or 0."""
        alone = reindex(Mul(*(f for f in factors if _indices(f) == {summed})), {summed: "i"})
        rest = [f for f in factors if _indices(f) != {summed}]
        if alone != 1:
            rest.append(Field(self.as_vector(alone, self.local(alone)))(summed))
        definition = reindex(Mul(*rest), dict(zip(free, FREE, strict=False)) | {summed: "_1"})
        if definition not in self.known:
            self.known[definition] = self._new_tensor(definition, len(free))
        made = self.known[definition]
        return reindex(made, dict(zip(FREE, free, strict=False)))

    def _new_tensor(self, definition: Expr, rank: int) -> Expr:
        name = f"T{len(self.known)}"
        made, values = Field(name, rank), []
        for numbers in product(self.fields.coordinates, repeat=rank):
            free = dict(zip(FREE, numbers, strict=False))
            value = in_coordinates(definition, free, self.fields.dimension, lambda c, at: self._value(c, at))
            values.append(self._named(label(name, numbers), value))
            self.known[made, numbers] = values[-1]
        if rank == 0 or not any(values):
            return values[0]
        if rank == 1:
            self.add(*stacked(name, values))
        return made(*FREE[:rank])

    def _value(self, c: Component, numbers: tuple[int, ...]) -> Expr:
        """Return a number or the name of one, after the statements that make it."""
        field, head, tail = c.field, numbers[: c.field.rank], tuple(sorted(numbers[c.field.rank :]))
        if field.gradient:
            head, tail = tuple(sorted(numbers)), ()
        elif field.symmetric:
            head = tuple(sorted(head))
        numbers = (*head, *tail)
        if (field, numbers) in self.known:
            return self.known[field, numbers]
        if len(numbers) == 1:
            self.add(*entries(field.name, self.fields.dimension))
            return entry(field.name, numbers[0])
        if field == square_factor:
            value = self._square_factor(numbers[0], numbers[1])
        else:
            self.add(*entries("theta", self.fields.dimension))
            value = self.fields.at(c, numbers, "theta")
        name = label(field.name, head) + (label("_by", tail) if tail else "")
        self.known[field, numbers] = self._named(name, value)
        return self.known[field, numbers]

    def _square_factor(self, i: int, j: int) -> Expr:
        """Return an entry of Cholesky's factor of ``2 S_ij**2``; where a pivot vanishes, so does its
        column.
        """
        if j > i:
            return Integer(0)

        def known(i: int, j: int) -> Expr:
            return self._value(square_factor("i", "j"), (i, j))

        s = self._value(covariance("i", "j"), (j, i))
        left = 2 * s**2 - Add(*(known(i, k) * known(j, k) for k in range(1, j)))
        if left.is_number:  # nested square roots of exact numbers would grow
            left = left.evalf(30)
        if i == j:
            return sqrt(Max(left, 0))
        return Integer(0) if known(j, j) == 0 else left * Heaviside(known(j, j)) / Max(known(j, j), TINY)

    def _named(self, name: str, value: Expr) -> Expr:
        """Return a number, or the symbol of a number per path with this value."""
        if value.is_number or isinstance(value, Symbol):
            return value
        self.add(Number(name, value))
        return Symbol(name, real=True)


def _indices(factor_: Expr) -> set[str]:
    return {index for c in components(factor_) for index in c.indices}
