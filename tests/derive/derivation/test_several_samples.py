"""Steps with several gradients, of one or of several samples, whose noise depends on theta: against all draws
enumerated.
"""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations_with_replacement

import finite_sums as by_hand
import pytest
import sympy as sp
from brute_force import Transition, generator
from finite_sums import (
    gaussian_point,
    independent,
    orders,
    over_all_draws,
    over_gaussian_noise,
    population_point,
)
from problems import Point, coefficients

from optsde.derive import (
    Regime,
    UpdateRule,
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    general,
    heavy_ball,
    modified_equation,
    nesterov,
    reshuffled,
    rmsprop,
    sam,
    sgd,
)
from optsde.derive.derivation.chain import Chain
from optsde.derive.derivation.equation import ModifiedEquation
from optsde.derive.noise.model import NoiseModel
from optsde.derive.notation.indices import terms
from optsde.derive.notation.symbols import gradient, tau
from optsde.derive.optimizers.modifiers import epoch
from optsde.derive.optimizers.momentum import extragradient, svag
from optsde.derive.optimizers.rule import THETA

FULL_BATCH = NoiseModel("full batch", ())
ONE, LARGE_NOISE = sp.Integer(1), tau ** sp.Rational(-1, 2)


def lasting_tau(steps: int, noise: sp.Expr = ONE, **memories: sp.Expr) -> Regime:
    """So many steps with the learning rate ``tau/steps``."""
    return Regime(f"{steps} steps", noise, {"lr": tau / steps, **memories})


def held(equation: ModifiedEquation, point: Point, d: int, chain: Transition, order: int = 2) -> None:
    """Every coefficient of the equation, the obstruction included, is that of brute force, as a fraction."""
    size = 4 if order == 2 else 2
    wanted = [
        alpha for n in range(1, size + 1) for alpha in combinations_with_replacement(range(chain.states), n)
    ]
    found = [
        {a: point.evaluate(x) for a, x in part.items()} for part in coefficients(equation.expand(d), order)
    ]
    assert [{a: x for a, x in part.items() if x} for part in found] == generator(chain, wanted)


def data(population: int) -> sp.Integer:
    return sp.Integer(population)


FINITE = {
    "an epoch of 3 in random order": (
        epoch(sgd(), 3),
        reshuffled(general(), data(3)),
        by_hand.sgd,
        3,
        orders(3, 3),
    ),
    "2 steps without replacement": (
        epoch(sgd(), 2),
        reshuffled(general(), data(3)),
        by_hand.sgd,
        3,
        orders(3, 2),
    ),
    "an epoch of 2 batches of 2": (
        epoch(sgd(), 2),
        reshuffled(general(), data(4), data(2)),
        by_hand.sgd,
        4,
        orders(4, 2, 2),
    ),
    "2 independent steps": (epoch(sgd(), 2), general(), by_hand.sgd, 3, independent(3, 2)),
    "momentum": (epoch(heavy_ball(), 3), reshuffled(general(), data(3)), by_hand.heavy_ball, 3, orders(3, 3)),
    "nesterov": (nesterov(), general(), by_hand.nesterov, 3, independent(3, 1)),
    "extragradient": (extragradient(), general(), by_hand.extragradient, 3, independent(3, 2)),
    "extragradient, same sample": (
        extragradient("same-sample"),
        general(),
        by_hand.extragradient,
        3,
        independent(3, 1),
    ),
    "extragradient, another point": (
        extragradient(),
        reshuffled(general(), data(3)),
        by_hand.extragradient,
        3,
        orders(3, 2),
    ),
    "svag": (svag(), general(), by_hand.svag, 3, independent(3, 2)),
}


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("case", FINITE)
def test_a_population_of_polynomial_losses(case: str, d: int) -> None:
    """Means over all draws of a step from the population, with f and S of that population put into the
    equation.
    """
    rule, law, step, population, draws = FINITE[case]
    steps = rule.sample_count if "epoch" in rule.variant else 1
    equation = modified_equation(rule, lasting_tau(steps), law, 2)
    held(equation, population_point(d, population), d, over_all_draws(step, d, len(rule.blocks), draws))


