"""Published and re-derived coefficients in one dimension, in plain symbols: the numbered oracles.

`F, H, T` are f', f'', f'''; `S, S1, S2` the covariance of the noise and its derivatives; `K3, K4` its raw
third and fourth moments. `r = sqrt(v)`, `e1 = exp(-c1 t)` and `q = sqrt(1 - exp(-c2 t))` make everything a
rational function, so two expressions are equal if and only if `sympy.cancel` of their difference is zero.

Each table maps (k, coordinates) to the coefficient of tau^k; a missing entry is zero.
"""

import sympy as sp
from sympy.core.function import AppliedUndef

F, H, T, S1, S2, K3, m, theta, t = sp.symbols("F H T S1 S2 K3 m theta t", real=True)
S, K4, r, c, c1, c2, mu, eps, e1, q = sp.symbols("S K4 r c c1 c2 mu eps e1 q", positive=True)
v = r**2
half = sp.Rational(1, 2)
quarter = sp.Rational(1, 4)

kappa = sp.Symbol("kappa", real=True)
nu = sp.Symbol("nu", positive=True)
DERIVATIVES = {
    ("f", 0): sp.Symbol("f"), ("f", 1): F, ("f", 2): H, ("f", 3): T, ("S", 0): S, ("S", 1): S1, ("S", 2): S2,
    ("K3", 0): K3, ("K4", 0): K4 - 3 * S**2,  # the engine's are cumulants
}  # fmt: skip

Table = dict[tuple[int, tuple[str, ...]], sp.Expr]

P = 1 / (r + eps)
P_v = sp.diff(P, r) / (2 * r)

SGD_BALLISTIC: Table = {(0, ("theta",)): -F, (1, ("theta",)): -half * F * H, (1, ("theta", "theta")): S}

SGD_BATCH: Table = {
    (0, ("theta",)): -F,
    (0, ("theta", "theta")): S,
    (1, ("theta",)): -half * F * H + quarter * S * T,
    (1, ("theta", "theta")): S * H + half * F * S1 - quarter * S * S2,
    (1, ("theta",) * 3): -3 * half * S * S1,
    (1, ("theta",) * 4): K4 - 3 * S**2,
}

VELOCITY = sp.Symbol("velocity", real=True)  # the heavy ball's v, of either sign
HEAVY_BALL_BALLISTIC: Table = {
    (0, ("theta",)): VELOCITY,
    (0, ("v",)): -mu * VELOCITY - F,
    (1, ("theta",)): -half * (mu * VELOCITY + F),
    (1, ("v",)): half * (-(mu**2) * VELOCITY - mu * F + VELOCITY * H),
    (1, ("v", "v")): S,
}

RMSPROP_BALLISTIC: Table = {
    (0, ("theta",)): -P * F,
    (0, ("v",)): c * (F**2 + S - v),
    (1, ("theta",)): -half * (P**2 * H * F - c * P_v * (S + F**2 - v) * F),
    (1, ("v",)): c / 2 * (c * (S + F**2 - v) + P * F * (S1 + 2 * F * H)),
    (1, ("theta", "theta")): P**2 * S,
    (1, ("theta", "v")): -c * P * (2 * F * S + K3),
    (1, ("v", "v")): c**2 * (K4 - S**2 + 4 * F * K3 + 4 * F**2 * S),
}

RMSPROP_BATCH: Table = {
    (0, ("theta",)): -P * F,
    (0, ("v",)): c * (S - v),
    (0, ("theta", "theta")): P**2 * S,
    (1, ("theta",)): -half * P**2 * H * F + c / 2 * (S - v) * P_v * F + quarter * P**3 * S * T,
    (1, ("v",)): c * F**2 + c**2 / 2 * (S - v) + c / 2 * P * S1 * F - c / 4 * P**2 * S * S2,
    (1, ("theta", "theta")): P**3 * S * H
    + half * P**3 * S1 * F
    - c * (S - v) * S * P * P_v
    - quarter * P**4 * S * S2,
    (1, ("theta", "v")): -2 * c * F * P * S - c / 2 * P**2 * S * S1,
    (1, ("v", "v")): c**2 * (K4 - S**2),
    (1, ("theta",) * 3): -3 * half * P**4 * S * S1,
    (1, ("theta", "theta", "v")): c * (K4 - S**2) * P**2,
    (1, ("theta",) * 4): P**4 * (K4 - 3 * S**2),
}

# Adam: Q as a function of the two bias corrections gam1, gam2 = 1 - exp(-c_i t)
gam1, gam2 = sp.symbols("gam1 gam2", positive=True)
_Q = sp.sqrt(gam2) / ((r + eps * sp.sqrt(gam2)) * gam1)
_AT = {gam1: 1 - e1, gam2: q**2}
Q = _Q.subs(_AT)
Q_v = (sp.diff(_Q, r) / (2 * r)).subs(_AT)
Q_1, Q_2 = sp.diff(_Q, gam1).subs(_AT), sp.diff(_Q, gam2).subs(_AT)
e2 = 1 - q**2
Q_t = Q_1 * c1 * e1 + Q_2 * c2 * e2


