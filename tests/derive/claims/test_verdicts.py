"""Every claim has its recorded verdict; the differences are the known ones, to the letter; planted ones are found."""

from dataclasses import replace

import pytest
import sympy as sp
from checked import all_verdicts, identity, verdict
from sympy import Rational, Symbol, exp, sqrt

from smelt.derive import (
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
from smelt.derive.chain import Chain
from smelt.derive.claims.claim import Claim
from smelt.derive.claims.claimed import both_equations
from smelt.derive.claims.normal_form import Algebra
from smelt.derive.claims.papers import CLAIMS, barrett, callisti, compagnoni, kovachki, li_tai_e, malladi, shardlow, smith
from smelt.derive.claims.verdicts import check
from smelt.derive.indices import reindex
from smelt.derive.rules import THETA
from smelt.derive.symbols import Field, g, gradient, t
from smelt.derive.verification import defect, generator_of


@pytest.mark.parametrize("make", CLAIMS, ids=identity)
def test_claim(make):
    assert verdict(make).summary == make().recorded
    assert verdict(make).as_recorded


def test_a_wrong_memory_term_is_found():
    claim = kovachki.heavy_ball_memory()
    wrong = replace(claim, drift={"theta": claim.drift["theta"].replace("(1 + beta)", "(1 - beta)")})
    (difference,) = check(wrong).differences
    assert (difference.power, difference.blocks) == (1, ("theta",))


def test_a_wrong_sign_of_signs_is_found():
    claim = compagnoni.sign_sgd_order_1()
    assert check(replace(claim, drift={"theta": "E"})).summary == "differs: drift[theta] tau^0"
    assert check(replace(claim, drift={"theta": "-erf(g/sqrt(Sigma))"})).summary == "differs: drift[theta] tau^0"


def test_a_wrong_epoch_is_found():
    """Without the spread of the batches' gradients, or with draws that are independent, it is another equation."""
    claim = smith.reshuffled_sgd(3)
    assert check(replace(claim, drift={"theta": "-g - eps/4*grad(g**2)"})).summary == "agrees if constant noise"
    assert check(replace(claim, drift={"theta": "-g - eps/2*grad(g**2 + S)"})).summary == "differs: drift[theta] tau^1"
    independent = replace(claim, chain=replace(claim.chain, noise=general()))
    assert check(independent).summary.startswith("differs: drift[theta] tau^1")
    with pytest.raises(ValueError, match="is a claim about 3 samples in a step; expected one, which kernels draw"):
        both_equations(check(claim))


def test_half_powers_of_tau_are_compared():
    rule, drift = sam(), "-F - r*sqrt(tau)*H(F)"
    chain = Chain(rule, parse_regime("rho=r*tau**(1/2)", rule), gaussian(True))
    claim = Claim(shardlow.PAPER, "test", chain, 1, {"theta": drift}, {}, "recalled", "agrees")
    assert check(claim).summary == "agrees"
    twice = replace(claim, drift={"theta": drift.replace("r*sqrt", "2*r*sqrt")})
    assert check(twice).summary == "differs: drift[theta] tau^1/2"


def test_sums_over_coordinates_have_one_coordinate_in_one_dimension():
    lr = Hyperparameter("lr", "learning rate")
    rule = UpdateRule("own", "test", (Block("theta"),), (lr,), (), {"theta": THETA - lr.symbol * THETA * total(g**2)}, "")
    claim = Claim(
        shardlow.PAPER, "test", Chain(rule, ballistic(), gaussian(True)), 1, {"theta": "-theta*(F**2 + S)"}, {}, "recalled",
        "agrees", one_dimension=True,
    )  # fmt: skip
    assert check(claim).summary == "agrees"
    assert check(replace(claim, drift={"theta": "-theta*F**2"})).summary == "differs: drift[theta] tau^0"


def test_claims_have_different_names():
    assert len({identity(make) for make in CLAIMS}) == len(CLAIMS)


# The known deviations of the published code of arXiv 2509.21614, published minus derived, written down independently.
F, H, S, m, v = gradient("i"), gradient("i", "_1"), Field("S", 2, symmetric=True), Field("m")("i"), Field("v")("i")
c, c1, c2, eps = (Symbol(name, positive=True) for name in ("c", "c1", "c2", "eps"))
P = 1 / (sqrt(v) + eps)
CUBE = P**3 - P**2 / sqrt(v)  # D^3 stands for D^2/sqrt(v)
gam1, gam2 = 1 - exp(-c1 * t), 1 - exp(-c2 * t)
GAMMA = sqrt(gam2) / gam1
D = 1 / (sqrt(v) + eps * sqrt(gam2))
LATE = m * sp.diff(GAMMA * D, t)  # bias corrections one step late
TIME_DERIVATIVE = (1 + eps) * m / 4 * GAMMA * sp.diff(gam2, t) * D**2 / sqrt(gam2)
ADAM_CUBE = -c2 / 4 * GAMMA * m * (D**3 - D**2 / sqrt(v))
MOVES = c2 * F * H * reindex(F - m, {"i": "_1"}) * GAMMA * reindex(D, {"i": "_1"})
F_j, S_ii, S_ij = gradient("j"), S("i", "i"), S("i", "j")

DEVIATIONS = {
    callisti.rmsprop_ballistic_order_2: {
        ("theta",): -c / 4 * CUBE * (F**2 + S_ii - v) * F,
        ("v", "v"): -2 * c**2 * S_ij**2,
    },
    callisti.rmsprop_batch_order_2: {
        ("theta",): -c / 4 * CUBE * (S_ii - v) * F - Rational(5, 4) * P**3 * S_ii * gradient("i", "i", "i"),
        ("theta", "theta"): (c - 1) * P**3 * S_ii * gradient("i", "i") + c / 2 * P * S_ii * CUBE * (S_ii - v),
        ("theta", "theta", "v"): -2 * c * P**2 * S_ii**2,
    },
    callisti.adam_ballistic_order_2: {
        ("theta",): LATE + TIME_DERIVATIVE + ADAM_CUBE * (F**2 + S_ii - v),
        ("v",): MOVES,
        ("m", "v"): -4 * c1 * c2 * F_j * S_ij,
    },
    callisti.adam_batch_order_2: {
        ("theta",): LATE + TIME_DERIVATIVE + ADAM_CUBE * (S_ii - v),
        ("m", "v"): -4 * c1 * c2 * F_j * S_ij,
        ("theta", "m"): -c1 / 2 * (1 - c1) * GAMMA * D * S_ij,
        ("m", "m"): -(c1**3) * S_ij,
        ("m", "m", "v"): -2 * c1**2 * c2 * S("i", "k") * S("j", "k"),
    },
}


@pytest.mark.parametrize("make", DEVIATIONS, ids=identity)
def test_deviations_are_found_to_the_letter(make):
    found = verdict(make)
    assert {d.blocks for d in found.differences} == set(DEVIATIONS[make])
    assert {d.power for d in found.differences} == {1}
    written = {Symbol(f"gamma_{s}", positive=True): 1 - exp(-s * t) for s in (c1, c2)}
    for blocks, expected in DEVIATIONS[make].items():
        excess = sum(d.excess.xreplace(written) for d in found.differences if d.blocks == blocks)
        assert Algebra(found.claim.chain, {}).normal_form(excess - expected) == {}, (blocks, excess)


def test_a_cube_for_a_square_is_equal_without_eps():
    for make in DEVIATIONS:
        (first,) = [d for d in verdict(make).differences if d.blocks == ("theta",) and d.assumptions == ("eps = 0",)]
        assert eps in first.excess.free_symbols
    (third,) = [d for d in verdict(callisti.rmsprop_batch_order_2).differences if d.assumptions == ("quadratic f",)]
    assert third.blocks == ("theta",)


# RMSprop, ballistic, with the right coefficients: what is planted below is the only difference
RIGHT = replace(
    callisti.rmsprop_ballistic_order_2(),
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
        (general(constant=True), ballistic(), "agrees if Gaussian noise"),
        (gaussian(), ballistic(), "agrees if constant noise"),
        (general(), ballistic(), "agrees if constant noise and Gaussian noise"),
    ],
    ids=["cumulants", "state", "both"],
)
def test_the_fewest_assumptions_are_found(law, regime, expected):
    assert check(replace(RIGHT, chain=Chain(rmsprop(), regime, law))).summary == expected


