"""Cattaneo, Klusowski, Shigida: Adam with fixed betas, full batch, long after the start.

Their regulariser is ``||g||_{1,eps} = sum_j sqrt(g_j**2 + eps)``; its gradient is ``H(g/sqrt(g**2 + eps))``.
"""

from dataclasses import replace

from sympy import sqrt

from ...derivation.chain import Chain
from ...notation.symbols import k
from ...optimizers.adams import adam
from ...optimizers.adaptive import rmsprop
from ...optimizers.rule import UpdateRule
from ...regimes import ballistic
from ..claim import Claim, Paper
from .barrett import FULL_BATCH

PAPER = Paper(
    "cattaneo2024", "Cattaneo, Klusowski, Shigida", "On the implicit bias of Adam", 2024, "arXiv 2309.00079",
)  # fmt: skip
_NOTATION = {"h": "tau", "g": "F", "R": "g**2 + eps"}


def _eps_inside() -> UpdateRule:
    """Adam with ``sqrt(v/(1 - beta2**(k+1)) + eps)``."""
    rule = adam("torch")
    (outside,), symbols = rule.auxiliaries, {h.name: h.symbol for h in rule.hyperparameters}
    (v,), first, second = outside.arguments, *(1 - symbols[name] ** (k + 1) for name in ("beta1", "beta2"))
    inside = replace(outside, expression=1 / (first * sqrt(v / second + symbols["eps"])))
    square = tuple(replace(h, noise_units=2) if h.name == "eps" else h for h in rule.hyperparameters)
    return replace(rule, variant="torch, eps inside the root", hyperparameters=square, auxiliaries=(inside,))


_ADAM = _NOTATION | {"beta1": "1 - c1", "beta2": "1 - c2", "first": "(1 + beta1)/(1 - beta1)"}
adam_memory = Claim(
    PAPER, "Adam, fixed betas, order 2", Chain(_eps_inside(), ballistic, FULL_BATCH), 2,
    drift={"theta": "-(g + h/2*(first - second + second*eps/R)*H(g/sqrt(R)))/sqrt(R)"}, noise={},
    notation=_ADAM | {"second": "(1 + beta2)/(1 - beta2)"}, provenance="re-derived", recorded="agrees",
    fixed_memory=True,
)  # fmt: skip
"""Adam with fixed betas."""

rmsprop_memory = Claim(
    PAPER, "RMSprop, fixed alpha, order 2", Chain(rmsprop("optax"), ballistic, FULL_BATCH), 2,
    drift={"theta": "-(g + h/2*(1 - second + second*eps/R)*H(g/sqrt(R)))/sqrt(R)"}, noise={},
    notation=_NOTATION | {"alpha": "1 - c", "second": "(1 + alpha)/(1 - alpha)"}, provenance="re-derived",
    recorded="agrees", fixed_memory=True, note="Adam's formula with beta1 = 0",
)  # fmt: skip
"""RMSprop with fixed alpha: the same with ``beta1 = 0``."""

CLAIMS = (adam_memory, rmsprop_memory)
