"""Rules that are not smooth: their equations against one-step moments by hand, an exact chain, and published
formulas.
"""

from dataclasses import replace
from itertools import pairwise
from math import log2

import numpy as np
import pytest
from sympy import (
    Expr,
    Function,
    Integer,
    Lambda,
    Matrix,
    Max,
    Rational,
    Symbol,
    diff,
    erf,
    exp,
    lambdify,
    pi,
    sign,
    sqrt,
)
from sympy import symbols as names

from optsde.derive import ballistic, batch_equivalent, gaussian, general, modified_equation, parse_regime
from optsde.derive.derivation.chain import Chain
from optsde.derive.derivation.equation import ModifiedEquation
from optsde.derive.display.text import text
from optsde.derive.noise.laws import batch_mean
from optsde.derive.notation.indices import canonical
from optsde.derive.notation.symbols import Field, g, gradient, noise
from optsde.derive.optimizers.rule import THETA, Block, Hyperparameter, UpdateRule
from optsde.derive.optimizers.signs import clipped_sgd, lion, sign_sgd, signum
from optsde.derive.smoothing.expectation import expectation
from optsde.derive.smoothing.moments import Covariance, mean, mean_of, noisy_function

theta, m, y = names("theta m y", real=True)
beta1, decay, c, bound = names("beta1 weight_decay c clip_value", positive=True)
F, S = Function("f")(theta).diff(theta), Function("S")(theta)
U = noisy_function("u", Lambda(y, sign(y)))


def normal(x: Expr, variance: Expr) -> Expr:
    return exp(-(x**2) / (2 * variance)) / sqrt(2 * pi * variance)


def order_two(drift: Matrix, second: Matrix, state: list[Symbol]) -> tuple[Matrix, Matrix]:
    """``b1 = -1/2 b0 . d b0`` and ``a1 = m2 - b0 b0`` where the limit is an ODE and a step has no other term
    in its mean.
    """
    return -drift.jacobian(state) * drift / 2, second - drift * drift.T


def clip_moments() -> tuple[Expr, Expr]:
    """``E u`` and ``E u**2`` of a clip, by the probabilities of its three branches and moments of a truncated
    normal.
    """
    low, high = (-bound - F) / sqrt(S), (bound - F) / sqrt(S)
    below, above = ((1 + erf(e / sqrt(2))) / 2 for e in (low, high))
    edges = normal(low, Integer(1)), normal(high, Integer(1))
    inside = above - below
    first = F * inside + sqrt(S) * (edges[0] - edges[1])
    second = (
        (F**2 + S) * inside + 2 * F * sqrt(S) * (edges[0] - edges[1]) + S * (low * edges[0] - high * edges[1])
    )
    return first + bound * (1 - above) - bound * below, second + bound**2 * (1 - above + below)


def by_hand(name: str) -> tuple[list[Symbol], Matrix, Matrix]:
    """State, drift and second moments of the step over tau**2, in one dimension with ``S(theta)``."""
    if name == "sign_sgd":
        return [theta], Matrix([-erf(F / sqrt(2 * S))]), Matrix([[1]])
    if name == "clipped_sgd":
        first, second = clip_moments()
        return [theta], Matrix([-first]), Matrix([[second]])
    x, variance = beta1 * m + (1 - beta1) * F, (1 - beta1) ** 2 * S
    e = erf(x / sqrt(2 * variance))
    drift = Matrix([-e - decay * theta, c * (F - m)])
    # E[sign(x + b xi) xi] = 2 b S p(0), p the density of x + b xi
    mixed = -2 * c * (1 - beta1) * S * normal(x, variance)
    noise_part = Matrix([[1 - e**2, mixed], [mixed, c**2 * S]])
    return [theta, m], drift, drift * drift.T + noise_part


def vanishes(difference: Expr) -> bool:
    """Compare two closed forms at three places, with ``f' = theta + theta**2/3``,
    ``S = 1/2 + theta**2/5``.
    """
    concrete = (
        difference.subs(Function("f")(theta), theta**2 / 2 + theta**3 / 9)
        .subs(S, Rational(1, 2) + theta**2 / 5)
        .doit()
    )
    values = {beta1: Rational(3, 5), decay: Rational(1, 7), c: Rational(4, 3), bound: Rational(2, 3)}
    places = [(Rational(-1, 2), Rational(1, 3)), (Rational(1, 5), Integer(-1)), (Integer(1), Rational(1, 4))]
    return all(abs(concrete.subs({**values, theta: a, m: b}).evalf(30)) < 1e-25 for a, b in places)


RULES = {rule.name: rule for rule in (sign_sgd(), clipped_sgd(), lion())}


