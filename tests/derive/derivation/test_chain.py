"""The expansion of a step is the Taylor series of the step itself; what cannot be expanded is refused."""

import pytest
from sympy import Expr, Float, Function, Rational, Symbol, Tuple, exp, log, sign, sqrt

from optsde.derive import (
    Block,
    Chain,
    Hyperparameter,
    Regime,
    UpdateRule,
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    heavy_ball,
    parse_regime,
    rmsprop,
    sgd,
)
from optsde.derive.derivation.increments import Increments
from optsde.derive.notation.symbols import Component, ElementFunction, g, k, tau

DIGITS = 400
STEP = 20
"""The root of tau at which series and step are compared is 10^-20; coefficients of the next power are below
10^4.
"""

VALUES = {
    "theta": Rational(1, 3),
    "m": Rational(2, 5),
    "v": Rational(9, 4),
    "t": Rational(3, 7),
    "c": Rational(2, 3),
    "c1": Rational(3, 5),
    "c2": Rational(5, 7),
    "mu": Rational(4, 3),
    "eps": Rational(1, 10),
}
F, XI = Rational(5, 3), Rational(-7, 4)


def written_out(expression: Expr, increments: Increments) -> Expr:
    """Put the definitions of the abstract functions."""
    calls = {}
    for call in expression.atoms(ElementFunction):
        definition = increments.definitions[call.base]
        derivative = definition.expr
        for variable, order in zip(definition.variables, call.orders, strict=True):
            derivative = derivative.diff(variable, order)
        calls[call] = derivative.subs(
            dict(zip(definition.variables, call.args, strict=True)), simultaneous=True
        )
    return expression.xreplace(calls)


def number(expression: Expr) -> Float:
    """The value at the point; floating before any power is taken, whose exponents are as large as 1/tau."""
    values = VALUES | {"F": F, "xi": XI, "tau": Rational(1, 10 ** (2 * STEP))}
    names = {s: s.field.name if isinstance(s, Component) else s.name for s in expression.free_symbols}
    return expression.xreplace({s: Float(values[name], DIGITS) for s, name in names.items()}).evalf(DIGITS)


RULES = [sgd(), heavy_ball(), rmsprop("paper"), rmsprop("torch"), adam("paper"), adam("torch")]


@pytest.mark.parametrize("regime", [ballistic, batch_equivalent], ids=lambda regime: regime.name)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name}-{rule.variant}")
def test_increments_are_the_taylor_series_of_the_update(rule: UpdateRule, regime: Regime) -> None:
    chain, order = Chain(rule, regime, gaussian()), 2
    increments = chain.increments(order)
    for block in chain.blocks:
        update = chain.update[block.name].subs(
            {k: Symbol("t") / tau, g: F + regime.noise * XI}, simultaneous=True
        )
        rest = number(update) - number(block.symbol)
        series = increments.series[block.name]
        assert series.precision >= 2 * order + 1
        assert series.valuation > 0
        for power in range(1, 2 * order + 1):
            rest -= number(written_out(series[power], increments)) * Float(10, DIGITS) ** (-STEP * power)
            # what remains starts at the next power: a wrong coefficient would leave 10^20 times as much
            assert abs(rest) < 10**4 * Float(10, DIGITS) ** (-STEP * (power + 1))


def test_names_blocks_and_defaults() -> None:
    chain = Chain(adam(), batch_equivalent, gaussian())
    assert chain.name == "adam (paper), batch-equivalent regime"
    assert [b.name for b in chain.blocks] == ["theta", "m", "v"]
    assert chain.defaults == {"c1": 1.0, "c2": 0.5, "eps": 1e-6}
    custom = Chain(rmsprop(), parse_regime("alpha=1-a*b*tau, eps=delta", rmsprop()), gaussian())
    assert custom.defaults == {"delta": 1e-6}  # a*b stands for alpha: neither has a value of its own


