import math

import pytest
import sympy as sp

from optsde.codegen.numba.printer import single, text

a, b, c, e = sp.symbols("a b c e")
VALUES = {"a": 0.3, "b": 0.7, "c": 1.3, "e": 0.1}
NAMES = {name: name for name in VALUES}
EXPRESSIONS = [
    a + b - c,
    -a * b / c,
    a / (b * c),
    (a + b) ** -2,
    b ** sp.Rational(3, 2),
    b ** sp.Rational(-1, 2),
    a**b,
    2**a,
    1 / (sp.sqrt(sp.Max(b, c, a)) + e),
    a * (b - c) ** 2 / 3,
    a * sp.exp(-b),
    sp.exp(-a / b),
    -2 * a - 3 * b,
    a**20,
    a - (b + c) ** 2,
    sp.pi * a,
    sp.sqrt(2) * a,
    a / sp.sqrt(b),
    -(a + b) * c,
    c - 1 / a,
    a**-3 * b ** sp.Rational(-3, 2),
    sp.Min(a, b) - sp.erf(c),
    sp.sign(a - b) + sp.Abs(a - c),
    sp.tanh(a) * sp.sin(b) / sp.cos(c),
    sp.log(c) ** 3,
    (a / b) ** 2 / (c / e),
    a ** sp.Rational(1, 3),
    1 / (1 / a + 1 / b),
    sp.Float("0.1") * a,
    -((a - b) ** 3),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_text_has_the_value_of_the_expression(expression: sp.Expr) -> None:
    shown = eval(text(expression, NAMES), {"math": math} | VALUES)  # our own text, of fixed expressions
    exact = expression.subs({name: sp.Float(repr(x), 40) for name, x in VALUES.items()}).evalf(30)
    assert shown == pytest.approx(float(exact), rel=2e-15)


def test_heaviside_is_zero_at_zero() -> None:
    shown = text(sp.Heaviside(a), NAMES)
    assert [eval(shown, {"a": x}) for x in (-1.0, 0.0, 2.0)] == [0.0, 0.0, 1.0]


def test_powers_are_products_and_quotients_share_one_division() -> None:
    assert text(a**3, NAMES) == "a*a*a"
    assert text(a / (b * sp.sqrt(c)), NAMES) == "a/(b*math.sqrt(c))"


def test_single_precision_has_no_bare_number() -> None:
    assert text(a / 3 + 2, NAMES, single) == "single(2.0) + single(0.3333333333333333)*a"


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        (sp.gamma(a), "gamma"),
        (sp.Integral(a, a), "Integral"),
        (sp.Derivative(sp.Function("f")(a), a), "Derivative"),
        (sp.Piecewise((a, a > 0), (b, True)), "Piecewise"),
    ],
)
def test_unknown_nodes_are_refused_by_name(expression: sp.Expr, name: str) -> None:
    with pytest.raises(ValueError, match=f"no code for {name}"):
        text(expression, NAMES)


@pytest.mark.parametrize("number", [sp.oo, sp.nan, sp.I * a, sp.zoo], ids=str)
def test_numbers_must_be_real_and_finite(number: sp.Expr) -> None:
    with pytest.raises(ValueError, match="not real and finite"):
        text(number, NAMES)


def test_undefined_symbols_are_refused() -> None:
    with pytest.raises(ValueError, match="symbol 'unknown' is not defined"):
        text(sp.Symbol("unknown") + 1, NAMES)
