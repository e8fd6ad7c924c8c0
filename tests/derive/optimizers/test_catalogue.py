"""The whole catalogue: what is derived at order 2 follows from the definition, what is refused is refused by
name.
"""

from dataclasses import replace

import pytest
from known_rules import REFUSED, SMOOTH, equation_of
from one_step import remainders, third_order
from sympy import Symbol

from optsde.derive.derivation.equation import modified_equation
from optsde.derive.display.text import text
from optsde.derive.noise.laws import gaussian
from optsde.derive.notation.symbols import g
from optsde.derive.optimizers.adaptive import rmsprop
from optsde.derive.optimizers.catalogue import CATALOGUE, all_rules, variants
from optsde.derive.optimizers.modifiers import coupled_weight_decay, decoupled_weight_decay
from optsde.derive.optimizers.momentum import heavy_ball, momentum, nesterov, sgd
from optsde.derive.optimizers.norms import clipped_sgd_norm
from optsde.derive.optimizers.rule import THETA, Block, Hyperparameter, UpdateRule, in_order
from optsde.derive.regimes import ballistic, batch_equivalent, parse_regime

FAST = ("sgd", "heavy_ball", "nesterov", "momentum", "adagrad", "sam")  # the others in `make check`
LONG = ("lamb-paper", "radam-torch", "adam-optax")  # derived elsewhere by default


def _named(rule: UpdateRule) -> str:
    return f"{rule.name}-{rule.variant}"


@pytest.mark.parametrize("regime", [ballistic, batch_equivalent], ids=lambda r: r.name)
@pytest.mark.parametrize("rule", [
    pytest.param(rule, marks=[pytest.mark.slow] * (rule.name not in FAST), id=_named(rule)) for rule in SMOOTH
])  # fmt: skip
def test_the_equation_follows_from_the_definition(rule: UpdateRule, regime) -> None:
    """All coefficients of L0 and L1, the obstruction included: what is left is of order tau**3."""
    equation = equation_of(rule, regime)
    assert equation.certificate.exists or regime.name == "batch-equivalent"
    for phi, both in remainders(equation, 3).items():
        assert third_order(*both), phi


def test_the_definition_tells_an_old_second_moment_from_a_new_one() -> None:
    new = equation_of(rmsprop("torch"), ballistic)
    wrong = replace(new, generator=equation_of(rmsprop("paper"), ballistic).generator)
    assert third_order(*remainders(new, 1)[THETA])
    assert not third_order(*remainders(wrong, 1)[THETA])


@pytest.mark.parametrize("regime", [ballistic, batch_equivalent], ids=lambda r: r.name)
@pytest.mark.parametrize("rule", [
    pytest.param(rule, marks=[pytest.mark.slow] * (_named(rule) in LONG), id=_named(rule)) for rule in SMOOTH
])  # fmt: skip
def test_every_smooth_optimizer_has_an_equation(rule: UpdateRule, regime) -> None:
    equation = equation_of(rule, regime)
    assert equation.certificate.weak_order == 2 or equation.certificate.obstruction
    assert equation.drift[0]["theta"] != 0


def test_a_clip_by_the_norm_is_refused_for_large_batches_too() -> None:
    rule = clipped_sgd_norm()
    with pytest.raises(ValueError, match=r"Min\(1, max_norm.* is not smooth, and .* sums over coordinates"):
        modified_equation(rule, parse_regime("noise=tau**(1/2)", rule), gaussian(), 1)


@pytest.mark.parametrize("regime", [ballistic, batch_equivalent], ids=lambda r: r.name)
@pytest.mark.parametrize("rule", [r for r in all_rules() if (r.name, r.variant) in REFUSED], ids=_named)
def test_what_has_no_equation_is_refused_by_name(rule: UpdateRule, regime) -> None:
    with pytest.raises(ValueError, match=REFUSED[rule.name, rule.variant]):
        equation_of(rule, regime)


