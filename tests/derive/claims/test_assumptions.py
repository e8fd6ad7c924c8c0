"""Assumptions that are limits keep what is leading there."""

import pytest
from sympy import Rational, Symbol, erf, exp, pi, sign, sqrt

from optsde.derive.claims.assumptions import ASSUMPTIONS
from optsde.derive.notation.symbols import Field, gradient

F, H, c = gradient("i"), gradient("i", "_1"), Symbol("c", positive=True)
S, K3 = Field("S", 2, symmetric=True)("i", "i"), Field("K3", 3)("i", "i", "i")
S_varies = Field("S", 2, symmetric=True, varies=True)("i", "i", "j")
BY_NAME = {a.name: a for a in ASSUMPTIONS}
BELOW, ABOVE = BY_NAME["signal far below noise"], BY_NAME["signal far above noise"]
Y = F / sqrt(2 * S)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (erf(Y), sqrt(2 / pi) * F / sqrt(S)),
        (erf(Y) ** 2, 0),
        (c + F * erf(Y) + H * F - F**2 / S, c + H * F),
        (erf(Y) / F, erf(Y) / F),
        (sign(F) - erf(Y), sign(F) - sqrt(2 / pi) * F / sqrt(S)),
    ],
)
def test_far_below_is_to_first_order_in_the_gradient(expression, expected):
    assert (BELOW.imposed(expression) - expected).expand() == 0


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (erf(Y), sign(F)),
        (1 - erf(Y) ** 2, 1 - sign(F) ** 2),
        (c * erf(Y) + S + K3 + H, c * sign(F) + H),
        (S_varies / S * erf(Y), S_varies / S * sign(F)),
        (erf(Y) / sqrt(S), erf(Y) / sqrt(S)),
        (erf(F * c), erf(F * c)),
        (erf(sqrt(S) * F), 0),
    ],
)
def test_far_above_is_the_limit_of_small_noise(expression, expected):
    assert (ABOVE.imposed(expression) - expected).expand() == 0


def test_what_is_left_out_is_of_higher_order():
    """A tenth of the gradient leaves a thousandth of what is cubic; a hundredth of the noise less than any
    power.
    """
    excess = erf(Y) - BELOW.imposed(erf(Y))
    at = [float(excess.subs({S: 1, F: Rational(1, n)})) for n in (100, 1000)]
    assert at[1] / at[0] == pytest.approx(1e-3, rel=1e-4)
    excess = (erf(Y) - ABOVE.imposed(erf(Y))).subs(F, 1)
    assert abs(excess.subs(S, Rational(1, 100)).n(60)) < exp(-50)


def test_limits_are_asked_only_where_a_function_of_the_ratio_stands():
    for assumption in (BELOW, ABOVE):
        assert assumption.concerns(c * erf(Y))
        assert not assumption.concerns(F**2 + S)


def test_zeros_keep_the_rest():
    assert BY_NAME["eps = 0"].imposed(Symbol("eps0") * F + c) == c
    assert BY_NAME["constant noise"].imposed(S_varies + S) == S
    assert BY_NAME["quadratic f"].imposed(gradient("i", "j", "k") + H) == H