@pytest.fixture(scope="module", params=list(RULES))
def equation(request: pytest.FixtureRequest) -> ModifiedEquation:
    return modified_equation(RULES[request.param], ballistic, gaussian(), 2)


def test_order_two_in_one_dimension(equation: ModifiedEquation) -> None:
    state, drift, second = by_hand(equation.chain.rule.name)
    correction, covariance = order_two(drift, second, state)
    form = equation.expand(1)
    assert list(form.state) == state
    assert form.covariance[0].is_zero_matrix
    for found, wanted in [
        (form.drift[0], drift),
        (form.drift[1], correction),
        (form.covariance[1], covariance),
    ]:
        assert all(vanishes(entry) for entry in found - wanted)


def test_the_certificate_and_what_it_catches(equation: ModifiedEquation) -> None:
    assert equation.certificate.weak_order == 2
    assert equation.certificate.exists
    limit, correction = equation.generator
    assert replace(equation, generator=(limit, -correction)).certificate.weak_order == 1
    moved = equation.generator[1].xreplace({call: -call for call in correction.atoms(Covariance)})
    assert replace(equation, generator=(limit, moved)).certificate.weak_order == 1
    spatial = limit.xreplace({a: -a for a in limit.atoms(Function)})
    assert replace(equation, generator=(spatial, correction)).certificate.weak_order == 0


def test_sign_sgd_is_the_published_equation() -> None:
    """Compagnoni et al. 2025, Theorem 3.2: drift ``-erf(S**(-1/2) F / sqrt 2)``, covariance
    ``tau (1 - erf**2)``.
    """
    equation = modified_equation(sign_sgd(), ballistic, gaussian(), 2)
    assert text(equation.drift[0]["theta"]) == "-E_u(F[i], S[i,i])"
    assert equation.covariance[0]["theta", "theta"] == 0
    assert (
        text(equation.covariance[1]["theta", "theta"], ("i", "j"))
        == "Cov_u_u(F[i], F[j], S[i,i], S[j,j], S[i,j])"
    )
    x, variance = equation.definitions["E_u"].variables
    assert equation.definitions["E_u"].expr == erf(x / sqrt(2 * variance))
    diagonal = equation.covariance[1]["theta", "theta"].xreplace(
        {
            gradient("j"): gradient("i"),
            Field("S", 2, symmetric=True, varies=True)("j", "j"): S,
            Field("S", 2, symmetric=True, varies=True)("i", "j"): S,
            Field("S", 2, symmetric=True, varies=True)("i", "i"): S,
        }
    )
    assert diagonal == 1 - mean_of([("u", U.shape)], gradient("i"), S) ** 2


def exact_mean(start: float, tau: float, horizon: float, variance: float) -> float:
    """``E theta_T**2`` of SignSGD on ``f = theta**2/2``: theta stays on the lattice ``start + tau Z``, so the
    law is known.
    """
    steps = round(horizon / tau)
    places = start + tau * np.arange(-steps, steps + 1)
    up = np.array([0.5 * (1 - float(erf(p / np.sqrt(2 * variance)))) for p in places])
    law = np.zeros(len(places))
    law[steps] = 1.0
    for _ in range(steps):
        moved = np.zeros_like(law)
        moved[1:] += (law * up)[:-1]
        moved[:-1] += (law * (1 - up))[1:]
        law = moved
    return float(law @ places**2)


def expanded_mean(start: float, horizon: float, variance: float) -> tuple[float, float]:
    """``E theta_T**2`` of the equation of order 2, at tau**0 and tau**1, by its linearisation along the
    ODE.
    """
    form = modified_equation(sign_sgd(), ballistic, gaussian(constant=True), 2).expand(1, theta**2 / 2)
    b0, b1, a1 = (
        e.subs(Symbol("S", real=True), variance)
        for e in (form.drift[0][0], form.drift[1][0], form.covariance[1][0])
    )
    functions = [lambdify(theta, e, "math") for e in (b0, diff(b0, theta), diff(b0, theta, 2), b1, a1)]

    def rate(state: np.ndarray) -> np.ndarray:
        x, shift, spread = state
        drift, slope, curvature, correction, covariance = (function(x) for function in functions)
        return np.array(
            [drift, slope * shift + correction + curvature * spread / 2, 2 * slope * spread + covariance]
        )

    state, h = np.array([start, 0.0, 0.0]), horizon / 400
    for _ in range(400):  # Runge-Kutta of order 4: its error is far below tau**2
        k1 = rate(state)
        k2 = rate(state + h / 2 * k1)
        k3 = rate(state + h / 2 * k2)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + rate(state + h * k3))
    x, shift, spread = state
    return x**2, 2 * x * shift + spread


