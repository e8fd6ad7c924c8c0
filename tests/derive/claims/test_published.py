"""Formulas in a paper's notation, read into index notation."""

import pytest
from sympy import Rational, Symbol, exp, sqrt

from optsde.derive import ballistic, gaussian, rmsprop
from optsde.derive.claims.published import Reader, powers_of_tau
from optsde.derive.derivation.chain import Chain
from optsde.derive.notation.indices import canonical
from optsde.derive.notation.symbols import (
    Field,
    constant_factor,
    gradient,
    square_factor,
    t,
    tau,
    zeta1,
    zeta2,
)

CHAIN = Chain(rmsprop(), ballistic, gaussian(constant=True))
READER = Reader(CHAIN, {"g": "F", "D": "1/(sqrt(v) + eps)", "V": "g**2 + S - v"})
S, v, F = Field("S", 2, symmetric=True), Field("v"), gradient
eps, c = Symbol("eps", positive=True), Symbol("c", positive=True)
TWICE = F("i", "_1", "_2") * S("_1", "_2") * F("_1", "_3") * F("_3") * F("_2", "_4") * F("_4")


def D(index: str):
    return 1 / (sqrt(v(index)) + eps)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("g", F("i")),
        ("V", F("i") ** 2 + S("i", "i") - v("i")),
        ("c*theta", c * Field("theta")("i")),
        ("D*H(D*g)", D("i") * F("i", "_1") * D("_1") * F("_1")),
        ("H(H(g))", F("i", "_1") * F("_1", "_2") * F("_2")),
        ("H(g)*H(D)", F("i", "_1") * F("_1") * F("i", "_2") * D("_2")),
        ("T(D)", F("i", "_1", "_2") * S("_1", "_2") * D("_1") * D("_2")),
        ("T(1)", F("i", "_1", "_2") * S("_1", "_2")),
        ("T(H(g))", TWICE),
        ("H(g)*T(H(g))", F("i", "_5") * F("_5") * TWICE),
    ],
)
def test_drifts(text, expected):
    assert canonical(READER.drift(text) - expected) == 0


def test_noise():
    assert canonical(READER.noise("D*B(dW)") - D("i") * constant_factor("i", "_1") * zeta1("_1")) == 0
    assert canonical(READER.noise("B2(dW2)") - square_factor("i", "_1") * zeta2("_1")) == 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("H(g)**2", "contains a power of a sum over coordinates"),
        ("(g + H(g))**2", "contains a power of a sum over coordinates"),
        ("B(dW)", r"the drift B\(dW\) contains zeta1"),
        ("h*g", "the name 'h' in 'h\\*g' is not accepted"),
        ("det(g)", "the function 'det'"),
        ("g.real", "construct Attribute"),
    ],
)
def test_bad_drifts_are_refused(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        READER.drift(text)


@pytest.mark.parametrize("text", ["g", "B(dW) + g", "B(dW)*B(dW)", "B(dW)**2", "B(dW)*B2(dW2)"])
def test_noise_is_linear(text):
    with pytest.raises(ValueError, match=r"expected one of dW and dW2 in each term|power of a sum"):
        READER.noise(text)


@pytest.mark.parametrize(
    ("notation", "complaint"),
    [
        ({"v": "F"}, "notation explains v, a known name"),
        ({"H": "F"}, "notation explains H, a known name"),
        ({"h": "H(F)"}, r"notation explains h by H\(F\), a sum over coordinates"),
        ({"D": "P", "P": "v"}, "the name 'P'"),
    ],
)
def test_bad_notation_is_refused(notation, complaint):
    with pytest.raises(ValueError, match=complaint):
        Reader(CHAIN, notation)


def test_powers_of_tau():
    x = Symbol("x", positive=True)
    found = powers_of_tau(3 * x + sqrt(tau) * x**2 - tau * exp(-t * (1 + tau)) + tau**3, Rational(2))
    assert found == {0: 3 * x, Rational(1, 2): x**2, 1: -exp(-t), 2: t * exp(-t)}
    assert powers_of_tau((1 + tau) * (1 - tau) - 1, Rational(2)) == {2: -1}


@pytest.mark.parametrize("expression", [exp(sqrt(tau)), 1 / tau, exp(1 / tau), tau**c])
def test_what_has_no_expansion_is_refused(expression):
    with pytest.raises(ValueError, match=r"expansion|powers from 0 on|powers of sqrt"):
        powers_of_tau(expression, Rational(2))


def test_the_gradient_of_a_sum_over_coordinates():
    """By the product rule, in index notation; what is the same at all coordinates is summed as often as there
    are.
    """
    reader = Reader(Chain(rmsprop(), ballistic, gaussian()), {})
    F, S, v = gradient, gaussian().cumulant_field(2), Field("v")
    assert canonical(reader.drift("grad(F**2 + S)") - 2 * F("i", "_1") * F("_1") - S("_1", "_1", "i")) == 0
    expected = S("_1", "_1", "i") * F("_1") * v("_1") + S("_1", "_1") * F("_1", "i") * v("_1")
    assert canonical(reader.drift("grad(S*F*v)") - expected) == 0
    assert (
        canonical(reader.drift("grad(H(F))") - F("i", "_1", "_2") * F("_1") - F("i", "_1") * F("_1", "_2"))
        == 0
    )
    assert reader.drift("grad(theta)") == 1
    assert reader.drift("grad(v + 1)") == 0
