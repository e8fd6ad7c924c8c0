"""Gaussian moments of piecewise polynomials against quadrature, and against the closed forms of the sign."""

import mpmath
import pytest
import sympy as sp
from sympy import (
    Abs,
    Expr,
    Heaviside,
    Integer,
    Lambda,
    Max,
    Min,
    Symbol,
    asin,
    erf,
    exp,
    expand,
    lambdify,
    pi,
    sign,
    sqrt,
)

from optsde.derive.smoothing.piecewise import (
    COVARIANCE,
    MEAN,
    MEANS,
    VARIANCE,
    covariance,
    piecewise_polynomial,
)

Y, C = Symbol("y", real=True), Symbol("C", positive=True)
SHAPES = [
    sign(Y),
    Max(-C, Min(C, Y)),
    Abs(Y),
    Max(0, Y) ** 2,
    Heaviside(Y - C),
    Y * Abs(C - Abs(Y)),
    Min(Y, 2 * Y, C),
    sign(Max(Y, 0) - C) + Y**2,
]
BOUND = 0.7
KINKS = [-BOUND, 0, BOUND / 2, BOUND]
PLACES = [(0.3, -0.4, 0.8, 0.5, 0.35), (0.0, 0.0, 1.0, 2.0, -0.9), (-1.1, 0.2, 0.3, 0.6, 0.1)]


def value(expression: Expr, *numbers: float) -> float:
    names = (*MEANS, *COVARIANCE)[: len(numbers)] if len(numbers) == 5 else (MEAN, VARIANCE)
    return float(lambdify(names, expression.subs(C, BOUND), "mpmath")(*map(mpmath.mpf, numbers)))


def over_gauss(function, mean: float, variance: float) -> float:
    """Quadrature of ``E function(Y)``, split where a shape has kinks."""
    ends = sorted([-12.0, *((kink - mean) / variance**0.5 for kink in KINKS), 12.0])
    return float(mpmath.quad(lambda z: function(mean + variance**0.5 * z) * mpmath.npdf(z), ends))


def plain(shape: Expr):
    return lambdify(Y, shape.subs(C, BOUND), "mpmath")


def mean_at(shape: Expr):
    return lambdify((MEAN, VARIANCE), piecewise_polynomial(Lambda(Y, shape)).mean().subs(C, BOUND), "mpmath")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_mean_is_the_integral(shape: Expr) -> None:
    function = piecewise_polynomial(Lambda(Y, shape))
    for x, _, v, _, _ in PLACES[::2]:
        assert value(function.mean(), x, v) == pytest.approx(over_gauss(plain(shape), x, v), abs=1e-12)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_derivatives_of_the_mean(shape: Expr) -> None:
    """Those by the jumps of u are those of the mean, and the mean obeys the heat equation
    ``d/dV = 1/2 d/dx d/dx``.
    """
    function = piecewise_polynomial(Lambda(Y, shape))
    for n in (1, 2):
        difference = function.mean().diff(MEAN, n) - function.mean(n)
        assert value(difference, 0.3, 0.8) == pytest.approx(0, abs=1e-12)
    assert value(function.mean().diff(VARIANCE) - function.mean(2) / 2, 0.3, 0.8) == pytest.approx(
        0, abs=1e-12
    )


@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[1], SHAPES[3]], ids=str)
def test_the_covariance_is_the_integral(shape: Expr) -> None:
    """``E u(X) u(Y) = E[u(X) E(u(Y) | X)]``, the inner mean being one of a Gaussian variable again."""
    function = piecewise_polynomial(Lambda(Y, shape))
    x, y, v, w, u = PLACES[0]
    first, inner = plain(shape), mean_at(shape)
    joint = over_gauss(lambda z: first(z) * inner(y + u / v * (z - x), w - u**2 / v), x, v)
    wanted = joint - value(function.mean(), x, v) * value(function.mean(), y, w)
    assert value(covariance(function, function), *PLACES[0]) == pytest.approx(wanted, abs=1e-10)


def test_the_covariance_of_different_functions() -> None:
    left, right = (piecewise_polynomial(Lambda(Y, shape)) for shape in (SHAPES[0], SHAPES[1]))
    x, y, v, w, u = PLACES[2]
    first, inner = plain(SHAPES[0]), mean_at(SHAPES[1])
    joint = over_gauss(lambda z: first(z) * inner(y + u / v * (z - x), w - u**2 / v), x, v)
    wanted = joint - value(left.mean(), x, v) * value(right.mean(), y, w)
    assert value(covariance(left, right), *PLACES[2]) == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[1]], ids=str)
def test_mehler_s_series(shape: Expr) -> None:
    """``Cov = sum_n U**n/n! d^n E_u d^n E_u``: for correlation 0.02 the remainder after 5 terms is below
    0.02**6.
    """
    function = piecewise_polynomial(Lambda(Y, shape))
    x, y, v, w, u = 0.2, -0.5, 1.0, 1.0, 0.02
    total = sum(
        u**n / sp.factorial(n) * value(function.mean(n), x, v) * value(function.mean(n), y, w)
        for n in range(1, 6)
    )
    assert value(covariance(function, function), x, y, v, w, u) == pytest.approx(float(total), abs=1e-10)


def test_the_sign_in_closed_form() -> None:
    function = piecewise_polynomial(Lambda(Y, sign(Y)))
    assert function.mean() == erf(MEAN / sqrt(2 * VARIANCE))
    (x, y), (v, w, u) = MEANS, COVARIANCE
    centred = covariance(function, function).subs({x: 0, y: 0})
    for rho in (0.2, -0.7, 0.95):
        assert float(centred.subs({v: 4, w: 1, u: 2 * rho}).evalf()) == pytest.approx(
            float(2 / pi * asin(rho)), abs=1e-10
        )


def test_pieces() -> None:
    clip = piecewise_polynomial(Lambda(Y, Max(-C, Min(C, Y))))
    assert (clip.first, list(clip.jumps)) == (-C, [-C, C])
    assert [expand(j - e) for j, e in zip(clip.jumps.values(), (Y + C, C - Y), strict=True)] == [0, 0]
    assert piecewise_polynomial(Lambda(Y, sign(Y) ** 2)).jumps == {}
    assert piecewise_polynomial(Lambda(Y, Abs(Y) ** 2)).first == Y**2
    assert piecewise_polynomial(Lambda(Y, sign(Y) ** 2)).mean() == Integer(1)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (sign(Y**2 - 1), "expected an argument linear in y"),
        (Max(Y, exp(Y)), "is no polynomial; expected a piecewise polynomial"),
        (1 / Abs(Y), "is no piecewise polynomial of the noise"),
        (
            Max(Symbol("a", real=True), Min(Y, Symbol("b", real=True))),
            "is not known; expected constants whose order is",
        ),
    ],
    ids=str,
)
def test_what_is_no_piecewise_polynomial_is_refused(shape: Expr, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        piecewise_polynomial(Lambda(Y, shape))
