"""Rules that contain norms: against exact brute force in one and two dimensions, and against formulas found
by hand.
"""

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement

import pytest
import sympy as sp
from brute_force import generator, transition
from norm_steps import BLOCKS, LARGE_BATCH, norm_increments
from problems import HYPER, LINE, PLANE, Point, coefficients, polynomial
from truncated import derivative, evaluate

from optsde.derive import (
    Regime,
    ballistic,
    dot,
    gaussian,
    in_order,
    lamb,
    lars,
    modified_equation,
    norm,
    normalized_sgd,
    sam,
    total,
)
from optsde.derive.notation.indices import canonical, opened, reindex
from optsde.derive.notation.symbols import Field, constant_factor, g, gradient, tau, total_of, zeta1
from optsde.derive.optimizers.modifiers import decoupled_weight_decay
from optsde.derive.optimizers.rule import THETA, Auxiliary, Block, Hyperparameter, UpdateRule

LARGE = Regime("large batch", sp.sqrt(tau))
F, H = gradient("i"), gradient("i", "_1")
S = Field("S", rank=2, symmetric=True)
SLOPE = total_of(gradient("_1") ** 2)


def normalized_momentum() -> UpdateRule:
    """LAMB without Adam: a mean of gradients and a decay of theta, scaled to the length of theta."""
    lr, memory = Hyperparameter("lr", "learning rate"), Hyperparameter("beta", "memory")
    decay, block = Hyperparameter("weight_decay", "constant"), Block("m")
    m, b = block.symbol, memory.symbol
    step = m + decay.symbol * THETA
    update = in_order({m: b * m + (1 - b) * g, THETA: THETA - lr.symbol * norm(THETA) / norm(step) * step})
    return UpdateRule(
        "normalized_momentum",
        "own",
        blocks=(Block("theta"), block),
        hyperparameters=(lr, memory, decay),
        update=update,
        reference="",
    )


def averaged() -> UpdateRule:
    """A step along the mean of ``theta g**2``, the same at all coordinates: its derivatives are sums of
    ones.
    """
    lr, eps = Hyperparameter("lr", "learning rate"), Hyperparameter("eps", "constant")
    update = {"theta": THETA - lr.symbol * (g + eps.symbol * dot(THETA, g**2) / total(sp.Integer(1)))}
    return UpdateRule(
        "averaged", "own", blocks=(Block("theta"),), hyperparameters=(lr, eps), update=update, reference=""
    )


RULES = {
    "normalized_sgd": normalized_sgd(),
    "normalized_sgd-eps": normalized_sgd("eps"),
    "sam": sam(),
    "sam-normalized": sam("normalized"),
    "lars": lars(),
    "normalized_momentum": normalized_momentum(),
    "averaged": averaged(),
}


@cache
def problem(rule: str, d: int):
    """A point where the norms are rational: the gradient along (3, 4), theta along (3, -4), ``m + theta/3``
    along (5, 12).
    """
    base, hyper = {1: LINE, 2: PLANE}[d], HYPER | {"weight_decay": Fraction(1, 3), "trust": Fraction(5, 4)}
    theta = (Fraction(3, 10), Fraction(-2, 5))[:d]
    slope, step = (Fraction(6, 5), Fraction(8, 5)), (Fraction(5, 6), Fraction(2))
    own = replace(
        base, theta=theta, hyper=hyper, momentum=tuple(p - x / 3 for p, x in zip(step, theta, strict=False))
    )
    layout = norm_increments("sam", own, 1)[0].layout
    at = [layout.constant(x) for x in theta]
    objective = dict(base.objective)
    for i in range(d):
        (value,) = evaluate(derivative(base.objective, i), at).terms.values()
        linear = tuple(int(i == j) for j in range(d))
        objective[linear] = objective.get(linear, Fraction(0)) + slope[i] - value
    factor = base.factor
    if rule.startswith("sam"):  # a gradient away from theta asks for constant noise
        rows = ((polynomial(x00=1), polynomial(x00=2)), (polynomial(x00=-1), polynomial(x00=3)))
        factor = rows if d == 2 else ((polynomial(x0=2),),)
    return replace(own, objective=objective, factor=factor)


@cache
def equation(rule: str, order: int = 2):
    regime = LARGE if rule in LARGE_BATCH else ballistic
    return modified_equation(RULES[rule], regime, gaussian(constant=rule.startswith("sam")), order)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("rule", BLOCKS)
def test_every_coefficient(rule: str, d: int) -> None:
    """Drift and covariance, third and fourth coefficients at order tau: equal as fractions to those of brute
    force.
    """
    own, chosen = problem(rule, d), equation(rule)
    assert chosen.certificate.weak_order == 2
    assert chosen.certificate.exists
    form, point = chosen.expand(d), Point("heavy_ball", own)
    constant = {
        name: value.subs(dict.fromkeys(point.theta, 0))
        for name, value in point.fields.items()
        if name[0] == "S"
    }
    point.values.update({name: Fraction(int(s.p), int(s.q)) for name, s in constant.items()})
    found = [{alpha: point.evaluate(x) for alpha, x in part.items()} for part in coefficients(form, 2)]
    chain = transition(norm_increments(rule, own, 2), own.moment)
    wanted = [
        alpha for size in range(1, 5) for alpha in combinations_with_replacement(range(chain.states), size)
    ]
    assert [{alpha: x for alpha, x in part.items() if x} for part in found] == generator(chain, wanted)