def test_another_relation_of_the_draws_is_another_equation() -> None:
    """What tells the cases apart: the same two lines, with draws that are dependent in three ways."""
    implicit, spread = gradient("i", "_1") * gradient("_1") / 2, general().cumulant_field(2)("_1", "_1", "i")
    drift = {
        case: {*terms(modified_equation(rule, ballistic, law, 2).drift[1]["theta"])}
        for case, (rule, law, *_) in FINITE.items()
        if case.startswith("extragradient")
    }
    assert drift == {
        "extragradient": {implicit},
        "extragradient, same sample": {implicit, spread / 2},
        "extragradient, another point": {implicit, -spread / 4},
    }


LARGE = {
    "nesterov": (nesterov(), by_hand.nesterov, 1, 2),
    "extragradient": (extragradient(), by_hand.extragradient, 2, 2),
    "extragradient, same sample": (extragradient("same-sample"), by_hand.extragradient, 1, 1),
    "2 independent steps": (epoch(sgd(), 2), by_hand.sgd, 2, 2),
}


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("case", LARGE)
def test_large_noise_that_is_a_gaussian_gradient(case: str, d: int) -> None:
    """``E[xi_i xi_jk]`` at leading order, ``E[xi_ij xi_kl]`` where S determines what is needed of it."""
    rule, step, samples, order = LARGE[case]
    regime = lasting_tau(2 if "epoch" in rule.variant else 1, LARGE_NOISE)
    equation = modified_equation(rule, regime, gaussian(), order)
    held(
        equation, gaussian_point(d), d, over_gaussian_noise(step, d, len(rule.blocks), samples, order), order
    )


@pytest.mark.parametrize("steps", [2, 3])
@pytest.mark.parametrize(
    ("rule", "law", "noise", "order"),
    [
        (sgd(), general(), ONE, 3),
        (sgd(), gaussian(), LARGE_NOISE, 2),
        (heavy_ball(), general(), ONE, 2),
        (sgd(), FULL_BATCH, ONE, 4),
        (nesterov(), gaussian(), ONE, 2),
        (extragradient("same-sample"), general(), ONE, 2),
    ],
    ids=lambda x: x.name if isinstance(x, UpdateRule | NoiseModel) else None,
)
def test_independent_steps_are_the_steps_of_the_rule(
    rule: UpdateRule, law: NoiseModel, noise: sp.Expr, order: int, steps: int
) -> None:
    """``exp(tau L') = exp(tau/m L)^m`` with ``L = sum_n (tau/m)^n L_n``: the generators are
    ``L'_n = L_n / m^n``.
    """
    once = modified_equation(rule, Regime("one", noise, {"lr": tau}), law, order).generator
    own = noise.subs(tau, tau / steps)
    found = modified_equation(epoch(rule, steps), lasting_tau(steps, own), law, order).generator
    assert [
        sp.expand(a - b / sp.Integer(steps) ** n) for n, (a, b) in enumerate(zip(found, once, strict=True))
    ] == [0] * order


def test_a_rule_with_a_memory_keeps_its_functions_in_an_epoch() -> None:
    c = sp.Symbol("c", positive=True)
    one = modified_equation(rmsprop("torch"), Regime("one", ONE, {"alpha": 1 - c * tau}), gaussian(), 2)
    two = modified_equation(epoch(rmsprop("torch"), 2), lasting_tau(2, alpha=1 - c * tau / 2), gaussian(), 2)
    assert two.generator == (one.generator[0], sp.expand(one.generator[1] / 2))


@pytest.mark.parametrize("batches", [2, 3, 4])
def test_an_epoch_has_an_ordinary_equation_of_order_2(batches: int) -> None:
    """Smith et al.: no noise is left over an epoch, and the mean square of the batches' gradients in the
    drift.
    """
    equation = modified_equation(
        epoch(sgd(), batches), lasting_tau(batches), reshuffled(general(), data(batches)), 2
    )
    S, F = general().cumulant_field(2), gradient
    assert equation.drift[0]["theta"] == -F("i")
    assert (
        sp.expand(4 * batches * equation.drift[1]["theta"] + 2 * F("i", "_1") * F("_1") + S("_1", "_1", "i"))
        == 0
    )
    assert all(e == 0 for part in equation.covariance for e in part.values())
    assert equation.certificate.weak_order == 2
    assert equation.certificate.exists
    assert all(e == 0 for part in equation.diffusion.coefficients for e in part.values())


