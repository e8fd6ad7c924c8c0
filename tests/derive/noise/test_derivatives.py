"""Moments of gradient noise and its derivatives, on a population whose losses are random polynomials; draws
by enumeration.
"""

from collections.abc import Sequence
from functools import cache
from itertools import combinations, combinations_with_replacement, product
from math import prod
from random import Random

import pytest
from sympy import Add, Expr, Integer, Rational, symbols

from optsde.derive.noise.derivatives import OPEN, check_determined, second_moment
from optsde.derive.noise.laws import batch_mean, gaussian, general, reshuffled, student_t, two_point
from optsde.derive.noise.model import NoiseModel
from optsde.derive.notation.indices import components
from optsde.derive.notation.symbols import noise_of

S = gaussian().cumulant_field(2)
X = symbols("x1 x2", real=True)
AT = {X[0]: Rational(2, 3), X[1]: Rational(-1, 2)}


@cache
def population(size: int = 5) -> tuple[Expr, ...]:
    """Losses less their mean."""
    random = Random(7)
    degrees = [(n, m) for n in range(5) for m in range(5 - n)]
    losses = [Add(*(random.randint(-9, 9) * X[0] ** n * X[1] ** m for n, m in degrees)) for _ in range(size)]
    return tuple((f - Add(*losses) / size).expand() for f in losses)


def at_the_point(expression: Expr, derivatives: Sequence[str]) -> Expr:
    for index in derivatives:
        expression = expression.diff(X[int(index) - 1])
    return expression.subs(AT)


@cache
def noises(indices: tuple[str, ...]) -> tuple[Expr, ...]:
    """Of each data point; indices after the first are derivatives."""
    return tuple(at_the_point(f, indices) for f in population())


def mean(left: tuple[str, ...], right: tuple[str, ...]) -> Expr:
    values = [a * b for a, b in zip(noises(left), noises(right), strict=True)]
    return Add(*values) / len(values)


@cache
def covariance(i: str, j: str) -> Expr:
    losses = population()
    return Add(*(f.diff(X[int(i) - 1]) * f.diff(X[int(j) - 1]) for f in losses)) / len(losses)


def value(expression: Expr) -> Expr:
    """Put the population's covariance, and its moments in the place of what the covariance leaves open."""
    found = {}
    for c in components(expression):
        if c.field == OPEN:
            i, j, k, m = c.indices
            found[c] = (mean((i, j), (k, m)) + mean((i, k), (j, m)) + mean((i, m), (j, k))) / 3
        else:
            i, j, *derivatives = c.indices
            found[c] = at_the_point(covariance(i, j), derivatives)
    return expression.xreplace(found)


@pytest.mark.parametrize(("left", "right"), [(1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1)])
def test_second_moments_on_a_population(left: int, right: int) -> None:
    for indices in product("12", repeat=left + right):
        both = indices[:left], indices[left:]
        assert value(second_moment(S, *both)) == mean(*both), both


def test_what_is_open_cancels_where_the_noise_is_taken_at_one_point() -> None:
    """``S_ij,k`` and ``S_ij,km`` by the product rule."""
    i, j, k, m = "ijkm"
    first = second_moment(S, (i, k), (j,)) + second_moment(S, (i,), (j, k))
    assert (first - S(i, j, k)).expand() == 0
    pairs = [((i, k, m), (j,)), ((i, k), (j, m)), ((i, m), (j, k)), ((i,), (j, k, m))]
    assert (Add(*(second_moment(S, *pair) for pair in pairs)) - S(i, j, k, m)).expand() == 0


def test_moments_of_the_derivatives_that_are_not_determined() -> None:
    with pytest.raises(
        ValueError, match=r"E\[xi\[i,j,k\] xi\[l,m\]\], .*; expected at most two derivatives: take constant"
    ):
        second_moment(S, ("i", "j", "k"), ("l", "m"))
    with pytest.raises(
        ValueError, match=r"mine needs the moment E\[xi_ij xi_kl\] of .* does not determine; take constant"
    ):
        check_determined([second_moment(S, ("i", "j"), ("k", "l"))], "mine")
    check_determined([S("i", "j", "k", "l")], "mine")
    xi = noise_of(1)
    three = [xi("i"), xi("j"), xi("k", "l")]
    assert gaussian().joint_moment(three) == 0
    with pytest.raises(
        ValueError, match=r"E\[xi\[i\] xi\[j\] xi\[k,l\]\] of general noise, .* do not determine it: take"
    ):
        general().joint_moment(three)


