"""Half-integer powers of tau that no equation can follow are refused at the order where they would be the
first error.
"""

import pytest
from sympy import Max, Symbol

from optsde.derive import (
    Block,
    Hyperparameter,
    UpdateRule,
    batch_equivalent,
    gaussian,
    general,
    in_order,
    lion,
    modified_equation,
    normalized_sgd,
    parse_regime,
    sgd,
    sign_sgd,
    two_point,
)
from optsde.derive.notation.symbols import g
from optsde.derive.optimizers.rule import THETA
from optsde.derive.optimizers.signs import clipped_sgd


def rectified() -> UpdateRule:
    """A memory of the positive part of the gradient: a function of the noise that is neither odd nor even."""
    lr, beta, v = (
        Hyperparameter("lr", "learning rate"),
        Hyperparameter("beta", "memory"),
        Symbol("v", real=True),
    )
    update = in_order({THETA: THETA - lr.symbol * g, v: beta.symbol * v + (1 - beta.symbol) * Max(0, g)})
    return UpdateRule(
        "rectified",
        "test",
        blocks=(Block("theta"), Block("v", noise_units=1)),
        hyperparameters=(lr, beta),
        update=update,
        reference="",
    )


@pytest.mark.parametrize(
    ("rule", "regime", "noise", "order", "moment"),
    [
        (sgd(), "batch-equivalent", general(), 1, r"tau\*\*\(3/2\) times -K3"),
        (normalized_sgd("eps"), "noise=tau**(1/2)", general(True), 2, r"tau\*\*\(5/2\) times K3"),
        (lion(), "weight_decay=tau**(1/2)", gaussian(), 1, r"E\[step of theta\S*\] contains tau\*\*\(3/2\)"),
        (rectified(), "batch-equivalent", gaussian(True), 1, r"E\[step of v\S*\] contains tau\*\*\(3/2\)"),
    ],
    ids=["odd cumulant", "odd cumulant in a norm", "half power beside a sign", "neither odd nor even"],
)
def test_a_half_power_beyond_the_order_is_refused(rule, regime, noise, order, moment):
    with pytest.raises(ValueError, match=moment):
        modified_equation(rule, parse_regime(regime, rule), noise, order)


@pytest.mark.parametrize("rule", [sign_sgd(), lion(), clipped_sgd()], ids=lambda r: r.name)
def test_odd_functions_of_the_noise_leave_none(rule):
    assert modified_equation(rule, batch_equivalent, gaussian(), 1).certificate.weak_order == 1


def test_symmetric_noise_leaves_none():
    assert modified_equation(sgd(), batch_equivalent, two_point(), 1).certificate.weak_order == 1
