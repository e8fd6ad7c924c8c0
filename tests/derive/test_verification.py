"""The proof of the weak order by the exponential: it agrees with the derivation, and catches every planted sign."""

from itertools import product

import pytest
from sympy import Rational

from smelt.derive import ballistic, batch_equivalent, gaussian, modified_equation, symmetric
from smelt.derive.catalogue import adam, heavy_ball, rmsprop, sgd
from smelt.derive.indices import terms
from smelt.derive.verification import defect, generator_of

RULES = [sgd, heavy_ball, rmsprop, adam]
REGIMES = [ballistic, batch_equivalent]


@pytest.mark.parametrize(("rule", "regime", "order"), list(product(RULES, REGIMES, (1, 2))))
def test_agrees_with_the_obstruction_of_the_derivation(rule, regime, order):
    """No defect through the order exactly if the generator is of second order; else it stands where the obstruction does."""
    for law in (gaussian(), symmetric()):
        sme = modified_equation(rule(), regime(), law, order)
        missing = defect(sme.chain, generator_of(sme.drift, sme.covariance), order)
        obstructed = {o.power for o in sme.certificate.obstruction}
        assert set(missing) == {power + 1 for power in obstructed}
        assert sme.certificate.weak_order == min(obstructed, default=order)


def mutants(part):
    """Yield the mapping with the sign of one term of one entry changed."""
    for key, expression in part.items():
        for term in terms(expression):
            yield key, term, {**part, key: expression - 2 * term}


@pytest.mark.parametrize(("rule", "regime"), list(product(RULES, REGIMES)))
def test_a_wrong_sign_in_any_coefficient_is_caught(rule, regime):
    sme = modified_equation(rule(), regime(), gaussian(), 2)
    right = defect(sme.chain, generator_of(sme.drift, sme.covariance), 2)
    for power in (0, 1):
        for key, term, wrong in mutants(sme.drift[power]):
            drift = [wrong if n == power else part for n, part in enumerate(sme.drift)]
            assert defect(sme.chain, generator_of(drift, sme.covariance), 2) != right, (power, key, term)
        for key, term, wrong in mutants(sme.covariance[power]):
            covariance = [wrong if n == power else part for n, part in enumerate(sme.covariance)]
            assert defect(sme.chain, generator_of(sme.drift, covariance), 2) != right, (power, key, term)


def test_an_equation_of_order_one_misses_exactly_the_second_generator():
    sme = modified_equation(rmsprop(), ballistic(), gaussian(), 2)
    missing = defect(sme.chain, generator_of(sme.drift[:1], sme.covariance[:1]), 2)
    assert set(missing) == {Rational(2)}
    assert missing[Rational(2)] == -sme.generator[1].expand()
