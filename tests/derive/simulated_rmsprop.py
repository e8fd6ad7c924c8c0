"""RMSprop itself at a small learning rate, and the law of the limit a regime map names for it; d = 1, f =
theta**2/2, S = 1.
"""

from fractions import Fraction

import numpy as np
import sympy as sp

from optsde.derive.limits.limit import Limit
from optsde.derive.notation.symbols import Component, ElementFunction

C, EPS, V0, HORIZON = 0.5, 0.5, 0.5, 0.5


def optimizer(
    h: float, s: Fraction, b: Fraction, kappa: Fraction, paths: int, seed: int
) -> tuple[float, float]:
    """Mean of theta**2 at the horizon, with its standard error; the variant with the old v in the
    denominator.
    """
    rng = np.random.default_rng(seed)
    noise, unit, forget = h ** -float(s), h ** -float(max(s, Fraction(0))), C * h ** float(b)
    theta, v = np.ones(paths), np.full(paths, V0 * unit**2)
    for _ in range(round(HORIZON * h ** -float(kappa))):
        g = theta + noise * rng.standard_normal(paths)
        theta = theta - h * g / (np.sqrt(v) + EPS * unit)
        v = v + forget * (g**2 - v)
    square = theta**2
    return square.mean(), square.std() / paths**0.5


def limiting(limit: Limit, s: Fraction) -> float:
    """E theta**2 at the horizon by the limit: v is deterministic in all of them, theta deterministic or
    linear.
    """
    drift = _compiled(limit.drift["theta"], limit)
    spread = _compiled(limit.covariance.get(("theta", "theta"), sp.Integer(0)), limit)
    speed = _compiled(limit.drift.get("v", sp.Integer(0)), limit)
    means = _expectations(s)

    def flow(state: np.ndarray) -> np.ndarray:
        x, v, q = state
        at = (x, v, *means(x))
        # q = E theta**2: 2 x drift without noise, 2 (drift / x) q + covariance for the linear equation
        return np.array([drift(*at), speed(*at), 2 * drift(*at) / x * q + spread(*at)])

    state, n = np.array([1.0, V0, 1.0]), 400
    for _ in range(n):
        dt = HORIZON / n
        a = flow(state)
        b = flow(state + dt / 2 * a)
        c = flow(state + dt / 2 * b)
        state = state + dt / 6 * (a + 2 * b + 2 * c + flow(state + dt * c))
    return float(state[2])


def _compiled(expression: sp.Expr, limit: Limit):
    x, v, once, twice = sp.symbols("x v once twice", positive=True)
    slaved = limit.slaved.get("v")
    names = {"F": x, "S": sp.Integer(1), "v": v, "E[P(v)]": once, "E[P(v) P(v)]": twice}
    if slaved is not None:
        names["v"] = slaved.xreplace({c: names[c.field.name] for c in slaved.atoms(Component)})
    for call in expression.atoms(ElementFunction):
        (argument,) = limit.definitions[call.base].variables
        expression = expression.xreplace(
            {call: limit.definitions[call.base].expr.subs(argument, call.args[0])}
        )
    expression = expression.xreplace({c: names[c.field.name] for c in expression.atoms(Component)})
    values = {
        symbol: {"c": C, "eps": EPS}[symbol.name]
        for symbol in expression.free_symbols
        if symbol.name in ("c", "eps")
    }
    return sp.lambdify((x, v, once, twice), expression.subs(values), "numpy")


def _expectations(s: Fraction):
    """E P(v) and E P(v)**2 under the stationary law of v with a fixed memory, v = C sum_j (1 - C)**j g_j**2,
    at theta = x.
    """
    draws = np.random.default_rng(0).standard_normal((30, 200_000))
    weights = C * (1 - C) ** np.arange(30)

    def at(x: float) -> tuple[float, float]:
        p = 1 / (np.sqrt(weights @ (x * (s == 0) + draws) ** 2) + EPS)
        return p.mean(), (p**2).mean()

    nodes = np.linspace(0.2, 1.0, 9) if s == 0 else np.array([1.0])
    once, twice = np.array([at(x) for x in nodes]).T
    return lambda x: (np.interp(x, nodes, once), np.interp(x, nodes, twice))