def test_an_epoch_is_one_of_a_number_of_batches() -> None:
    for number in (0, 1.5, True):
        with pytest.raises(ValueError, match=r"an epoch of .* batches; expected 1, 2, \.\.\."):
            epoch(sgd(), number)  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match="an epoch of adam, whose Q depends on the step number; expected it in the update"
    ):
        epoch(adam(), 2)
    twice = epoch(epoch(sgd(), 2), 3)
    assert list(twice.samples.values()) == [1, 2, 3, 4, 5, 6]
    assert (
        modified_equation(twice, ballistic, general(), 2).generator
        == modified_equation(epoch(sgd(), 6), ballistic, general(), 2).generator
    )


def test_svag_has_the_limit_of_sgd_and_l_times_its_covariance() -> None:
    wide, plain = (modified_equation(rule, ballistic, general(), 2) for rule in (svag(), sgd()))
    number = svag().hyperparameters[1].symbol
    assert wide.drift == plain.drift
    pair = ("theta", "theta")
    assert sp.expand(wide.covariance[1][pair] - number * plain.covariance[1][pair]) == 0


def test_a_step_has_as_many_samples_as_data_points_allow() -> None:
    law = reshuffled(general(), data(5), data(2))
    assert modified_equation(epoch(sgd(), 2), ballistic, law, 1).certificate.weak_order == 1
    with pytest.raises(
        ValueError, match=r"sgd takes 3 samples in a step, mean of 2 out of 5 general, .*; expected as many"
    ):
        Chain(epoch(sgd(), 3), ballistic, law).increments(1)


def test_moments_that_the_law_does_not_determine_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"E\[xi\[.*\] xi\[.*\]\], .* derivatives by theta; expected at most two derivatives"
    ):
        modified_equation(sam(), batch_equivalent, gaussian(), 2)
    with pytest.raises(
        ValueError, match=r"E\[.*\] of general noise, .* cumulants at one theta do not determine it: take"
    ):
        modified_equation(extragradient("same-sample"), ballistic, general(), 3)
    # one sample at two points, whose distance has the noise of another
    lr, names = sgd().hyperparameters[0].symbol, sp.symbols("g0 g1 g", real=True)
    points, update = (
        {"g0": THETA, "g1": THETA, "g": THETA - lr * names[0]},
        {"theta": THETA - lr * (names[1] + names[2]) / 2},
    )
    mixed = replace(sgd(), name="mixed", update=update, gradients=points, samples={"g0": 2})
    with pytest.raises(
        ValueError, match=r"mixed .* needs the moment E\[xi_ij xi_kl\] .* does not determine; take constant"
    ):
        modified_equation(mixed, batch_equivalent, gaussian(), 2)
    assert modified_equation(mixed, batch_equivalent, gaussian(), 1).certificate.weak_order == 1


@pytest.mark.parametrize("form", ["fluctuation", "diffusion", "synchronised"])
def test_a_factor_of_the_noise_of_several_samples_is_refused(form) -> None:
    order = 1 if form == "fluctuation" else 2
    equation = modified_equation(svag(), ballistic, gaussian(), order, form)
    with pytest.raises(
        ValueError, match=r"noise of svag .*, which contains xi2\[i\], .* has no factor in closed form"
    ):
        _ = equation.diffusion


def test_numbers_of_the_point_are_not_all_small() -> None:
    """The oracle can tell: at the point no derivative of S that an equation above contains vanishes."""
    for d in (1, 2):
        point = population_point(d, 3)
        theta = point.theta
        for value in (v for name, v in point.fields.items() if name[0] == "S"):
            slopes = [value.diff(x) for x in theta] + [value.diff(x, y) for x in theta for y in theta]
            assert all(slope.subs({x: point.number(x) for x in theta}) != 0 for slope in slopes)
    assert Fraction(1, 3) == by_hand.THETA[0]
