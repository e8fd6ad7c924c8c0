"""Extra assumptions under which a published coefficient may be right: some quantity vanishes, or is far below
another.

An assumption that something is small is a limit, not a zero, and keeps what is leading there. Whether the
noise in a gradient is small is seen where a function of their ratio stands, an error function, and asked only
there.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Dummy, Expr, Integer, Symbol, cancel, erf, nan, oo, sign, together, zoo

from ..notation.indices import components
from ..notation.symbols import Component
from .normal_form import is_variance


@dataclass(frozen=True)
class Assumption:
    """An extra assumption on objective, noise or constants.

    Attributes
    ----------
    name : str
    concerns : callable
        Whether it can change an expression.
    imposed : callable
        Return an expression under the assumption.
    """

    name: str
    concerns: Callable[[Expr], bool]
    imposed: Callable[[Expr], Expr]


def _zero(name: str, vanishes: Callable[[Symbol], bool]) -> Assumption:
    """Return the assumption that some symbols are zero."""

    def imposed(expression: Expr) -> Expr:
        return expression.xreplace({s: Integer(0) for s in expression.free_symbols if vanishes(s)})

    return Assumption(name, lambda e: any(map(vanishes, e.free_symbols)), imposed)


def _derivative_of_noise(s: Symbol) -> bool:
    return (
        isinstance(s, Component) and s.field.varies and not s.field.gradient and len(s.indices) > s.field.rank
    )


_SCALE = Symbol("scale", positive=True)


def _depends_on_the_ratio(expression: Expr) -> bool:
    return expression.has(erf)


def _signal_far_below(expression: Expr) -> Expr:
    """Return Taylor's polynomial of degree 1 in the gradient; the expression itself where it has none."""
    signal = {c: _SCALE * c for c in components(expression) if c.field.gradient and len(c.indices) == 1}
    scaled = expression.xreplace(signal)
    return _at_zero(scaled + scaled.diff(_SCALE), expression)


def _signal_far_above(expression: Expr) -> Expr:
    """Return the limit for small noise at a gradient that is not zero; the expression itself where it has
    none.

    An error function whose argument grows beyond all bounds is its sign, up to what vanishes faster than any
    power.
    """
    variances = {c: Dummy(positive=True) for c in components(expression) if is_variance(c)}
    law = {c: variances.get(c, c) for c in components(expression) if c.field.name in ("S", "K3", "K4")}
    scaled = expression.xreplace({c: _SCALE**c.field.rank * value for c, value in law.items()})
    unbounded = [call for call in scaled.atoms(erf) if call.args[0].as_coeff_exponent(_SCALE)[1].is_negative]
    signs = {call: sign(call.args[0]) for call in unbounded}
    limit = _at_zero(cancel(together(scaled.xreplace(signs))), expression)
    return limit.xreplace({value: c for c, value in variances.items()})


def _at_zero(scaled: Expr, otherwise: Expr) -> Expr:
    value = scaled.xreplace({_SCALE: Integer(0)})
    return otherwise if value.has(zoo, nan, oo) else value


ASSUMPTIONS = (
    _zero("constant noise", _derivative_of_noise),
    _zero("Gaussian noise", lambda s: isinstance(s, Component) and s.field.name in ("K3", "K4")),
    _zero("eps = 0", lambda s: not isinstance(s, Component) and s.name.startswith("eps")),
    _zero("quadratic f", lambda s: isinstance(s, Component) and s.field.gradient and len(s.indices) > 2),
    Assumption("signal far below noise", _depends_on_the_ratio, _signal_far_below),
    Assumption("signal far above noise", _depends_on_the_ratio, _signal_far_above),
)
"""What is tried, one by one and then together, where a published coefficient differs. Signal is the
gradient.
"""
