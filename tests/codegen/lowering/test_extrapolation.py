"""Weights of extrapolation against the linear equations that define them."""

import pytest
from sympy import Matrix, Rational

from optsde.codegen.lowering.extrapolation import extrapolation


@pytest.mark.parametrize("order", [1, 2, 3, 4, 6])
def test_the_weights_cancel_two_orders(order):
    conditions = Matrix([[1, 1, 1], *([1, 2**p, 4**p] for p in (order, order + 1))])
    assert Matrix(extrapolation(order).result) == conditions.solve(Matrix([1, 0, 0]))


@pytest.mark.parametrize("order", [1, 2, 4])
def test_the_last_correction_sees_the_second_order_alone(order):
    last = extrapolation(order).last_correction
    assert sum(last) == sum(w * 2 ** (n * order) for n, w in enumerate(last)) == 0
    # the first extrapolation leaves so much of an error h^(p+1); it is taken away
    left = Rational(2**order - 2 ** (order + 1), 2**order - 1)
    assert sum(w * 2 ** (n * (order + 1)) for n, w in enumerate(last)) == -left


def test_known_weights():
    assert extrapolation(1).result == (Rational(8, 3), -2, Rational(1, 3))
    assert extrapolation(2).result == (Rational(32, 21), Rational(-12, 21), Rational(1, 21))
