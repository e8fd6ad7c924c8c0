from fractions import Fraction

import pytest
from sympy import Integer

from optsde import derive
from optsde.derive.limits.balance import solve_balance
from optsde.derive.limits.cells import regime_map
from optsde.derive.limits.monomials import open_rule

Q = Fraction


def balance(rule, *point, start="warm", exponents=""):
    return solve_balance(open_rule(rule, exponents), derive.gaussian(), start, tuple(map(Q, point)))


@pytest.mark.parametrize(
    ("rule", "point", "kappa"),
    [
        (derive.sgd(), (0,), 1),
        (derive.sgd(), (Q(3, 4),), Q(1, 2)),
        (derive.rmsprop(), (Q(1, 3), 0), Q(4, 3)),
        (derive.rmsprop(), (5, 0), 2),
        (derive.adagrad(), (0,), 2),
        (derive.adagrad(), (1,), 4),
        # fast: 2 - 2b - 2s; critical where that is b; slow, driven by noise: (2 - 2s)/3
        (derive.momentum(), (Q(1, 2), Q(1, 6)), Q(2, 3)),
        (derive.momentum(), (Q(1, 2), Q(1, 3)), Q(1, 3)),
        (derive.momentum(), (Q(1, 2), 1), Q(1, 3)),
        (derive.momentum(), (0, 2), Q(1, 2)),
    ],
)
def test_time_steps(rule, point, kappa):
    found = balance(rule, *point)
    assert found.comparisons.point[-1] == kappa
    assert found.kappa.at(found.comparisons.point) == kappa


def test_a_slow_second_moment_from_zero_makes_larger_steps():
    """Like Adagrad's sum: v ~ h**(b - kappa - 2s) gives kappa = 2 + 2s - b while b is above 1 + s and eps is
    small.
    """
    for point, start, exponents, kappa in [
        ((0, Q(3, 2)), "zero", "eps=4", Q(1, 2)),
        ((Q(1, 2), 2), "zero", "eps=4", 1),
        ((0, Q(3, 2)), "zero", "", 1),
        ((0, Q(3, 2)), "warm", "eps=4", 1),
    ]:
        found = balance(derive.rmsprop(), *point, start=start, exponents=exponents)
        assert found.comparisons.point[-1] == kappa


def test_sizes_are_piled_up_means_or_fluctuations():
    found = balance(derive.adam("torch"), 2, 2, 2, start="zero")
    assert found.size("m").at(found.comparisons.point) == -1
    assert found.fluctuates("m")
    assert found.size("v").at(found.comparisons.point) == -4
    assert not found.fluctuates("v")
    assert balance(derive.rmsprop(), 1, 0).fluctuates("v")


def test_batches_are_refused():
    with pytest.raises(
        ValueError, match="regimes for mean of 4 gaussian noise; expected the law of one draw"
    ):
        regime_map(derive.sgd(), derive.batch_mean(derive.gaussian(), Integer(4)))
