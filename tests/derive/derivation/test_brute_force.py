"""The brute force against the oracles and the formulas for b1, a1, c3, c4: its own test, before it judges the
engine.
"""

from dataclasses import replace
from fractions import Fraction

import oracles
import pytest
import sympy as sp
from brute_force import (
    BLOCKS,
    by_formula,
    gaussian_moment,
    generator,
    increments,
    skewed_moment,
    transition,
    two_point_moment,
)
from problems import LINE, PLANE, PROBLEMS, coordinates, polynomial
from truncated import Layout

REGIMES = ("ballistic", "batch_equivalent")
MOMENTS = {"gaussian": gaussian_moment, "two_point": two_point_moment, "skewed": skewed_moment}


def rational(value: Fraction) -> sp.Rational:
    return sp.Rational(value.numerator, value.denominator)


def oracle_point(rule: str, moment) -> dict[sp.Symbol, sp.Rational]:
    """The oracles' symbols at the point of `LINE`."""
    x = sp.Symbol("x")
    f = sum(rational(value) * x ** k[0] for k, value in LINE.objective.items())
    b = sum(rational(value) * x ** k[0] for k, value in LINE.factor[0][0].items())
    at = {x: rational(LINE.theta[0])}
    symbols = {"F": f.diff(x), "H": f.diff(x, 2), "T": f.diff(x, 3)}
    symbols |= {"S": b**2, "S1": (b**2).diff(x), "S2": (b**2).diff(x, 2)}
    symbols |= {"K3": b**3 * rational(moment(3)), "K4": b**4 * rational(moment(4))}
    values = {getattr(oracles, name): sp.sympify(value).subs(at) for name, value in symbols.items()}
    values |= {getattr(oracles, name): rational(value) for name, value in LINE.hyper.items()}
    values |= {oracles.m: rational(LINE.momentum[0]), oracles.VELOCITY: rational(LINE.momentum[0])}
    values |= {oracles.t: rational(LINE.time), oracles.r: sp.sqrt(rational(LINE.second[0]))}
    return values | {oracles.e1: rational(LINE.decay[0]), oracles.q: sp.sqrt(1 - rational(LINE.decay[1]))}


@pytest.mark.parametrize("noise", MOMENTS)
@pytest.mark.parametrize(("rule", "regime"), oracles.ORACLES)
def test_oracles_at_a_rational_point(rule: str, regime: str, noise: str) -> None:
    problem, names = replace(LINE, moment=MOMENTS[noise]), coordinates(rule, 1)
    delta = increments(rule, regime, problem, 2)
    if noise == "skewed" and regime == "batch_equivalent":
        with pytest.raises(AssertionError, match="half-integer powers of tau survive"):
            transition(delta, problem.moment)
        return
    found = {
        (k, tuple(names[a] for a in alpha)): value
        for k, part in enumerate(generator(transition(delta, problem.moment)))
        for alpha, value in part.items()
        if names[alpha[0]] != "t"
    }
    values = oracle_point(rule, MOMENTS[noise])
    expected = {key: x.subs(values) for key, x in oracles.ORACLES[rule, regime].items()}
    assert found == {key: Fraction(int(x.p), int(x.q)) for key, x in expected.items() if x != 0}


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("rule", BLOCKS)
def test_definition_and_formulas_agree(rule: str, regime: str, d: int) -> None:
    """log(P)/tau on monomials gives the b1, a1, c3, c4 of the formulas: two calculations, one generator."""
    chain = transition(increments(rule, regime, PROBLEMS[d], 2), gaussian_moment)
    assert generator(chain) == by_formula(chain)


def test_obstruction_of_batch_equivalent_rmsprop_in_two_dimensions() -> None:
    """c3_(theta_i, theta_j, v_k) = 2 c P_i P_j S_ik S_jk for Gaussian noise and constant S; the others
    vanish.
    """
    factor = ((polynomial(x00=1), polynomial(x00=2)), (polynomial(x00=-1), polynomial(x00=3)))
    problem = replace(PLANE, factor=factor)
    found = generator(transition(increments("rmsprop", "batch_equivalent", problem, 2), gaussian_moment))[1]
    s = ((5, 5), (5, 10))  # B B^T
    scale = [1 / (root + problem.hyper["eps"]) for root in (Fraction(3, 2), Fraction(2, 3))]
    expected = {
        (i, j, 2 + k): 2 * problem.hyper["c"] * scale[i] * scale[j] * s[i][k] * s[j][k]
        for i in range(2)
        for j in range(i, 2)
        for k in range(2)
    }
    assert {alpha: value for alpha, value in found.items() if len(alpha) > 2} == expected


def test_two_point_sample_has_no_square_fluctuation() -> None:
    """xi = +-a: Var(xi^2) = 0 (the published code has 0.56 (f1' - f2')^4), so v gets no noise of its own."""
    problem = replace(LINE, moment=two_point_moment)
    found = generator(transition(increments("rmsprop", "batch_equivalent", problem, 2), two_point_moment))[1]
    assert (1, 1) not in found
    gaussian = generator(transition(increments("rmsprop", "batch_equivalent", LINE, 2), gaussian_moment))[1]
    assert gaussian[1, 1] == 2 * problem.hyper["c"] ** 2 * Fraction(14, 9) ** 4  # B(1/3) = 14/9, S^2 = B^4


def test_series_arithmetic() -> None:
    layout = Layout(1, 0, 2)
    y, s = layout.variable(0), layout.variable(1)
    root = (4 + y + s).sqrt()
    assert (root * root - 4 - y - s).terms == {}
    assert (root * root.inverse() - 1).terms == {}
    assert ((y + s).exp() * (-(y + s)).exp() - 1).terms == {}
    with pytest.raises(AssertionError, match="a square"):
        (2 + y).sqrt()