def test_normalized_sgd_by_hand() -> None:
    """``-F/|F|``, then half of the drift along itself and half of the second derivative of ``F/|F|`` along
    the noise.
    """
    b0, b1 = (part["theta"] for part in equation("normalized_sgd").drift)
    assert b0 == -F / sp.sqrt(SLOPE)
    trace, along = (
        total_of(S("_1", "_1")),
        total_of(canonical(gradient("_1") * gradient("_2") * S("_1", "_2")).field.body),
    )
    own = modified_equation(normalized_sgd(), LARGE, gaussian(constant=True), 2).drift[1]["theta"]
    curvature = canonical(gradient("_1") * gradient("_2") * gradient("_1", "_2"))
    drift = -H * gradient("_1") / (2 * SLOPE) + F * curvature / (2 * SLOPE**2)
    noise = S("i", "_1") * gradient("_1") + F * trace / 2 - 3 * F * along / (2 * SLOPE)
    assert canonical(own - drift - noise / SLOPE ** sp.Rational(3, 2)) == 0
    assert b1 != own  # noise that depends on theta is not the same field


def test_unnormalised_sam_minimises_the_squared_gradient() -> None:
    """Drift ``-grad(f + rho/2 E|g|**2)`` with constant noise (Compagnoni et al. 2023), here with
    ``rho = r tau``.
    """
    r = sp.Symbol("r", positive=True)
    rho = Regime("own", sp.Integer(1), {"rho": r * tau})
    order1, order2 = (modified_equation(sam(), rho, gaussian(constant=True), order) for order in (1, 2))
    assert order1.drift[0]["theta"] == -F
    # SGD's own correction is -H F / 2
    assert canonical(order2.drift[1]["theta"] + (r + sp.Rational(1, 2)) * H * gradient("_1")) == 0
    assert order2.covariance[1]["theta", "theta"] == S("i", "j")
    assert order2.certificate.weak_order == 2


def test_normalised_sam_minimises_the_norm_of_the_gradient() -> None:
    """Drift of ``f + rho |grad f|`` (Compagnoni et al. 2023), whose gradient is ``H F / |F|``."""
    drift = modified_equation(sam("normalized"), LARGE, gaussian(constant=True), 2).drift
    assert drift[0]["theta"] == -F
    assert canonical(drift[1]["theta"] + H * gradient("_1") * (1 / sp.sqrt(SLOPE) + sp.Rational(1, 2))) == 0


def test_lamb_follows_the_direction_of_adam() -> None:
    drift = modified_equation(lamb(), ballistic, gaussian(), 1).drift[0]
    m, v, theta = (Field(name)("i") for name in ("m", "v", "theta"))
    (call,) = (a for a in drift["theta"].atoms(sp.Function) if a.args[:3] == (m, v, theta))
    size, length = (canonical(reindex(x, {"i": "_1"})) for x in (theta**2, call**2))
    assert canonical(drift["theta"] + sp.sqrt(size) / sp.sqrt(length) * call) == 0
    assert modified_equation(lamb(), ballistic, gaussian(), 2).certificate.weak_order == 2


def test_noise_of_order_one_in_a_polynomial_of_sums_is_no_obstacle() -> None:
    """``E sum_j (F_j + xi_j)**2`` is ``|F|**2`` and the trace of S."""
    lr = Hyperparameter("lr", "learning rate")
    rule = UpdateRule(
        "own",
        "own",
        blocks=(Block("theta"),),
        hyperparameters=(lr,),
        update={"theta": THETA - lr.symbol * THETA * total(g**2)},
        reference="",
    )
    drift = modified_equation(rule, ballistic, gaussian(constant=True), 1).drift[0]["theta"]
    assert drift == -Field("theta")("i") * SLOPE - Field("theta")("i") * total_of(S("_1", "_1"))


ROOT = Regime("wide", sp.Integer(1), {"rho": sp.Symbol("r", positive=True) * sp.sqrt(tau)})
"""SAM with rho of the order of the root of the learning rate, as in Compagnoni et al. 2023."""


