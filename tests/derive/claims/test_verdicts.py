"""Every claim has its recorded verdict; planted errors are found."""

from dataclasses import replace

import pytest
from checked import all_verdicts, identity, verdict

from optsde.derive import (
    Block,
    Hyperparameter,
    UpdateRule,
    ballistic,
    batch_equivalent,
    gaussian,
    general,
    parse_regime,
    rmsprop,
    sam,
    sgd,
    total,
)
from optsde.derive.claims.claim import Claim
from optsde.derive.claims.claimed import both_equations
from optsde.derive.claims.papers import (
    CLAIMS,
    barrett,
    callisti,
    compagnoni,
    li_tai_e,
    malladi,
    shardlow,
    smith,
)
from optsde.derive.claims.verdicts import check
from optsde.derive.derivation.chain import Chain
from optsde.derive.derivation.verification import defect, generator_of
from optsde.derive.notation.symbols import g
from optsde.derive.optimizers.rule import THETA


@pytest.mark.parametrize("make", CLAIMS, ids=identity)
def test_claim(make):
    assert verdict(make).summary == make.recorded
    assert verdict(make).as_recorded


def test_a_wrong_epoch_is_found():
    """Without the spread of the batches' gradients, or with draws that are independent, it is another
    equation.
    """
    claim = smith.reshuffled_sgd(3)
    assert (
        check(replace(claim, drift={"theta": "-g - eps/4*grad(g**2)"})).summary == "agrees if constant noise"
    )
    assert (
        check(replace(claim, drift={"theta": "-g - eps/2*grad(g**2 + S)"})).summary
        == "differs: drift[theta] tau^1"
    )
    independent = replace(claim, chain=replace(claim.chain, noise=general()))
    assert check(independent).summary.startswith("differs: drift[theta] tau^1")
    with pytest.raises(
        ValueError, match="is a claim about 3 samples in a step; expected one, which kernels draw"
    ):
        both_equations(check(claim))


def test_half_powers_of_tau_are_compared():
    rule, drift = sam(), "-F - r*sqrt(tau)*H(F)"
    chain = Chain(rule, parse_regime("rho=r*tau**(1/2)", rule), gaussian(True))
    claim = Claim(
        shardlow.PAPER,
        "test",
        chain,
        1,
        drift={"theta": drift},
        noise={},
        provenance="recalled",
        recorded="agrees",
    )
    assert check(claim).summary == "agrees"
    twice = replace(claim, drift={"theta": drift.replace("r*sqrt", "2*r*sqrt")})
    assert check(twice).summary == "differs: drift[theta] tau^1/2"


def test_sums_over_coordinates_have_one_coordinate_in_one_dimension():
    lr = Hyperparameter("lr", "learning rate")
    rule = UpdateRule(
        "own",
        "test",
        blocks=(Block("theta"),),
        hyperparameters=(lr,),
        update={"theta": THETA - lr.symbol * THETA * total(g**2)},
        reference="",
    )
    claim = Claim(
        shardlow.PAPER,
        "test",
        Chain(rule, ballistic, gaussian(True)),
        1,
        drift={"theta": "-theta*(F**2 + S)"},
        noise={},
        provenance="recalled",
        recorded="agrees",
        one_dimension=True,
    )
    assert check(claim).summary == "agrees"
    assert check(replace(claim, drift={"theta": "-theta*F**2"})).summary == "differs: drift[theta] tau^0"


def test_claims_have_different_names():
    assert len({identity(make) for make in CLAIMS}) == len(CLAIMS)


# RMSprop, ballistic, with the right coefficients: what is planted below is the only difference
RIGHT = replace(
    callisti.rmsprop_ballistic_order_2,
    drift={
        "theta": "-g*D - tau/2*(D*H(D*g) + c/2*D**2/sqrt(v)*V*g)",
        "v": "c*V + tau/2*(2*c*g*H(g*D) + c**2*V)",
    },
    noise={"theta": "-sqrt(tau)*D*B(dW)", "v": "sqrt(tau)*(2*c*g*B(dW) + c*B2(dW2))"},
)


def planted(claim: Claim, block: str, old: str, new: str, kind: str) -> Claim:
    formulas = getattr(claim, kind)
    assert formulas[block].count(old) == 1
    return replace(claim, **{kind: {**formulas, block: formulas[block].replace(old, new)}})


def test_the_right_coefficients_agree():
    assert check(RIGHT).summary == "agrees"


@pytest.mark.parametrize(
    ("kind", "block", "old", "new", "where"),
    [
        ("drift", "theta", "D*H(D*g)", "D**2*H(g)", "drift[theta] tau^1"),
        ("drift", "theta", "c/2", "c/3", "drift[theta] tau^1"),
        ("drift", "theta", "-g*D", "-2*g*D", "drift[theta] tau^0"),
        ("drift", "v", "2*c*g*H", "c*g*H", "drift[v] tau^1"),
        ("drift", "v", "c**2*V", "c*V", "drift[v] tau^1"),
        ("noise", "theta", "-sqrt", "sqrt", "covariance[theta,v] tau^1"),
        ("noise", "theta", "D", "D**2", "covariance[theta,theta] tau^1, covariance[theta,v] tau^1"),
        ("noise", "v", "c*B2", "2*c*B2", "covariance[v,v] tau^1"),
    ],
)
def test_a_planted_error_is_found_where_it_is(kind, block, old, new, where):
    assert check(planted(RIGHT, block, old, new, kind)).summary == f"differs: {where}"