def test_one_assumption_for_each_part():
    """SGD with large noise: without f''' and S' the linear equation is right, and each is needed."""
    linear = Claim(
        shardlow.PAPER, "linear", Chain(sgd(), batch_equivalent(), gaussian()), 2,
        drift={"theta": "-F - tau/2*H(F)"}, noise={"theta": "B(dW) + tau/2*H(B(dW))"},
        provenance="recalled", recorded="",
    )  # fmt: skip
    assert check(linear).summary == "agrees if constant noise and quadratic f"
    assert {d.assumptions for d in check(linear).differences} == {("constant noise",), ("quadratic f",)}


POLYNOMIAL = [*li_tai_e.CLAIMS, *shardlow.CLAIMS, *barrett.CLAIMS]


@pytest.mark.parametrize("make", POLYNOMIAL, ids=identity)
def test_the_exponential_of_the_claimed_generator_gives_the_same_verdict(make):
    """The other route: exp(tau L) of the published coefficients against the chain's one-step operator."""
    claim = make()
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
    wrong = replace(li_tai_e.sgd_order_1(), drift={"theta": "-g + 7*eta*theta"})
    assert check(wrong).summary == "agrees"
    assert check(wrong).beyond == ((1, ("theta",)), (1, ("theta", "theta")))


def test_a_half_power_is_a_difference():
    claim = replace(li_tai_e.sgd_order_1(), noise={"theta": "eta**(1/4)*B(dW)"})
    assert check(claim).summary == "differs: covariance[theta,theta] tau^1/2"


def test_recalled_without_a_factor_of_eps():
    """AdamW with eps sqrt(iota2), which the note says agrees."""
    claim = compagnoni.adamw_order_1()
    drift = {**claim.drift, "theta": claim.drift["theta"].replace("/P*", "/(sqrt(v) + eps*sqrt(iota2))*")}
    assert check(replace(claim, drift=drift)).summary == "agrees"


def test_malladi_scaling_is_the_batch_equivalent_regime():
    """With sigma0 = 1 their equation is that of the regime known by name."""
    claim = malladi.rmsprop_order_1()
    chain = Chain(rmsprop(), batch_equivalent(), gaussian())
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
