"""A claimed equation has its formulas as they are printed, with functions that a regularisation can enter."""

from dataclasses import replace

import pytest
from checked import identity, verdict
from sympy import Integer, sqrt

from smelt.derive.claims.claimed import both_equations
from smelt.derive.claims.papers import (
    CLAIMS,
    barrett,
    callisti,
    cattaneo,
    compagnoni,
    kovachki,
    li_malladi_arora,
    li_tai_e,
    smith,
)  # fmt: skip
from smelt.derive.claims.published import Reader
from smelt.derive.claims.verdicts import check
from smelt.derive.components import written_out
from smelt.derive.indices import canonical
from smelt.derive.symbols import ElementFunction, Field, constant_factor, gradient, tau, zeta1

SIGNS = [make for make in compagnoni.CLAIMS if make().chain.rule.name == "sign_sgd"]
POLYNOMIALS = (callisti.adam_polynomial, callisti.adam_polynomial_batch)
UNMEASURED = (
    *barrett.CLAIMS, *kovachki.CLAIMS, *cattaneo.CLAIMS, *SIGNS, *POLYNOMIALS, *smith.CLAIMS, *li_malladi_arora.CLAIMS,
)  # fmt: skip
"""Without noise, with noise that has no factor or is never Gaussian, or with several samples in a step."""


@pytest.mark.parametrize("make", [make for make in CLAIMS if make not in UNMEASURED], ids=identity)
def test_written_out_it_is_the_published_formula(make):
    claimed, derived = both_equations(verdict(make))
    reader = Reader(claimed.chain, make().notation)
    (drift,) = claimed.drift
    assert list(drift) == list(make().drift)
    for block, text in make().drift.items():
        assert canonical(written_out(drift[block], claimed.definitions) - reader.drift(text)) == 0
    (noise,) = claimed.diffusion.coefficients
    same = [(written_out(noise[b], claimed.definitions), reader.noise(text)) for b, text in make().noise.items()]
    assert all(canonical(a - b) == 0 for a, b in same) or all(canonical(a + b) == 0 for a, b in same)
    assert all(e == 0 for block, e in noise.items() if block not in make().noise)
    assert claimed.chain == derived.chain
    assert claimed.chain.noise.constant


def test_no_root_of_a_second_moment_is_left():
    claimed, _ = both_equations(verdict(callisti.adam_ballistic_order_2))
    v = Field("v")("i")
    for e in (*claimed.drift[0].values(), *claimed.diffusion.coefficients[0].values()):
        assert not e.has(sqrt(v), 1 / sqrt(v))
    assert claimed.drift[0]["theta"].atoms(ElementFunction)
    assert len(claimed.definitions) == 1
    assert all(d.variables[0].is_nonnegative for d in claimed.definitions.values())


def test_the_brownian_motion_has_the_sign_of_the_derived_one():
    claimed, derived = both_equations(verdict(li_tai_e.sgd_order_2))
    expected = -constant_factor("i", "_1") * zeta1("_1")
    assert canonical(claimed.diffusion.coefficients[0]["theta"] - sqrt(tau) * expected) == 0
    assert canonical(derived.diffusion.coefficients[1]["theta"] - expected) == 0


def test_the_order_reached_is_that_of_the_verdict():
    reached = {
        make: both_equations(verdict(make))[0].certificate.weak_order
        for make in (li_tai_e.sgd_order_2, callisti.adam_ballistic_order_2)
    }
    assert list(reached.values()) == [2, 1]
    wrong = check(replace(li_tai_e.sgd_order_2(), drift={"theta": "-2*g"}))
    claimed, _ = both_equations(wrong)
    assert claimed.certificate.weak_order == 0
    assert claimed.name == "li2019, SGD, order 2"
    assert claimed.drift == ({"theta": -2 * gradient("i")},)


def test_two_second_moments_in_one_function_are_refused():
    claim = callisti.rmsprop_ballistic_order_1()
    with pytest.raises(ValueError, match="expected the second moment of one coordinate"):
        both_equations(replace(verdict(callisti.rmsprop_ballistic_order_1), claim=replace(
            claim, drift={**claim.drift, "theta": "-1/(sqrt(v) + H(v))"}
        )))  # fmt: skip


def test_a_claim_without_noise_is_refused():
    with pytest.raises(ValueError, match="is a claim about full batch; expected one with noise"):
        both_equations(verdict(barrett.gradient_descent))


@pytest.mark.parametrize("make", POLYNOMIALS, ids=identity)
def test_a_claim_about_noise_that_is_never_gaussian_is_refused(make):
    with pytest.raises(ValueError, match="two-point noise; expected one that holds for Gaussian noise"):
        both_equations(verdict(make))


def test_a_block_without_noise_has_zero():
    claimed, _ = both_equations(verdict(li_tai_e.heavy_ball_order_2))
    assert claimed.diffusion.coefficients[0]["theta"] == Integer(0)