def test_sam_with_a_wide_radius_on_a_quadratic_is_exact() -> None:
    """``f = 3/2 theta**2``: an autoregression of rate ``-log(1 - 3 tau w)/tau``, ``w = 1 + 3 r tau**(1/2)``,
    in half powers.
    """
    r, s, spread = sp.symbols("r s S", positive=True)
    theta, noise = sp.Symbol("theta", real=True), sp.Symbol("S", real=True)
    own = modified_equation(sam(), ROOT, gaussian(constant=True), 2)
    assert own.certificate.weak_order == 2
    form, w = own.expand(1, sp.Rational(3, 2) * theta**2), 1 + 3 * r * s
    rate = -sp.log(1 - 3 * s**2 * w) / s**2
    variance = spread * (s**2 * w) ** 2 / (1 - (1 - 3 * s**2 * w) ** 2)
    wanted_drift, wanted_square = (sp.series(x, s, 0, 4).removeO() for x in (-rate, 2 * rate * variance))
    drift, square = (
        sum(part[0] * s ** (2 * n) for n, part in enumerate(parts)) for parts in (form.drift, form.covariance)
    )
    at = {tau: s**2, noise: spread}
    assert sp.expand(drift.subs(at) / theta - wanted_drift) == 0
    assert sp.expand(square.subs(at) - wanted_square) == 0


def test_sam_with_a_wide_radius_follows_its_published_equation() -> None:
    """Order 1: drift ``-grad(f + rho/2 |g|**2)``; order 2: noise ``(1 + rho H) B dW``, and ``E|g|**2`` has
    the trace of S.
    """
    r = sp.Symbol("r", positive=True)
    one, two = (modified_equation(sam(), ROOT, gaussian(constant=True), order) for order in (1, 2))
    assert canonical(one.drift[0]["theta"] + F + r * sp.sqrt(tau) * H * gradient("_1")) == 0
    assert (one.certificate.weak_order, one.certificate.exists) == (1, True)
    third = gradient("i", "_1", "_2") * (gradient("_1") * gradient("_2") + S("_1", "_2"))
    own = -(H * gradient("_1") + r**2 * third) / 2
    assert canonical(two.drift[1]["theta"].subs(sp.sqrt(tau), 0) - own) == 0
    B, zeta = constant_factor, zeta1
    assert two.diffusion.coefficients[1]["theta"] == -B("i", "_1") * zeta("_1")
    assert canonical(two.diffusion.coefficients[2]["theta"] + r * H * B("_1", "_2") * zeta("_2")) == 0


def test_an_equation_without_the_half_power_has_no_order_one() -> None:
    """What is left is of order ``tau**(3/2)`` in a step: the order of the equation is a half, and no whole
    one is claimed.
    """
    own = modified_equation(sam(), ROOT, gaussian(constant=True), 1)
    without = replace(own, generator=(own.generator[0].subs(sp.sqrt(tau), 0),))
    assert without.certificate.weak_order == 0


def test_half_powers_have_no_synchronised_equation() -> None:
    own = modified_equation(sam(), ROOT, gaussian(constant=True), 2, "synchronised")
    with pytest.raises(ValueError, match="has half-integer powers of tau; expected whole ones"):
        _ = own.diffusion


def test_sums_stay_out_of_auxiliaries_and_their_names_out_of_rules() -> None:
    lr, x = Hyperparameter("lr", "learning rate"), sp.Symbol("x", real=True)
    update = {"theta": THETA - lr.symbol * g}
    with pytest.raises(
        ValueError, match="own: the auxiliary P contains a sum over coordinates; make it an argument"
    ):
        UpdateRule(
            "own",
            "own",
            blocks=(Block("theta"),),
            hyperparameters=(lr,),
            auxiliaries=(Auxiliary("P", (x,), norm(x)),),
            update=update,
            reference="",
        )
    with pytest.raises(ValueError, match="own: the auxiliary total has a reserved name; rename it"):
        UpdateRule(
            "own",
            "own",
            blocks=(Block("theta"),),
            hyperparameters=(lr,),
            auxiliaries=(Auxiliary("total", (x,), x),),
            update=update,
            reference="",
        )


def test_a_norm_may_be_the_argument_of_an_auxiliary() -> None:
    """``P(|theta|)`` kept abstract: its derivative along the drift is ``P' (theta . drift) / |theta|``."""
    lr, x = Hyperparameter("lr", "learning rate"), sp.Symbol("x", real=True)
    update = {"theta": THETA - lr.symbol * sp.Function("P")(norm(THETA)) * THETA}
    rule = UpdateRule(
        "own",
        "own",
        blocks=(Block("theta"),),
        hyperparameters=(lr,),
        auxiliaries=(Auxiliary("P", (x,), 1 / (1 + x)),),
        update=update,
        reference="",
    )
    own = modified_equation(rule, ballistic, gaussian(), 2)
    theta = sp.Symbol("theta", positive=True)
    b0, b1 = (part[0].subs(sp.Symbol("theta", real=True), theta) for part in own.expand(1).drift)
    assert sp.simplify(b0 + theta / (1 + theta)) == 0
    assert sp.simplify(b1 + b0 * b0.diff(theta) / 2) == 0


def test_a_learning_rate_without_a_unit_decays_weights_as_it_should() -> None:
    """Modifiers see through norms: ``theta - lr g/|g| - lr weight_decay theta``."""
    drift = modified_equation(decoupled_weight_decay(normalized_sgd()), LARGE, gaussian(), 1).drift[0][
        "theta"
    ]
    decay = sp.Symbol("weight_decay", positive=True)
    assert canonical(opened(drift + F / sp.sqrt(SLOPE) + decay * Field("theta")("i"))) == 0
