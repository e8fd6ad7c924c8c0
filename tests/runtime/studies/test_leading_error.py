"""The leading weak error as a number: closed forms, a second derivation by moments, and measured weak
errors.
"""

import numpy as np
import pytest
import sympy as sp
from flat import measured, predicted
from linear_gaussian import equation as exact_equation
from linear_gaussian import optimizer
from quadratics import quadratic

from optsde.derive import ballistic, batch_equivalent, gaussian, modified_equation, rmsprop, sgd
from optsde.runtime import Quadratic
from optsde.runtime.kernels.interpreter import value

PROBLEM = quadratic([[1.0, 0.5], [0.5, 1.5]], [[0.5, 0.2], [0.2, 0.8]], minimum=[0.3, -0.2])
START = np.array([1.0, -0.5])
OBSERVABLES = ("norm(theta)**2", "theta[0]")


def derived(rule, regime, order, form="diffusion"):
    return modified_equation(rule, regime, gaussian(constant=True), order, form)


def closed_form(order: int, form: str, batch: bool) -> list[float]:
    """Coefficients of SGD's exact weak errors, extrapolated from tau = 2**-8 and 2**-9: an error of order
    tau**2.
    """

    def at(tau: float) -> np.ndarray:
        noise = tau**-0.5 if batch else 1.0
        right = optimizer(PROBLEM, START, tau, round(1 / tau), noise)
        approximate = exact_equation(PROBLEM, START, tau, 1.0, order, 0.0 if form == "ode" else noise)
        return (
            np.subtract(
                [approximate.norm2()[0], approximate.first()[0]], [right.norm2()[0], right.first()[0]]
            )
            / tau**order
        )

    return list(2 * at(2.0**-9) - at(2.0**-8))


@pytest.mark.parametrize(
    ("order", "form"), [(1, "ode"), (1, "diffusion"), (1, "fluctuation"), (2, "diffusion")]
)
def test_sgd_has_the_coefficient_of_its_closed_form(order, form):
    """u is a polynomial of degree 2: its differences are exact. What is left are the own error and the
    extrapolation's.
    """
    found = predicted(
        derived(sgd(), ballistic, order, form),
        PROBLEM,
        horizon=1.0,
        start={"theta": START},
        observables=OBSERVABLES,
    )
    deterministic = (order, form) == (1, "diffusion")
    for prediction, wanted in zip(
        found, closed_form(order, "ode" if deterministic else form, False), strict=True
    ):
        assert (prediction.power, prediction.standard_error) == (order, 0.0)
        assert abs(prediction.coefficient - wanted) <= prediction.own_error + 1e-4
        assert abs(wanted) > 0.05
        assert prediction.own_error < 1e-3
        assert prediction.at(0.5) == prediction.coefficient / 2**order


@pytest.mark.parametrize("order", [1, 2])
def test_an_ornstein_uhlenbeck_process_has_the_coefficient_of_its_closed_form(order):
    asked = {"horizon": 1.0, "start": {"theta": START}, "observables": OBSERVABLES, "paths": 4000, "steps": 8}
    found = predicted(derived(sgd(), batch_equivalent, order), PROBLEM, **asked)
    for prediction, wanted in zip(found, closed_form(order, "diffusion", True), strict=True):
        allowed = 4 * prediction.standard_error + prediction.own_error + 1e-4
        assert abs(prediction.coefficient - wanted) <= allowed
        assert allowed < abs(wanted) / 2


def moments(prepared, start: np.ndarray, horizon: float, count: int) -> list[np.ndarray]:
    """Mean shift eta and covariance C of fluctuations around the limit: ``eta' = J eta + b1 + 1/2 D2b0:C``,
    ``C' = J C + C J^T + a1``, by Runge and Kutta's method.
    """
    b0, jacobian, second, b1, a1 = prepared

    def rate(y):
        x, eta, c = y
        J, D2 = jacobian(x), second(x)
        return [b0(x), J @ eta + b1(x) + np.einsum("abc,bc->a", D2, c) / 2, J @ c + c @ J.T + a1(x)]

    y, h = [start, np.zeros(len(start)), np.zeros((len(start), len(start)))], horizon / count
    for _ in range(count):
        k1 = rate(y)
        k2 = rate([a + h / 2 * b for a, b in zip(y, k1, strict=True)])
        k3 = rate([a + h / 2 * b for a, b in zip(y, k2, strict=True)])
        k4 = rate([a + h * b for a, b in zip(y, k3, strict=True)])
        y = [a + h / 6 * (p + 2 * q + 2 * r + s) for a, p, q, r, s in zip(y, k1, k2, k3, k4, strict=True)]
    return y


