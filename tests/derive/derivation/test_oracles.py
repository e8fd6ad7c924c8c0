"""The engine against published and independently derived coefficients, exactly, in one dimension."""

from functools import cache

import pytest
import sympy as sp
from oracles import (
    ADAM_SHIFT,
    K3,
    K4,
    ORACLES,
    S1,
    F,
    H,
    P,
    Q,
    Q_t,
    Q_v,
    S,
    T,
    c,
    c1,
    c2,
    e1,
    eps,
    kappa,
    m,
    nu,
    plain,
    q,
    quarter,
    r,
    shift,
)
from problems import GAUSSIAN, coefficients, engine_form

from optsde.derive import (
    NoiseModel,
    adam,
    batch_equivalent,
    general,
    modified_equation,
    rmsprop,
    sgd,
    student_t,
    symmetric,
    two_point,
)

LAWS: dict[str, tuple[NoiseModel, dict[sp.Expr, sp.Expr]]] = {
    "gaussian": (GAUSSIAN, {K3: sp.S.Zero, K4: 3 * S**2}),
    "general": (general(), {}),
    "no third cumulant": (NoiseModel("even", (2, 4)), {K3: sp.S.Zero}),
    "elliptical": (symmetric(), {K3: sp.S.Zero, K4: (3 + kappa) * S**2}),
    "two-point": (two_point(), {K3: sp.S.Zero, K4: S**2}),  # E b^4 = (E b^2)^2
    "student-t": (student_t(), {K3: sp.S.Zero, K4: 3 * S**2 * (nu - 2) / (nu - 4)}),
}
"""Laws with the raw third and fourth moments they have in one dimension."""
TENSORS = {"ballistic": ("gaussian", "general"), "batch_equivalent": ("gaussian", "no third cumulant")}
ELLIPTICAL = ("elliptical", "two-point", "student-t")


@cache
def engine_table(
    rule: str, regime: str, order: int = 2, law: str = "gaussian"
) -> dict[tuple[int, tuple[str, ...]], sp.Expr]:
    form = engine_form(rule, regime, order, 1, LAWS[law][0])
    names = [symbol.name for symbol in form.state]
    return {
        (k, tuple(names[a] for a in alpha)): plain(value, rule)
        for k, part in enumerate(coefficients(form, order))
        for alpha, value in part.items()
    }


def equal(left: sp.Expr, right: sp.Expr) -> bool:
    return sp.cancel(sp.together(left - right)) == 0


@pytest.mark.parametrize(
    ("rule", "regime", "law"),
    [
        (*case, law)
        for case in ORACLES
        for law in (*TENSORS[case[1]], *(ELLIPTICAL if case[0] == "rmsprop" else ()))
    ],
)
def test_every_coefficient(rule: str, regime: str, law: str) -> None:
    """Oracles 1, 2, 4, 5, 6, 7, 8: each coefficient as published, and not one besides, with the moments the
    law has.

    Where the noise is of order tau^(-1/2) a third moment leaves no limit; the fourth is then kept alone.
    """
    found = engine_table(rule, regime, law=law)
    expected = {key: sp.expand(value.subs(LAWS[law][1])) for key, value in ORACLES[rule, regime].items()}
    wrong = {
        key for key in found | expected if not equal(found.get(key, sp.S.Zero), expected.get(key, sp.S.Zero))
    }
    assert not wrong, {key: (found.get(key), expected.get(key)) for key in wrong}


