"""Rules with sums inside sums, in words and in NumPy: numbers of any precision, two coordinates."""

from collections.abc import Callable

import mpmath as mp
import numpy as np

from optsde.derive.optimizers.rule import UpdateRule
from optsde.derive.optimizers.rule_files import read_rule

DIGITS = 120
HESSIAN = np.array([[1.0, 0.5], [0.5, 1.0]])
C = 0.75

Vector = np.ndarray


def _exp(x: Vector) -> Vector:
    return np.array([mp.exp(entry) for entry in x])


def _norm(x: Vector):
    return mp.sqrt((x * x).sum())


def _normed(m: Vector, theta: Vector) -> Vector:
    u = m / _norm(m)
    return u + theta / _norm(theta + u)


STEPS: dict[str, tuple[dict[str, str], Callable[[Vector, Vector], Vector]]] = {
    "sum of exponentials": (
        {"u": "m/norm(m)", "d": "u*total(exp(-u**2))"},
        lambda m, theta: (u := m / _norm(m)) * _exp(-u * u).sum(),
    ),
    "norm of a scaled vector": (
        {"u": "m/norm(m)", "d": "u*norm(u*norm(theta))"},
        lambda m, theta: (u := m / _norm(m)) * _norm(u * _norm(theta)),
    ),
    "norm with a norm inside": (
        {"u": "m/norm(m)", "d": "u + theta/norm(theta + u)"},
        lambda m, theta: _normed(m, theta),
    ),
    "three deep": (
        {"u": "m/norm(m)", "w": "u + theta/norm(theta + u)", "d": "w*total(exp(-w**2))"},
        lambda m, theta: (w := _normed(m, theta)) * _exp(-w * w).sum(),
    ),
    "four deep": (
        {"u": "m/norm(m)", "w": "u + theta/norm(theta + u)",
         "d": "w*total(exp(-w**2))/norm(w*norm(theta))"},
        lambda m, theta: (w := _normed(m, theta)) * _exp(-w * w).sum() / _norm(w * _norm(theta)),
    ),
    "a sum of products of sums": (
        {"p": "theta*norm(m) + m*norm(theta)", "d": "p*total(p*norm(p))/norm(p)"},
        lambda m, theta: (p := theta * _norm(m) + m * _norm(theta)) * (p * _norm(p)).sum() / _norm(p),
    ),
    "a sum over what has no index": (
        {"d": "m*total(theta*norm(m) + norm(theta + m))"},
        lambda m, theta: m * (theta * _norm(m) + _norm(theta + m)).sum(),
    ),
    "a mean taken away": (
        {"w": "m - total(m)/total(1)", "d": "w/norm(w + theta*total(m*theta))"},
        lambda m, theta: (w := m - m.sum() / 2) / _norm(w + theta * (m * theta).sum()),
    ),
}  # fmt: skip


def nested(name: str) -> UpdateRule:
    """The rule ``m' = beta m + (1 - beta) g``, ``theta' = theta - lr d(m', theta)``."""
    lines, _ = STEPS[name]
    return read_rule({
        "name": "nested", "state": {"m": {}},
        "hyperparameters": {"lr": {"role": "learning rate"}, "beta": {"role": "memory", "default": C}},
        "update": {"m": "beta*m + (1 - beta)*g", **lines, "theta": "theta - lr*d"},
    })  # fmt: skip


def step(name: str, state: Vector, tau) -> Vector:
    """One step without noise, ``state = (theta, m)``."""
    theta, m = state[:2], state[2:]
    m = m + C * tau * (HESSIAN @ theta - m)
    return np.concatenate([theta - tau * STEPS[name][1](m, theta), m])
