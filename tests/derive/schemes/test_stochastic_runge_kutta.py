"""The method's formulas written a second time with loops over stages and components, in exact numbers; its
tableaux' sums.
"""

from dataclasses import fields
from itertools import count

import pytest
from exact_sde import OUTCOME, START, ExactSde, H
from sympy import Integer, Matrix, Rational, simplify, sqrt, zeros

from optsde.derive.schemes.stochastic_runge_kutta import DRI1, RI6, Tableau, stochastic_runge_kutta

MOTIONS, STAGES = range(3), range(3)


def padded(rows: tuple[tuple, ...]) -> list[list]:
    return [[*row, *[Integer(0)] * (3 - len(row))] for row in rows]


def by_loops(t: Tableau, sde: ExactSde, x: Matrix) -> Matrix:
    a0, a1, a2, b0, b1, b2 = map(padded, (t.a0, t.a1, t.a2, t.b0, t.b1, t.b2))
    root, dw = sqrt(H), OUTCOME
    mixed = [
        [(dw[k] * dw[r] + (-H if k == r else H * sde.sign(str(k), str(r)))) / 2 for r in MOTIONS]
        for k in MOTIONS
    ]
    drift: list[Matrix] = []
    column: list[list[Matrix]] = []
    for i in STAGES:
        main = x + sum((a0[i][j] * H * drift[j] for j in range(i)), zeros(2, 1))
        for j in range(i):
            for r in MOTIONS:
                main += b0[i][j] * dw[r] * column[j][r]
        drift.append(sde.drift(main))
        column.append([])
        for k in MOTIONS:
            own = x
            for j in range(i):
                own += a1[i][j] * H * drift[j] + b1[i][j] * root * column[j][k]
            column[i].append(sde.column(own, str(k)))
    result = x
    for i in STAGES:
        result += t.alpha[i] * H * drift[i]
        for k in MOTIONS:
            other = x
            for j in STAGES:
                other += a2[i][j] * H * drift[j]
                for r in MOTIONS:
                    if r != k:
                        other += b2[i][j] * mixed[k][r] / root * column[j][r]
            second = sde.column(other, str(k))
            result += (t.beta1[i] * dw[k] + t.beta2[i] * mixed[k][k] / root) * column[i][k]
            result += (t.beta3[i] * dw[k] + t.beta4[i] * root) * second
    return result


def different_entries() -> Tableau:
    """A method of no order, whose entries are all different and nowhere zero."""
    numbers = (Rational(1, n) for n in count(2))
    rows = {f.name: tuple(next(numbers) for _ in STAGES) for f in fields(Tableau) if len(f.name) > 2}
    explicit = {
        name: tuple(tuple(next(numbers) for _ in range(i)) for i in STAGES)
        for name in ("a0", "a1", "b0", "b1")
    }
    full = {name: tuple(tuple(next(numbers) for _ in STAGES) for i in STAGES) for name in ("a2", "b2")}
    return Tableau(**rows, **explicit, **full)


@pytest.mark.parametrize("tableau", [RI6, different_entries()], ids=["RI6", "all different"])
def test_formulas(tableau: Tableau) -> None:
    difference = stochastic_runge_kutta(tableau)(ExactSde(), START, H) - by_loops(tableau, ExactSde(), START)
    assert difference.expand() == zeros(2, 1)


@pytest.mark.parametrize("tableau", [RI6, DRI1], ids=["RI6", "DRI1"])
def test_first_conditions_for_order_one(tableau: Tableau) -> None:
    """``sum alpha = sum beta1 = 1``, the other weights sum to zero."""
    assert sum(tableau.alpha) == sum(tableau.beta1) == 1
    assert sum(tableau.beta2) == sum(tableau.beta3) == sum(tableau.beta4) == 0


def test_dri1_is_of_order_three_without_noise() -> None:
    """Its deterministic part is RK32: on ``x' = lam x`` the exponential series through ``h**3``."""
    half, (back, twice) = DRI1.a0[1][0], DRI1.a0[2]
    _, second, third = DRI1.alpha
    assert simplify(second * half + third * (back + twice)) == Integer(1) / 2
    assert third * twice * half == Integer(1) / 6
