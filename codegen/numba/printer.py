"""SymPy expressions as Python text that Numba compiles. Knows a fixed list of nodes and refuses the rest by
name.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sympy import (
    Add,
    Expr,
    Heaviside,
    Max,
    Min,
    Mul,
    Pow,
    Symbol,
    default_sort_key,
    exp,
    sign,
)

from ...derive.errors import KernelRefused
from ...derive.notation.functions import NUMBA

Literal = Callable[[float], str]

SUM, PRODUCT, ATOM = 1, 2, 3
LONGEST_PRODUCT = 16


def double(value: float) -> str:
    """A float64 literal."""
    return repr(float(value))


def single(value: float) -> str:
    """A float32 literal: a bare one would lift the whole expression to float64."""
    return f"single({float(value)!r})"


def text(expression: Expr, names: Mapping[str, str], literal: Literal = double) -> str:
    """The expression as Python text.

    Parameters
    ----------
    expression : Expr
        Of numbers, symbols, sums, products, powers, exp, log, erf, sine and the like, Abs, sign, Max, Min,
        Heaviside (0 at 0).
    names : mapping of str to str
        The variable that stands for each symbol, by the symbol's name.
    literal : callable
        `double` or `single`.

    Raises
    ------
    ValueError
        For any other node, by name.
    """
    return _Printer(names, literal).show(expression)[0]


class _Printer:
    # SymPy types the arguments of a node as Basic, hence Any

    def __init__(self, names: Mapping[str, str], literal: Literal) -> None:
        self.names = names
        self.literal = literal

    def at(self, expression: Any, strength: int) -> str:
        """The text, in parentheses if it binds more weakly than `strength`."""
        shown, own = self.show(expression)
        return shown if own >= strength else f"({shown})"

    def number(self, expression: Any) -> tuple[str, int]:
        if not expression.is_real:
            raise KernelRefused(
                f"the number {expression} is not real and finite; it cannot stand in generated code"
            )
        value = float(expression)
        return self.literal(value), ATOM if value >= 0 else SUM

    def show(self, expression: Any) -> tuple[str, int]:
        if expression.is_number:
            return self.number(expression)
        match expression:
            case Symbol(name=name):
                if name not in self.names:
                    raise KernelRefused(f"symbol {name!r} is not defined here")
                return self.names[name], ATOM
            case Add():
                return self.sum(expression), SUM
            case Mul():
                return self.product(expression)
            case Pow():
                return self.power(expression)
            case Max() | Min():
                shown, *others = [self.show(a)[0] for a in sorted(expression.args, key=default_sort_key)]
                for other in others:
                    shown = f"{'max' if isinstance(expression, Max) else 'min'}({shown}, {other})"
                return shown, ATOM
            case Heaviside():
                one, zero = self.literal(1.0), self.literal(0.0)
                return f"({one} if {self.at(expression.args[0], SUM)} > {zero} else {zero})", ATOM
            case sign():
                one, zero, x = self.literal(1.0), self.literal(0.0), self.at(expression.args[0], SUM)
                return (
                    f"({one} if {x} > {zero} else ({self.literal(-1.0)} if {x} < {zero} else {zero}))",
                    ATOM,
                )
        function = NUMBA.get(type(expression))
        if function is None:
            raise KernelRefused(
                f"no code for {type(expression).__name__} in {expression}; rewrite it with known functions"
            )
        return f"{function}({', '.join(self.show(a)[0] for a in expression.args)})", ATOM

    def sum(self, expression: Any) -> str:
        shown = ""
        # positive terms first: a leading minus costs an operation
        terms = sorted(
            expression.args, key=lambda term: (term.could_extract_minus_sign(), default_sort_key(term))
        )
        for term in terms:
            negative = bool(shown) and term.as_coeff_Mul()[0].is_negative
            if shown:
                shown += f" {'-' if negative else '+'} {self.at(-term if negative else term, PRODUCT)}"
            else:
                shown = self.at(term, SUM)
        return shown

    def product(self, expression: Any) -> tuple[str, int]:
        coefficient, rest = expression.as_coeff_Mul()
        above, below = [], []
        for factor in sorted(Mul.make_args(rest), key=default_sort_key):
            base, exponent = factor.as_base_exp()
            if exponent.is_Rational and exponent.is_negative and not isinstance(factor, exp):
                below.append(self.at(base**-exponent, PRODUCT))
            else:
                above.append(self.at(factor, PRODUCT))
        minus = "-" if coefficient.is_negative else ""
        if abs(coefficient) != 1 or not above:
            above.insert(0, self.number(abs(coefficient))[0])
        shown = minus + "*".join(above)
        if below:  # one division for all of them
            divisor = "*".join(below)
            shown += f"/({divisor})" if len(below) > 1 or "*" in divisor or "/" in divisor else f"/{divisor}"
        return shown, SUM if minus else PRODUCT

    def power(self, expression: Any) -> tuple[str, int]:
        base, exponent = expression.as_base_exp()
        if exponent.is_Rational and exponent.is_negative:
            divisor, strength = self.show(base**-exponent)
            return f"{self.literal(1.0)}/{divisor if strength == ATOM else f'({divisor})'}", PRODUCT
        if exponent.is_Rational and exponent.q in (1, 2) and exponent.p <= LONGEST_PRODUCT:
            factor = self.at(base, ATOM) if exponent.q == 1 else f"math.sqrt({self.show(base)[0]})"
            return "*".join([factor] * exponent.p), ATOM if exponent.p == 1 else PRODUCT
        return f"math.pow({self.show(base)[0]}, {self.show(exponent)[0]})", ATOM