def test_laws_known_by_a_number_hold_for_derivatives_too() -> None:
    """``E[xi_1 xi_1 xi_1 xi_11]`` of noise ``+-b``, which is ``b**3 b'``; that of Student's law in units of
    the Gaussian.
    """
    xi, b, slope = noise_of(1), *symbols("b slope")
    four = [xi("1"), xi("1"), xi("1"), xi("1", "1")]
    numbers = {S("1", "1"): b**2, S("1", "1", "1"): 2 * b * slope}
    assert (two_point().joint_moment(four).xreplace(numbers) - b**3 * slope).expand() == 0
    nu = Integer(7)
    excess = student_t(nu).joint_moment(four) / gaussian().joint_moment(four)
    assert (excess - (nu - 2) / (nu - 4)).simplify() == 0


POINTS = ((3, -1), (-1, 4), (5, 0), (-7, -3))


def drawn_in_order(
    samples: int, size: int, left: tuple[int, ...] = (0, 1, 2, 3)
) -> list[tuple[tuple[int, ...], ...]]:
    """All sequences of batches without a common point."""
    if not samples:
        return [()]
    return [
        (batch, *rest)
        for batch in combinations(left, size)
        for rest in drawn_in_order(samples - 1, size, tuple(p for p in left if p not in batch))
    ]


def moments_of_the_points(law: NoiseModel, factors: Sequence[tuple[int, int]]) -> Expr:
    """The joint moment of (sample, coordinate) with the cumulants of the four points."""
    found = law.joint_moment([noise_of(s)(str(i)) for s, i in factors])
    places = [c for n in (2, 3, 4) for c in product(range(2), repeat=n)]
    raw = {c: Add(*(prod(p[i] for i in c) for p in POINTS)) / Integer(4) for c in places}
    values = {}
    for c in components(found):
        i = tuple(map(int, c.indices))
        values[c] = raw[i]
        if len(i) == 4:
            pairs = (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2)))
            values[c] -= Add(*(raw[i[a], i[b]] * raw[i[n], i[m]] for (a, b), (n, m) in pairs))
    return found.xreplace(values)


@pytest.mark.parametrize(("samples", "size"), [(2, 1), (3, 1), (4, 1), (2, 2)])
def test_samples_without_a_common_point_by_enumeration(samples: int, size: int) -> None:
    law, draws = (
        reshuffled(NoiseModel("data", (2, 3, 4)), Integer(4), Integer(size)),
        drawn_in_order(samples, size),
    )
    for order in (1, 2, 3, 4):
        for factors in combinations_with_replacement(list(product(range(1, samples + 1), range(2))), order):
            wanted = Add(
                *(
                    prod(Rational(sum(POINTS[p][i] for p in draw[s - 1]), size) for s, i in factors)
                    for draw in draws
                )
            ) / len(draws)
            assert moments_of_the_points(law, factors) == wanted, factors


@pytest.mark.parametrize("size", [1, 2])
def test_independent_samples_by_enumeration(size: int) -> None:
    law = batch_mean(NoiseModel("data", (2, 3, 4)), Integer(size), Integer(4))
    draws = list(product(combinations(range(4), size), repeat=2))
    for order in (1, 2, 3, 4):
        for factors in combinations_with_replacement(list(product((1, 2), range(2))), order):
            wanted = Add(
                *(
                    prod(Rational(sum(POINTS[p][i] for p in draw[s - 1]), size) for s, i in factors)
                    for draw in draws
                )
            ) / len(draws)
            assert moments_of_the_points(law, factors) == wanted, factors


@pytest.mark.parametrize(("samples", "size"), [(2, 1), (3, 1), (4, 1), (3, 2)])
def test_the_sum_over_an_epoch_has_no_noise(samples: int, size: int) -> None:
    """All its moments vanish identically, with derivatives too; those with one sample likewise.

    Moments of more factors than data points vanish too, but by relations between the population's cumulants:
    two points have no third one.
    """
    law = reshuffled(general(), Integer(samples * size), Integer(size))
    for indices in [("i", "j", "k", "l")[:n] for n in range(1, min(samples * size, 4) + 1)]:
        terms = product(range(1, samples + 1), repeat=len(indices))
        total = Add(
            *(
                law.joint_moment([noise_of(s)(i) for s, i in zip(chosen, indices, strict=True)])
                for chosen in terms
            )
        )
        assert total.expand() == 0
    mixed = Add(*(law.joint_moment([noise_of(1)("i", "j"), noise_of(s)("k")]) for s in range(1, samples + 1)))
    assert mixed.expand() == 0


def test_two_draws_are_correlated_by_what_the_first_takes_away() -> None:
    population, xi = symbols("N", positive=True), noise_of
    law = reshuffled(general(), population)
    assert (law.joint_moment([xi(1)("i"), xi(2)("j")]) + S("i", "j") / (population - 1)).simplify() == 0
    christoffel = (S("i", "j", "k") + S("i", "k", "j") - S("j", "k", "i")) / 2
    assert (law.joint_moment([xi(1)("i"), xi(2)("j", "k")]) + christoffel / (population - 1)).simplify() == 0
    assert general().joint_moment([xi(1)("i"), xi(2)("j")]) == 0
