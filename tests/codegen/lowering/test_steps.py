"""Steps, carried out in NumPy, against the optimizers written by hand and against the equations in
components.
"""

from functools import cache

import numpy as np
import pytest
import sympy as sp
from interpreter import after, carry_out
from step_values import DT, STEPS_DONE, TAU, factor, in_components, values

from optsde.codegen.lowering.regularisation import floor, smooth, unregularised
from optsde.codegen.lowering.steps import euler_maruyama_step, optimizer_step
from optsde.codegen.objectives.quadratic import QuadraticFields
from optsde.codegen.program.check import check
from optsde.codegen.program.statements import Kernel, Track
from optsde.derive import adam, gaussian, heavy_ball, modified_equation, rmsprop, sgd
from optsde.derive.derivation.chain import Chain
from optsde.derive.optimizers.rule import UpdateRule
from optsde.derive.regimes import REGIMES, ballistic, batch_equivalent

# the optimizers as their authors write them, in their own units: next state from old state, gradient and step
# number


def sgd_by_hand(x, g, k, p, new):
    return {"theta": x["theta"] - p["lr"] * g}


def heavy_ball_by_hand(x, g, k, p, new):
    velocity = x["v"] - p["mu"] * p["lr"] * x["v"] - p["lr"] * g
    return {"theta": x["theta"] + p["lr"] * velocity, "v": velocity}


def rmsprop_by_hand(x, g, k, p, new):
    v = p["alpha"] * x["v"] + (1 - p["alpha"]) * g**2
    return {"theta": x["theta"] - p["lr"] * g / (np.sqrt(v if new else x["v"]) + p["eps"]), "v": v}


def adam_by_hand(x, g, k, p, new):
    m = p["beta1"] * x["m"] + (1 - p["beta1"]) * g
    v = p["beta2"] * x["v"] + (1 - p["beta2"]) * g**2
    corrected1 = 1 - p["beta1"] ** (k + (1 if new else 2))
    corrected2 = 1 - p["beta2"] ** (k + 1)
    ratio = m / corrected1 / (np.sqrt((v if new else x["v"]) / corrected2) + p["eps"])
    return {"theta": x["theta"] - p["lr"] * ratio, "m": m, "v": v}


BY_HAND = [
    (sgd(), sgd_by_hand, False),
    (heavy_ball(), heavy_ball_by_hand, False),
    (rmsprop(), rmsprop_by_hand, False),
    (rmsprop("torch"), rmsprop_by_hand, True),
    (adam(), adam_by_hand, False),
    (adam("torch"), adam_by_hand, True),
]


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("regime", [ballistic, batch_equivalent], ids=lambda r: r.name)
@pytest.mark.parametrize(
    ("rule", "by_hand", "new"),
    BY_HAND,
    ids=lambda x: f"{x.name}-{x.variant}" if isinstance(x, UpdateRule) else "",
)
def test_an_optimizer_takes_its_own_step(rule, by_hand, new, regime, d):
    x = values(d)
    adaptive = rule.name in ("rmsprop", "adam")
    unit = 1.0 if regime.name == "ballistic" else TAU**-0.5
    hyper = {
        "lr": TAU * (unit if adaptive else 1),
        "eps": x["eps"] * unit,
        "mu": x["mu"],
        "alpha": 1 - x["c"] * TAU,
        "beta1": 1 - x["c1"] * TAU,
        "beta2": 1 - x["c2"] * TAU,
    }
    scale = {"v": unit**2} if adaptive else {}
    g = x["H"] @ (x["theta"] - x["minimum"]) + unit * x["B"] @ x["zeta1"]
    state = {b.name: scale.get(b.name, 1.0) * x[b.name] for b in rule.blocks}
    wanted = by_hand(state, g, STEPS_DONE, hyper, new)
    step = optimizer_step(Chain(rule, regime, gaussian()), QuadraticFields())
    found = after(step, x)
    for row, name in enumerate(step.state):
        np.testing.assert_allclose(found[row], wanted[name] / scale.get(name, 1.0), rtol=1e-12, err_msg=name)
    assert step.noise == ("zeta1",)
    assert "dt" not in step.parameters


EQUATIONS = [
    (rule, regime, order, form)
    for rule, _, _ in BY_HAND
    for regime in REGIMES
    for order, form in ((1, "diffusion"), (2, "diffusion"))
] + [
    (make(), ballistic, 1, form)
    for make in (sgd, heavy_ball, rmsprop, adam)
    for form in ("fluctuation", "ode")
]


def _id(case):
    rule, regime, order, form = case
    return f"{rule.name}-{rule.variant}-{regime.name}-{order}-{form}"


