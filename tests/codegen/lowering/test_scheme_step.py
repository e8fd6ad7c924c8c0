"""Steps of schemes, carried out in NumPy, against the same methods by hand on drift and noise of
Euler-Maruyama's step.
"""

from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import numpy as np
import pytest
from interpreter import after
from quadratics import quadratic

from optsde.codegen.lowering.regularisation import smooth, unregularised
from optsde.codegen.lowering.scheme_step import SIGNS
from optsde.codegen.lowering.steps import default_scheme, euler_maruyama_step, scheme_step
from optsde.codegen.objectives.quadratic import QuadraticFields
from optsde.codegen.program.check import check
from optsde.codegen.program.statements import Entry, Kernel, Stack, Step, Total, Track
from optsde.derive import adam, gaussian, heavy_ball, lamb, modified_equation, rmsprop, sgd
from optsde.derive.regimes import ballistic, batch_equivalent
from optsde.derive.schemes import known
from optsde.derive.schemes.increment_laws import gaussian_increments
from optsde.derive.schemes.known import (
    additive_heun,
    dri1,
    euler_maruyama,
    heun,
    platen,
    ri6,
    runge_kutta,
    stochastic_heun,
    talay_tubaro,
    whole_noise,
)
from optsde.derive.schemes.order import weak_order
from optsde.runtime.problems.formula import Formula

D, DT = 3, 0.07


def values() -> dict:
    """Everything a step may need: a random problem, a random state, random noise."""
    random = np.random.default_rng(D)
    root, spread = random.normal(size=(2, D, D))
    problem = quadratic(root @ root.T + np.eye(D), spread @ spread.T, random.normal(size=D))
    constants = {"c": 0.7, "c1": 0.8, "c2": 0.45, "eps": 0.2, "mu": 1.3, "weight_decay": 0.3}
    state = {"theta": random.normal(size=D), "m": random.normal(size=D), "v": random.uniform(0.5, 2.0, D)}
    signs = {name: random.choice([-1.0, 1.0], D) for name in SIGNS.values()}
    noise = signs | {
        "zeta1": random.normal(size=D),
        "zeta2": random.normal(size=D),
        "past_zeta1": random.normal(size=D),
    }
    return {
        **constants,
        **problem.matrices,
        **problem.vectors,
        **state,
        **noise,
        "tau": 0.3,
        "dt": DT,
        "t": 1.5,
    }


class ByHand:
    """Drift and noise at any state and time, from the step of Euler-Maruyama."""

    def __init__(self, euler: Step, inputs: dict) -> None:
        self.euler, self.inputs = euler, inputs
        self.still = {name: np.zeros(D) for name in euler.noise}

    def drift(self, x, t):
        here = self.inputs | dict(zip(self.euler.state, x, strict=True)) | self.still
        return (after(self.euler, here | {"t": t}) - x) / DT

    def noise(self, x, t):
        here = self.inputs | dict(zip(self.euler.state, x, strict=True)) | {"t": t}
        return after(self.euler, here) - after(self.euler, here | self.still)

    def euler_step(self, x, t):
        return x + DT * self.drift(x, t) + self.noise(x, t)

    def whole_noise_step(self, x, t):
        return known.whole_noise_step(NumpySde(self), NumpyState(x, t), DT).x

    def heun_step(self, x, t):
        ahead = self.euler_step(x, t)
        return x + DT * (self.drift(x, t) + self.drift(ahead, t + DT)) / 2 + self.noise(x, t)

    def runge_kutta_step(self, x, t):
        k1 = self.drift(x, t)
        k2 = self.drift(x + DT / 2 * k1, t + DT / 2)
        k3 = self.drift(x + DT / 2 * k2, t + DT / 2)
        k4 = self.drift(x + DT * k3, t + DT)
        return x + DT * (k1 + 2 * k2 + 2 * k3 + k4) / 6


class SynchronisedByHand(ByHand):
    """With a last row for the noise since the start of a step of the optimizer, which the noise alone
    moves.
    """

    def at(self, x):
        return ByHand(self.euler, self.inputs | {"past_zeta1": x[-1] / np.sqrt(DT)})

    def drift(self, x, t):
        return np.vstack([self.at(x).drift(x[:-1], t), np.zeros(D)])

    def noise(self, x, t):
        return np.vstack([self.at(x).noise(x[:-1], t), np.sqrt(DT) * self.inputs["zeta1"]])


@dataclass(frozen=True)
class NumpyState:
    """Blocks and the time, in numbers."""

    x: np.ndarray
    t: float

    def __add__(self, other):
        return NumpyState(self.x + other.x, self.t + other.t)

    def __sub__(self, other):
        return NumpyState(self.x - other.x, self.t - other.t)

    def __rmul__(self, scalar):
        return NumpyState(float(scalar) * self.x, float(scalar) * self.t)


