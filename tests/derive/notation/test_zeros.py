"""Sums that vanish identically are dropped, others are not; constants are printed in lowest terms."""

import pytest
from sympy import Rational, Symbol, cos, exp, log, sin, sqrt

from optsde.derive.notation.indices import canonical
from optsde.derive.notation.symbols import Field, gradient
from optsde.derive.notation.zeros import is_zero, lowest_terms

A, B = Symbol("a", positive=True), Symbol("b", positive=True)
X, Y = Field("theta")("i"), Field("v")("_1")

ZEROS = (
    A / (1 + A) + 1 / (1 + A) - 1,
    (1 - A) / (A - 1) + 1,
    1 / (sqrt(A) - 1) - (sqrt(A) + 1) / (A - 1),
    sqrt(3) * sqrt(2 + A) / sqrt(6 + 3 * A) - 1,
    sqrt(1 - A) * sqrt(1 + A) / sqrt(1 - A**2) - 1,
    1 / (1 + A * B) + A * B / (1 + A * B) - 1,
    sin(A) ** 2 + cos(A) ** 2 - 1,
    1 / (1 + exp(-A)) + 1 / (1 + exp(A)) - 1,
    2 * 2**A - 2 ** (A + 1),
    log(A * B) - log(A) - log(B),
    sqrt(2 + sqrt(3)) - (sqrt(6) + sqrt(2)) / 2,
    X / (1 + X) + 1 / (1 + X) - 1,
)


@pytest.mark.parametrize("zero", ZEROS, ids=str)
def test_an_identity_is_zero_and_its_neighbour_is_not(zero):
    assert is_zero(zero)
    assert canonical(zero * gradient("i")) == 0
    tiny = Rational(1, 10**200)
    assert not is_zero(zero + tiny)
    assert canonical((zero + tiny / (1 + A)) * gradient("i")) != 0


def test_what_holds_for_one_sign_alone_is_kept():
    assert not is_zero(sqrt(X**2) - X)
    assert is_zero(sqrt(A**2) - A)


def test_terms_of_an_expression_that_do_not_cancel_stay_as_they_are():
    kept = X / (1 + A) + Y * gradient("_1") / (1 + B)
    assert canonical(kept + Y / (1 + A) + A * Y / (1 + A) - Y) == canonical(kept)


@pytest.mark.parametrize(
    ("sums", "expected"),
    [
        (-X / (1 - B) + X * B / (1 - B), -X),
        (X / (1 - B) - X * B**2 / (1 - B), X + B * X),
        (X * A / (1 - B) - X * A * B / (1 - B) + Y / (1 - B), A * X + Y / (1 - B)),
        (X / (1 - B) + X / (1 + B), 2 * X / ((1 - B) * (1 + B))),
        (X * A + X * B, X * A + X * B),
    ],
    ids=str,
)
def test_constants_in_lowest_terms(sums, expected):
    assert lowest_terms(sums) == expected
