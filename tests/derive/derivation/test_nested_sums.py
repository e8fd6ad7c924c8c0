"""Sums within sums, held against the same rule in components: differences in 120 digits, d = 2.

The noise reaches theta only through m, linearly and with a factor tau, so the drift is that without
noise: ``b0 = lim Delta/tau``, ``b1 = lim (Delta/tau - b0)/tau - 1/2 (b0 . d) b0``.
"""

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from nested_norms import DIGITS, STEPS, C, nested, step

from optsde.derive import ballistic, gaussian, modified_equation

POINT = (mp.mpf(1), mp.mpf("0.5"), mp.mpf("0.25"), mp.mpf("-0.125"))


def drifts(name):
    """b0 and b1 at the point by central differences of step 1e-20."""
    h, tiny, x = mp.mpf(10) ** -20, mp.mpf(10) ** -50, np.array(POINT)

    def rate(state, tau):
        return (step(name, state, tau) - state) / tau

    b0 = rate(x, tiny)
    second = (rate(x, h) - rate(x, -h)) / (2 * h)
    along = (rate(x + h * b0, tiny) - rate(x - h * b0, tiny)) / (2 * h)
    return b0, second - along / 2


@pytest.mark.parametrize("name", STEPS)
def test_the_drift_of_order_2_is_that_of_the_rule_in_components(name):
    equation = modified_equation(nested(name), ballistic, gaussian(constant=True), 2)
    x, y = sp.symbols("theta_1 theta_2", real=True)
    form = equation.expand(2, x**2 / 2 + x * y / 2 + y**2 / 2)
    values = {s: sp.Float(str(v), DIGITS) for s, v in zip(form.state, POINT, strict=True)}
    values[sp.Symbol("c", positive=True)] = sp.Rational(C)
    with mp.workdps(DIGITS):
        for found, expected in zip(form.drift, drifts(name), strict=True):
            for entry, number in zip(found, expected, strict=True):
                assert abs(mp.mpf(str(entry.subs(values).evalf(30))) - number) < 1e-18
    assert equation.certificate.weak_order == 2
