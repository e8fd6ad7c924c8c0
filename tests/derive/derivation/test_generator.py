"""The generator solves exp(tau L) = P_tau, agrees with the closed formulas, and changes with coordinates as
it should.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations_with_replacement, product
from math import prod

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sympy import (
    Add,
    Expr,
    Function,
    Integer,
    Matrix,
    Rational,
    Symbol,
    expand,
    eye,
    factor,
    factorial,
    kronecker_product,
    log,
    series,
    simplify,
)

from optsde.derive import (
    Block,
    Hyperparameter,
    NoiseModel,
    Regime,
    UpdateRule,
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    heavy_ball,
    modified_equation,
    parse_regime,
    rmsprop,
    sgd,
)
from optsde.derive.derivation.chain import Chain
from optsde.derive.derivation.generator import modified_generator, one_step_operator
from optsde.derive.notation.indices import canonical, components, terms
from optsde.derive.notation.operators import TIME, block_of, compose, momentum, split
from optsde.derive.notation.symbols import Field, g, noise, tau
from optsde.derive.smoothing.expectation import expectation

SKEW = NoiseModel("skew", (2, 3, 4))
HEAVY = NoiseModel("heavy", (2, 4))
RATIONALS = st.fractions(-3, 3, max_denominator=4).map(lambda x: Rational(x.numerator, x.denominator))


@pytest.mark.parametrize(
    ("rule", "regime", "order"),
    [
        (sgd(), batch_equivalent, 3),
        (heavy_ball(), batch_equivalent, 3),
        (rmsprop(), ballistic, 3),
        (rmsprop(), batch_equivalent, 2),
        (adam(), ballistic, 2),
        (adam("torch"), batch_equivalent, 2),
    ],
)
def test_the_exponential_of_the_generator_is_one_step(rule: UpdateRule, regime: Regime, order: int) -> None:
    chain = Chain(rule, regime, gaussian())
    generator, step = modified_generator(chain, order), one_step_operator(chain, order)
    power = {0: Integer(1)}
    total = dict.fromkeys(range(1, order + 1), Integer(0))
    for exponent in range(1, order + 1):
        power = {
            n: Add(*(compose(generator[m - 1], power[n - m]) for m in range(1, n + 1) if n - m in power))
            for n in range(exponent, order + 1)
        }
        for n, symbol in power.items():
            total[n] += symbol / factorial(exponent)
    assert set(step) == set(total)
    for n in step:
        assert canonical(total[n] - step[n]) == 0


def raw_moment(power: int, theta: Symbol, law: NoiseModel) -> Expr:
    names = {2: "S", 3: "K3", 4: "K4"}
    s, k3, k4 = (
        Function(name)(theta) if order in law.orders else Integer(0) for order, name in names.items()
    )
    return {0: Integer(1), 1: Integer(0), 2: s, 3: k3, 4: k4 + 3 * s**2}[power]


def one_step_moments(chain: Chain, degree: int) -> dict[tuple[str, ...], Expr]:
    """``E[Delta_a Delta_b ...]`` in one dimension through tau^2, multiplied out from the update itself."""
    theta, xi, root = Symbol("theta", real=True), Symbol("xi"), Symbol("root", positive=True)
    sample = Function("f")(theta).diff(theta) + chain.regime.scaling(chain.rule).noise * xi
    steps = {}
    for block in chain.blocks:
        step = chain.update[block.name].subs(g, sample).subs(tau, root**2) - block.symbol
        steps[block.name] = expand(factor(step))
    result = {}
    for size in range(1, degree + 1):
        for blocks in combinations_with_replacement(steps, size):
            polynomial = expand(prod(steps[b] for b in blocks))
            through = [polynomial.coeff(root, half).as_poly(xi).terms() for half in range(5)]
            moments = [Add(*(c * raw_moment(n, theta, chain.noise) for (n,), c in part)) for part in through]
            assert moments[0] == moments[1] == moments[3] == 0
            result[blocks] = moments[2] * tau + moments[4] * tau**2
    return result


CLOSED = [
    (sgd(), ballistic, SKEW),
    (sgd(), batch_equivalent, HEAVY),
    (heavy_ball(), ballistic, SKEW),
    (heavy_ball(), batch_equivalent, HEAVY),
    (rmsprop(), ballistic, SKEW),
    (rmsprop(), batch_equivalent, HEAVY),
]


@pytest.mark.parametrize(("rule", "regime", "law"), CLOSED)
def test_closed_formulas_in_one_dimension(rule: UpdateRule, regime: Regime, law: NoiseModel) -> None:
    """``b1``, ``a1``, ``c3``, ``c4`` from the moments ``m1 ... m4`` and from ``b0``, ``a0``, all in
    components.
    """
    chain = Chain(rule, regime, law)
    names = [b.name for b in chain.blocks]
    x = {b.name: b.symbol for b in chain.blocks}
    moment = one_step_moments(chain, 4)

    def at(power: int, *blocks: str) -> Expr:
        return expand(moment[tuple(sorted(blocks, key=names.index))]).coeff(tau, power)

    b0 = {p: at(1, p) for p in names}
    a0 = {(p, q): at(1, p, q) for p, q in product(names, repeat=2)}

    def limit(function: Expr) -> Expr:
        first = Add(*(b0[p] * function.diff(x[p]) for p in names))
        return first + Add(*(a0[p, q] * function.diff(x[p], x[q]) for p, q in a0)) / 2

    def along(p: str, q: str, r: str) -> Expr:
        return Add(*(a0[p, s] * a0[q, r].diff(x[s]) for s in names))

    form = modified_equation(rule, regime, law).expand(1)
    found = {symbol.name: symbol for symbol in form.state}
    back = {found[p]: x[p] for p in names}

    def same(engine: Expr, formula: Expr) -> None:
        assert simplify(engine.xreplace(back) - formula) == 0

    for n, p in enumerate(names):
        same(form.drift[0][n], b0[p])
        same(form.drift[1][n], at(2, p) - limit(b0[p]) / 2)
        for m, q in enumerate(names):
            transport = Add(*(b0[p].diff(x[c]) * a0[c, q] + b0[q].diff(x[c]) * a0[c, p] for c in names))
            same(form.covariance[0][n, m], a0[p, q])
            same(form.covariance[1][n, m], at(2, p, q) - b0[p] * b0[q] - limit(a0[p, q]) / 2 - transport / 2)
    for p, q, r in combinations_with_replacement(names, 3):
        formula = at(2, p, q, r) - (b0[p] * a0[q, r] + b0[q] * a0[p, r] + b0[r] * a0[p, q])
        formula -= (along(p, q, r) + along(q, p, r) + along(r, p, q)) / 2
        same(form.third.get((found[p], found[q], found[r]), Integer(0)), formula)
    for p, q, r, s in combinations_with_replacement(names, 4):
        formula = at(2, p, q, r, s) - a0[p, q] * a0[r, s] - a0[p, r] * a0[q, s] - a0[p, s] * a0[q, r]
        same(form.fourth.get(tuple(found[n] for n in (p, q, r, s)), Integer(0)), formula)


def in_new_velocity(name: str, of_v: Expr, back: Expr) -> UpdateRule:
    """Heavy ball with the state (theta, w), w a linear function `of_v` of v and theta and `back` its
    inverse.
    """
    original, w = heavy_ball(), Block(name)
    theta, v = (b.symbol for b in original.blocks)
    update = {block: expression.subs(v, back) for block, expression in original.update.items()}
    new = of_v.subs({v: update["v"], theta: update["theta"]}, simultaneous=True)
    blocks, moved = (original.blocks[0], w), {"theta": update["theta"], name: expand(new)}
    return UpdateRule(
        "heavy_ball",
        name,
        blocks=blocks,
        hyperparameters=original.hyperparameters,
        update=moved,
        reference="",
    )


@pytest.mark.parametrize("regime", [ballistic, batch_equivalent])
@pytest.mark.parametrize(("a", "b"), [(0, 2), (-1, 1), (3, Rational(-1, 2))])
def test_equations_change_with_the_coordinates(regime: Regime, a: int, b: Expr) -> None:
    """In (theta, w), w = a theta + b v, drift and covariance of (theta, v) transform as a vector and a
    tensor.
    """
    theta, v, w = (Symbol(name, real=True) for name in ("theta", "v", "w"))
    rule = in_new_velocity("w", a * theta + b * v, (w - a * theta) / b)
    old = modified_equation(heavy_ball(), regime, gaussian()).expand(2)
    new = modified_equation(rule, regime, gaussian()).expand(2)
    matrix = kronecker_product(Matrix([[1, 0], [a, b]]), eye(2))
    inverse = dict(zip(old.state, matrix.inv() * Matrix(new.state), strict=True))
    for power in range(2):
        assert expand(
            matrix * old.drift[power].subs(inverse, simultaneous=True) - new.drift[power]
        ) == Matrix.zeros(4, 1)
        moved = matrix * old.covariance[power].subs(inverse, simultaneous=True) * matrix.T
        assert expand(moved - new.covariance[power]) == Matrix.zeros(4, 4)
    assert not old.third
    assert not new.third


def mixed(rule: UpdateRule, name: str, a: Expr, b: Expr) -> UpdateRule:
    """Return a rule with the block `name` replaced by ``w = a theta + b name``."""
    theta, block = rule.blocks[0].symbol, next(b for b in rule.blocks if b.name == name)
    w = replace(block, name="w", nonnegative=False)
    update = {key: e.subs(block.symbol, w.symbol / b - a * theta / b) for key, e in rule.update.items()}
    update = {
        "w" if key == name else key: a * update["theta"] + b * e if key == name else e
        for key, e in update.items()
    }
    return replace(rule, blocks=tuple(w if x == block else x for x in rule.blocks), update=update)


@pytest.mark.parametrize(
    ("rule", "regime", "name"),
    [
        (heavy_ball(), ballistic, "v"),
        (heavy_ball(), batch_equivalent, "v"),
        (rmsprop(), ballistic, "v"),
        (rmsprop("torch"), batch_equivalent, "v"),
        (adam(), batch_equivalent, "m"),
        (adam("torch"), batch_equivalent, "v"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
@settings(max_examples=2, derandomize=True, deadline=None)
@given(a=RATIONALS, b=RATIONALS.filter(bool))
@example(a=Rational(-3, 2), b=Rational(2, 3))
def test_generators_change_with_the_coordinates(
    rule: UpdateRule, regime: Regime, name: str, a: Expr, b: Expr
) -> None:
    """All coefficients, the obstruction's too: ``d/dtheta`` becomes ``d/dtheta + a d/dw`` and ``d/dv``
    becomes ``b d/dw``.
    """
    if regime.noise != 1 and name == "v" and rule.name != "heavy_ball":
        a = Integer(0)  # v is measured in another unit than theta
    new = modified_generator(Chain(mixed(rule, name, a, b), regime, HEAVY), 2)
    field, w = Field(name), Field("w")
    for old, found in zip(modified_generator(Chain(rule, regime, HEAVY), 2), new, strict=True):
        names: dict[Expr, Expr] = {}
        for c in components(old):
            (i, *_) = c.indices or ("",)
            names |= {field(i): w(i) / b - a * Field("theta")(i) / b} if c.field == field else {}
            names |= {c: c + a * momentum("w")(i)} if c == momentum("theta")(i) else {}
            names |= {c: b * momentum("w")(i)} if c == momentum(name)(i) else {}
        assert canonical(old.xreplace(names) - found) == 0


@pytest.mark.parametrize(("regime", "order"), [(ballistic, 4), (batch_equivalent, 3)])
def test_sgd_on_a_quadratic_is_an_ornstein_uhlenbeck_process(regime: Regime, order: int) -> None:
    """Rate ``-log(1 - tau lam)/tau`` and variance ``2 r tau^2 S/(1 - (1 - tau lam)^2)``, over tau where noise
    is large.
    """
    lam, s = Symbol("lam", positive=True), Symbol("S", real=True)
    equation = modified_equation(sgd(), regime, gaussian(constant=True), order=order)
    form = equation.expand(1)
    (theta,) = form.state
    quadratic: Mapping[Expr, Expr] = {Function("f")(theta): lam * theta**2 / 2}
    rate = series(-log(1 - tau * lam) / tau, tau, 0, order).removeO()
    scale = 1 if regime.noise == 1 else 1 / tau
    variance = (
        2 * series(-log(1 - tau * lam), tau, 0, order + 2).removeO() * tau * s / (1 - (1 - tau * lam) ** 2)
    )
    variance = series(expand(simplify(variance * scale)), tau, 0, order).removeO()
    for power in range(order):
        drift = form.drift[power][0].subs(quadratic).doit()
        covariance = form.covariance[power][0, 0].subs(quadratic).doit()
        assert expand(drift + rate.coeff(tau, power) * theta) == 0
        assert expand(covariance - expand(variance).coeff(tau, power)) == 0


def test_time_advances_by_one_step_and_enters_nothing_else() -> None:
    generator = modified_generator(Chain(adam(), ballistic, gaussian()), 2)
    clocks = [
        [term for term in terms(part) if any(block_of(m) == TIME for m in split(term)[1])]
        for part in generator
    ]
    assert clocks == [[momentum(TIME)()], []]


def test_expectation_replaces_the_noise_only() -> None:
    xi, m, cov = noise, Field("m"), gaussian().cumulant_field(2)
    assert expectation(m("i") * xi("_1") ** 2 * xi("_2") * xi("j") + xi("i") + 3, gaussian()) == canonical(
        m("i") * (cov("_1", "_1") * cov("_2", "j") + 2 * cov("_1", "_2") * cov("_1", "j")) + 3
    )


@pytest.mark.parametrize(
    ("rule", "text", "message"),
    [
        (
            sgd(),
            "lr=1",
            r"regime 'lr=1' leaves no limit for sgd: the step of theta contains tau\*\*\(0\) times",
        ),
        (sgd(), "lr=c", r"leaves no limit for sgd: the step of theta contains tau\*\*\(0\) times .*F\[i\]"),
        (sgd(), "lr=tau, noise=1/tau", r"the step of theta contains tau\*\*\(0\) times .*xi\[i\]"),
        (rmsprop(), "alpha=c", r"leaves no limit for rmsprop: the step of v contains"),
        (sgd(), "lr=sqrt(tau)", r"E\[step of theta\[_1\]\] contains tau\*\*\(1/2\) times -F\[_1\]"),
    ],
)
def test_regimes_without_a_limit(rule: UpdateRule, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        modified_equation(rule, parse_regime(text, rule), gaussian())


@pytest.mark.parametrize("rule", [sgd(), rmsprop(), adam()])
def test_third_cumulants_spoil_the_batch_equivalent_regime(rule: UpdateRule) -> None:
    # the limit itself does not see them, but the chain comes no closer to it than tau**(1/2)
    for order in (1, 2):
        with pytest.raises(
            ValueError, match=r"skew noise: E\[step of .*contains tau\*\*\(3/2\) times .*K3\["
        ):
            modified_equation(rule, batch_equivalent, SKEW, order)
    assert modified_equation(rule, batch_equivalent, HEAVY).order == 2


def test_a_wrong_coefficient_is_seen() -> None:
    """Negative control of the exponential: half the correction leaves a difference."""
    chain = Chain(sgd(), batch_equivalent, gaussian())
    generator, step = modified_generator(chain, 2), one_step_operator(chain, 2)
    assert canonical(generator[1] + compose(generator[0], generator[0]) / 2 - step[2]) == 0
    assert canonical(generator[1] / 2 + compose(generator[0], generator[0]) / 2 - step[2]) != 0


def test_a_rule_of_ones_own() -> None:
    """``theta' = theta - lr g^3``: cubes of the noise enter drift and covariance by its sixth moment."""
    theta, lr = Block("theta"), Hyperparameter("lr", "learning rate")
    rule = UpdateRule(
        "cube",
        "test",
        blocks=(theta,),
        hyperparameters=(lr,),
        update={"theta": theta.symbol - lr.symbol * g**3},
        reference="",
    )
    form = modified_equation(rule, ballistic, gaussian()).expand(1)
    (x,) = form.state
    f, s = Function("f")(x).diff(x), Function("S")(x)
    mean = -(f**3 + 3 * f * s)
    assert expand(form.drift[0][0] - mean) == 0
    assert expand(form.drift[1][0] + mean * mean.diff(x) / 2) == 0
    raw = f**6 + 15 * f**4 * s + 45 * f**2 * s**2 + 15 * s**3
    assert expand(form.covariance[1][0, 0] - (raw - mean**2)) == 0
