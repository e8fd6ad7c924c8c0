"""The engine's modified equations, coordinate by coordinate, against exact arithmetic that shares nothing
with it.
"""

from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement

import pytest
import sympy as sp
from brute_force import BLOCKS, Transition, generator, increments, transition
from problems import PROBLEMS, Point, coefficients, coordinates, engine_equation, engine_form

REGIMES = ("ballistic", "batch_equivalent")
CASES = [(rule, regime, d) for rule in BLOCKS for regime in REGIMES for d in (1, 2)]


def case(rule: str, regime: str, order: int, *rest: int):
    """The third order takes seconds: of an adaptive rule only the quicker one, where noise is not at leading
    order.
    """
    heavy = order == 3 and (rule == "adam" or (rule, regime) == ("rmsprop", "batch_equivalent"))
    return pytest.param(rule, regime, *rest, marks=[pytest.mark.slow] * heavy)


@cache
def chain_of(rule: str, regime: str, order: int, d: int) -> Transition:
    problem = PROBLEMS[d]
    return transition(increments(rule, regime, problem, order), problem.moment)


@pytest.mark.parametrize(("rule", "regime", "d"), CASES)
def test_state_is_the_blocks_in_order(rule: str, regime: str, d: int) -> None:
    form = engine_form(rule, regime, 2, d)
    names = [symbol.name for symbol in form.state]
    assert names + ["t"] * (rule == "adam") == coordinates(rule, d)
    assert form.time.name == "t"


@pytest.mark.parametrize(
    ("rule", "regime", "d", "order"),
    # order 3 in two dimensions alone, where one dimension is contained
    [
        case(rule, regime, order, d, order)
        for order in (1, 2, 3)
        for rule, regime, d in CASES
        if order < 3 or d == 2
    ],
)
def test_every_coefficient(rule: str, regime: str, d: int, order: int) -> None:
    """Drift and covariance of each order, third and fourth coefficient at order tau: equal as fractions, none
    extra.
    """
    point, names = Point(rule, PROBLEMS[d]), coordinates(rule, d)
    chain = chain_of(rule, regime, order, d)
    size = 4 if order == 2 else 2  # the form reports the third and fourth coefficients at order tau only
    wanted = [
        alpha for k in range(1, size + 1) for alpha in combinations_with_replacement(range(len(names)), k)
    ]
    expected = generator(chain, wanted)
    if (
        rule == "adam"
    ):  # time is a coordinate of the chain, not of the form: it moves by tau exactly, without noise
        clock = len(names) - 1
        assert [{alpha: x for alpha, x in part.items() if clock in alpha} for part in expected] == [
            {(clock,): Fraction(1)},
            *[{}] * (order - 1),
        ]
        del expected[0][(clock,)]
    found = coefficients(engine_form(rule, regime, order, d), order)
    for k in range(order):
        values = {alpha: point.evaluate(x) for alpha, x in found[k].items() if len(alpha) <= size}
        assert {a: x for a, x in values.items() if x} == expected[k], f"coefficients of tau^{k} over {names}"


@pytest.mark.parametrize(("rule", "regime", "d"), CASES)
def test_definition(rule: str, regime: str, d: int) -> None:
    """exp(tau L) phi = P_tau phi up to tau^2, on all monomials phi of degree at most 4 around the point."""
    form, point, names = engine_form(rule, regime, 2, d), Point(rule, PROBLEMS[d]), coordinates(rule, d)
    chain, found = chain_of(rule, regime, 2, d), coefficients(form, 2)
    variables = [*form.state, *[form.time] * (rule == "adam")]
    if rule == "adam":
        found[0][(len(form.state),)] = sp.Integer(1)
    first = {alpha: jet(expression, variables, point) for alpha, expression in found[0].items()}
    second = {alpha: {(): point.evaluate(expression)} for alpha, expression in found[1].items()}
    engine = Transition(len(names), 2, (first, second))
    for size in range(1, 5):
        for alpha in combinations_with_replacement(range(len(names)), size):
            phi = {alpha: Fraction(1)}
            once = engine.apply(0, phi, 2)
            assert once == chain.apply(0, phi, 2)
            left = engine.apply(1, phi, 0).get((), 0) + engine.apply(0, once, 0).get((), 0) / Fraction(2)
            assert left == chain.apply(1, phi, 0).get((), 0), f"tau^2 on {[names[a] for a in alpha]}"


@pytest.mark.parametrize(
    ("rule", "regime", "order"),
    [case(rule, regime, order, order) for order in (2, 3) for rule in BLOCKS for regime in REGIMES],
)
def test_certificate(rule: str, regime: str, order: int) -> None:
    """The obstructions named are those coefficients of L beyond the second that do not vanish, up to degree 2
    order.
    """
    names = coordinates(rule, 1)
    found = generator(chain_of(rule, regime, order, 1))
    expected = {
        (k, tuple(names[a] for a in alpha))
        for k, part in enumerate(found)
        for alpha in part
        if len(alpha) > 2
    }
    certificate = engine_equation(rule, regime, order).certificate
    assert {(term.power, term.blocks) for term in certificate.obstruction} == expected
    assert certificate.weak_order == min((k for k, _ in expected), default=order)


def jet(expression: sp.Expr, variables: list[sp.Symbol], point: Point) -> dict[tuple[int, ...], Fraction]:
    """Second-order Taylor coefficients at the point."""
    result = {}
    for size in range(3):
        for shift in combinations_with_replacement(range(len(variables)), size):
            slope = expression
            for a in shift:
                slope = slope.diff(variables[a])
            value = point.evaluate(slope) / (2 if len(shift) == 2 and len(set(shift)) == 1 else 1)
            if value:
                result[shift] = value
    return result
