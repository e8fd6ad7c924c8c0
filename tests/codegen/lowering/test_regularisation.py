"""Substitutes for v below u: exact values, one-sided derivatives, names."""

import pytest
import sympy as sp
from sympy import Expr, Max, Rational, Symbol, interpolate

from optsde.codegen.lowering.regularisation import (
    Regularisation,
    floor,
    read_regularisation,
    smooth,
    unregularised,
)
from optsde.derive.notation.symbols import tau

v = Symbol("v", real=True)
U = Rational(3, 7)


def on(regularisation: Regularisation, left: Rational, right: Rational) -> Expr:
    """The polynomial that phi is on an interval: through 5 points, and checked at 4 more."""
    phi = regularisation.phi(v)
    points = [left + (right - left) * Rational(n, 8) for n in range(9)]
    values = [(point, phi.subs(v, point)) for point in points]
    polynomial = interpolate(values[::2], v)
    assert all(polynomial.subs(v, point) == value for point, value in values)
    return polynomial


def test_smooth_is_v_above_u_and_twice_differentiable() -> None:
    below, between, above = (on(smooth(U), *ends) for ends in ((-3 * U, 0), (0, U), (U, 5 * U)))
    assert below == U / 2
    assert above == v
    for order in range(3):
        assert between.diff(v, order).subs(v, 0) == below.diff(v, order)
        assert between.diff(v, order).subs(v, U) == above.diff(v, order).subs(v, U)
    assert between.diff(v, 3).subs(v, 0) != 0  # and no smoother than declared


def test_smooth_is_positive_and_increasing() -> None:
    between = on(smooth(U), Rational(0), U)
    slope = between.diff(v).factor()
    assert (slope - 3 * (v / U) ** 2 + 2 * (v / U) ** 3).expand() == 0  # = s^2 (3 - 2 s) >= 0 on [0, 1]


def test_floor() -> None:
    assert on(floor(U), -2 * U, U) == U
    assert on(floor(U), U, 4 * U) == v
    assert floor().phi(v) == Max(v, tau)
    assert floor().name == "max(v, tau)"


def test_unregularised() -> None:
    assert unregularised().phi(v) == v
    assert unregularised().name == "none"


@pytest.mark.parametrize(
    ("made", "names"), [(floor(), set()), (smooth(Symbol("u") * tau), {"u"}), (unregularised(), set())]
)
def test_parameters(made: Regularisation, names: set[str]) -> None:
    assert made.parameters == names


@pytest.mark.parametrize("regularisation", [unregularised(), floor(U), smooth(U)], ids=lambda r: r.name)
def test_derivatives_are_those_of_phi(regularisation: Regularisation) -> None:
    """Away from the kinks, by the polynomials that phi is on intervals."""
    for ends in ((-3 * U, Rational(0)), (Rational(0), U), (U, 5 * U)):
        polynomial = on(regularisation, *ends)
        for order in range(2 if regularisation.kind == "floor" else 3):
            for share in (Rational(1, 5), Rational(1, 2), Rational(7, 9)):
                at = ends[0] + share * (ends[1] - ends[0])
                assert regularisation.phi(v, order).subs(v, at) == polynomial.diff(v, order).subs(v, at)


def test_derivatives_that_do_not_exist_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"phi = max\(v, tau\) differentiated 2 times; expected at most 1: take smooth"
    ):
        floor().phi(v, 2)
    with pytest.raises(ValueError, match="differentiated 3 times; expected at most 2"):
        smooth().phi(v, 3)


@pytest.mark.parametrize("text", ["none", "floor", "smooth", "floor:tau/16", "smooth:0.1", "floor:tau**2"])
def test_regularisations(text):
    kind, _, scale = text.partition(":")
    u = {"": tau, "tau/16": tau / 16, "0.1": sp.Rational(1, 10), "tau**2": tau**2}[scale]
    phi = read_regularisation(text).phi
    assert phi(u * 3) == u * 3
    assert phi(sp.Integer(-1)) == {"none": -1, "floor": u, "smooth": u / 2}[kind]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rough", "unknown regularisation 'rough'; expected none, floor, smooth, floor:U or smooth:U"),
        ("none:tau", "unknown regularisation 'none:tau'"),
        ("", "unknown regularisation ''"),
        ("floor:u", "the name 'u'"),
        ("floor:__import__('os')", "the character"),
        ("smooth:1/0", "the value"),
        ("smooth:0", "expected a positive expression"),
        ("floor:-tau", "expected a positive expression"),
    ],
)
def test_other_regularisations_are_refused(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        read_regularisation(text)