def test_rmsprop_agrees_with_its_moments():
    """Around an ODE the weak error is that of two moments: no differences, no generator, no integral over
    u.
    """
    objective = (sp.Symbol("theta") - sp.Rational(1, 5)) ** 2
    numbers = {"c": 0.5, "eps": 0.1, "S": 0.3}
    form = derived(rmsprop(), ballistic, 2).expand(1, objective)
    state = list(form.state)

    def numeric(array):
        flat, shape = list(sp.flatten(array)), [n for n in np.shape(array) if n > 1]
        return lambda x: np.reshape([value(e, numbers | {"theta": x[0], "v": x[1]}) for e in flat], shape)

    b0 = form.drift[0]
    jacobian = b0.jacobian(state)
    second = [[[e.diff(x, y) for y in state] for x in state] for e in b0]
    prepared = [numeric(part) for part in (b0, jacobian, second, form.drift[1], form.covariance[1])]
    x, eta, c = moments(prepared, np.array([1.0, 0.8]), 1.0, 32)
    wanted = {
        "theta[0]": -eta[0],
        "theta[0]**2": -(2 * x[0] * eta[0] + c[0, 0]),
        "theta[0]*v[0]": -(x[0] * eta[1] + x[1] * eta[0] + c[0, 1]),
        "v[0]**2": -(2 * x[1] * eta[1] + c[1, 1]),
    }
    found = predicted(
        modified_equation(rmsprop(), ballistic, gaussian(), 1),
        quadratic([[2.0]], [[0.3]], minimum=[0.2]),
        horizon=1.0,
        start={"theta": 1.0, "v": 0.8},
        constants={"c": 0.5, "eps": 0.1},
        observables=tuple(wanted),
    )
    for prediction in found:
        # central differences at 1e-2: an error of order 1e-4 of the value
        exact = wanted[prediction.observable]
        assert abs(prediction.coefficient - exact) <= prediction.own_error + 1e-3 * abs(exact)


COUPLED = quadratic([[1.0, 0.5], [0.5, 1.0]], 0.5)
RMSPROP = {"horizon": 1.0, "start": {"theta": [1, 0.5], "v": 1.0}, "constants": {"c": 0.5, "eps": 0.1}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("regime", "order", "form", "observables", "paths"),
    [
        (ballistic, 1, "fluctuation", ("norm(theta)**2", "theta[0]*v[0]"), 200_000),
        (batch_equivalent, 1, "diffusion", ("norm(v)**2", "theta[0]*v[0]"), 400_000),
        # what is left at tau**1 is the obstruction, third derivatives alone
        (batch_equivalent, 2, "diffusion", ("norm(theta)**2",), 800_000),
    ],
)
def test_the_measured_weak_error_of_rmsprop_is_the_predicted_one(regime, order, form, observables, paths):
    """At tau = 1/64: within 10 % and three standard errors, which are small against 10 %."""
    equation = derived(rmsprop(), regime, order, form)
    found = predicted(equation, COUPLED, observables=observables, **RMSPROP)
    study = measured(
        equation, COUPLED, taus=[1 / 64], observables=observables, paths=paths, own_share=0.02, **RMSPROP
    )
    for prediction, row in zip(found, study.rows, strict=True):
        leading = prediction.at(1 / 64)
        noise = 3 * np.hypot(row.standard_error, prediction.standard_error / 64)
        assert abs(row.weak_error - leading) <= 0.1 * abs(leading) + noise
        assert noise < 0.1 * abs(leading)


def test_bad_input_is_refused():
    asked = {"horizon": 1.0, "start": {"theta": 1.0, "v": 1.0}}
    first, line = derived(rmsprop(), ballistic, 1), quadratic([[2.0]], [[0.3]])
    for change, message in (
        ({"intervals": 6}, "intervals is 6; expected a multiple of 4"),
        ({"steps": 2}, "steps is 2"),
        ({"paths": 1}, "paths is 1"),
        ({"horizon": -1.0}, "horizon is -1.0"),
        ({"t0": -1.0}, "t0 is -1.0"),
        ({"start": {"v": 0.0}}, "v reaches 0, where the equation is not smooth; take a start above 0"),
        ({"observables": ["theta"]}, "expected a number"),
    ):
        with pytest.raises(ValueError, match=message):
            predicted(first, line, **(asked | change))
    with pytest.raises(ValueError, match="synchronised"):
        predicted(derived(rmsprop(), batch_equivalent, 2, "synchronised"), line, **asked)
    with pytest.raises(ValueError, match="9240 derivatives in dimension 20; expected at most 1000"):
        predicted(derived(rmsprop(), batch_equivalent, 1), Quadratic(np.eye(20)), **asked)
    with pytest.raises(ValueError, match="the limit becomes non-finite"):
        predicted(first, quadratic([[1e200]], [[0.3]]), **asked)
    steep = asked | {"start": {"theta": 1e3, "v": 1e206}}  # (f')**2 is finite, (f')**3 is not
    with pytest.raises(
        ValueError, match="the leading error is singular at time 0; take a larger t0 or another start"
    ):
        predicted(first, quadratic([[1e100]], [[0.3]]), **steep)
