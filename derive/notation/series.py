"""Truncated Laurent series in the square root of tau, with coefficients in index notation.

Half powers are needed: noise of scale ``tau**(-1/2)`` enters an increment at ``tau**(1/2)``. The arithmetic
keeps track of its own precision, so a result is never claimed to a higher power than it is known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sympy import (
    Add,
    Dummy,
    Expr,
    Integer,
    Mul,
    Pow,
    Rational,
    binomial,
    diff,
    exp,
    factorial,
    log,
    nan,
    oo,
    zoo,
)

from ..errors import DerivationRefused
from .indices import canonical, multiply, terms
from .symbols import tau

EXACT = 10**6
"""The precision of a series that has no remainder."""


@dataclass(frozen=True)
class Series:
    """``sum_n coefficients[n] tau**(n/2) + O(tau**(precision/2))``."""

    coefficients: Mapping[int, Expr]
    precision: int = EXACT

    @staticmethod
    def of(expression: Expr, power: int = 0) -> "Series":
        """Return the exact series ``expression * tau**(power/2)``."""
        return Series({power: expression} if expression != 0 else {})

    @property
    def valuation(self) -> int:
        """The smallest power of ``sqrt(tau)`` present; the precision if there is none."""
        return min(self.coefficients, default=self.precision)

    def __getitem__(self, power: int) -> Expr:
        if power >= self.precision:
            raise IndexError(f"power {power} of sqrt(tau) asked from a series known below {self.precision}")
        return self.coefficients.get(power, Integer(0))

    def __add__(self, other: "Series") -> "Series":
        powers = {*self.coefficients, *other.coefficients}
        summed = {
            n: self.coefficients.get(n, Integer(0)) + other.coefficients.get(n, Integer(0)) for n in powers
        }
        return Series(summed, min(self.precision, other.precision))._tidy()

    def __mul__(self, other: "Series") -> "Series":
        precision = min(self.valuation + other.precision, other.valuation + self.precision, EXACT)
        result: dict[int, list[Expr]] = {}
        for n, a in self.coefficients.items():
            for m, b in other.coefficients.items():
                if n + m < precision:
                    result.setdefault(n + m, []).append(multiply(a, b))
        return Series({n: Add(*parts) for n, parts in result.items()}, precision)._tidy()

    def __sub__(self, other: "Series") -> "Series":
        return self + Series.of(Integer(-1)) * other

    def __rmul__(self, scalar: Expr) -> "Series":
        """Multiply by an expression in `tau` that `monomial_series` reads."""
        return monomial_series(Integer(1) * scalar) * self

    def shifted(self, powers: int) -> "Series":
        """Return the series times ``tau**(powers/2)``."""
        precision = self.precision if self.precision == EXACT else self.precision + powers
        return Series({n + powers: c for n, c in self.coefficients.items()}, precision)

    def truncated(self, precision: int) -> "Series":
        """Forget the powers from `precision` on."""
        kept = {n: c for n, c in self.coefficients.items() if n < precision}
        return Series(kept, min(self.precision, precision))

    def mapped(self, function: Callable[[Expr], Expr]) -> "Series":
        """Write each coefficient in another form."""
        return Series({n: function(c) for n, c in self.coefficients.items()}, self.precision)

    def _tidy(self) -> "Series":
        canonicals = {n: canonical(c) for n, c in self.coefficients.items() if n < self.precision}
        return Series({n: canonicals[n] for n in sorted(canonicals) if canonicals[n] != 0}, self.precision)

    def power(self, exponent: Expr, length: int) -> "Series":
        """Return ``self**exponent``: exact for natural exponents, else binomial, to `length` powers past its
        leading one.
        """
        if exponent.is_Integer and exponent.is_nonnegative:
            result = Series.of(Integer(1))
            for _ in range(int(exponent)):
                result = result * self
            return result
        if not self.coefficients:
            raise DerivationRefused(
                f"power {exponent} of zero; expected a base that does not vanish as tau -> 0"
            )
        leading = exponent * self.valuation
        if not leading.is_Integer:
            raise DerivationRefused(
                f"power {exponent} of tau**({Rational(self.valuation, 2)}) is no power of sqrt(tau)"
            )
        first = self.coefficients[self.valuation]
        ratio = self.shifted(-self.valuation) * Series.of(1 / first)
        tail = Series({n: c for n, c in ratio.coefficients.items() if n > 0}, ratio.precision)
        result = tail.composed([binomial(exponent, n) for n in range(length)], length)
        return (result * Series.of(Pow(first, exponent))).shifted(int(leading))

    def composed(self, coefficients: list[Expr], length: int) -> "Series":
        """Return ``sum_n coefficients[n] self**n`` for a series without constant term, below power
        `length`.
        """
        result, exact = Series({}), not self.coefficients and self.precision == EXACT
        for power, coefficient in zip(self.powers(length), coefficients, strict=False):
            result = result + power * Series.of(coefficient)
        return result if exact else result.truncated(min(length, self.precision))

    def powers(self, length: int) -> "list[Series]":
        """Return the powers of a series without constant term, from 0 up, that do not vanish below power
        `length`.
        """
        result = [Series.of(Integer(1))]
        while (power := (result[-1] * self).truncated(length)).coefficients:
            result.append(power)
        return result

    def apply(self, function: type, length: int) -> "Series":
        """Return ``function(self)`` by Taylor's formula around the coefficient of ``tau**0``."""
        if self.valuation < 0:
            raise DerivationRefused(f"{function.__name__} of a quantity that grows as tau -> 0")
        x, centre = Dummy(), self.coefficients.get(0, Integer(0))
        tail = Series({n: c for n, c in self.coefficients.items() if n > 0}, self.precision)
        derivatives, current = [], function(x)
        for n in range(length if tail.coefficients else 1):
            derivatives.append(current.subs(x, centre) / factorial(n))
            if not derivatives[-1].is_finite and derivatives[-1].has(zoo, nan, oo, -oo):
                raise DerivationRefused(
                    f"{function.__name__} is not smooth at {centre}, its argument's limit as tau -> 0"
                )
            current = diff(current, x)
        return tail.composed(derivatives, length)

    def logarithm(self, length: int) -> "Series":
        """Return ``log(self)`` for a series with constant term."""
        return self.apply(log, length)

    def exponential(self, length: int) -> "Series":
        """Return ``exp(self)`` for a series without negative powers."""
        return self.apply(exp, length)


def by_powers_of_tau(expression: Expr) -> dict[Expr, Expr]:
    """Sort the terms of an expression in index notation by their power of tau."""
    found: dict[Expr, list[Expr]] = {}
    for term in terms(expression):
        coefficient, power = term.as_coeff_exponent(tau)
        found.setdefault(power, []).append(coefficient)
    return {power: Add(*parts) for power, parts in found.items()}


def monomial_series(expression: Expr) -> Series:
    """Read an expression in `tau` whose terms are products of powers of tau and of anything else."""
    result = Series({})
    for term in Add.make_args(expression.expand()):
        rest, powers = term.as_independent(tau, as_Add=False)
        exponent = Mul(powers).as_base_exp()[1] if powers != 1 else Integer(0)
        twice = 2 * exponent
        if powers not in (1, tau**exponent) or not twice.is_Integer:
            raise DerivationRefused(f"{term} is not a constant times a half-integer power of tau")
        result = result + Series.of(rest, int(twice))
    return result