@dataclass(frozen=True)
class NumpySde:
    """The equation as a scheme sees it, on numbers; Ito's correction by central differences along each
    Brownian motion.
    """

    hand: ByHand

    def drift(self, state):
        return NumpyState(self.hand.drift(state.x, state.t), 1.0)

    def along(self, state, noise):
        """Return the sum of columns times numbers, which Euler-Maruyama takes for increments of unit time."""
        hand = type(self.hand)(self.hand.euler, self.hand.inputs | noise)
        return NumpyState(hand.noise(state.x, state.t) / np.sqrt(DT), 0.0)

    def diffusion(self, state):
        return NumpyState(self.hand.noise(state.x, state.t), 0.0)

    def signed(self, state):
        return self.along(state, {z: self.hand.inputs[s] for z, s in SIGNS.items()})

    def correction(self, state):
        still, small, total = {z: np.zeros(D) for z in SIGNS}, 1e-4, np.zeros_like(state.x)
        for z, unit in product(SIGNS, np.eye(D)):
            column = self.along(state, still | {z: unit})
            ahead, behind = (self.along(state + sign * small * column, still | {z: unit}) for sign in (1, -1))
            total += (ahead.x - behind.x) / (2 * small)
        return NumpyState(total, 0.0)


@cache
def equation(rule, order: int, form: str):
    regime = ballistic if form == "ode" else batch_equivalent
    return modified_equation(rule(), regime, gaussian(True), order, form)


def ode(rule):
    return rule, 1, "ode"


def noisy(rule, order: int):
    return rule, order, "diffusion"


OBJECTIVE = Formula(
    "theta_1**2/2 + sin(theta_2)*theta_1/3 + exp(theta_3/4) + theta_2**2",
    [["1/2", "0", "0"], ["1/5", "1/3", "0"], ["0", "0", "1/4"]],
    D,
)
FIELDS = [QuadraticFields(), OBJECTIVE.fields]
CASES = [
    *((ode(rule), scheme) for rule in (heavy_ball, rmsprop, adam, lamb) for scheme in (heun, runge_kutta)),
    *((noisy(rule, 1), additive_heun) for rule in (sgd, heavy_ball)),
    (noisy(adam, 1), additive_heun),
    *((noisy(rule, 2), euler_maruyama) for rule in (rmsprop, adam)),
    (noisy(adam, 2), whole_noise),
]


def _id(x) -> str:
    return f"{x[0].__name__}-{x[1]}-{x[2]}" if isinstance(x, tuple) else getattr(x, "name", "")


@pytest.mark.parametrize("fields", FIELDS, ids=["quadratic", "formula"])
@pytest.mark.parametrize(("case", "scheme"), CASES, ids=_id)
def test_a_step_is_the_one_by_hand(case, scheme, fields):
    compare(case, scheme, fields)


def compare(case, scheme, fields):
    compare_equation(equation(*case), scheme, fields)


def compare_equation(made, scheme, fields):
    x, phi = values(), smooth(0.4)
    by_hand = SynchronisedByHand if made.form == "synchronised" else ByHand
    step, hand = scheme_step(made, fields, phi, scheme), by_hand(euler_maruyama_step(made, fields, phi), x)
    check(Kernel(D, (Track("equation", step, "substep"),), (), ((1.0,),)))
    past = [np.sqrt(DT) * x["past_zeta1"]] if made.form == "synchronised" else []
    start = np.stack([*(x[name] for name in step.state), *past])
    steps = {
        euler_maruyama: hand.euler_step,
        runge_kutta: hand.runge_kutta_step,
        whole_noise: hand.whole_noise_step,
    }
    # a few hundred operations, and differences divided by dt, of numbers of order 10; third derivatives of
    # that order
    bound = 1e-6 if scheme == whole_noise else 1e-11
    wanted = steps.get(scheme, hand.heun_step)(start, x["t"])[: len(step.state)]
    np.testing.assert_allclose(after(step, x), wanted, rtol=bound, atol=bound)


VARYING = Formula(
    "theta_1**2/2 + sin(theta_2)*theta_1/3 + theta_3**2",
    [["1/2", "theta_2/5", "0"], ["theta_1/5", "1/3", "0"], ["0", "sin(theta_1)/7", "1/4"]],
    D,
)


