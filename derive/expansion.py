"""Expansion of an update rule in powers of the square root of tau."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sympy import Abs, Add, Expr, Function, Heaviside, Integer, Lambda, Max, Min, Mul, Pow, Rational, Symbol, factorial, sign
from sympy.core.function import AppliedUndef

from .rules import Auxiliary
from .series import Series
from .symbols import Component, element_function, k, noise, t

NON_SMOOTH = (Abs, sign, Max, Min, Heaviside)


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
        Filled on the way: ``P`` and, where a function depends on tau itself, its corrections ``P_1``, ...
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
            A symbol is unknown, or a function is not smooth or applied to something that grows as tau -> 0.
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
            case AppliedUndef():
                return self._auxiliary(expression)
            case Function() if not isinstance(expression, NON_SMOOTH) and len(expression.args) == 1:
                argument = self.read(expression.args[0])
                self._refuse_noise(argument, str(expression))
                return argument.apply(type(expression), self.length)
            case Function():
                raise ValueError(f"{expression} is not smooth; expected a rule whose one-step map is smooth in the state")
        if expression.is_number:
            return Series.of(expression)
        raise ValueError(f"cannot expand {expression} ({type(expression).__name__}); expected sums, products, powers, functions")

    def _symbol(self, symbol: Symbol) -> Series:
        if symbol == k:
            return Series.of(t, -2)
        if symbol not in self.values:
            names = ", ".join(sorted(map(str, self.values)))
            raise ValueError(f"unknown symbol {symbol} in the update rule; expected one of {names}, k")
        return self.values[symbol]

    def _power(self, base: Expr, exponent: Expr) -> Series:
        if exponent.is_number:
            series = self.read(base)
            if not (exponent.is_Integer and exponent.is_nonnegative):
                self._refuse_noise(series, f"({base})**({exponent})")
            return series.power(exponent, self.length)
        # beta**(k + s): the leading part of the exponent of exp, -c t, must stay whole
        return (self.read(exponent) * self.read(base).logarithm(self.length)).exponential(self.length)

    def _refuse_noise(self, series: Series, text: str) -> None:
        leading = series.coefficients.get(series.valuation, Integer(0))
        if any(c.field == noise for c in leading.atoms(Component)):
            raise ValueError(f"{text} depends on the noise at leading order; expected a dependence that vanishes as tau -> 0")

    def _auxiliary(self, call: AppliedUndef) -> Series:
        name = type(call).__name__
        if name not in self.auxiliaries:
            raise ValueError(f"unknown function {name}; expected one of {', '.join(self.auxiliaries) or 'none'}")
        auxiliary, argument = self.auxiliaries[name], self.read(call.args[0])
        self._refuse_noise(argument, str(call))
        scale = argument.valuation
        x = auxiliary.argument
        body = Expansion({**self.values, x: Series.of(x, scale)}, {}, self.length).read(auxiliary.expression)
        result = Series({}, body.precision)
        for power, expression in body.coefficients.items():
            order = Rational(power - body.valuation, 2)
            label = name if order == 0 else f"{name}_{order}".replace("/", "o")
            arguments = (x, t) if expression.has(t) else (x,)
            self.definitions[label] = Lambda(arguments, expression)
            result = result + self._taylor(label, argument.shifted(-scale), len(arguments)).shifted(power)
        return result

    def _taylor(self, label: str, argument: Series, arity: int) -> Series:
        centre = argument[0]
        tail = Series({n: c for n, c in argument.coefficients.items() if n > 0}, argument.precision)
        rest = (t,) * (arity - 1)
        derivatives = [
            element_function(label, (n,) + (0,) * (arity - 1))(centre, *rest) / factorial(n) for n in range(self.length)
        ]
        return tail.composed(derivatives, self.length)