def each_equation(*orders: int):
    numbers = [n for n, (_, _, order, _) in enumerate(EQUATIONS) if order in orders]
    return pytest.mark.parametrize("n", numbers, ids=[_id(EQUATIONS[n]) for n in numbers])


@cache
def _equation(n: int, constant: bool = True):
    rule, regime, order, form = EQUATIONS[n]
    return modified_equation(rule, regime, gaussian(constant), order, form)


@cache
def _step(n: int):
    return euler_maruyama_step(_equation(n), QuadraticFields(), unregularised())


@pytest.mark.parametrize("d", [1, 2, 3])
@each_equation(1, 2)
def test_a_step_has_the_drift_and_the_covariance_of_its_equation(n, d):
    equation, step, x = _equation(n), _step(n), values(d)
    drift, covariance = in_components(equation, x)
    still = after(step, x | {"zeta1": np.zeros(d), "zeta2": np.zeros(d)})
    wanted = DT * sum(TAU**power * part for power, part in enumerate(drift))
    np.testing.assert_allclose(
        (still - np.stack([x[b] for b in step.state])).ravel(), wanted, rtol=1e-10, atol=1e-13
    )

    # the factor is a polynomial c0 + c1 sqrt(tau) + c2 tau; its square is compared power by power, exactly
    taus = np.array([0.1, 0.3, 0.6])
    at = np.stack([factor(step, x | {"tau": tau}) for tau in taus])
    c0, c1, c2 = np.tensordot(np.linalg.inv(np.vander(np.sqrt(taus), 3, increasing=True)), at, axes=1)
    size, other = np.abs(at).max(), 0.45
    again = c0 + np.sqrt(other) * c1 + other * c2
    np.testing.assert_allclose(factor(step, x | {"tau": other}), again, rtol=0, atol=1e-12 * size)
    if equation.form != "diffusion":
        covariance = [np.zeros((still.size, still.size)), fluctuations(equation, x)]
    square = [c0 @ c0.T, c0 @ c1.T + c1 @ c0.T, c1 @ c1.T + c0 @ c2.T + c2 @ c0.T]
    expected = [covariance[0], np.zeros_like(square[1]), *covariance[1:]]
    for found, right in zip(square[: len(expected)], expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-10, atol=1e-11 * max(size**2, 1))


def fluctuations(equation, x: dict[str, np.ndarray]) -> np.ndarray:
    """Ballistic: the gradient noise acts on the block that the gradient moves; the noise of ``g**2`` is left
    out.
    """
    names = [b.name for b in equation.chain.blocks]
    gain = {
        "sgd": {"theta": -1.0},
        "heavy_ball": {"v": -1.0},
        "rmsprop": {"theta": -1 / (np.sqrt(x["v"]) + x["eps"])},
        "adam": {"m": x["c1"]},
    }[equation.chain.rule.name]
    if equation.form == "ode":
        gain = {}
    rows = [np.diag(np.broadcast_to(gain.get(name, 0.0), len(x["theta"]))) @ x["B"] for name in names]
    return np.vstack(rows) @ np.vstack(rows).T


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_synchronised_step_remembers_its_noise(d):
    """Batch-equivalent RMSprop: ``sigma``, ``Lambda`` and ``nu`` by hand; ``w`` is the noise since the start
    of the step.
    """
    diffusion, equation = (
        modified_equation(rmsprop(), batch_equivalent, gaussian(True), 2, form)
        for form in ("diffusion", "synchronised")
    )
    past = np.random.default_rng(d).normal(size=d)
    x = values(d, past_zeta1=past)
    step = euler_maruyama_step(equation, QuadraticFields(), unregularised())
    assert (step.noise, step.past) == (("zeta1",), ("zeta1",))
    f, p = x["H"] @ (x["theta"] - x["minimum"]), p_of(x["v"], x)
    dp = -(p**2) / (2 * np.sqrt(x["v"]))
    b, c, h, w = x["B"], x["c"], x["H"], np.sqrt(DT) * past
    theta = -p[:, None] * b + TAU / 2 * (c * (x["S_diagonal"] - x["v"]) * dp)[:, None] * b
    theta -= TAU / 2 * p[:, None] * (h @ (p[:, None] * b))
    v = 2 * c * (TAU * f + b @ w)[:, None] * b
    np.testing.assert_allclose(factor(step, x), np.vstack([theta, v]), rtol=1e-10, atol=1e-12)
    still = x | {"zeta1": np.zeros(d), "zeta2": np.zeros(d)}
    same = euler_maruyama_step(diffusion, QuadraticFields(), unregularised())
    np.testing.assert_allclose(after(step, still), after(same, still), rtol=1e-12)