def test_weak_orders_against_the_exact_chain() -> None:
    """The ODE has the error ``C tau`` with the C of the order-2 equation, which itself has an error of order
    ``tau**2``.
    """
    taus, start, variance = [1 / 16, 1 / 32, 1 / 64, 1 / 128], 1.0, 0.5
    limit, coefficient = expanded_mean(start, 1.0, variance)
    errors = [exact_mean(start, tau, 1.0, variance) - limit for tau in taus]
    beyond = [error - tau * coefficient for error, tau in zip(errors, taus, strict=True)]
    for part, order in ((errors, 1), (beyond, 2)):
        slopes = [log2(a / b) for a, b in pairwise(part)]
        # an error C tau**p (1 + r tau + ...) has slopes that tend to p, their distance halving with tau
        assert abs(slopes[-1] - order) < 0.1
        assert abs(slopes[-1] - order) < 0.75 * abs(slopes[0] - order)


def test_large_noise() -> None:
    """``E sign = sqrt(2/(pi S)) F`` times ``sqrt(tau)``; the learning rate is in units of the noise, so this
    is a drift.
    """
    for rule, slope, second in [
        (sign_sgd(), sqrt(2 / (pi * S)), 1),
        (clipped_sgd(), erf(bound / sqrt(2 * S)), clip_moments()[1].subs(F, 0)),
    ]:
        form = modified_equation(rule, batch_equivalent, gaussian(), 1).expand(1)
        assert vanishes(form.drift[0][0] + slope * F)
        assert vanishes(form.covariance[0][0] - second)
    form = modified_equation(lion(), batch_equivalent, gaussian(), 1).expand(1)
    x = (beta1 * m + (1 - beta1) * F) / (1 - beta1)
    assert vanishes(form.drift[0][0] + sqrt(2 / (pi * S)) * x + decay * theta)
    assert vanishes(form.covariance[0][0, 0] - 1)
    assert vanishes(form.covariance[0][0, 1] + c * sqrt(2 * S / pi))


def test_components_in_two_dimensions() -> None:
    """Covariances between coordinates are written out, ``2/pi asin`` of the correlation where the mean
    vanishes.
    """
    form = modified_equation(sign_sgd(), ballistic, gaussian(constant=True), 2).expand(
        2, Symbol("theta_1", real=True) * 0
    )
    s11, s12, s22 = (Symbol(name, real=True) for name in ("S_11", "S_12", "S_22"))
    assert form.covariance[1][0, 0] == form.covariance[1][1, 1] == 1
    value = form.covariance[1][0, 1].subs({s11: 2, s22: Rational(1, 2), s12: Rational(3, 10)}).evalf()
    assert float(value) == pytest.approx(2 / np.pi * np.arcsin(0.3), abs=1e-12)


def test_expectations_with_polynomials_of_the_noise() -> None:
    """Stein: ``E[xi_j u_i] = S_ij E_u'`` and ``E[xi_j**2 u_i] = S_jj E_u + S_ij**2 E_u''``; a square of the
    sign is 1.
    """
    law, xi, f = gaussian(), noise, gradient
    s = law.cumulant_field(2)
    u, average = U(f("i") + xi("i")), mean_of([("u", U.shape)], f("i"), s("i", "i"))
    assert expectation(xi("j") * u, law) == s("i", "j") * average.diff(f("i"))
    wanted = s("j", "j") * average + s("i", "j") ** 2 * average.diff(f("i"), 2)
    assert canonical(expectation(xi("j") ** 2 * u, law) - wanted) == 0
    assert expectation(u**2 * xi("j"), law) == 0
    assert mean(expectation(u**3, law).shape) == mean(U.shape)  # type: ignore[attr-defined]
    assert expectation(u, batch_mean(law, Integer(4))) == average.xreplace({s("i", "i"): s("i", "i") / 4})


def test_the_covariance_is_symmetric_and_a_variance_at_one_coordinate() -> None:
    law, u = gaussian(), lambda i: U(gradient(i) + noise(i))
    both = expectation(u("i") * u("j"), law)
    assert both == expectation(u("j") * u("i"), law)
    field = Field("w")
    swapped = [canonical(expectation(u(a) * u(b) * field(a), law)) for a, b in (("_1", "_2"), ("_2", "_1"))]
    assert swapped[0] == swapped[1]
    s = law.cumulant_field(2)
    average = mean_of([("u", U.shape)], gradient("i"), s("i", "i"))
    together = both.xreplace(
        {gradient("j"): gradient("i"), s("j", "j"): s("i", "i"), s("i", "j"): s("i", "i")}
    )
    assert (together - 1).expand() == 0
    assert average != 1


