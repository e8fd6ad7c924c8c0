"""Schemes by brute force: the same step functions in explicit coordinates, exact fractions at one rational
point.

Nothing is in index notation: d polynomials for the drift, m columns of d polynomials for the diffusion, one
symbol for each increment and for each pair's sign. The modified generator is then read off its definition
(`brute_force.generator`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, permutations, product

from brute_force import Monomial, gaussian_moment, generator, transition
from sympy import Add, Expr, Integer, Mul, Symbol, sqrt
from truncated import Layout, Polynomial, Series, derivative, evaluate

from optsde.derive.notation.indices import dummies, terms
from optsde.derive.notation.operators import TIME, block_of, is_momentum, split
from optsde.derive.notation.symbols import Component
from optsde.derive.schemes.increment_laws import motions
from optsde.derive.schemes.scheme import Scheme

ROOT = Symbol("root", positive=True)


@dataclass(frozen=True)
class Vector:
    """A state: one truncated series for each coordinate."""

    sde: "ExplicitSde"
    entries: tuple[Series, ...]

    def __add__(self, other: "Vector") -> "Vector":
        return Vector(self.sde, tuple(a + b for a, b in zip(self.entries, other.entries, strict=True)))

    def __sub__(self, other: "Vector") -> "Vector":
        return replace(self, entries=tuple(a - b for a, b in zip(self.entries, other.entries, strict=True)))

    def __rmul__(self, scalar: Expr) -> "Vector":
        pieces = [
            Vector(self.sde, tuple(self.sde.times(term, e) for e in self.entries))
            for term in terms_of(scalar)
        ]
        return sum(pieces[1:], pieces[0])


class HalfVariance(Vector):
    """The entries divided by the root of 2, which is no fraction; to be multiplied by that of h/2."""

    def __rmul__(self, scalar: Expr) -> Vector:
        return scalar / sqrt(2) * Vector(self.sde, self.entries)


def terms_of(scalar: Expr) -> Sequence[Expr]:
    return Add.make_args((Integer(1) * scalar).expand())


@dataclass(frozen=True)
class ExplicitSde:
    """An equation with polynomial coefficients, as a scheme sees it.

    `pair` names the sign of two Brownian motions; by default each pair has its own.
    """

    drifts: tuple[Polynomial, ...]
    columns: tuple[tuple[Polynomial, ...], ...]
    point: tuple[Fraction, ...]
    order: int = 2
    pair: Callable[[int, int], tuple[int, ...]] = lambda p, r: (p, r)

    @property
    def signs(self) -> list[tuple[int, ...]]:
        return sorted({self.pair(p, r) for p, r in combinations(range(len(self.columns)), 2)})

    @property
    def layout(self) -> Layout:
        """One order more than wanted: a division by the root of h costs half of it."""
        return Layout(len(self.point), 3 * len(self.columns) + len(self.signs), self.order + 1)

    @property
    def start(self) -> Vector:
        return Vector(self, tuple(self.layout.variable(i) + x for i, x in enumerate(self.point)))

    def times(self, term: Expr, series: Series) -> Series:
        """Multiply by a number times powers of the root and of increments and signs."""
        coefficient, symbols = term.as_coeff_Mul()
        shift = [0] * (self.layout.states + self.layout.noises + 1)
        for base, exponent in symbols.as_powers_dict().items():
            if base == ROOT:
                shift[-1] += int(exponent)
            elif base != 1:
                shift[self.layout.states + int(base.name.removeprefix("z"))] += int(exponent)
        moved = {tuple(map(int.__add__, e, shift)): c * Fraction(int(coefficient.p), int(coefficient.q))
                 for e, c in series.terms.items()}  # fmt: skip
        assert all(exponents[-1] >= 0 for exponents in moved), "a state grows as h -> 0"
        return Series(self.layout, moved)

    def drift(self, x: Vector) -> Vector:
        return Vector(self, tuple(evaluate(polynomial, x.entries) for polynomial in self.drifts))

    def column(self, x: Vector, p: str) -> Vector:
        return Vector(self, tuple(evaluate(polynomial, x.entries) for polynomial in self.columns[int(p)]))

    def diffusion(self, x: Vector) -> Vector:
        return self.total(lambda p: self.increment(p) * self.column(x, p))

    def signed(self, x: Vector) -> Vector:
        """Sums of two independent numbers, of variance 2, in the place of signs."""
        first, count = len(self.columns) + len(self.signs), len(self.columns)
        whole = self.total(
            lambda p: (
                (Symbol(f"z{first + int(p)}") + Symbol(f"z{first + count + int(p)}")) * self.column(x, p)
            )
        )
        return HalfVariance(self, whole.entries)

    def correction(self, x: Vector) -> Vector:
        slopes = (
            (derivative(e, j), column[j])
            for column in self.columns
            for e in column
            for j in range(len(self.point))
        )
        d, zero = len(self.point), self.layout.constant(0)
        values = [evaluate(slope, x.entries) * evaluate(along, x.entries) for slope, along in slopes]
        sums = [
            [values[(p * d + i) * d + j] for p in range(len(self.columns)) for j in range(d)]
            for i in range(d)
        ]
        return Vector(self, tuple(sum(row, zero) for row in sums))

    def increment(self, p: str) -> Expr:
        return ROOT * Symbol(f"z{p}")

    def sign(self, p: str, r: str) -> Expr:
        if int(p) > int(r):
            return -self.sign(r, p)
        return (
            Symbol(f"z{len(self.columns) + self.signs.index(self.pair(int(p), int(r)))}")
            if p != r
            else Integer(0)
        )

    def total(self, summand: Callable[[str], Vector], without: str | None = None) -> Vector:
        zero = self.layout.constant(0)
        total = Vector(self, (zero,) * len(self.point))
        for p in map(str, range(len(self.columns))):
            total = total if p == without else total + summand(p)
        return total


def explicit_generator(scheme: Scheme, sde: ExplicitSde) -> list[dict[Monomial, Fraction]]:
    """``L_k y**alpha`` at the point for k < order; moments through the fourth, which all laws but the
    two-point one share.
    """
    step = scheme.step(sde, sde.start, ROOT**2) - sde.start
    layout = Layout(sde.layout.states, sde.layout.noises, sde.order)
    return generator(transition([Series(layout, entry.terms) for entry in step.entries], gaussian_moment))


def in_components(symbol: Expr, sde: ExplicitSde) -> dict[Monomial, Fraction]:
    """A symbol in index notation applied to ``y**alpha`` at the point: every dummy summed over what it runs
    over.
    """
    result: dict[Monomial, Fraction] = {}
    for term in terms(symbol):
        coefficient, momenta = split(term)
        assert all(block_of(k) != TIME for k in momenta)
        brownian = {c.indices[1] for c in term.atoms(Component) if c.field.name == "G"}
        names = sorted(dummies(term))
        ranges = [range(len(sde.columns) if name in brownian else len(sde.point)) for name in names]
        for values in product(*ranges):
            at = dict(zip(names, values, strict=True))
            where = tuple(at[k.indices[0]] for k in momenta)
            value = _number(coefficient, at, sde)
            orders = sum(permuted == where for permuted in permutations(sorted(where)))
            key = tuple(sorted(where))
            result[key] = result.get(key, Fraction(0)) + value * orders
    return {key: value for key, value in result.items() if value}


def _number(coefficient: Expr, at: dict[str, int], sde: ExplicitSde) -> Fraction:
    value = Fraction(1)
    for factor in Mul.make_args(coefficient):
        base, exponent = factor.as_base_exp()
        if isinstance(base, Component):
            assert not is_momentum(base)
            value *= _field(base, at, sde) ** int(exponent)
        elif base == motions:
            value *= Fraction(len(sde.columns)) ** int(exponent)
        else:
            value *= Fraction(int(factor.p), int(factor.q))
    return value


def _field(component: Component, at: dict[str, int], sde: ExplicitSde) -> Fraction:
    own, *rest = (at[index] for index in component.indices)
    if component.field.name == "G":
        p, *rest = rest
        polynomial = sde.columns[p][own]
    else:
        polynomial = sde.drifts[own]
    for index in rest:
        polynomial = derivative(polynomial, index)
    total = Fraction(0)
    for exponents, coefficient in polynomial.items():
        for x, n in zip(sde.point, exponents, strict=True):
            coefficient *= x**n
        total += coefficient
    return total
