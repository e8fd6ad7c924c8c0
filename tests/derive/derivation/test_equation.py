"""What an equation says of itself: its parts, its certificate, its refusals."""

from itertools import permutations

import pytest

from optsde.derive import (
    NoiseModel,
    Regime,
    UpdateRule,
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    heavy_ball,
    modified_equation,
    rmsprop,
    sgd,
)
from optsde.derive.derivation.equation import Form
from optsde.derive.equations.certificate import Obstruction
from optsde.derive.notation.indices import canonical, reindex
from optsde.derive.notation.symbols import Field, element_function, gradient

COV = gaussian().cumulant_field(2)
THIRD = ("i", "j", "k")


def test_drift_and_covariance_by_block_and_power() -> None:
    equation = modified_equation(adam(), ballistic, gaussian())
    assert [list(part) for part in equation.drift] == [["theta", "m", "v"]] * 2
    pairs = [("theta", "theta"), ("theta", "m"), ("theta", "v"), ("m", "m"), ("m", "v"), ("v", "v")]
    assert [list(part) for part in equation.covariance] == [pairs] * 2


@pytest.mark.parametrize("rule", [sgd(), heavy_ball(), rmsprop(), adam()], ids=lambda r: r.name)
def test_covariances_of_a_block_with_itself_are_symmetric(rule: UpdateRule) -> None:
    for part in modified_equation(rule, batch_equivalent, gaussian()).covariance:
        for (a, b), expression in part.items():
            if a == b:
                assert canonical(reindex(expression, {"i": "j", "j": "i"}) - expression) == 0


@pytest.mark.parametrize(
    ("rule", "regime", "order", "reached", "kinds"),
    [
        (sgd(), ballistic, 2, 2, []),
        (sgd(), batch_equivalent, 1, 1, []),
        (sgd(), batch_equivalent, 2, 1, [("theta",) * 3]),
        (heavy_ball(), batch_equivalent, 2, 2, []),
        (rmsprop(), ballistic, 2, 2, []),
        (rmsprop(), ballistic, 3, 2, [("theta", "theta", "v"), ("theta", "v", "v"), ("v", "v", "v")]),
        (rmsprop(), batch_equivalent, 2, 1, [("theta",) * 3, ("theta", "theta", "v")]),
        (adam(), ballistic, 2, 2, []),
        (adam(), batch_equivalent, 2, 1, [("m", "m", "v")]),
    ],
)
def test_certificates(
    rule: UpdateRule, regime: Regime, order: int, reached: int, kinds: list[tuple[str, ...]]
) -> None:
    certificate = modified_equation(rule, regime, gaussian(), order=order).certificate
    assert certificate.weak_order == reached
    assert certificate.exists == (reached == order)
    assert [o.blocks for o in certificate.obstruction] == kinds
    assert all(o.power == reached for o in certificate.obstruction)


def test_the_obstruction_of_rmsprop() -> None:
    """``c3_(theta_i, theta_j, v_k) = 2 c P_i P_j S_ik S_jk``, and the part of a varying covariance."""
    varying, mixed = modified_equation(rmsprop(), batch_equivalent, gaussian()).certificate.obstruction
    v, p = Field("v"), element_function("P", (0,))
    (c,) = (s for s in mixed.expression.free_symbols if s.name == "c")
    expected = 2 * c * p(v("i")) * p(v("j")) * COV("i", "k") * COV("j", "k")
    assert mixed == Obstruction(1, ("theta", "theta", "v"), expected)
    weights = p(v("i")) * p(v("j")) * p(v("k")) * p(v("_1"))
    along = sum(
        COV(a, "_1") * COV(b, d, "_1") for a, b, d in (("i", "j", "k"), ("j", "i", "k"), ("k", "i", "j"))
    )
    assert canonical(varying.expression + weights * along / 2) == 0
    for order in permutations(THIRD):
        assert (
            canonical(reindex(varying.expression, dict(zip(THIRD, order, strict=True))) - varying.expression)
            == 0
        )


def test_a_fourth_cumulant_obstructs_by_itself() -> None:
    """``c4 = K4`` for SGD in the batch-equivalent regime (ORACLES: ``K4_raw - 3 S^2``)."""
    noise = NoiseModel("heavy", (2, 4), constant=True)
    (found,) = modified_equation(sgd(), batch_equivalent, noise).certificate.obstruction
    assert found == Obstruction(1, ("theta",) * 4, noise.cumulant_field(4)("i", "j", "k", "l"))


def test_names() -> None:
    assert modified_equation(sgd(), ballistic, gaussian()).name == "sgd (plain), ballistic regime, order 2"
    ode = modified_equation(rmsprop(), ballistic, gaussian(), order=1, form="ode")
    assert ode.name == "rmsprop (paper), ballistic regime, order 1, ode"
    assert ode.drift[0]["theta"] == -gradient("i") * element_function("P", (0,))(Field("v")("i"))


@pytest.mark.parametrize(
    ("order", "form", "message"),
    [
        (0, "diffusion", "order 0; expected 1, 2"),
        (1, "sde", "form 'sde'; expected diffusion, fluctuation, ode"),
        (2, "ode", "form 'ode' with order 2; expected order 1"),
        (2, "fluctuation", "form 'fluctuation' with order 2; expected order 1"),
        (1, "synchronised", "form 'synchronised' with order 1; expected order 2"),
    ],
)
def test_errors(order: int, form: Form, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        modified_equation(sgd(), ballistic, gaussian(), order=order, form=form)