def test_the_update_in_the_units_of_the_regime() -> None:
    """RMSprop, batch-equivalent: the state's v is tau times the optimizer's."""
    update = Chain(rmsprop(), batch_equivalent, gaussian()).update
    theta, v = (b.symbol for b in rmsprop().blocks)
    c, eps = Symbol("c", positive=True), Symbol("eps", positive=True)
    assert (update["v"] - (v + c * tau * (tau * g**2 - v))).expand() == 0
    # lr = sqrt(tau), sqrt(v_optimizer) = sqrt(v/tau), eps_optimizer = eps/sqrt(tau)
    assert (update["theta"] - (theta - tau * g / (sqrt(v) + eps))).simplify() == 0


def test_functions_without_correction_are_defined_once() -> None:
    increments = Chain(rmsprop("torch"), ballistic, gaussian()).increments(3)
    assert list(increments.definitions) == ["P"]
    (v,), body = Tuple(*increments.definitions["P"].variables), increments.definitions["P"].expr
    assert body == 1 / (sqrt(v) + Symbol("eps", positive=True))


def test_functions_of_tau_have_corrections() -> None:
    """Adam's bias correction depends on k = t/tau, so Q has a correction Q_1 at order tau."""
    definitions = Chain(adam(), ballistic, gaussian()).increments(2).definitions
    assert list(definitions) == ["Q", "Q_1"]
    assert all([str(v) for v in d.variables] == ["v", "t"] for d in definitions.values())


def rule_of(expression: Expr) -> UpdateRule:
    theta, lr = Block("theta"), Hyperparameter("lr", "learning rate")
    return UpdateRule(
        "own",
        "test",
        blocks=(theta,),
        hyperparameters=(lr,),
        update={"theta": theta.symbol - lr.symbol * expression},
        reference="",
    )


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (sign(g**2), "is not smooth, and g.*2 is not linear in the noise; expected a linear dependence"),
        (
            sign(Symbol("lr", positive=True) * g + Symbol("theta", real=True)),
            "the noise in .* vanishes beside theta",
        ),
        (exp(sign(g)), "depends on the noise at leading order"),
        (sqrt(g), "depends on the noise at leading order"),
        (1 / (1 + g**2), "depends on the noise at leading order"),
        (Function("P")(g), "unknown function P; expected one of none"),
        (log(Symbol("lr", positive=True)), "log is not smooth at 0"),
    ],
)
def test_what_cannot_be_expanded_is_refused(expression: Expr, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Chain(rule_of(expression), ballistic, gaussian()).increments(2)


def test_a_memory_that_does_not_tend_to_one_is_refused() -> None:
    """Fixed beta2 leaves v random; beta**(t/tau) then is no power series."""
    with pytest.raises(ValueError, match="exp of a quantity that grows"):
        Chain(adam(), parse_regime("beta1=c", adam()), gaussian()).increments(1)


@pytest.mark.parametrize(
    ("rule", "values", "step", "complaint"),
    [
        (
            adam(),
            {"c1": 12.0, "c2": 1.0, "eps": 1e-8},
            0.125,
            r"beta1 = -c1\*tau \+ 1 = -0\.5 at tau 0\.125; expected",
        ),
        (
            adam(),
            {"c1": 1.0, "c2": 0.0, "eps": 1e-8},
            0.125,
            r"beta2 = .* = 1 at tau 0\.125; expected a memory in \[0, 1\)",
        ),
        (adam(), {"c1": 1.0, "c2": -1.0, "eps": 1e-8}, 0.125, r"beta2 = .* = 1\.125 at tau"),
        (
            rmsprop(),
            {"c": 1.0, "eps": -1e-3},
            0.125,
            r"eps = -0\.001 at tau 0\.125; expected a constant of at least 0",
        ),
    ],
)
def test_hyperparameters_out_of_range_are_refused(rule, values, step, complaint):
    chain = Chain(rule, ballistic, gaussian())
    with pytest.raises(ValueError, match=complaint):
        chain.check_ranges(values, step)
    chain.check_ranges(dict.fromkeys(values, 0.5), step)


def test_a_negative_learning_rate_is_refused():
    regime = parse_regime("lr=a*tau", rmsprop())
    with pytest.raises(
        ValueError, match=r"lr = a\*tau = -0\.25 at tau 0\.125; expected a learning rate of at least 0"
    ):
        Chain(rmsprop(), regime, gaussian()).check_ranges({"a": -2.0, "c": 1.0, "eps": 0.0}, 0.125)
