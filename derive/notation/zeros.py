"""Which sums vanish identically: ``a/(1 + a) + 1/(1 + a) - 1`` is 0, though SymPy keeps its three terms.

Sums of monomials cancel by themselves. Fractions, radicals and functions do not: there terms are grouped by
what has no part in them, and the factor of each group is evaluated at points that its symbols' names choose.
A value that is clearly not 0 is a proof; what vanishes at several points to `DIGITS` digits, more than any
number has that the parser reads, is taken as 0.
"""

from collections.abc import Iterable
from functools import lru_cache
from random import Random
from typing import Any

from mpmath import MPContext
from sympy import (
    Abs,
    Add,
    Expr,
    Function,
    Integer,
    Max,
    Min,
    Mul,
    NumberSymbol,
    Pow,
    Rational,
    Symbol,
    cancel,
    erf,
    factor,
    sign,
    together,
)
from sympy.functions.elementary.exponential import ExpBase, log
from sympy.functions.elementary.hyperbolic import HyperbolicFunction
from sympy.functions.elementary.trigonometric import TrigonometricFunction

from .symbols import KEPT, Component

DIGITS = 2100
"""Digits of the values that decide."""
POINTS = 3
"""Points at which a sum must vanish."""
_QUICK = 30
_FUNCTIONS = (ExpBase, log, TrigonometricFunction, HyperbolicFunction, Abs, sign, Max, Min, erf)


def without_zeros(expression: Expr) -> Expr:
    """Return a sum of terms without those that add up to 0 by an identity of fractions, radicals or
    functions.
    """
    parts = Add.make_args(expression)
    if len(parts) < 2 or not any(_is_tangled(part) for part in parts):
        return expression
    kept = [part for group in _grouped(parts) if not _vanishes(tuple(group)) for part in group]
    return expression if len(kept) == len(parts) else Add(*kept)


def lowest_terms(expression: Expr) -> Expr:
    """Write the constants in front of each product of components as one fraction in lowest terms, where that
    is shorter; its numerator is multiplied out.
    """
    parts = Add.make_args(expression)
    if not any(_is_tangled(part) for part in parts):
        return expression
    groups: dict[Expr, list[Expr]] = {}
    for part in parts:
        constant, carrier = _constant_of(part)
        groups.setdefault(carrier, []).append(constant)
    return Add(*(_shortest(carrier, tuple(constants)) for carrier, constants in groups.items()))


def is_zero(expression: Expr) -> bool:
    """Tell whether an expression vanishes identically."""
    return expression == 0 or _vanishes(Add.make_args(expression))


@lru_cache(KEPT)
def _shortest(carrier: Expr, constants: tuple[Expr, ...]) -> Expr:
    plain = Add(*(constant * carrier for constant in constants))
    if not any(map(_is_tangled, constants)):
        return plain
    numerator, denominator = cancel(together(Add(*constants))).as_numer_denom()
    denominator = _like(factor(denominator), constants)
    written = Add(
        *(term / denominator[0] * carrier for term in Add.make_args((numerator / denominator[1]).expand()))
    )
    return min((plain, written), key=lambda e: (len(Add.make_args(e)), e.count_ops()))


def _like(denominator: Expr, constants: Iterable[Expr]) -> tuple[Expr, Expr]:
    """Write ``1 - a`` for ``a - 1`` where the constants do; return the sign beside it."""
    sums = set().union(*(constant.atoms(Add) for constant in constants))
    sign_, factors = Integer(1), []
    for f in Mul.make_args(denominator):
        base, exponent = f.as_base_exp()
        turned = isinstance(base, Add) and base not in sums and -base in sums and exponent.is_Integer
        factors.append((-base) ** exponent if turned else f)
        sign_ *= (-1) ** exponent if turned else Integer(1)
    return Mul(*factors), sign_


def _constant_of(term: Expr) -> tuple[Expr, Expr]:
    """Split a term into its factor without components and the rest."""
    constant, carrier = [], []
    for f in Mul.make_args(term):
        (carrier if _calls_state(f) else constant).append(f)
    return Mul(*constant), Mul(*carrier)


@lru_cache(KEPT)
def _calls_state(factor: Expr) -> bool:
    return factor.has(Component)


def _grouped(parts: Iterable[Expr]) -> list[list[Expr]]:
    """Group terms by the factors that share no symbol with a fraction, a radical or a function."""
    inside = set().union(*(_tangled_symbols(part) for part in parts))
    groups: dict[Expr, list[Expr]] = {}
    for part in parts:
        carrier = Mul(*(f for f in Mul.make_args(part) if f.free_symbols and not f.free_symbols & inside))
        groups.setdefault(carrier, []).append(part)
    return list(groups.values())


@lru_cache(KEPT)
def _is_tangled(term: Expr) -> bool:
    return any(_tangles(f) for f in Mul.make_args(term))


@lru_cache(KEPT)
def _tangled_symbols(term: Expr) -> frozenset[Expr]:
    return frozenset().union(*(f.free_symbols for f in Mul.make_args(term) if _tangles(f)))


def _tangles(factor: Expr) -> bool:
    base, exponent = factor.as_base_exp()
    if isinstance(factor, _FUNCTIONS) or isinstance(base, _FUNCTIONS):
        return True
    if exponent.is_Integer and exponent.is_positive:
        return False
    return isinstance(base, Add) or (isinstance(exponent, Add) and bool(exponent.free_symbols))


@lru_cache(KEPT)
def _vanishes(parts: tuple[Expr, ...]) -> bool:
    return (
        len(parts) > 1
        and all(_small(parts, point, _QUICK) for point in range(POINTS))
        and all(_small(parts, point, DIGITS) for point in range(POINTS))
    )


def _small(parts: Iterable[Expr], point: int, digits: int) -> bool:
    context = _context(digits)
    try:
        values = [_value(part, point, digits) for part in parts]
    except ZeroDivisionError:
        return False
    return abs(context.fsum(values)) <= max(map(abs, values)) * context.mpf(10) ** (10 - digits)


@lru_cache(KEPT)
def _context(digits: int) -> MPContext:
    context = MPContext()
    context.dps = digits
    return context


@lru_cache(KEPT)
def _value(expression: Expr, point: int, digits: int) -> Any:
    context = _context(digits)
    match expression:
        case Rational():
            return context.mpf(int(expression.p)) / int(expression.q)
        case NumberSymbol():
            return context.mpf(str(expression.evalf(digits + 10)))  # the context's own digits of pi and e
        case Add():
            return context.fsum([_value(part, point, digits) for part in expression.args])
        case Mul():
            return context.fprod([_value(part, point, digits) for part in expression.args])
        case Pow():
            base, exponent = expression.args
            return context.power(_value(base, point, digits), _value(exponent, point, digits))
        case Max() | Min():
            chosen = max if isinstance(expression, Max) else min
            return chosen(_value(part, point, digits) for part in expression.args)
        case Abs():
            return abs(_value(expression.args[0], point, digits))
        case Function() if isinstance(expression, _FUNCTIONS):
            return getattr(context, type(expression).__name__)(_value(expression.args[0], point, digits))
    return _drawn(expression, point, digits)


def _drawn(atom: Expr, point: int, digits: int) -> Any:
    """Return the value of a symbol, or of a function that stays abstract: its name decides."""
    name = atom.name if isinstance(atom, Symbol) else str(atom)
    random = Random(f"{point} {getattr(atom, 'dummy_index', '')} {name}")
    size = random.randrange(1, 2**40) * 2 ** random.randrange(4)
    negative = not atom.is_nonnegative and random.random() < 0.5
    return _context(digits).mpf(-size if negative else size) / 2**41
