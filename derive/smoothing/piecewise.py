"""Piecewise polynomials under Gaussian noise: their means and covariances in closed form.

``u(y) = p(y) + sum_k d_k(y) H(y - t_k)`` with polynomials ``p``, ``d_k`` and the Heaviside function H. So the
mean is a sum of one-sided truncated moments, and a high derivative of u is a sum of derivatives of delta
functions at the ``t_k``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product

from sympy import (
    Abs,
    Add,
    Dummy,
    Expr,
    Heaviside,
    Integer,
    Integral,
    Lambda,
    Max,
    Min,
    Mul,
    Poly,
    Pow,
    Symbol,
    erf,
    exp,
    factorial,
    factorial2,
    oo,
    pi,
    sign,
    sqrt,
)

from ..errors import DerivationRefused
from ..notation.symbols import KEPT

NON_SMOOTH = (Abs, sign, Max, Min, Heaviside)

MEAN, VARIANCE = Symbol("x", real=True), Symbol("V", real=True)
"""Of one Gaussian variable, in definitions."""
MEANS, COVARIANCE = (MEAN, Symbol("y", real=True)), (VARIANCE, Symbol("W", real=True), Symbol("U", real=True))
"""Of two: their means; their variances and their covariance."""


@dataclass(frozen=True)
class PiecewisePolynomial:
    """``u(y) = first(y) + sum_t jumps[t](y) H(y - t)``.

    Attributes
    ----------
    variable : Symbol
        ``y``.
    first : Expr
        The polynomial to the left of all breaks.
    jumps : mapping of Expr to Expr
        By break, in ascending order, the difference of the polynomials on both sides; none is zero.
    """

    variable: Symbol
    first: Expr
    jumps: Mapping[Expr, Expr]

    def mean(self, derivative: int = 0) -> Expr:
        """Return ``E u^(n)(x + sqrt(V) z)``, z standard normal, in `MEAN` and `VARIANCE`; jumps differentiate
        to deltas.
        """
        y, n = self.variable, derivative
        smooth, broken = _gaussian_mean(self.first.diff(y, n), y), []
        for t, jump in self.jumps.items():
            half, rest = _truncated_mean(jump.diff(y, n), y, t)
            smooth += half
            broken.append(rest)
            for m in range(n):
                broken.append(jump.diff(y, m).subs(y, t) * _density(t).diff(MEAN, n - 1 - m))
        return smooth.expand() + Add(*broken)


@lru_cache(KEPT)
def piecewise_polynomial(shape: Lambda) -> PiecewisePolynomial:
    """Read a function of one variable made of polynomials, Abs, sign, Max, Min and Heaviside.

    Raises
    ------
    ValueError
        It is none, or its breaks cannot be put in order.
    """
    (y,) = shape.variables
    breaks, pieces = _read(shape.expr, y)
    jumps = {t: (right - left).expand() for t, (left, right) in zip(breaks, pairwise(pieces), strict=True)}
    return PiecewisePolynomial(y, pieces[0], {t: jump for t, jump in jumps.items() if jump != 0})


Pieces = tuple[list[Expr], list[Expr]]
"""Breaks in ascending order, and the polynomials between them: one more."""


def _read(expression: Expr, y: Symbol) -> Pieces:
    if not expression.has(*NON_SMOOTH):
        if not expression.is_polynomial(y):
            raise DerivationRefused(
                f"{expression} is no polynomial; expected a piecewise polynomial of the noise"
            )
        return [], [expression.expand()]
    arguments = [_read(argument, y) for argument in expression.args]
    match expression:
        case Add() | Mul():
            return _combined(arguments, expression.func)
        case Pow() if expression.exp.is_Integer and expression.exp.is_positive:
            return _combined(arguments[:1], lambda base: base**expression.exp)
        case sign():
            return _sign(arguments[0], y)
        case Heaviside():
            return _combined([_sign(arguments[0], y)], lambda s: (1 + s) / 2)
        case Abs():
            return _combined([arguments[0], _sign(arguments[0], y)], Mul)
        case Max() | Min():
            return _extreme(arguments, y, 1 if isinstance(expression, Max) else -1)
    raise DerivationRefused(f"{expression} is no piecewise polynomial of the noise")


def _extreme(arguments: list[Pieces], y: Symbol, which: int) -> Pieces:
    """Return ``max(a, b) = (a + b + abs(a - b)) / 2``, or the minimum, one argument after the other."""
    largest, *others = arguments
    for other in others:
        difference = _combined([largest, other], lambda a, b: a - b)
        larger = [largest, other, difference, _sign(difference, y)]
        largest = _combined(larger, lambda a, b, d, s: (a + b + which * d * s) / 2)
    return largest


def _combined(arguments: list[Pieces], function: Callable[..., Expr]) -> Pieces:
    """Apply a polynomial to functions, on the breaks of all."""
    breaks: list[Expr] = []
    for own, _ in arguments:
        for t in own:
            if t not in breaks:
                breaks.insert(sum(_positive(t - other) for other in breaks), t)
    rows = [[sum(t in breaks[:n] for t in own) for own, _ in arguments] for n in range(len(breaks) + 1)]
    chosen = ([pieces[place] for place, (_, pieces) in zip(row, arguments, strict=True)] for row in rows)
    return breaks, [function(*pieces).expand() for pieces in chosen]


def _sign(argument: Pieces, y: Symbol) -> Pieces:
    """Return the sign; each piece changes it at its root, if that lies inside."""
    breaks, pieces = argument
    ends = [-oo, *breaks, oo]
    result: Pieces = ([], [])
    for n, piece in enumerate(pieces):
        if n:
            result[0].append(breaks[n - 1])
        slope, value = _linear(piece, y)
        if slope == 0:
            result[1].append(_sign_of(value))
            continue
        root, rising = (-value / slope).expand(), _sign_of(slope)
        if root not in ends and _positive(root - ends[n]) and _positive(ends[n + 1] - root):
            result[0].append(root)
            result[1].extend((-rising, rising))
        else:
            right = root != ends[n + 1] and (root == ends[n] or _positive(ends[n] - root))
            result[1].append(rising if right else -rising)
    return result


def _linear(piece: Expr, y: Symbol) -> tuple[Expr, Expr]:
    if Poly(piece, y).degree() > 1:
        raise DerivationRefused(
            f"the sign of {piece} has no breaks in closed form; expected an argument linear in {y}"
        )
    return piece.coeff(y, 1), piece.coeff(y, 0)


def _sign_of(number: Expr) -> Expr:
    if number == 0:
        return Integer(0)
    return Integer(1) if _positive(number) else Integer(-1)


def _positive(number: Expr) -> bool:
    if number.is_extended_positive is None:
        raise DerivationRefused(f"the sign of {number} is not known; expected constants whose order is")
    return bool(number.is_extended_positive)


def _density(t: Expr) -> Expr:
    return exp(-((MEAN - t) ** 2) / (2 * VARIANCE)) / sqrt(2 * pi * VARIANCE)


def _gaussian_mean(polynomial: Expr, y: Symbol) -> Expr:
    z = Dummy()
    coefficients = Poly(polynomial.subs(y, MEAN + sqrt(VARIANCE) * z).expand(), z).all_coeffs()[::-1]
    return Add(*(c * factorial2(n - 1) for n, c in enumerate(coefficients) if n % 2 == 0))


def _truncated_mean(polynomial: Expr, y: Symbol, t: Expr) -> tuple[Expr, Expr]:
    """Return two parts of ``E p(Y) H(Y - t)`` for Y of mean x and variance V: half of ``E p(Y)``, and the
    rest.

    By Stein's lemma ``p = q' V + q (y - x) + r`` has the mean ``V q(t) phi(t) + r P(Y > t)``, phi being the
    density; and ``P(Y > t) = 1/2 + 1/2 erf((x - t)/sqrt(2 V))``.
    """
    half = _gaussian_mean(polynomial, y) / 2
    quotient, rest = Integer(0), polynomial
    while (degree := Poly(rest, y).degree()) > 0:
        term = Poly(rest, y).LC() * y ** (degree - 1)
        quotient += term
        rest = (rest - term * (y - MEAN) + VARIANCE * term.diff(y)).expand()
    edge = VARIANCE * quotient.subs(y, t) * _density(t) if quotient != 0 else Integer(0)
    return half, edge + rest.factor() * erf((MEAN - t) / sqrt(2 * VARIANCE)) / 2


def covariance(left: PiecewisePolynomial, right: PiecewisePolynomial) -> Expr:
    """Return ``Cov(u(X), w(Y))`` for Gaussian X, Y, in `MEANS` and `COVARIANCE`.

    A derivative by the covariance U differentiates both functions (Price 1958), so with Taylor's formula
    around ``U = 0``

        sum_{n=1..q} U**n/n! E u^(n) E w^(n) + int_0^U (U-s)**q/q! E[u^(q+1)(X) w^(q+1)(Y)]_(U=s) ds,

    where q is the highest degree: then the functions under the integral are derivatives of deltas, which are
    derivatives of the joint density by the means.
    """
    (x, y), (v, w, u), s = MEANS, COVARIANCE, Symbol("s", real=True)
    q = max(_degree(left), _degree(right))
    other = {MEAN: y, VARIANCE: w}
    series = Add(
        *(u**n / factorial(n) * left.mean(n) * right.mean(n).xreplace(other) for n in range(1, q + 1))
    )
    total: list[Expr] = []
    for (t, m, a), (r, n, b) in product(_deltas(left, q), _deltas(right, q)):
        determinant = v * w - s**2
        form = (w * (x - t) ** 2 - 2 * s * (x - t) * (y - r) + v * (y - r) ** 2) / determinant
        density = exp(-form / 2) / (2 * pi * sqrt(determinant))
        total.append(a * b * density.diff(x, m).diff(y, n))
    return series + Integral((u - s) ** q / factorial(q) * Add(*total), (s, 0, u)) if total else series


def _degree(function: PiecewisePolynomial) -> int:
    pieces = (p for p in (function.first, *function.jumps.values()) if p != 0)
    return max((int(Poly(p, function.variable).degree()) for p in pieces), default=0)


def _deltas(function: PiecewisePolynomial, q: int) -> list[tuple[Expr, int, Expr]]:
    """Return place, number of derivatives and weight of the deltas in ``u^(q+1)``: a jump of ``u^(n)`` gives
    ``q - n``.
    """
    y = function.variable
    found = [
        (t, q - n, jump.diff(y, n).subs(y, t)) for t, jump in function.jumps.items() for n in range(q + 1)
    ]
    return [(t, m, weight) for t, m, weight in found if weight.expand() != 0]
