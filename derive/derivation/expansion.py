"""Expansion of an update rule in powers of the square root of tau."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod

from sympy import Add, Basic, Expr, Function, Integer, Lambda, Mul, Pow, Rational, Symbol, factorial
from sympy.core.function import AppliedUndef

from ..errors import DerivationRefused
from ..notation.indices import canonical, dummies, free, fresh, reindex, terms, whole
from ..notation.series import EXACT, Series
from ..notation.symbols import Component, NoiseField, element_function, k, one, t
from ..optimizers.reductions import total, written
from ..optimizers.rule import Auxiliary
from ..smoothing.piecewise import NON_SMOOTH
from ..smoothing.reading import read_noisy, smooth_parts


@dataclass(frozen=True)
class Expansion:
    """Reads SymPy expressions as series; collects the definitions of the functions it keeps abstract.

    Attributes
    ----------
    values : mapping of Symbol to Series
        What the symbols of the rule stand for.
    auxiliaries : mapping of str to Auxiliary
    length : int
        Number of powers of ``sqrt(tau)`` kept in functions, past the leading one.
    definitions : dict of str to Lambda
        Filled on the way: ``P`` and, where a function depends on tau itself, its corrections ``P_1``, ...;
        functions of the noise that are not smooth are ``u``, ``u2``, ...
    """

    values: Mapping[Symbol, Series]
    auxiliaries: Mapping[str, Auxiliary]
    length: int
    definitions: dict[str, Lambda] = field(default_factory=dict)

    def read(self, expression: Expr) -> Series:
        """Return the series of an expression.

        Raises
        ------
        ValueError
            A symbol is unknown, or a function is applied to something that grows as tau -> 0, or is not
            smooth and not smoothed by the noise.
        """
        match expression:
            case Symbol():
                return self._symbol(expression)
            case Add():
                return sum((self.read(arg) for arg in expression.args), Series({}))
            case Mul():
                result = Series.of(Integer(1))
                for arg in expression.args:
                    result = result * self.read(arg)
                return result
            case Pow():
                return self._power(*expression.args)
            case AppliedUndef() if expression.func == total:
                return _totalled(self.read(expression.args[0]))
            case AppliedUndef():
                return self._auxiliary(expression)
            case Basic() if isinstance(expression, NON_SMOOTH):
                return self._not_smooth(expression)
            case Function() if len(expression.args) == 1:
                argument = self.read(expression.args[0])
                self._refuse_noise(argument, str(expression))
                return argument.apply(type(expression), self.length)
        if expression.is_number:
            return Series.of(expression)
        kind = type(expression).__name__
        raise DerivationRefused(
            f"cannot expand {expression} ({kind}); expected sums, products, powers or functions"
        )

    def _symbol(self, symbol: Symbol) -> Series:
        if symbol == k:
            return Series.of(t, -2)
        if symbol not in self.values:
            names = ", ".join(sorted(map(str, self.values)))
            raise DerivationRefused(f"unknown symbol {symbol} in the update rule; expected one of {names}, k")
        return self.values[symbol]

    def _power(self, base: Expr, exponent: Expr) -> Series:
        if exponent.is_number:
            series = self.read(base)
            if not (exponent.is_Integer and exponent.is_nonnegative):
                self._refuse_noise(series, written(base**exponent))
            return series.power(exponent, self.length)
        power, series = self.read(exponent), self.read(base)
        if all(s.precision == EXACT and set(s.coefficients) == {0} for s in (power, series)):
            return Series.of(series[0] ** power[0])
        if series.valuation != 0:
            raise DerivationRefused(
                f"({base})**({exponent}): the base grows or vanishes as tau -> 0; expected a number as "
                "exponent"
            )
        # beta**(k + s): the leading part of the exponent of exp, -c t, must stay whole
        return (power * series.logarithm(self.length)).exponential(self.length)

    def _not_smooth(self, expression: Expr) -> Series:
        """Read a function that the noise smooths; equal ones share a name."""
        leaves = {part: self.read(part) for part in smooth_parts(expression)}
        taken = {*self.definitions, *self.auxiliaries, *map(str, self.values)}
        names = ("u", *(f"u{n}" for n in range(2, len(taken) + 3)))
        shape, _ = read_noisy(expression, leaves, names[0])
        name = next(n for n in names if self.definitions.get(n) == shape or n not in taken)
        self.definitions[name] = shape
        return read_noisy(expression, leaves, name)[1]

    def _refuse_noise(self, series: Series, text: str) -> None:
        leading = series.coefficients.get(series.valuation, Integer(0))
        if any(isinstance(c.field, NoiseField) for c in leading.atoms(Component)):
            raise DerivationRefused(
                f"{text} depends on the noise at leading order; expected a dependence that vanishes as tau "
                "-> 0: take noise "
                "of a higher power of tau, such as noise=tau**(1/2), or a running mean of the gradient"
            )

    def _auxiliary(self, call: AppliedUndef) -> Series:
        name = type(call).__name__
        if name not in self.auxiliaries:
            raise DerivationRefused(
                f"unknown function {name}; expected one of {', '.join(self.auxiliaries) or 'none'}"
            )
        auxiliary, arguments = self.auxiliaries[name], [self.read(arg) for arg in call.args]
        if len(arguments) != len(auxiliary.arguments):
            raise DerivationRefused(
                f"{call} has {len(arguments)} arguments; expected {len(auxiliary.arguments)}"
            )
        for argument in arguments:
            self._refuse_noise(argument, str(call))
        scales = [argument.valuation if argument.coefficients else 0 for argument in arguments]
        values = {x: Series.of(x, scale) for x, scale in zip(auxiliary.arguments, scales, strict=True)}
        body = Expansion({**self.values, **values}, {}, self.length).read(auxiliary.expression)
        scaled = [argument.shifted(-scale) for argument, scale in zip(arguments, scales, strict=True)]
        result = Series({}, body.precision)
        for power, expression in body.coefficients.items():
            order = Rational(power - body.valuation, 2)
            label = name if order == 0 else f"{name}_{order}".replace("/", "o")
            rest = (t,) if expression.has(t) else ()
            self.definitions[label] = Lambda((*auxiliary.arguments, *rest), expression)
            result = result + self._taylor(label, scaled, rest).shifted(power)
        return result

    def _taylor(self, label: str, arguments: list[Series], rest: tuple[Symbol, ...]) -> Series:
        """Expand an abstract function around the coefficients of ``tau**0`` of its arguments."""
        centres = [argument[0] for argument in arguments]
        tails = [Series({n: c for n, c in a.coefficients.items() if n > 0}, a.precision) for a in arguments]
        powers = [tail.powers(self.length) for tail in tails]
        result = Series({})
        for orders in product(*(range(len(p)) for p in powers)):
            if sum(orders) < self.length:
                derivative = element_function(label, orders + (0,) * len(rest))(*centres, *rest)
                term = Series.of(derivative / prod(map(factorial, orders)))
                for chosen, order in zip(powers, orders, strict=True):
                    term = term * chosen[order]
                result = result + term
        precision = min(tail.precision for tail in tails)
        exact = precision == EXACT and not any(tail.coefficients for tail in tails)
        return result if exact else result.truncated(min(self.length, precision))


def shifted(component: Component, shift: Series, length: int) -> Series:
    """Return ``F_i(theta + shift) = F_i + sum_j F_ij shift_j + ...`` to `length` powers of ``sqrt(tau)``.

    Parameters
    ----------
    component : Component
        The field at theta, such as ``F_i``.
    shift : Series
        The shift at coordinate i.
    length : int

    Raises
    ------
    ValueError
        The shift does not vanish as tau -> 0.
    """
    if shift.coefficients and shift.valuation <= 0:
        where = f"{component.field.name} is taken at theta + {shift[shift.valuation]}"
        raise DerivationRefused(f"{where}; expected a shift that vanishes as tau -> 0")
    result, power, names = Series.of(component), Series.of(Integer(1)), []
    while shift.coefficients:
        # dummies only at the end: up to there each direction keeps its own name
        names.append(f"j{len(names)}")
        factor = Series(
            {n: reindex(c, {"i": names[-1]}) for n, c in shift.coefficients.items()}, shift.precision
        )
        power = (power * factor).truncated(length)
        if not power.coefficients:
            break
        component = component.differentiated(names[-1])
        term = power * Series.of(component / factorial(len(names)))
        result = result + Series({n: _summed(c, names) for n, c in term.coefficients.items()}, term.precision)
    exact = shift.precision == EXACT and not shift.coefficients
    return result if exact else result.truncated(min(length, shift.precision))


def _totalled(series: Series) -> Series:
    """Sum a series over all coordinates.

    The leading coefficient becomes one number where it has no noise: then its powers are powers of one
    symbol, which cancel.
    """
    sums = {n: _renamed(_anchored(c), ["i"]) for n, c in series.coefficients.items()}
    coefficients = {n: canonical(c) for n, c in sums.items()}
    leading = coefficients.get(series.valuation, Integer(0))
    if isinstance(leading, Add) and not dummies(leading):
        coefficients[series.valuation] = whole(sums[series.valuation])
    return Series({n: c for n, c in coefficients.items() if c != 0}, series.precision)


def _anchored(expression: Expr) -> Expr:
    """Write the ones into the terms that are the same at all coordinates."""
    return Add(*(term if "i" in free(term) else term * one("i") for term in terms(expression)))


def _summed(expression: Expr, names: list[str]) -> Expr:
    """Sum each term over the named indices."""
    return canonical(_renamed(expression, names))


def _renamed(expression: Expr, names: list[str]) -> Expr:
    """Make dummies of the named indices, apart from those of each term."""
    return Add(
        *(
            reindex(term, dict(zip(names, fresh(dummies(term), len(names)), strict=True)))
            for term in terms(expression)
        )
    )