@pytest.mark.parametrize(
    ("rule", "regime", "form", "fields"),
    [
        pytest.param(rmsprop, ballistic, "diffusion", FIELDS[0], id="a matrix entry by entry"),
        pytest.param(
            rmsprop,
            ballistic,
            "synchronised",
            FIELDS[0],
            id="the noise since the start of a step is part of the state",
        ),
        pytest.param(rmsprop, batch_equivalent, "diffusion", FIELDS[1], id="a cycle of matrices"),
        pytest.param(sgd, ballistic, "diffusion", VARYING.fields, id="noise that depends on theta"),
    ],
)
def test_a_step_for_general_noise_is_the_one_by_hand(rule, regime, form, fields):
    noise = gaussian(constant=fields.constant_noise)
    order = 2 if noise.constant else 1
    compare_equation(modified_equation(rule(), regime, noise, order, form), whole_noise, fields)


def test_correction_that_needs_a_product_of_matrices_is_refused_for_a_quadratic():
    with pytest.raises(
        ValueError, match=r"whole noise for rmsprop.* in Ito's correction of the noise; expected an"
    ):
        scheme_step(equation(*noisy(rmsprop, 2)), QuadraticFields(), unregularised(), whole_noise)


def test_the_cases_have_time_and_every_kind_of_statement():
    """What the comparison is about: without these it could not fail."""
    steps = [
        scheme_step(equation(*c), fields, unregularised(), scheme) for c, scheme in CASES for fields in FIELDS
    ]
    later = {type(s) for step in steps for s in step.statements if "_stage_" in s.target}
    assert {Entry, Stack, Total} <= later
    assert any(s.target.startswith("t_stage_") for step in steps for s in step.statements)


def test_a_stage_repeats_only_what_changes():
    """SGD's gradient, once for each stage; nothing is drawn for an ODE."""
    step = scheme_step(equation(*ode(sgd)), QuadraticFields(), unregularised(), runge_kutta)
    assert sum(type(s).__name__ == "MatVec" for s in step.statements) == 4
    assert (step.noise, step.past) == ((), ())


def test_an_ode_is_stepped_by_runge_kutta_and_what_has_noise_by_euler_maruyama():
    assert default_scheme(equation(*ode(sgd))) == runge_kutta
    assert default_scheme(equation(*noisy(sgd, 1))) == euler_maruyama


@pytest.mark.parametrize("scheme", [additive_heun, whole_noise], ids=_id)
def test_gaussian_increments_keep_the_order(scheme):
    """The schemes are proved with three-point increments; in a study they follow the optimizer's Gaussian
    ones.
    """
    assert weak_order(replace(scheme, increments=gaussian_increments), 2) == 2


REFUSED = [
    (
        noisy(sgd, 1),
        stochastic_heun,
        "stochastic Heun solves Stratonovich equations; expected a scheme for Ito equations",
    ),
    (noisy(sgd, 1), talay_tubaro, "Talay-Tubaro combines several steps; expected a single one"),
    (noisy(sgd, 1), heun, "Heun is for equations without noise; expected the form ode"),
    (noisy(sgd, 1), runge_kutta, "Runge-Kutta is for equations without noise; expected the form ode"),
    (
        noisy(rmsprop, 1),
        additive_heun,
        "Heun for additive noise for noise that depends on v; expected constant noise",
    ),
    *(
        (noisy(sgd, 1), scheme, f"{scheme.name} needs each Brownian motion by itself")
        for scheme in (platen, ri6, dri1)
    ),
]


@pytest.mark.parametrize(("case", "scheme", "complaint"), REFUSED, ids=_id)
def test_schemes_for_other_equations_are_refused(case, scheme, complaint):
    with pytest.raises(ValueError, match=complaint):
        scheme_step(equation(*case), QuadraticFields(), unregularised(), scheme)


def test_noise_that_varies_with_theta_or_with_the_past_is_not_additive():
    varying = Formula("theta**2/2", "1 + sin(theta)/2", 1)
    with pytest.raises(ValueError, match="noise that depends on theta; expected constant noise"):
        scheme_step(
            modified_equation(sgd(), ballistic, gaussian(), 2),
            varying.fields,
            unregularised(),
            additive_heun,
        )
    # the second order of SGD has H B in its noise, constant for a quadratic alone
    second = equation(*noisy(sgd, 2))
    compare(noisy(sgd, 2), additive_heun, QuadraticFields())
    with pytest.raises(ValueError, match="noise that depends on theta; expected constant noise"):
        scheme_step(second, OBJECTIVE.fields, unregularised(), additive_heun)
    synchronised = modified_equation(rmsprop(), batch_equivalent, gaussian(True), 2, "synchronised")
    with pytest.raises(ValueError, match="noise that depends on omega1, theta, v; expected constant noise"):
        scheme_step(synchronised, QuadraticFields(), unregularised(), additive_heun)
