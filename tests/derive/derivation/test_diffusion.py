"""The square of the diffusion factor is the covariance; a wrong factor is refused, as is a covariance without
one.
"""

from dataclasses import replace

import pytest
from sympy import Expr, Integer, Symbol, sqrt

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
from optsde.derive.derivation.diffusion import check_factor, ito_correction
from optsde.derive.equations.noise_terms import Diffusion
from optsde.derive.notation.indices import canonical, components
from optsde.derive.notation.symbols import (
    Field,
    constant_factor,
    element_function,
    factor,
    gradient,
    square_factor,
    tau,
    zeta1,
    zeta2,
)
from optsde.derive.regimes import parse_regime

RULES = [sgd(), heavy_ball(), rmsprop(), rmsprop("torch"), adam(), adam("torch")]
REGIMES = [ballistic, batch_equivalent]


def named(value: UpdateRule | Regime) -> str:
    return f"{value.name}-{value.variant}" if isinstance(value, UpdateRule) else value.name


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("regime", REGIMES, ids=named)
@pytest.mark.parametrize("rule", RULES, ids=named)
def test_constant_noise_has_a_factor(rule: UpdateRule, regime: Regime, order: int) -> None:
    equation = modified_equation(rule, regime, gaussian(constant=True), order=order)
    check_factor(equation.diffusion, equation.covariance, equation.chain)


@pytest.mark.parametrize("rule", RULES, ids=named)
def test_ballistic_noise_may_vary(rule: UpdateRule) -> None:
    equation = modified_equation(rule, ballistic, gaussian())
    check_factor(equation.diffusion, equation.covariance, equation.chain)


def planted(diffusion: Diffusion, power: int, block: str, change: Expr) -> Diffusion:
    parts = [dict(part) for part in diffusion.coefficients]
    assert parts[power][block] != 0
    parts[power][block] = canonical(parts[power][block] + change)
    return replace(diffusion, coefficients=tuple(parts))


@pytest.mark.parametrize(
    ("rule", "regime", "block", "power", "field"),
    [
        (rmsprop(), ballistic, "v", 1, zeta1),  # the sign of cov(theta, v)
        (rmsprop(), batch_equivalent, "theta", 2, zeta1),  # the Hessian term
        (rmsprop(), batch_equivalent, "v", 2, zeta1),
        (adam(), batch_equivalent, "theta", 2, zeta1),  # cov(theta, m)
        (heavy_ball(), batch_equivalent, "v", 2, zeta1),
    ],
)
def test_a_wrong_sign_is_refused(
    rule: UpdateRule, regime: Regime, block: str, power: int, field: Field
) -> None:
    equation = modified_equation(rule, regime, gaussian(constant=True))
    right = equation.diffusion
    parts = right.coefficients[power][block].as_ordered_terms()
    wrong = next(term for term in parts if any(c.field == field for c in components(term)))
    with pytest.raises(
        ValueError, match=r"has no factor in closed form, .* is left over; take constant noise"
    ):
        check_factor(planted(right, power, block, -2 * wrong), equation.covariance, equation.chain)


@pytest.mark.parametrize("wrong", [Integer(2), sqrt(2)])
def test_a_wrong_size_of_the_second_chaos_is_refused(wrong: Expr) -> None:
    equation = modified_equation(rmsprop(), ballistic, gaussian())
    parts = equation.diffusion.coefficients[1]["v"].as_ordered_terms()
    squares = next(term for term in parts if term.has(square_factor("i", "_1")))
    with pytest.raises(ValueError, match=r"covariance of v\[i\] and v\[j\] at tau\*\*1"):
        check_factor(
            planted(equation.diffusion, 1, "v", (wrong - 1) * squares), equation.covariance, equation.chain
        )


def test_the_ballistic_factor_of_rmsprop() -> None:
    """``sqrt(tau) [ -P B dW | 2 c F B dW + c B2 dW' ]``."""
    equation = modified_equation(rmsprop(), ballistic, gaussian())
    zero, first, second = equation.diffusion.coefficients
    assert zero == {"theta": 0, "v": 0}
    speed = equation.drift[0]["theta"]  # -P F
    (c,) = (s for s in equation.drift[0]["v"].free_symbols if s.name == "c")
    gradient = next(f for f in speed.args if str(f) == "F[i]")
    moved = factor("i", "_1") * zeta1("_1")
    assert first["theta"] == speed / gradient * moved
    assert canonical(first["v"] - 2 * c * gradient * moved - c * square_factor("i", "_1") * zeta2("_1")) == 0
    assert equation.diffusion.total("theta", tau) == sqrt(tau) * first["theta"] + tau * second["theta"]


