"""A claimed equation has its formulas as they are printed, with functions that a regularisation can enter."""

from dataclasses import replace

import pytest
from checked import identity, verdict
from sympy import Add, Integer, Symbol, sqrt

from optsde.derive.claims.claimed import both_equations, unmeasurable
from optsde.derive.claims.papers import (
    CLAIMS,
    barrett,
    callisti,
    cattaneo,
    compagnoni,
    kovachki,
    li_malladi_arora,
    li_tai_e,
    smith,
)
from optsde.derive.claims.published import Reader
from optsde.derive.claims.verdicts import check
from optsde.derive.errors import DerivationRefused
from optsde.derive.noise.laws import batch_mean, gaussian, student_t, two_point
from optsde.derive.notation.coordinates import written_out
from optsde.derive.notation.indices import canonical
from optsde.derive.notation.symbols import (
    ElementFunction,
    Field,
    constant_factor,
    gradient,
    tau,
    zeta1,
    zeta2,
)

SIGNS = [claim for claim in compagnoni.CLAIMS if claim.chain.rule.name == "sign_sgd"]
UNMEASURED = (
    *barrett.CLAIMS,
    *kovachki.CLAIMS,
    *cattaneo.CLAIMS,
    *SIGNS,
    *smith.CLAIMS,
    *li_malladi_arora.CLAIMS,
)
"""Without noise, with noise that has no factor, or with several samples in a step."""


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if claim not in UNMEASURED], ids=identity)
def test_written_out_it_is_the_published_formula(claim):
    claimed, derived = both_equations(verdict(claim))
    claim, batch = claim, claim.chain.noise.batch
    law = replace(claim.chain.noise, constant=True)
    reader, size = Reader(replace(claim.chain, noise=law), claim.notation), {batch: claimed.chain.noise.batch}
    (drift,) = claimed.drift
    assert list(drift) == list(claim.drift)
    for block, text in claim.drift.items():
        assert (
            canonical(written_out(drift[block], claimed.definitions) - reader.drift(text).xreplace(size)) == 0
        )
    (noise,) = claimed.diffusion.coefficients
    printed = {b: reader.noise(text).xreplace(size) for b, text in claim.noise.items()}
    same = [(written_out(noise[b], claimed.definitions), text) for b, text in printed.items()]
    assert all(canonical(a - b) == 0 for a, b in same) or all(canonical(a + b) == 0 for a, b in same)
    assert all(e == 0 for block, e in noise.items() if block not in claim.noise)
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
        claim: both_equations(verdict(claim))[0].certificate.weak_order
        for claim in (li_tai_e.sgd_order_2, callisti.adam_ballistic_order_2)
    }
    assert list(reached.values()) == [2, 1]
    wrong = check(replace(li_tai_e.sgd_order_2, drift={"theta": "-2*g"}))
    claimed, _ = both_equations(wrong)
    assert claimed.certificate.weak_order == 0
    assert claimed.name == "li2019, SGD, order 2"
    assert claimed.drift == ({"theta": -2 * gradient("i")},)


def test_two_second_moments_in_one_function_are_refused():
    claim = callisti.rmsprop_ballistic_order_1
    with pytest.raises(ValueError, match="expected the second moment of one coordinate"):
        both_equations(replace(verdict(callisti.rmsprop_ballistic_order_1), claim=replace(
            claim, drift={**claim.drift, "theta": "-1/(sqrt(v) + H(v))"}
        )))  # fmt: skip


def test_a_claim_without_noise_is_refused():
    with pytest.raises(ValueError, match="is a claim about full batch; expected one with noise"):
        both_equations(verdict(barrett.gradient_descent))


def test_a_claim_about_signs_is_measured_with_signs():
    """A batch of no given size has eight of them: the code's ``3 S/8`` beside the derived
    ``sqrt(Cov(xi**2))``.
    """
    one, batches = (
        both_equations(verdict(claim)) for claim in (callisti.adam_polynomial, callisti.adam_polynomial_batch)
    )
    assert [equation.chain.noise for equation in one] == [two_point(constant=True)] * 2
    assert [equation.chain.noise.name for equation in batches] == ["mean of 8 two-point"] * 2
    c2, s = Symbol("c2", positive=True), Field("S", rank=2, symmetric=True)("i", "i")
    for (claimed, _), deviation in ((one, 3 * s), (batches, 3 * s / 8)):
        squares = Add(
            *(e for e in Add.make_args(claimed.diffusion.coefficients[0]["v"].expand()) if e.has(zeta2("i")))
        )
        assert canonical(squares - sqrt(tau) * c2 * deviation * zeta2("i")) == 0
    squares = replace(callisti.adam_polynomial, noise={"v": "c2*B2(dW2)"})
    with pytest.raises(
        ValueError, match="has the factor B2 beside two-point noise; expected squares by dW2 alone"
    ):
        both_equations(replace(verdict(callisti.adam_polynomial), claim=squares))


def test_noise_of_other_laws_is_refused():
    claim, without = callisti.adam_ballistic_order_2, batch_mean(gaussian(True), Integer(2), Integer(9))
    for law in (student_t(constant=True), without):
        reason = f"is a claim about {law.name} noise; expected Gaussian or two-point noise"
        assert reason in unmeasurable(replace(claim, chain=replace(claim.chain, noise=law)))


def test_a_block_without_noise_has_zero():
    claimed, _ = both_equations(verdict(li_tai_e.heavy_ball_order_2))
    assert claimed.diffusion.coefficients[0]["theta"] == Integer(0)


def test_what_a_paper_does_not_print_is_not_made_up():
    """The noise is known as it is printed; covariance and leading error are not."""
    claimed, _ = both_equations(verdict(callisti.rmsprop_ballistic_order_2))
    assert claimed.covariance is None
    assert claimed.to_json()["covariance"] is None
    with pytest.raises(DerivationRefused, match="leading error of callisti2025-code, RMSprop, ballistic"):
        _ = claimed.leading_error
    lines = str(claimed).splitlines()
    assert any(line.startswith("noise, tau^0") for line in lines)
    assert not any(line.startswith("covariance") for line in lines)
    assert claimed.with_constant_noise() is claimed
