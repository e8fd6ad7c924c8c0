"""The leading monomial of an expression at one point of exponent space.

Products add exponents, sums keep the smallest, powers multiply: the arithmetic of tropical polynomials. With
the exponent goes the leading expression in index notation, where terms that tie stand side by side.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from sympy import Add, Expr, Function, Integer, Lambda, Mul, Pow, Symbol, exp
from sympy.core.function import AppliedUndef

from ..errors import DerivationRefused
from ..notation.symbols import element_function, k, t
from ..optimizers.rule import Auxiliary
from .exponents import Comparisons, Form
from .monomials import Correction, Decay


@dataclass(frozen=True)
class Leading:
    """``expression * h**exponent``."""

    exponent: Form
    expression: Expr


@dataclass
class LeadingReader:
    """Reads expressions at one point.

    Attributes
    ----------
    values : mapping of Symbol to callable
        What the symbols of the rule stand for; asked only where one occurs.
    auxiliaries : mapping of str to Auxiliary
    time_step : Form
        The exponent of the time step: the step number is ``t h**-time_step``.
    comparisons : Comparisons
    definitions : dict of str to Lambda
        Filled on the way: the leading form of each abstract function.
    """

    values: Mapping[Symbol, Callable[[], Leading]]
    auxiliaries: Mapping[str, Auxiliary]
    time_step: Form
    comparisons: Comparisons
    definitions: dict[str, Lambda] = field(default_factory=dict)
    _known: dict[Expr, Leading] = field(init=False, default_factory=dict)

    def read(self, expression: Expr) -> Leading:
        """Return the leading monomial.

        Raises
        ------
        ValueError
            Leading terms cancel, or a function is applied to what grows or vanishes.
        """
        if expression not in self._known:
            self._known[expression] = self._read(expression)
        return self._known[expression]

    def _read(self, expression: Expr) -> Leading:
        match expression:
            case Symbol():
                return Leading(self.time_step * -1, t) if expression == k else self.values[expression]()
            case Add():
                parts = [self.read(arg) for arg in expression.args]
                chosen = self.comparisons.smallest([part.exponent for part in parts])
                total = Add(*(parts[n].expression for n in chosen))
                if total == 0:
                    raise DerivationRefused(f"{expression} cancels at leading order")
                return Leading(parts[chosen[0]].exponent, total)
            case Mul():
                parts = [self.read(arg) for arg in expression.args]
                return Leading(_sum([p.exponent for p in parts]), Mul(*(p.expression for p in parts)))
            case Pow(base=base, exp=power) if power.is_Rational:
                inner = self.read(base)
                return Leading(inner.exponent * Fraction(int(power.p), int(power.q)), inner.expression**power)
            case Decay() | Correction():
                return self._memory(expression)
            case AppliedUndef():
                return self._call(expression)
            case Function() if len(expression.args) == 1:
                return self._function(expression)
        if expression.is_number:
            return Leading(self._zero, expression)
        raise DerivationRefused(
            f"cannot compare {expression} with other terms; expected sums, products, powers or functions"
        )

    @property
    def _zero(self) -> Form:
        return self.time_step * 0

    def _memory(self, expression: Expr) -> Leading:
        """Read ``beta**(k + n)`` or one minus it: forgotten, alive, or as at the start, by the time step."""
        constant, power = expression.args
        memory = self.read(constant * power.coeff(k) * k)
        order = self.comparisons.sign(memory.exponent)
        if isinstance(expression, Correction):
            values = {-1: Integer(1), 0: 1 - exp(-memory.expression), 1: memory.expression}
            return Leading(memory.exponent if order > 0 else self._zero, values[order])
        if order < 0:
            raise DerivationRefused(
                f"1 - {constant} to the power {power} vanishes; expected such powers in bias corrections only"
            )
        return Leading(self._zero, exp(-memory.expression) if order == 0 else Integer(1))

    def _function(self, expression: Expr) -> Leading:
        inner = self.read(expression.args[0])
        order = self.comparisons.sign(inner.exponent)
        if order < 0:
            raise DerivationRefused(f"{expression} of a quantity that grows")
        value = type(expression)(inner.expression if order == 0 else Integer(0))
        if value == 0 or (value.is_number and not value.is_finite):
            raise DerivationRefused(f"{expression} vanishes or is not finite at leading order")
        return Leading(self._zero, value)

    def _call(self, call: Expr) -> Leading:
        auxiliary = self.auxiliaries[type(call).__name__]
        arguments = [self.read(arg) for arg in call.args]
        values = {
            x: (lambda x=x, a=a: Leading(a.exponent, x))
            for x, a in zip(auxiliary.arguments, arguments, strict=True)
        }
        inner = LeadingReader({**self.values, **values}, {}, self.time_step, self.comparisons)
        body = inner.read(auxiliary.expression)
        rest = (t,) if body.expression.has(t) else ()
        self.definitions[auxiliary.name] = Lambda((*auxiliary.arguments, *rest), body.expression)
        function = element_function(auxiliary.name, (0,) * (len(arguments) + len(rest)))
        return Leading(body.exponent, function(*(a.expression for a in arguments), *rest))


def _sum(forms: list[Form]) -> Form:
    total = forms[0]
    for form in forms[1:]:
        total = total + form
    return total
