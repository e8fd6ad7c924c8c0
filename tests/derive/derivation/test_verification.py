"""The proof of the weak order by the exponential: it agrees with the derivation, and catches every planted
mistake.
"""

from collections.abc import Callable, Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_rules import SMOOTH, SMOOTHED, equation_of
from random_symbols import random_symbols
from sympy import Expr, Rational

from optsde.derive import (
    Regime,
    UpdateRule,
    ballistic,
    batch_equivalent,
    gaussian,
    modified_equation,
    symmetric,
)
from optsde.derive.derivation.equation import ModifiedEquation
from optsde.derive.derivation.generator import logarithm, one_step_operator
from optsde.derive.derivation.verification import defect, difference, exponential, generator_of
from optsde.derive.notation.indices import terms
from optsde.derive.optimizers.catalogue import adam, heavy_ball, rmsprop, sgd

RULES = [sgd, heavy_ball, rmsprop, adam]
REGIMES = [ballistic, batch_equivalent]


@pytest.mark.parametrize(("rule", "regime", "order"), list(product(RULES, REGIMES, (1, 2))))
def test_agrees_with_the_obstruction_of_the_derivation(rule, regime, order):
    """No defect through the order exactly if the generator is of second order; else it stands where the
    obstruction does.
    """
    for law in (gaussian(), symmetric()):
        sme = modified_equation(rule(), regime, law, order)
        missing = defect(sme.chain, generator_of(sme.drift, sme.covariance), order)
        obstructed = {o.power for o in sme.certificate.obstruction}
        assert set(missing) == {power + 1 for power in obstructed}
        assert sme.certificate.weak_order == min(obstructed, default=order)


CHANGES = {"sign": -2, "double": 1, "dropped": -1}
"""A planted mistake by how often its term is added."""


def mutants(
    sme: ModifiedEquation,
) -> Iterator[tuple[int, object, Expr, Callable[[int], dict[Rational, Expr]]]]:
    """Yield power of tau, place and each term of drift and covariance, with a function that plants a change
    of it.
    """
    for parts, covariance in ((sme.drift, False), (sme.covariance, True)):
        for power, part in enumerate(parts):
            for key, expression in part.items():
                for term in terms(expression):

                    def planted(times, parts=parts, covariance=covariance, power=power, key=key, change=term):
                        wrong = [dict(part) for part in parts]
                        wrong[power][key] += times * change
                        return (
                            generator_of(sme.drift, wrong)
                            if covariance
                            else generator_of(wrong, sme.covariance)
                        )

                    yield power, key, term, planted


def check_mutants(rule: UpdateRule, regime: Regime, sample: bool) -> None:
    """Plant mistakes in an equation of order two: all of each kind, or for drift and covariance at each power
    one of one kind.

    The defect of the wrong equation must appear at the power of tau at which the mistake stands in the
    equation's own step.
    """
    sme = equation_of(rule, regime)
    step = one_step_operator(sme.chain, sme.order)
    right = difference(exponential(generator_of(sme.drift, sme.covariance), sme.order), step)
    assert min(right, default=2) == 2  # weak order 1 at least, so that what the mistakes add stands out
    groups: dict[tuple[int, bool], list] = {}
    for mutant in mutants(sme):
        groups.setdefault((mutant[0], isinstance(mutant[1], tuple)), []).append(mutant)
    for n, group in enumerate(groups.values()):
        chosen, kinds = (
            (group[len(group) // 2 :][:1], list(CHANGES)[n % 3 :][:1]) if sample else (group, list(CHANGES))
        )
        for (power, key, term, planted), kind in product(chosen, kinds):
            wrong = difference(exponential(planted(CHANGES[kind]), sme.order), step)
            place = f"{kind} of {term} in {key} at tau^{power}"
            assert min(wrong, default=3) == power + 1, place
            assert wrong[Rational(power + 1)] != right.get(Rational(power + 1)), place


@pytest.mark.parametrize("rule", SMOOTH, ids=lambda r: f"{r.name}-{r.variant}")
def test_a_mistake_in_a_coefficient_is_caught(rule):
    """In every optimizer: some terms of one regime's equation."""
    check_mutants(rule, REGIMES[SMOOTH.index(rule) % 2], sample=True)


@pytest.mark.parametrize("rule", SMOOTHED, ids=lambda r: f"{r.name}-{r.variant}")
def test_a_mistake_in_any_coefficient_with_a_smoothed_function_is_caught(rule):
    check_mutants(rule, ballistic, sample=False)


@pytest.mark.slow
@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("rule", SMOOTH, ids=lambda r: f"{r.name}-{r.variant}")
def test_a_mistake_in_any_coefficient_is_caught(rule, regime):
    check_mutants(rule, regime, sample=False)


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.lists(random_symbols(1), min_size=1, max_size=3))
def test_logarithm_and_exponential_are_inverse(parts):
    """As formal series in tau of operators that do not commute, to order 3."""
    order = len(parts)
    step = exponential({Rational(n): part for n, part in enumerate(parts)}, order)
    assert logarithm({int(n): e for n, e in step.items()}, order) == tuple(parts)
    generator = logarithm({n + 1: part for n, part in enumerate(parts)}, order)
    assert not difference(
        exponential({Rational(n): e for n, e in enumerate(generator)}, order), dict(enumerate(parts, 1))
    )


def test_an_equation_of_order_one_misses_exactly_the_second_generator():
    sme = modified_equation(rmsprop(), ballistic, gaussian(), 2)
    missing = defect(sme.chain, generator_of(sme.drift[:1], sme.covariance[:1]), 2)
    assert set(missing) == {Rational(2)}
    assert missing[Rational(2)] == -sme.generator[1].expand()
