"""Moments of increments and signs, against enumeration of what they take."""

from itertools import combinations, product
from math import prod

import pytest
from sympy import Expr, Integer, Rational, factorial2, sqrt

from optsde.derive.notation.indices import canonical, dummies, terms
from optsde.derive.notation.symbols import Component, Field
from optsde.derive.schemes.increment_laws import (
    IncrementLaw,
    expectation,
    gaussian_increments,
    motions,
    sign,
    single_sign,
    three_point_increments,
    two_point_increments,
    zeta,
)

G = Field("G", rank=2, varies=True)
VALUES = {
    "three-point": ((sqrt(3), Rational(1, 6)), (Integer(0), Rational(2, 3)), (-sqrt(3), Rational(1, 6))),
    "two-point": ((Integer(1), Rational(1, 2)), (Integer(-1), Rational(1, 2))),
}
MOTIONS = 3


@pytest.mark.parametrize("law", [three_point_increments, two_point_increments], ids=lambda law: law.name)
def test_moments_of_the_values(law: IncrementLaw) -> None:
    for n in range(1, 10):
        moment = sum((p * x**n for x, p in VALUES[law.name]), Integer(0))
        assert moment == (0 if n % 2 else law.moment(n))


def test_cumulants() -> None:
    """Gaussian: none but the second. Two-point: ``log cosh``. Three-point: as Gaussian through the fifth."""
    assert [gaussian_increments.moment(n) for n in (2, 4, 6, 8)] == [factorial2(n - 1) for n in (2, 4, 6, 8)]
    assert [gaussian_increments.cumulant(n) for n in range(1, 9)] == [0, 1, 0, 0, 0, 0, 0, 0]
    assert [two_point_increments.cumulant(n) for n in (2, 4, 6, 8)] == [1, -2, 16, -272]
    assert [three_point_increments.cumulant(n) for n in (2, 4, 6)] == [1, 0, -6]


def weight(component: Component, at: dict[str, int]) -> Expr:
    """Numbers without symmetry for ``G[a, p]``."""
    return Rational((7 * at[component.indices[1]] + 3 * ord(component.indices[0]) % 5) ** 2 + 1, 3)


def enumerated(expression: Expr, law: IncrementLaw) -> Expr:
    """The expectation over all outcomes of three Brownian motions, every dummy summed."""
    pairs = list(combinations(range(MOTIONS), 2))
    total = Integer(0)
    fields = {c.field for c in expression.atoms(Component)}
    own = pairs if sign in fields else []
    for outcome in product(VALUES[law.name], repeat=MOTIONS):
        for drawn in product(VALUES["two-point"], repeat=len(own) + MOTIONS * (single_sign in fields)):
            chosen, singles = (
                dict(zip(own, (x for x, _ in drawn), strict=False)),
                [x for x, _ in drawn[len(own) :]],
            )
            chance = prod(p for _, p in (*outcome, *drawn))

            def value(
                c: Component, at: dict[str, int], outcome=outcome, chosen=chosen, singles=singles
            ) -> Expr:
                if c.field == G:
                    return weight(c, at)
                if c.field == zeta:
                    return outcome[at[c.indices[0]]][0]
                if c.field == single_sign:
                    return Integer(singles[at[c.indices[0]]])
                p, r = (at[i] for i in c.indices)
                return Integer(0) if p == r else chosen[p, r] if p < r else -chosen[r, p]

            total += chance * summed(expression, value)
    return total


def summed(expression: Expr, value) -> Expr:
    total = Integer(0)
    for term in terms(expression):
        names = sorted(dummies(term))
        for numbers in product(range(MOTIONS), repeat=len(names)):
            at = dict(zip(names, numbers, strict=True))
            total += term.xreplace({c: value(c, at) for c in term.atoms(Component)}).subs(motions, MOTIONS)
    return total


POLYNOMIALS = [
    G("a", "_1") * zeta("_1") * G("b", "_2") * zeta("_2"),
    G("a", "_1") * zeta("_1") ** 2 * G("b", "_2") * zeta("_2") ** 2 + 5,
    G("a", "_1") * zeta("_1") ** 3 * G("b", "_2") * zeta("_2") * zeta("_3") ** 2,
    G("a", "_1") * G("b", "_1") * zeta("_1") ** 4 * zeta("_2") ** 2,
    G("a", "_1") * zeta("_1") ** 3,
    zeta("_1") * zeta("_2"),
    G("a", "_1") * G("b", "_2") * sign("_1", "_2"),
    G("a", "_1") * G("b", "_2") * G("c", "_3") * sign("_1", "_2") * sign("_1", "_3"),
    G("a", "_1")
    * G("b", "_2")
    * G("c", "_3")
    * sign("_1", "_2")
    * sign("_3", "_1")
    * zeta("_2")
    * zeta("_3"),
    G("a", "_1") * G("b", "_1") * sign("_1", "_1"),
    sign("_1", "_2") * sign("_2", "_1"),
    G("a", "_1") * G("b", "_2") * single_sign("_1") * single_sign("_2"),
    G("a", "_1") * G("b", "_2") * single_sign("_1") * single_sign("_2") * sign("_1", "_2") * sign("_1", "_3"),
    G("a", "_1") * G("b", "_2") * single_sign("_1") ** 3 * single_sign("_2") * zeta("_2") ** 2,
]


@pytest.mark.parametrize("polynomial", POLYNOMIALS, ids=str)
@pytest.mark.parametrize("law", [three_point_increments, two_point_increments], ids=lambda law: law.name)
def test_expectations_by_enumeration(law: IncrementLaw, polynomial: Expr) -> None:
    found = expectation(polynomial, law)
    assert not {c.field for c in found.atoms(Component)} & {zeta, sign, single_sign}
    assert summed(found, weight) == enumerated(polynomial, law)


def test_four_signs_of_one_pair() -> None:
    """``J_pr**4 = 1`` for ``p != r``: its cumulant of order 4 is needed, and sums of ones over pairs are
    counted.
    """
    pair = sign("_1", "_2")
    assert canonical(expectation(pair**4, gaussian_increments)).expand() == motions**2 - motions
    assert (
        expectation(pair**2 * sign("_1", "_2") * sign("_2", "_1"), gaussian_increments).expand()
        == motions - motions**2
    )


def test_gaussian_and_three_point_increments_differ_at_the_sixth_moment_only() -> None:
    four, six = zeta("_1") ** 4 * G("a", "_1"), zeta("_1") ** 6 * G("a", "_1")
    assert (
        expectation(four, gaussian_increments)
        == expectation(four, three_point_increments)
        == 3 * G("a", "_1")
    )
    assert expectation(six, gaussian_increments) == 15 * G("a", "_1")
    assert expectation(six, three_point_increments) == 9 * G("a", "_1")
