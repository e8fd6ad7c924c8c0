"""Exact arithmetic of truncated power series in the displacement y, the noises zeta and s = sqrt(tau)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import factorial, isqrt

Polynomial = dict[tuple[int, ...], Fraction]  # exponents of the coordinates of theta -> coefficient


@dataclass(frozen=True)
class Layout:
    """Variables of a series, in this order: `states` displacements, `noises` zetas, then s."""

    states: int
    noises: int
    order: int

    def weight(self, exponents: tuple[int, ...]) -> int:
        return sum(exponents[: self.states]) + exponents[-1]

    def constant(self, value: Fraction | int) -> "Series":
        return Series(self, {(0,) * (self.states + self.noises + 1): Fraction(value)})

    def variable(self, index: int) -> "Series":
        exponents = [0] * (self.states + self.noises + 1)
        exponents[index] = 1
        return Series(self, {tuple(exponents): Fraction(1)})


class Series:
    """Truncated polynomial with exact coefficients, sorted into shells of equal weight to truncate early."""

    def __init__(self, layout: Layout, terms: dict[tuple[int, ...], Fraction]) -> None:
        self.layout = layout
        self.terms = {e: c for e, c in terms.items() if c and layout.weight(e) <= 2 * layout.order}

    def __add__(self, other: "Series | Fraction | int") -> "Series":
        terms = dict(self.terms)
        for exponents, coefficient in self.lift(other).terms.items():
            terms[exponents] = terms.get(exponents, Fraction(0)) + coefficient
        return Series(self.layout, terms)

    def __mul__(self, other: "Series | Fraction | int") -> "Series":
        shells: dict[int, list[tuple[tuple[int, ...], Fraction]]] = {}
        for item in self.lift(other).terms.items():
            shells.setdefault(self.layout.weight(item[0]), []).append(item)
        terms: dict[tuple[int, ...], Fraction] = {}
        for left, a in self.terms.items():
            room = 2 * self.layout.order - self.layout.weight(left)
            for weight, shell in shells.items():
                if weight <= room:
                    for right, b in shell:
                        key = tuple(map(int.__add__, left, right))
                        terms[key] = terms.get(key, Fraction(0)) + a * b
        return Series(self.layout, terms)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> "Series":
        return self * -1

    def __sub__(self, other: "Series | Fraction | int") -> "Series":
        return self + -self.lift(other)

    def __rsub__(self, other: "Series | Fraction | int") -> "Series":
        return -self + other

    def lift(self, other: "Series | Fraction | int") -> "Series":
        return other if isinstance(other, Series) else self.layout.constant(other)

    def compose(self, derivatives: Callable[[Fraction], Iterable[Fraction]]) -> "Series":
        """h(self), given the Taylor coefficients h^(k)/k! of h at the constant term."""
        origin = (0,) * (self.layout.states + self.layout.noises + 1)
        start = self.terms.get(origin, Fraction(0))
        rest, power, total = self - start, self.layout.constant(1), self.layout.constant(0)
        for _, coefficient in zip(range(2 * self.layout.order + 1), derivatives(start), strict=False):
            total, power = total + power * coefficient, power * rest
        return total

    def sqrt(self) -> "Series":
        def binomial(u: Fraction) -> Iterable[Fraction]:
            value = Fraction(isqrt(u.numerator), isqrt(u.denominator))
            assert value**2 == u, f"the point must make {u} a square"
            for k in range(2 * self.layout.order + 1):
                yield value
                value *= (Fraction(1, 2) - k) / ((k + 1) * u)

        return self.compose(binomial)

    def inverse(self) -> "Series":
        return self.compose(lambda u: ((-1) ** k / u ** (k + 1) for k in range(2 * self.layout.order + 1)))

    def exp(self) -> "Series":
        """Of a series without constant term."""
        return self.compose(lambda u: (Fraction(1, factorial(k)) for k in range(2 * self.layout.order + 1)))


def derivative(polynomial: Polynomial, variable: int) -> Polynomial:
    result: Polynomial = {}
    for exponents, coefficient in polynomial.items():
        if exponents[variable]:
            lowered = tuple(e - (j == variable) for j, e in enumerate(exponents))
            result[lowered] = coefficient * exponents[variable]
    return result


def evaluate(polynomial: Polynomial, arguments: Sequence[Series]) -> Series:
    total = arguments[0].layout.constant(0)
    for exponents, coefficient in polynomial.items():
        term = arguments[0].layout.constant(coefficient)
        for argument, exponent in zip(arguments, exponents, strict=True):
            for _ in range(exponent):
                term = term * argument
        total = total + term
    return total