def test_factors_with_the_same_covariance_agree():
    signs = planted(planted(RIGHT, "theta", "-sqrt", "sqrt", "noise"), "v", "2*c*g*B", "-2*c*g*B", "noise")
    assert check(signs).summary == "agrees"
    assert check(planted(RIGHT, "v", "c*B2", "-c*B2", "noise")).summary == "agrees"


@pytest.mark.parametrize(
    ("law", "regime", "expected"),
    [
        (general(constant=True), ballistic, "agrees if Gaussian noise"),
        (gaussian(), ballistic, "agrees if constant noise"),
        (general(), ballistic, "agrees if constant noise and Gaussian noise"),
    ],
    ids=["cumulants", "state", "both"],
)
def test_the_fewest_assumptions_are_found(law, regime, expected):
    assert check(replace(RIGHT, chain=Chain(rmsprop(), regime, law))).summary == expected


def test_one_assumption_for_each_part():
    """SGD with large noise: without f''' and S' the linear equation is right, and each is needed."""
    linear = Claim(
        shardlow.PAPER, "linear", Chain(sgd(), batch_equivalent, gaussian()), 2,
        drift={"theta": "-F - tau/2*H(F)"}, noise={"theta": "B(dW) + tau/2*H(B(dW))"},
        provenance="recalled", recorded="",
    )  # fmt: skip
    assert check(linear).summary == "agrees if constant noise and quadratic f"
    assert {d.assumptions for d in check(linear).differences} == {("constant noise",), ("quadratic f",)}


POLYNOMIAL = [*li_tai_e.CLAIMS, *shardlow.CLAIMS, *barrett.CLAIMS]


@pytest.mark.parametrize("make", POLYNOMIAL, ids=identity)
def test_the_exponential_of_the_claimed_generator_gives_the_same_verdict(make):
    """The other route: exp(tau L) of the published coefficients against the chain's one-step operator."""
    claim = make
    drift, covariance = ([{} for _ in range(claim.order)] for _ in range(2))
    for (power, blocks), expression in claim.coefficients().items():
        if power < claim.order and len(blocks) == 1:
            drift[int(power)][blocks[0]] = expression
        elif power < claim.order:
            covariance[int(power)][blocks] = expression
    missing = defect(claim.chain, generator_of(drift, covariance), claim.order)
    assert (not missing) == (verdict(make).summary == "agrees")


def test_what_is_kept_beyond_the_order_is_listed_and_does_no_harm():
    assert verdict(li_tai_e.sgd_order_1).beyond == ((1, ("theta", "theta")),)
    assert verdict(li_tai_e.sgd_order_2).beyond == ()
    assert (1, ("theta",)) in verdict(compagnoni.adamw_order_1).beyond
    wrong = replace(li_tai_e.sgd_order_1, drift={"theta": "-g + 7*eta*theta"})
    assert check(wrong).summary == "agrees"
    assert check(wrong).beyond == ((1, ("theta",)), (1, ("theta", "theta")))


def test_a_half_power_is_a_difference():
    claim = replace(li_tai_e.sgd_order_1, noise={"theta": "eta**(1/4)*B(dW)"})
    assert check(claim).summary == "differs: covariance[theta,theta] tau^1/2"


def test_recalled_without_a_factor_of_eps():
    """AdamW with eps sqrt(iota2), which the note says agrees."""
    claim = compagnoni.adamw_order_1
    drift = {**claim.drift, "theta": claim.drift["theta"].replace("/P*", "/(sqrt(v) + eps*sqrt(iota2))*")}
    assert check(replace(claim, drift=drift)).summary == "agrees"


def test_malladi_scaling_is_the_batch_equivalent_regime():
    """With sigma0 = 1 their equation is that of the regime known by name."""
    claim = malladi.rmsprop_order_1
    chain = Chain(rmsprop(), batch_equivalent, gaussian())
    renamed = {"sigma0": "1", "eps0": "eps", "c2": "c"} | dict(claim.notation)
    assert check(replace(claim, chain=chain, notation=renamed)).summary == "agrees"


def test_witnesses_are_points_where_the_coefficients_differ():
    for found in all_verdicts():
        for d in found.differences:
            assert abs(d.witness.published - d.witness.derived) > 1e-9
    (d,) = [d for d in verdict(callisti.adam_batch_order_2).differences if d.blocks == ("m", "v")]
    at = {name: float(value) for name, value in d.witness.values.items()}
    assert d.witness.published == pytest.approx(-2 * at["c1"] * at["c2"] * at["f'"] * at["S"], rel=1e-14)
    assert d.witness.derived == pytest.approx(2 * at["c1"] * at["c2"] * at["f'"] * at["S"], rel=1e-14)