@each_equation(2)
def test_an_equation_for_varying_noise_is_simulated_with_the_objectives_constant_one(n):
    general = _equation(n, constant=False)
    assert euler_maruyama_step(general.with_constant_noise(), QuadraticFields(), unregularised()) == _step(n)
    with pytest.raises(ValueError, match=r"take the equation's with_constant_noise\(\)"):
        euler_maruyama_step(general, QuadraticFields(), unregularised())


def p_of(v, x):
    return 1 / (np.sqrt(v) + x["eps"])


def q_of(v, x, t, tau=0.0):
    """Adam's bias-corrected preconditioner, ``beta**(k + s)`` with ``beta = 1 - c tau``, ``k = t / tau``."""
    if tau:
        gamma1 = 1 - (1 - x["c1"] * tau) ** (t / tau + 2)
        gamma2 = 1 - (1 - x["c2"] * tau) ** (t / tau + 1)
    else:
        gamma1, gamma2 = 1 - np.exp(-x["c1"] * t), 1 - np.exp(-x["c2"] * t)
    return np.sqrt(gamma2) / (gamma1 * (np.sqrt(v) + x["eps"] * np.sqrt(gamma2)))


def smoothed(v, u):
    s = np.clip(v / u, 0, 1)
    return np.where(v >= u, v, u * (0.5 + s**3 - s**4 / 2))


REGULARISATIONS = [
    (unregularised(), lambda v: v, [0.1, 0.7, 2.0]),
    (floor(sp.Symbol("u")), lambda v: np.maximum(v, 0.4), [-0.5, 0.39, 2.0]),
    (smooth(sp.Symbol("u")), lambda v: smoothed(v, 0.4), [-0.5, 0.25, 0.9]),
    (smooth(sp.Symbol("u")), lambda v: smoothed(v, 0.4), [0.0, 0.03, 0.4]),
]
H = 1e-5
"""Of central differences. Their error is ``h**2 / 6`` times a third derivative, below 1e4 times the first one
for ``v >= 0.1``; round-off adds ``1e-16 / h``: together below 1e-6 of the derivative, or of 1 where it is
small.
"""


@pytest.mark.parametrize(("phi", "by_hand", "v"), REGULARISATIONS, ids=lambda p: getattr(p, "name", ""))
def test_functions_of_v_are_those_of_phi_of_v(phi, by_hand, v):
    x = values(3, v=np.array(v), u=0.4)
    step = euler_maruyama_step(
        modified_equation(rmsprop(), ballistic, gaussian(True), 2), QuadraticFields(), phi
    )
    known = carry_out(step.statements, x)
    np.testing.assert_allclose(known["P"], p_of(by_hand(x["v"]), x), rtol=1e-13)
    slope = (p_of(by_hand(x["v"] + H), x) - p_of(by_hand(x["v"] - H), x)) / (2 * H)
    np.testing.assert_allclose(known["P_v"], slope, rtol=1e-6, atol=1e-6)
    assert phi.name in step.name
    assert ("u" in step.parameters) is bool(phi.parameters)


@pytest.mark.parametrize(("phi", "by_hand", "v"), REGULARISATIONS, ids=lambda p: getattr(p, "name", ""))
def test_bias_corrections_and_their_derivatives(phi, by_hand, v):
    x = values(3, v=np.array(v), u=0.4)
    step = euler_maruyama_step(
        modified_equation(adam(), ballistic, gaussian(True), 2), QuadraticFields(), phi
    )
    known = carry_out(step.statements, x)

    def q(v=x["v"], t=x["t"], tau=0.0):
        return q_of(by_hand(v), x, t, tau)

    np.testing.assert_allclose(known["Q"], q(), rtol=1e-13)
    for name, plus, minus in (
        ("Q_v", q(v=x["v"] + H), q(v=x["v"] - H)),
        ("Q_t", q(t=x["t"] + H), q(t=x["t"] - H)),
        ("Q_1", q(tau=H), q(tau=-H)),
    ):
        np.testing.assert_allclose(known[name], (plus - minus) / (2 * H), rtol=1e-6, atol=1e-6, err_msg=name)


@each_equation(2)
def test_steps_satisfy_the_programs_rules(n):
    equation, fields = _equation(n), QuadraticFields()
    tracks = (
        Track("equation", euler_maruyama_step(equation, fields, smooth()), "substep"),
        Track("optimizer", optimizer_step(equation.chain, fields), "step"),
    )
    check(Kernel(2, tracks, (), ((1.0, -1.0),)))
    for track in tracks:
        assert track.step.nonnegative == tuple(b.name for b in equation.chain.blocks if b.nonnegative)
