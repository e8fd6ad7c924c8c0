"""The differences of the published code from the derivation are the known ones, to the letter."""

import pytest
import sympy as sp
from checked import identity, verdict
from sympy import Rational, Symbol, exp, sqrt

from optsde.derive.claims.normal_form import Algebra
from optsde.derive.claims.papers import callisti
from optsde.derive.notation.indices import reindex
from optsde.derive.notation.symbols import Field, gradient, t

# The known deviations of the published code of arXiv 2509.21614, published minus derived, written down
# independently.
F, H, S, m, v = (
    gradient("i"),
    gradient("i", "_1"),
    Field("S", 2, symmetric=True),
    Field("m")("i"),
    Field("v")("i"),
)
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


@pytest.mark.parametrize("claim", DEVIATIONS, ids=identity)
def test_deviations_are_found_to_the_letter(claim):
    found = verdict(claim)
    assert {d.blocks for d in found.differences} == set(DEVIATIONS[claim])
    assert {d.power for d in found.differences} == {1}
    written = {Symbol(f"gamma_{s}", positive=True): 1 - exp(-s * t) for s in (c1, c2)}
    for blocks, expected in DEVIATIONS[claim].items():
        excess = sum(d.excess.xreplace(written) for d in found.differences if d.blocks == blocks)
        assert Algebra(found.claim.chain, {}).normal_form(excess - expected) == {}, (blocks, excess)


def test_the_square_of_a_two_point_noise_is_given_a_variance():
    """Poly/poly.py: 0.75 (f1' - f2')**2 is its deviation, so 0.5625 (f1' - f2')**4 for one sample, where it
    is zero.

    A batch of B has a B**2-th of that in the code; of independent two-point draws, S/B being the variance of
    their mean, the square varies by ``2 S**2 (B - 1)/B**3``.
    """
    gap, batch = 2 * sp.sqrt(S_ii), Symbol("batch", positive=True)
    for claim, variance, truth in (
        (callisti.adam_polynomial, Rational(9, 16) * gap**4, 0),
        (
            callisti.adam_polynomial_batch,
            Rational(9, 16) * gap**4 / batch**2,
            2 * S_ii**2 * (batch - 1) / batch**3,
        ),
    ):
        (excess,) = [d.excess for d in verdict(claim).differences if d.blocks == ("v", "v")]
        own = Algebra(claim.chain, {})
        varying = {S_ii: Field("S", 2, symmetric=True, varies=True)("i", "i")}
        assert own.normal_form(excess - (c2**2 * (variance - truth)).xreplace(varying)) == {}


def test_a_cube_for_a_square_is_equal_without_eps():
    for claim in DEVIATIONS:
        (first,) = [
            d for d in verdict(claim).differences if d.blocks == ("theta",) and d.assumptions == ("eps = 0",)
        ]
        assert eps in first.excess.free_symbols
    (third,) = [
        d for d in verdict(callisti.rmsprop_batch_order_2).differences if d.assumptions == ("quadratic f",)
    ]
    assert third.blocks == ("theta",)
