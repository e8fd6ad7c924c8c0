"""Linearised steps, carried out in NumPy, against differences of the steps they are made of."""

from functools import partial

import formulas
import numpy as np
import pytest
from interpreter import after
from step_values import values

from optsde.codegen.lowering.regularisation import smooth
from optsde.codegen.lowering.steps import euler_maruyama_step, optimizer_step, scheme_step
from optsde.codegen.objectives.protocol import Fields
from optsde.codegen.objectives.quadratic import QuadraticFields
from optsde.codegen.program.check import check
from optsde.codegen.program.linearised import linearised
from optsde.codegen.program.statements import Kernel, Step, Track
from optsde.derive import (
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    heavy_ball,
    lamb,
    modified_equation,
    rmsprop,
    sgd,
    sign_sgd,
)
from optsde.derive.derivation.chain import Chain
from optsde.derive.derivation.equation import Form
from optsde.derive.optimizers.rule import UpdateRule
from optsde.derive.regimes import Regime
from optsde.derive.schemes.known import whole_noise

LAW = gaussian(constant=True)
SMOOTH = smooth()
EXTRA = {name: np.zeros(3) for name in ("past_zeta1", "signs1", "signs2")}


def optimizer(rule: UpdateRule, fields: Fields, regime: Regime) -> Step:
    return optimizer_step(Chain(rule, regime, LAW), fields)


def equation(rule: UpdateRule, fields: Fields, regime: Regime, form: Form, order: int = 2) -> Step:
    law = gaussian(constant=fields.constant_noise)
    return euler_maruyama_step(modified_equation(rule, regime, law, order, form), fields, SMOOTH)


def whole(rule: UpdateRule, fields: Fields, regime: Regime) -> Step:
    return scheme_step(modified_equation(rule, regime, LAW, 2), fields, SMOOTH, whole_noise)


DENSE, FORMULA, ONE, ROOT = QuadraticFields(), formulas.fields(3), ballistic, batch_equivalent
STEPS = {
    "heavy ball": partial(optimizer, heavy_ball(), DENSE, ONE),
    "rmsprop": partial(optimizer, rmsprop(), DENSE, ONE),
    "adam, torch": partial(optimizer, adam("torch"), DENSE, ROOT),
    "lamb": partial(optimizer, lamb(), DENSE, ONE),
    "rmsprop, formula": partial(optimizer, rmsprop(), FORMULA, ROOT),
    "synchronised": partial(equation, rmsprop(), DENSE, ONE, "synchronised"),
    "batch-equivalent adam": partial(equation, adam(), DENSE, ROOT, "diffusion"),
    "equation of lamb": partial(equation, lamb(), DENSE, ONE, "diffusion"),
    "equation of adam, formula": partial(equation, adam(), FORMULA, ONE, "diffusion"),
    "whole noise": partial(whole, rmsprop(), DENSE, ONE),
}
"""Optimizers and equations, with and without noise of squares, products, sums over coordinates, formulas and
signs.
"""


def given(step: Step) -> tuple[dict, dict, dict]:
    """All values, the state m on the path without noise, and how far x is from it."""
    x = values(3, **EXTRA)
    random = np.random.default_rng(7)
    return x, {b: x[b] for b in step.state}, {b: random.normal(size=3) for b in step.state}


@pytest.mark.parametrize("name", STEPS)
def test_it_is_the_derivative_of_the_step(name: str) -> None:
    step = STEPS[name]()
    x, mean, shift = given(step)
    noise = {z: x[z] for z in step.noise}
    linear = linearised(step)
    doubled = {b: mean[b] + shift[b] for b in mean} | {f"{b}_mean": mean[b] for b in mean}
    found = after(linear, x | doubled)

    def at(h: float) -> np.ndarray:
        return after(step, x | {b: mean[b] + h * shift[b] for b in mean} | {z: h * noise[z] for z in noise})

    h = 1e-4  # an error of h**4, and of round-off over h: 1e-12
    slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    still = at(0.0)
    count = len(step.state)
    np.testing.assert_allclose(found[count:], still, rtol=1e-13)
    np.testing.assert_allclose(found[:count], still + slope, rtol=1e-9, atol=1e-9)
    # not vacuous: neither the noise nor the shift is without effect
    assert np.abs(slope).max() > 1e-3
    check(Kernel(3, (Track("linear", linear, "step"),), (), ((1.0,),)))


def test_a_linear_step_is_its_own_linearisation() -> None:
    step = STEPS["heavy ball"]()
    x, mean, shift = given(step)
    moved = {b: mean[b] + shift[b] for b in mean}
    found = after(linearised(step), x | moved | {f"{b}_mean": mean[b] for b in mean})
    np.testing.assert_allclose(found[:2], after(step, x | moved), rtol=1e-12)


def test_it_asks_for_no_more_than_it_reads() -> None:
    step = STEPS["whole noise"]()
    linear = linearised(step)
    assert linear.state == ("theta", "v", "theta_mean", "v_mean")
    assert set(linear.noise) <= set(step.noise)
    assert set(linear.matrices) <= set(step.matrices)
    assert (linear.nonnegative, linear.past, linear.signs) == ((), (), ())


def test_without_noise_there_is_nothing_to_follow() -> None:
    for step in (equation(sgd(), DENSE, ONE, "ode", 1), optimizer(sign_sgd(), DENSE, ONE)):
        with pytest.raises(ValueError, match="no noise near its path without noise"):
            linearised(step)