@pytest.mark.parametrize(
    ("rule", "moment"),
    [
        (
            sgd(),
            r"E\[step of theta\[_1\] step of theta\[_2\] step of theta\[_3\]\] contains .* times -K3\[_1,_2,_3\];",  # noqa: E501
        ),
        (
            rmsprop(),
            r"E\[step of theta\[_2\] step of v\[_1\]\] contains .* times -K3\[_1,_1,_2\]\*c\*P\(v\[_2\]\);",
        ),
        (adam(), r"E\[step of m\[_2\] step of v\[_1\]\] contains .* times K3\[_1,_1,_2\]\*c1\*c2;"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_moment_that_spoils_a_regime(rule, moment: str) -> None:
    """Oracles 2, 6, 8 at tau^(3/2): `-K3` of SGD's cube; `-c P K3` and `c1 c2 K3` of the step times the step
    of v.
    """
    with pytest.raises(ValueError, match=moment.replace("contains .*", r"contains tau\*\*\(3/2\)")):
        modified_equation(rule, batch_equivalent, general(), 2)


def test_a_certain_square_removes_the_obstruction_of_rmsprop_with_constant_noise() -> None:
    """Oracle 6: with K4 = S^2 and S' = 0 of c3 nothing is left, and c4 = -2 P^4 S^2."""
    found = engine_table("rmsprop", "batch_equivalent", law="two-point")
    left = {
        key: value
        for key, value in found.items()
        if len(key[1]) > 2 and not equal(value.subs(S1, 0), sp.S.Zero)
    }
    assert list(left) == [(1, ("theta",) * 4)]
    assert equal(left[1, ("theta",) * 4], -2 * P**4 * S**2)


def test_sgd_drift_is_a_gradient() -> None:
    """Oracle 1 (Li, Tai, E 2017): the drift is -grad(f + tau/4 |grad f|^2) in two dimensions too."""
    form = engine_form("sgd", "ballistic", 2, 2)
    f = sp.Function("f")(*form.state)
    energy = sum(f.diff(x) ** 2 for x in form.state) / 4
    for k, x in enumerate(form.state):
        assert sp.expand(form.drift[0][k] + f.diff(x)) == 0
        assert sp.expand((form.drift[1][k] + energy.diff(x)).doit()) == 0


LAMBDA, SIGMA, TAU = sp.symbols("lambda sigma tau", positive=True)


def quadratic(expression: sp.Expr, curvature: sp.Expr, covariance: sp.Expr) -> sp.Expr:
    """f = curvature theta^2 / 2 with constant covariance."""
    (theta,) = {symbol for symbol in expression.free_symbols if symbol.name == "theta"} or {
        sp.Symbol("theta")
    }
    fields = {sp.Function("f")(theta): curvature * theta**2 / 2, sp.Function("S")(theta): covariance}
    return sp.expand(expression.subs(fields).doit())


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(("regime", "noise_power"), [("ballistic", 2), ("batch_equivalent", 1)])
def test_exact_ornstein_uhlenbeck(regime: str, noise_power: int, order: int) -> None:
    """Oracle 3: theta' = (1 - tau lambda) theta - tau^(1 or 1/2) xi is Ornstein-Uhlenbeck to all orders.

    Its rate is r = -log(1 - tau lambda)/tau, its covariance 2 r Var, Var the stationary variance of the
    chain.
    """
    rate = -sp.log(1 - TAU * LAMBDA) / TAU
    variance = TAU**noise_power * SIGMA / (1 - (1 - TAU * LAMBDA) ** 2)
    rates = series(rate, order)
    covariances = series(2 * rate * variance, order)
    form = engine_form("sgd", regime, order, 1)
    assert len(form.drift) == len(form.covariance) == order
    for k in range(order):
        assert sp.expand(quadratic(form.drift[k][0], LAMBDA, SIGMA) + rates[k] * form.state[0]) == 0
        assert sp.expand(quadratic(form.covariance[k][0, 0], LAMBDA, SIGMA) - covariances[k]) == 0
    assert all(quadratic(x, LAMBDA, SIGMA) == 0 for x in (*form.third.values(), *form.fourth.values()))


def series(expression: sp.Expr, order: int) -> list[sp.Expr]:
    expanded = sp.expand(sp.series(expression, TAU, 0, order).removeO())
    return [expanded.coeff(TAU, k) for k in range(order)]


@pytest.mark.parametrize(("route", "order"), [("sgd", 1), ("sgd", 2), ("sgd", 3), ("adam", 1), ("adam", 2)])
def test_moving_average(route: str, order: int) -> None:
    """Oracle 9: m' = (1 - c tau) m + c tau^(1/2) xi has variance c S/(2 - c tau), each order gives one term
    more.

    Once as SGD on f = c theta^2/2 with noise of covariance c^2 S, once as Adam's own average of a pure noise.
    """
    form = engine_form(route, "batch_equivalent", order, 1)
    if route == "sgd":
        row, rate, covariance = 0, LAMBDA, LAMBDA**2 * SIGMA
    else:
        row, rate, covariance = 1, sp.S.Zero, SIGMA
    average = form.state[row]
    own = {symbol: LAMBDA for part in form.drift for symbol in part[row].free_symbols if symbol.name == "c1"}
    drift = sum(quadratic(form.drift[k][row].subs(own), rate, covariance) * TAU**k for k in range(order))
    diffusion = sum(
        quadratic(form.covariance[k][row, row].subs(own), rate, covariance) * TAU**k for k in range(order)
    )
    stationary = -diffusion / (2 * sp.expand(drift).coeff(average))
    assert sp.expand(drift).coeff(average, 0) == 0
    assert series(sp.simplify(stationary), order) == series(LAMBDA * SIGMA / (2 - LAMBDA * TAU), order)


def entry(rule: str, regime: str, k: int, *names: str) -> sp.Expr:
    return engine_table(rule, regime).get((k, names), sp.S.Zero)


def test_code_differs_rmsprop_second_chaos_drives_v() -> None:
    """Where the published code puts 0: at F = 0, var(v) is that of the second chaos, (sqrt(2) c S)^2."""
    assert equal(entry("rmsprop", "ballistic", 1, "v", "v").subs(F, 0), 2 * c**2 * S**2)


def test_code_differs_rmsprop_hessian_term_has_no_c() -> None:
    """The published code multiplies the Hessian term of the theta noise by c."""
    assert equal(sp.diff(entry("rmsprop", "batch_equivalent", 1, "theta", "theta"), H), P**3 * S)


def test_code_differs_rmsprop_third_derivative_is_a_quarter() -> None:
    """The published code has -1 before the f''' term of b1_theta."""
    assert equal(sp.diff(entry("rmsprop", "batch_equivalent", 1, "theta"), T), quarter * P**3 * S)


@pytest.mark.parametrize("regime", ["ballistic", "batch_equivalent"])
def test_code_differs_adam_covariance_of_m_and_v_is_positive(regime: str) -> None:
    assert equal(entry("adam", regime, 1, "m", "v"), 2 * c1 * c2 * F * S)


def test_code_differs_adam_parameter_moves_by_m_q() -> None:
    """b1_v carries m Q, the move of theta, where the published code has F P; F itself enters through
    d(F^2).
    """
    found = entry("adam", "ballistic", 1, "v")
    assert equal(sp.diff(found, S1), c2 / 2 * m * Q)
    assert equal(sp.diff(found, H), c2 * m * Q * F)


@pytest.mark.parametrize("regime", ["ballistic", "batch_equivalent"])
def test_code_differs_adam_time_derivative(regime: str) -> None:
    """Q = Gamma D, D = 1/(sqrt v + eps sqrt gam2): D_t = - eps gam2' D^2/(2 sqrt gam2), in the code + and no
    eps.
    """
    d, gamma = 1 / (r + eps * q), q / (1 - e1)
    gam1_t, gam2_t = c1 * e1, c2 * (1 - q**2)
    gamma_t = gam2_t / (2 * q * (1 - e1)) - q * gam1_t / (1 - e1) ** 2
    d_t = -eps * gam2_t * d**2 / (2 * q)
    still = c1 / 2 * m * Q - c2 / 2 * m * r**2 * Q_v
    found = entry("adam", regime, 1, "theta").subs({F: 0, S: 0})
    assert equal(found - ADAM_SHIFT - still, m / 2 * (gamma_t * d + gamma * d_t))


def test_code_differs_adam_covariance_of_theta_and_m() -> None:
    """-(c1^2/2) Q S; the published code has c1 to the first power."""
    assert equal(entry("adam", "batch_equivalent", 1, "theta", "m"), -(c1**2) / 2 * Q * S)


def test_code_differs_adam_variance_of_m_is_corrected() -> None:
    assert equal(entry("adam", "batch_equivalent", 1, "m", "m").subs(S1, 0), c1**3 * S)


@pytest.mark.parametrize("regime", ["ballistic", "batch_equivalent"])
def test_code_differs_adam_bias_correction_is_of_the_same_step(regime: str) -> None:
    """The rule's exponents k+2 and k+1 enter b1_theta as they stand; one step late, k+1 and k, is off by m
    Q_t.
    """
    found = entry("adam", regime, 1, "theta")
    rest = ORACLES["adam", regime][1, ("theta",)] - ADAM_SHIFT
    assert equal(found, rest - m * shift(2, 1))
    assert equal(shift(2, 1) - shift(1, 0), Q_t)
    assert not equal(Q_t, sp.S.Zero)