def test_a_shifted_gradient_brings_the_hessian_in_every_dimension() -> None:
    """Heavy ball has + H v / 2 in the correction of v; the look-ahead point takes H v from it."""
    plain, ahead = (
        modified_equation(rule, ballistic, gaussian(constant=True), 2) for rule in (heavy_ball(), nesterov())
    )
    assert text(ahead.drift[1]["v"] - plain.drift[1]["v"]) == "sum_j(-F[i,j]*v[j])"
    assert ahead.drift[1]["theta"] == plain.drift[1]["theta"]


def test_a_gradient_must_be_taken_close_to_theta() -> None:
    velocity, lr = Block("v"), Hyperparameter("lr", "learning rate")
    update = in_order(
        {velocity.symbol: velocity.symbol - lr.symbol * g, THETA: THETA + lr.symbol * velocity.symbol}
    )
    far = UpdateRule(
        "far",
        "own",
        blocks=(Block("theta"), velocity),
        hyperparameters=(lr,),
        update=update,
        reference="",
        gradients={"g": THETA + velocity.symbol},
    )
    with pytest.raises(ValueError, match=r"theta \+ v\[i\]; expected a shift that vanishes"):
        modified_equation(far, ballistic, gaussian(constant=True), 2)


@pytest.mark.parametrize("make", CATALOGUE, ids=lambda make: make.__name__)
def test_names_and_variants(make) -> None:
    assert make().name == make.__name__
    for variant in variants(make):
        assert make(variant).variant == variant
    if variants(make):
        assert make().variant == variants(make)[0]
        first = variants(make)[0]
        with pytest.raises(
            ValueError, match=f"has no variant '{first}j'; did you mean {first}[?] expected one of"
        ):
            make(f"{first}j")


def test_modifiers_refuse_what_they_cannot_change() -> None:
    with pytest.raises(ValueError, match="has weight_decay already"):
        coupled_weight_decay(coupled_weight_decay(sgd()))
    bare = UpdateRule(
        "bare", "own", blocks=(Block("theta"),), hyperparameters=(), update={"theta": THETA - g}, reference=""
    )
    with pytest.raises(ValueError, match="bare has no hyperparameter whose role is learning rate"):
        decoupled_weight_decay(bare)


def test_a_hyperparameter_must_not_bear_the_name_of_a_memory_s_constant() -> None:
    rule, c = momentum(), Hyperparameter("c", "constant")
    with pytest.raises(ValueError, match="momentum has a hyperparameter c, the name of a memory's constant"):
        ballistic.scaling(replace(rule, hyperparameters=(*rule.hyperparameters, c)))


def test_abstract_components_may_have_composite_arguments() -> None:
    drift = equation_of(rmsprop("torch-centered"), ballistic).expand(1, abstract=True).drift[0]
    assert str(drift[0]) == "-P(-gb**2 + v)*Derivative(f(theta), theta)"
    assert equation_of(rmsprop("torch-centered"), ballistic).expand(1, abstract=True).drift[1][0] != 0


def test_rules_check_themselves() -> None:
    blocks, lr = (Block("theta"),), Hyperparameter("lr", "learning rate")
    for change, message in [
        (
            {"theta": THETA - Symbol("lrr", positive=True) * g},
            "unknown symbol lrr in the update of theta; did you mean lr?",
        ),
        ({"theta": THETA - Symbol("lr") * g}, "lr in the update of theta has other assumptions"),
        ({}, "updates nothing; expected one next value for each of theta"),
    ]:
        with pytest.raises(ValueError, match=message.replace("?", r"\?")):
            UpdateRule("own", "own", blocks=blocks, hyperparameters=(lr,), update=change, reference="")
    with pytest.raises(ValueError, match="expected theta as its first block"):
        UpdateRule("own", "own", blocks=(Block("x"),), hyperparameters=(), update={"x": g}, reference="")
