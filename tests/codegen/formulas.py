"""Objectives and noise factors by formulas, and values to evaluate them at."""

import numpy as np
import sympy as sp

from optsde.codegen.objectives.formula import FormulaFields

CONSTANTS = {"c": 0.7, "c1": 0.8, "c2": 0.45, "eps": 0.2, "mu": 1.3}
TAU, DT = 0.3, 0.04
X = [
    sp.symbols(" ".join(f"theta_{n}" for n in range(1, d + 1)) if d > 1 else "theta", real=True, seq=True)
    for d in range(4)
]


def formulas(d: int) -> tuple[sp.Expr, sp.Matrix]:
    """An objective and a factor whose derivatives of all orders used are different from zero."""
    x = X[d]
    f = sp.Add(*(a**2 / (n + 2) + sp.tanh(a) * (n + 1) for n, a in enumerate(x))) + sp.exp(
        -(x[0] ** 2) / 2 + x[-1] / 3
    )
    f += x[0] ** 2 * x[-1] * x[len(x) // 2] / 5
    b = sp.Matrix(
        d, d, lambda i, p: int(i == p) + x[p] ** 2 / 7 + sp.sin(x[i] + (p + 1) * x[0]) / (i + p + 3)
    )
    return f, b


def fields(d: int) -> FormulaFields:
    return FormulaFields(*formulas(d))


def values(d: int, **others) -> dict[str, np.ndarray]:
    random = np.random.default_rng(d)
    state = {"theta": random.normal(size=d), "m": random.normal(size=d), "v": random.uniform(0.5, 2.0, d)}
    noise = {name: random.normal(size=d) for name in ("zeta1", "zeta2", "past_zeta1")}
    return {**CONSTANTS, **state, **noise, "tau": TAU, "dt": DT, "t": 5 * TAU, **others}


def number(expression: sp.Expr, x: dict[str, np.ndarray]) -> float:
    """Evaluate a function of theta without any code of the package."""
    at = dict(zip(X[len(x["theta"])], x["theta"], strict=True))
    return float(expression.evalf(20, subs=at))
