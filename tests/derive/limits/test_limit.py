from fractions import Fraction

import pytest
from sympy import Symbol, exp, sqrt

from optsde import derive
from optsde.derive.display.text import text
from optsde.derive.limits.balance import solve_balance
from optsde.derive.limits.limit import NoLimit, limit_of
from optsde.derive.limits.monomials import open_rule
from optsde.derive.notation.symbols import t

Q = Fraction


def limit(rule, *point, start="warm", noise=None, exponents=""):
    model = open_rule(rule, exponents)
    return limit_of(
        solve_balance(model, noise or derive.gaussian(constant=True), start, tuple(map(Q, point)))
    )


def test_sgd_moves_by_its_noise_when_that_dominates():
    found = limit(derive.sgd(), Q(3, 4))
    assert found.drift == {"theta": 0}
    assert text(found.covariance["theta", "theta"], ("i", "j")) == "S[i,j]"
    with pytest.raises(NoLimit, match="a single step of theta does not vanish with h"):
        limit(derive.sgd(), 1)


def test_bias_corrections_follow_their_memory():
    found = limit(derive.adam("torch"), 0, 2, 1, start="zero")
    c1, c2, v, eps = (Symbol(x, positive=True) for x in ("c1", "c2", "v", "eps"))
    root = sqrt(1 - exp(-c2 * t))
    (q,) = found.definitions.values()
    x = q.variables[0]
    assert (q.expr.subs(x, v) - root / (c1 * t * (eps * root + sqrt(v)))).simplify() == 0
    assert text(found.drift["m"]) == "F[i]*c1"


def test_memories_that_are_both_fixed_leave_the_law_of_the_step():
    found = limit(derive.adam("torch"), 1, 0, 0, start="zero")
    assert text(found.drift["theta"]) == "E[step of theta][i]"
    assert text(found.covariance["theta", "theta"], ("i", "j")) == "sum of Cov[steps of theta, theta][i,j]"
    assert found.slaved["v"] is None


def test_a_function_in_a_memorys_source_is_averaged_with_its_gradient():
    """RMSprop with momentum passes on P(v') g of one step; Adam multiplies by Q(v') what m has gathered
    before.
    """
    found = limit(derive.rmsprop("torch-momentum"), 0, 0, Q(1, 4))
    assert text(found.drift["theta"]) == "-E[P(g**2*c1 - v*c1 + v) g][i]/c2"
    found = limit(derive.adam("torch"), 0, Q(1, 4), 0, start="zero")
    assert text(found.drift["theta"]) == "-E[Q(g**2*c2 - v*c2 + v)][i]*F[i]"


def test_exponents_are_free_of_what_the_cell_determines():
    from optsde.derive.limits.cells import regime_map

    cell = regime_map(derive.rmsprop(), derive.gaussian()).cell_at((Q(1), Q(1)))
    assert cell.limit.time_step.constant
    assert cell.limit.time_step.at((Q(0), Q(0))) == 2


def test_a_dominant_eps_turns_rmsprop_into_sgd():
    found = limit(derive.rmsprop(), 0, 1, -1, exponents="eps=e")
    (p,) = found.definitions.values()
    assert p.expr == 1 / Symbol("eps", positive=True)
    assert found.time_step.at((Q(0), Q(1), Q(-1))) == 2