@pytest.mark.parametrize(
    ("rule", "left_over"),
    [(sgd(), r"batch-equivalent regime: the covariance of theta\[i\] and theta\[j\] at tau\*\*1 .*B\["),
     (rmsprop(), r"batch-equivalent regime: the covariance of theta\[i\] and theta\[j\] at tau\*\*1 .*B\[")],
)  # fmt: skip
def test_state_dependent_noise_has_no_factor_in_the_batch_equivalent_regime(
    rule: UpdateRule, left_over: str
) -> None:
    with pytest.raises(ValueError, match=left_over + r".*is left over; take constant noise"):
        _ = modified_equation(rule, batch_equivalent, gaussian()).diffusion


@pytest.mark.parametrize(("rule", "block"), [(heavy_ball(), "v"), (adam(), "m")])
def test_noise_through_a_momentum_may_vary_in_the_batch_equivalent_regime(
    rule: UpdateRule, block: str
) -> None:
    """theta moves without noise of its own, so the factor is transported along the drift alone."""
    equation = modified_equation(rule, batch_equivalent, gaussian())
    check_factor(equation.diffusion, equation.covariance, equation.chain)
    transported = components(equation.diffusion.coefficients[2][block])
    assert any(c.field == factor and len(c.indices) == 3 for c in transported)


@pytest.mark.parametrize(
    ("rule", "driven"),
    [(sgd(), {"theta"}), (heavy_ball(), {"v"}), (rmsprop(), {"theta"}), (adam(), {"m"})],
    ids=str,
)
def test_fluctuations_drive_only_what_is_linear_in_the_noise(rule: UpdateRule, driven: set[str]) -> None:
    equation = modified_equation(rule, ballistic, gaussian(), order=1, form="fluctuation")
    leading, first = equation.diffusion.coefficients
    full = modified_equation(rule, ballistic, gaussian()).diffusion.coefficients[1]
    assert set(leading.values()) == {0}
    assert {block for block, expression in first.items() if expression != 0} == driven
    assert all(first[block] == full[block] for block in driven)


def test_fluctuations_may_come_later() -> None:
    """Noise of scale ``tau**(1/2)`` enters a step at ``tau**(3/2)``."""
    equation = modified_equation(
        sgd(), parse_regime("noise=tau**(1/2)", sgd()), gaussian(True), order=1, form="fluctuation"
    )
    assert [part["theta"] for part in equation.diffusion.coefficients] == [
        0,
        0,
        -constant_factor("i", "_1") * zeta1("_1"),
    ]


@pytest.mark.parametrize("noise", [gaussian(), NoiseModel("skew", (2, 3, 4))])
def test_an_ode_has_no_noise(noise: NoiseModel) -> None:
    equation = modified_equation(rmsprop(), ballistic, noise, order=1, form="ode")
    assert equation.diffusion.coefficients == ({"theta": 0, "v": 0},)
    assert equation.drift == modified_equation(rmsprop(), ballistic, noise, order=1).drift


def test_noise_correlated_with_its_square_has_no_factor() -> None:
    with pytest.raises(ValueError, match="diffusion factor for skew noise"):
        _ = modified_equation(rmsprop(), ballistic, NoiseModel("skew", (2, 3, 4))).diffusion


def test_third_order_has_no_factor() -> None:
    with pytest.raises(ValueError, match="diffusion factor of order 3; expected order 1 or 2"):
        _ = modified_equation(sgd(), ballistic, gaussian(constant=True), order=3).diffusion


def test_constant_noise_has_a_constant_factor() -> None:
    diffusion = modified_equation(sgd(), ballistic, gaussian(constant=True)).diffusion
    assert diffusion.coefficients[1]["theta"] == -constant_factor("i", "_1") * zeta1("_1")


def test_correction_of_rmsprop_by_hand() -> None:
    """``G = (-sqrt(tau) P B, 2 c sqrt(tau) F B)`` and a part of v that depends on no block: two products
    along the noise.
    """
    equation = modified_equation(rmsprop(), ballistic, gaussian(True), 2)
    found = ito_correction(equation.diffusion, equation.chain)
    c, covariance = Symbol("c", positive=True), Field("S", rank=2, symmetric=True)
    p, slope = element_function("P", (0,)), element_function("P", (1,))
    v, force = Field("v"), gradient
    assert canonical(found["theta"] + 2 * c * tau * slope(v("i")) * force("i") * covariance("i", "i")) == 0
    assert canonical(found["v"] + 2 * c * tau * force("i", "_1") * p(v("_1")) * covariance("_1", "i")) == 0
