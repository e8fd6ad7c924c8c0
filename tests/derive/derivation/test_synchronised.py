"""The synchronised equation: its certificate, and its coefficients against those derived by hand in one
dimension.
"""

from dataclasses import replace
from functools import cache
from itertools import product

import pytest
from sympy import Expr, Function, Rational, Symbol, diff, expand

from optsde.derive import ballistic, batch_equivalent, gaussian, general, modified_equation, rmsprop, sgd
from optsde.derive.derivation.synchronised import synchronised_defect
from optsde.derive.equations.noise_terms import Diffusion
from optsde.derive.notation.indices import components
from optsde.derive.notation.symbols import ElementFunction, omega1, zeta1
from optsde.derive.optimizers.catalogue import adam, heavy_ball

RULES = [sgd, heavy_ball, rmsprop, adam, lambda: rmsprop("torch"), lambda: adam("torch")]
theta, v, c = Symbol("theta"), Symbol("v"), Symbol("c", positive=True)
f, B, P = Function("f")(theta), Function("B")(theta), Function("P")(v)


@cache
def equation(rule, regime, constant):
    return modified_equation(rule(), regime, gaussian(constant), 2, "synchronised")


@pytest.mark.parametrize(
    ("rule", "regime", "constant"), list(product(RULES, (ballistic, batch_equivalent), (True, False)))
)
def test_has_weak_order_two(rule, regime, constant):
    certificate = equation(rule, regime, constant).certificate
    assert certificate.weak_order == 2
    assert certificate.exists


@pytest.mark.parametrize("power", range(3))
@pytest.mark.parametrize("block", ["theta", "v"])
def test_a_wrong_sign_in_any_term_is_caught(power, block):
    """Except a sign that changes no law: all noise of one chaos in all blocks at once, which never occurs
    here.
    """
    sme = equation(rmsprop, batch_equivalent, False)
    parts = [dict(part) for part in sme.diffusion.coefficients]
    for term in parts[power][block].as_ordered_terms():
        if term != 0:
            wrong = [dict(part) for part in parts]
            wrong[power][block] = parts[power][block] - 2 * term
            assert synchronised_defect(sme.chain, sme.generator, Diffusion(tuple(wrong))), term


def test_the_certificate_names_what_is_wrong():
    sme = equation(rmsprop, batch_equivalent, True)
    wrong = replace(sme, generator=(sme.generator[0], -sme.generator[1]))
    assert wrong.certificate.weak_order == 1
    assert ("theta",) in {o.blocks for o in wrong.certificate.obstruction}


def one_dimensional(expression: Expr) -> Expr:
    """Read index notation at d = 1."""
    plain = {"theta": theta, "v": v, "zeta1": Symbol("zeta"), "omega1": Symbol("omega")}
    values = {}
    for x in components(expression):
        if x.field.gradient:
            values[x] = diff(f, theta, len(x.indices))
        elif x.field.name in ("B", "S"):
            values[x] = diff(B if x.field.name == "B" else B**2, theta, len(x.indices) - 2)
        else:
            values[x] = plain[x.field.name]
    values |= {call: diff(P, v, call.orders[0]) for call in expression.atoms(ElementFunction)}
    return expand(expression.xreplace(values).doit())


def test_rmsprop_in_one_dimension():
    """Coefficients of the batch-equivalent RMSprop derived by hand, for S = B**2."""
    sme = equation(rmsprop, batch_equivalent, False)
    first, middle, last = sme.diffusion.coefficients
    zeta, omega = Symbol("zeta"), Symbol("omega")
    F, dB = diff(f, theta), diff(B, theta)

    def limit(g: Expr) -> Expr:
        return -P * F * diff(g, theta) + c * (B**2 - v) * diff(g, v) + P**2 * B**2 * diff(g, theta, 2) / 2

    assert one_dimensional(first["theta"]) == expand(-P * B * zeta - P**2 * B * dB * omega * zeta)
    assert one_dimensional(first["v"]) == expand(2 * c * B**2 * omega * zeta)
    assert middle["theta"] == middle["v"] == 0
    by_hand = (
        limit(P * B) / 2
        - P**2 * B * diff(F, theta) / 2
        - P**3 * B * (dB**2 + B * diff(B, theta, 2)) * Rational(1, 2)
    )
    assert expand(one_dimensional(last["theta"]) - expand(by_hand.doit() * zeta)) == 0
    assert expand(one_dimensional(last["v"]) - expand((2 * c * F * B + 3 * c * P * B**2 * dB) * zeta)) == 0


def test_refuses_other_noise_and_orders():
    with pytest.raises(ValueError, match="synchronised equation for general noise; expected Gaussian"):
        _ = modified_equation(rmsprop(), ballistic, general(), 2, "synchronised").diffusion
    with pytest.raises(ValueError, match="expected order 2"):
        modified_equation(rmsprop(), ballistic, gaussian(), 3, "synchronised")


def test_latex_explains_the_increment():
    text = equation(rmsprop, batch_equivalent, True)._repr_latex_()
    assert r"2 c\,\Sigma^{1/2}\,\Delta W \odot \Sigma^{1/2}\,dW" in text
    assert r"\Delta W &= W_t - W_{t_k}" in text
    assert str(omega1("i")) not in text
    assert str(zeta1("i")) not in text