def shift(first: int, second: int) -> sp.Expr:
    """Part of Q at order tau because 1 - beta^(k+n) = 1 - exp(-c t) (1 - tau (c^2 t/2 + n c)) + O(tau^2), k =
    t/tau.
    """
    return Q_1 * e1 * (c1**2 * t / 2 + first * c1) + Q_2 * e2 * (c2**2 * t / 2 + second * c2)


# the paper's Adam divides by 1 - beta1^(k+2) and 1 - beta2^(k+1)
ADAM_SHIFT = -m * shift(2, 1)

ADAM_BALLISTIC: Table = {
    (0, ("theta",)): -Q * m,
    (0, ("m",)): c1 * (F - m),
    (0, ("v",)): c2 * (F**2 + S - v),
    (1, ("theta",)): c1 / 2 * (m - F) * Q + c2 / 2 * m * (F**2 + S - v) * Q_v + half * m * Q_t + ADAM_SHIFT,
    (1, ("m",)): c1 / 2 * (c1 * (F - m) + m * Q * H),
    (1, ("v",)): c2 / 2 * (c2 * (F**2 + S - v) + m * Q * (S1 + 2 * F * H)),
    (1, ("m", "m")): c1**2 * S,
    (1, ("m", "v")): c1 * c2 * (2 * F * S + K3),
    (1, ("v", "v")): c2**2 * (K4 - S**2 + 4 * F * K3 + 4 * F**2 * S),
}

ADAM_BATCH: Table = {
    (0, ("theta",)): -Q * m,
    (0, ("m",)): c1 * (F - m),
    (0, ("v",)): c2 * (S - v),
    (0, ("m", "m")): c1**2 * S,
    (1, ("theta",)): c1 / 2 * (m - F) * Q - c2 / 2 * m * (v - S) * Q_v + half * m * Q_t + ADAM_SHIFT,
    (1, ("m",)): c1 / 2 * (c1 * (F - m) + m * Q * H),
    (1, ("v",)): c2 / 2 * (c2 * (S - v) + m * Q * S1 + 2 * F**2),
    (1, ("theta", "m")): -half * c1**2 * Q * S,
    (1, ("m", "m")): c1**3 * S + c1**2 / 2 * m * Q * S1,
    (1, ("m", "v")): 2 * c1 * c2 * F * S,
    (1, ("v", "v")): c2**2 * (K4 - S**2),
    (1, ("m", "m", "v")): c1**2 * c2 * (K4 - S**2),
    (1, ("m",) * 4): c1**4 * (K4 - 3 * S**2),
}

ORACLES: dict[tuple[str, str], Table] = {
    ("sgd", "ballistic"): SGD_BALLISTIC,
    ("sgd", "batch_equivalent"): SGD_BATCH,
    ("heavy_ball", "ballistic"): HEAVY_BALL_BALLISTIC,
    ("rmsprop", "ballistic"): RMSPROP_BALLISTIC,
    ("rmsprop", "batch_equivalent"): RMSPROP_BATCH,
    ("adam", "ballistic"): ADAM_BALLISTIC,
    ("adam", "batch_equivalent"): ADAM_BATCH,
}


def plain(expression: sp.Expr, rule: str) -> sp.Expr:
    """An expression of the one-dimensional component form, in the symbols above."""
    own = {symbol.name: symbol for symbol in (m, theta, t, c, c1, c2, mu, eps, kappa, nu)}
    own["v"] = VELOCITY if rule == "heavy_ball" else v
    replacement: dict[sp.Basic, sp.Basic] = {s: own[s.name] for s in expression.free_symbols}
    for atom in expression.atoms(sp.Derivative, AppliedUndef):
        base, count = (atom.expr, atom.derivative_count) if isinstance(atom, sp.Derivative) else (atom, 0)
        replacement[atom] = DERIVATIVES[base.func.__name__, count]
    for atom in expression.atoms(sp.exp):
        named = {symbol.name: symbol for symbol in atom.free_symbols}
        power_1, power_2 = (-atom.exp.diff(named[x], named["t"]) if x in named else 0 for x in ("c1", "c2"))
        replacement[atom] = e1**power_1 * (1 - q**2) ** power_2
        check = replacement[atom].subs({e1: sp.exp(-c1 * t), q: sp.sqrt(1 - sp.exp(-c2 * t))})
        assert sp.simplify(check - atom.subs({s: own[s.name] for s in atom.free_symbols})) == 0
    return expression.xreplace(replacement)
