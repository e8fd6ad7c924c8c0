"""Steps carried out in numbers, to be held against formulas."""

import numpy as np
import sympy as sp
from interpreter import after
from quadratics import quadratic

CONSTANTS = {"c": 0.7, "c1": 0.8, "c2": 0.45, "eps": 0.2, "mu": 1.3, "trust": 0.6, "weight_decay": 0.3}


TAU, DT, STEPS_DONE = 0.3, 0.04, 5


def values(d: int, **others) -> dict[str, np.ndarray]:
    """Everything a step may need: a random problem, a random state, random noise, t = 5 tau."""
    random = np.random.default_rng(d)
    root, spread = random.normal(size=(2, d, d))
    problem = quadratic(root @ root.T + np.eye(d), spread @ spread.T, random.normal(size=d))
    state = {"theta": random.normal(size=d), "m": random.normal(size=d), "v": random.uniform(0.5, 2.0, d)}
    noise = {"zeta1": random.normal(size=d), "zeta2": random.normal(size=d)}
    t = STEPS_DONE * TAU
    return {
        **CONSTANTS,
        **problem.matrices,
        **problem.vectors,
        **state,
        **noise,
        "tau": TAU,
        "dt": DT,
        "t": t,
        **others,
    }


def in_components(equation, x: dict[str, np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Evaluate drift and covariance, by power of tau, from the equation's component form."""
    d = len(x["theta"])
    names = ["theta"] if d == 1 else [f"theta_{n}" for n in range(1, d + 1)]
    theta = sp.Matrix([sp.Symbol(name, real=True) for name in names])
    offset = theta - sp.Matrix(x["minimum"])
    form = equation.expand(d, (offset.T * sp.Matrix(x["H"]) * offset)[0] / 2)
    numbers = {name: x[name] for name in (*CONSTANTS, "t", "tau")}
    for block in ("theta", "m", "v"):
        numbers |= {block if d == 1 else f"{block}_{n + 1}": entry for n, entry in enumerate(x[block])}
    numbers |= {"S" if d == 1 else f"S_{i + 1}{j + 1}": x["S"][i, j] for i in range(d) for j in range(i, d)}

    def number(matrix: sp.Matrix) -> np.ndarray:
        symbols = sorted(matrix.free_symbols, key=str)
        return np.array(sp.lambdify(symbols, matrix)(*(numbers[s.name] for s in symbols)), dtype=float)

    return [number(b)[:, 0] for b in form.drift], [number(a) for a in form.covariance]


def factor(step, x: dict[str, np.ndarray]) -> np.ndarray:
    """Return the columns by which the step answers to unit noise, in units of sqrt(dt)."""
    d = len(x["theta"])
    none = {"zeta1": np.zeros(d), "zeta2": np.zeros(d)}
    still = after(step, x | none)
    columns = [after(step, x | none | {name: unit}) - still for name in step.noise for unit in np.eye(d)]
    return (
        np.stack(columns).reshape(len(columns), -1).T / np.sqrt(DT) if columns else np.zeros((still.size, 1))
    )
