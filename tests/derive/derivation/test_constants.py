"""Rules whose constants cancel only after some algebra: derivation and certificate see it."""

import pytest
from one_step import remainders, third_order
from sympy import Symbol

from optsde.derive import ballistic, batch_equivalent, gaussian, lion, modified_equation, sgd
from optsde.derive.optimizers.rule_files import read_rule

LAW = gaussian(constant=True)


def rule(update, *constants, state=()):
    """A rule in one learning rate and constants."""
    hyperparameters = {"lr": {"role": "learning rate"}} | {c: {"role": "constant"} for c in constants}
    return read_rule({
        "name": "written", "state": {name: {} for name in state}, "hyperparameters": hyperparameters,
        "update": update,
    })  # fmt: skip


SGD = (
    "theta/(1 + a) + a*theta/(1 + a) - lr*g",
    "(1 - a)*(theta/(1 - a) - lr*g/(1 - a))",
    "theta*sqrt(1 - a)*sqrt(1 + a)/sqrt(1 - a**2) - lr*g",
    "theta - lr*g*(sqrt(a) - 1)*(sqrt(a) + 1)/(a - 1)",
    "theta*sin(a)**2 + theta*cos(a)**2 - lr*g",
    "theta - lr*g*(1/(1 + exp(-a)) + 1/(1 + exp(a)))",
    "theta - lr*g/(1/(1 + a) + a/(1 + a))",
)


@pytest.mark.parametrize("regime", [ballistic, batch_equivalent], ids=lambda regime: regime.name)
@pytest.mark.parametrize("update", SGD)
def test_sgd_in_disguise(update, regime):
    found, plain = (modified_equation(r, regime, LAW, 2) for r in (rule({"theta": update}, "a"), sgd()))
    assert (found.drift, found.covariance) == (plain.drift, plain.covariance)
    assert found.certificate == plain.certificate
    assert found.diffusion == plain.diffusion


def test_a_factor_is_left_in_front_of_the_learning_rate():
    """``(1 - a) (theta/(1 - a) - lr g)`` is SGD with the learning rate ``lr (1 - a)``."""
    found = modified_equation(rule({"theta": "(1 - a)*(theta/(1 - a) - lr*g)"}, "a"), ballistic, LAW, 2)
    plain = modified_equation(rule({"theta": "theta - (1 - a)*lr*g"}, "a"), ballistic, LAW, 2)
    assert (found.drift, found.covariance) == (plain.drift, plain.covariance)


@pytest.mark.parametrize("update", ["a/(1 + a) + 1/(1 + a) - 1", "sin(a)**2 + cos(a)**2 - 1"])
def test_division_by_a_hidden_zero_is_refused(update):
    with pytest.raises(ValueError, match="power -1 of zero"):
        modified_equation(rule({"theta": f"theta - lr*g/({update})"}, "a"), ballistic, LAW, 1)


def schedule_free(beta, one_minus_beta, constant):
    """Schedule-Free SGD (Defazio et al., arXiv 2405.15682) by its iterates y = theta and x."""
    return rule(
        {
            "z": f"(theta - {beta}*x)/({one_minus_beta}) - lr*g",
            "x": "x + (z - x)/(k + 1)",
            "theta": f"({one_minus_beta})*z + {beta}*x",
        },
        constant,
        state=("x",),
    )


def test_schedule_free_in_its_own_notation():
    own = modified_equation(schedule_free("beta", "1 - beta", "beta"), ballistic, LAW, 2)
    other = modified_equation(schedule_free("(1 - c)", "c", "c"), ballistic, LAW, 2)
    assert own.certificate.weak_order == 2
    c, beta = Symbol("c", positive=True), Symbol("beta", positive=True)
    for ours, theirs in zip(own.drift + own.covariance, other.drift + other.covariance, strict=True):
        for key, expression in ours.items():
            assert (expression - theirs[key].subs(c, 1 - beta)).simplify() == 0
    for small, large in remainders(own, 3).values():
        assert third_order(small, large)


def test_absolute_values_of_what_stays_below_one():
    """Lion: ``sqrt(S_ii (1 - beta1)**2) = (1 - beta1) sqrt(S_ii)``."""
    equation = modified_equation(lion(), batch_equivalent, LAW, 1)
    written = str(equation.drift) + str(equation.covariance)
    assert "Abs" not in written
    assert "beta1*c" not in str(equation.covariance[0]["theta", "m"])