def own(update: Expr, *hyperparameters: Hyperparameter) -> UpdateRule:
    lr = Hyperparameter("lr", "learning rate")
    return UpdateRule(
        "own",
        "test",
        blocks=(Block("theta"),),
        hyperparameters=(lr, *hyperparameters),
        update={"theta": THETA - lr.symbol * update},
        reference="",
    )


def test_functions_of_the_same_noise_share_a_name() -> None:
    rule = own(sign(g) + Max(0, g) * sign(g) / 2)
    equation = modified_equation(rule, ballistic, gaussian(), 2)
    assert [name for name in equation.definitions if not name.startswith(("E_", "Cov_"))] == ["u", "u2"]
    assert equation.certificate.weak_order == 2
    # u2 u = u2: the drift is that of sign(g) + max(0, g)/2
    merged = modified_equation(own(sign(g) + Max(0, g) / 2), ballistic, gaussian(), 2)
    difference = equation.expand(1).drift[1] - merged.expand(1).drift[1]
    assert vanishes(difference[0])


@pytest.mark.parametrize(
    ("rule", "regime", "order", "message"),
    [
        (
            sign_sgd(),
            "ballistic",
            3,
            "the joint moment of sign\\(y\\) at more than two coordinates; take a lower order",
        ),
        (sign_sgd(), "batch-equivalent", 2, "take a lower order"),
        (lion(), "beta1=1-c1*tau, beta2=1-c*tau", 1, "as tau -> 0 the noise in .* vanishes beside m"),
        (signum(), "ballistic", 1, "the noise in .* vanishes beside m"),
        (clipped_sgd(), "clip_value=tau", 1, "-clip_value is no constant that scales as g does"),
        (own(Max(0, Symbol("theta", real=True))), "ballistic", 1, "no noise enters it"),
        (own(Max(g, 2 * g)), "ballistic", 1, "2\\*g and g have noise|g and 2\\*g have noise"),
        (own(Max(1, g)), "noise=tau**(-1/2), lr=tau", 1, "its parts scale differently"),
    ],
)
def test_what_is_not_smoothed_is_refused(rule: UpdateRule, regime: str, order: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        modified_equation(rule, parse_regime(regime, rule), gaussian(), order)


def test_other_laws_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"sign\(y\) is not smooth, with general noise; expected Gaussian noise"
    ):
        modified_equation(sign_sgd(), ballistic, general(), 2)


def test_the_noise_of_the_equation_is_refused() -> None:
    for order, form in ((2, "diffusion"), (1, "fluctuation"), (2, "synchronised")):
        with pytest.raises(ValueError, match="no factor in closed form; take the form ode, at order 1"):
            _ = modified_equation(sign_sgd(), ballistic, gaussian(), order, form).diffusion
    assert modified_equation(sign_sgd(), ballistic, gaussian(), 1, "ode").diffusion.coefficients == (
        {"theta": 0},
    )


def test_a_constant_weight_has_its_own_default() -> None:
    assert Chain(lion(), ballistic, gaussian()).defaults == {"beta1": 0.9, "c": 1.0, "weight_decay": 1e-3}


def test_a_sign_of_the_noise_of_two_samples_is_refused() -> None:
    lr, drawn = sign_sgd().hyperparameters[0].symbol, names("g1 g2", real=True)
    points, update = {"g1": THETA, "g2": THETA}, {"theta": THETA - lr * sign(drawn[0] + drawn[1])}
    rule = replace(sign_sgd(), update=update, gradients=points, samples={"g2": 2})
    with pytest.raises(
        ValueError, match=r"sign\(g1 \+ g2\) is not smooth, and .* contains xi2\[i\] and xi\[i\]; expected"
    ):
        modified_equation(rule, ballistic, gaussian(), 2)


def test_signs_of_independent_samples_are_independent() -> None:
    """The sum of two: the mean twice, the covariance at one coordinate twice, each as for one sample of half
    the step.
    """
    lr, drawn = sign_sgd().hyperparameters[0].symbol, names("g1 g2", real=True)
    points, update = {"g1": THETA, "g2": THETA}, {"theta": THETA - lr * (sign(drawn[0]) + sign(drawn[1]))}
    two = replace(sign_sgd(), update=update, gradients=points, samples={"g2": 2})
    found, one = (
        modified_equation(rule, ballistic, gaussian(constant=True), 2) for rule in (two, sign_sgd())
    )
    pair = ("theta", "theta")
    assert (found.drift[0]["theta"] - 2 * one.drift[0]["theta"]).expand() == 0
    assert (found.covariance[1][pair] - 2 * one.covariance[1][pair]).expand() == 0
