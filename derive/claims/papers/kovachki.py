"""Kovachki, Stuart; Cattaneo, Shigida: momentum with a fixed beta, full batch, long after the start."""

from dataclasses import replace

from ...derivation.chain import Chain
from ...optimizers.momentum import momentum
from ...optimizers.rule import UpdateRule
from ...regimes import ballistic
from ..claim import Claim, Paper
from .barrett import FULL_BATCH

PAPER = Paper(
    "kovachki2021", "Kovachki, Stuart", "Continuous time analysis of momentum methods", 2021,
    "JMLR 22(17); also Cattaneo, Shigida, arXiv 2502.02132",
)  # fmt: skip


def _undamped() -> UpdateRule:
    rule = momentum()
    (dampening,) = (h for h in rule.hyperparameters if h.name == "dampening")
    update = {block: expression.subs(dampening.symbol, 0) for block, expression in rule.update.items()}
    return replace(
        rule, hyperparameters=tuple(h for h in rule.hyperparameters if h != dampening), update=update
    )


heavy_ball_memory = Claim(
    PAPER,
    "heavy ball, fixed beta, order 2",
    Chain(_undamped(), ballistic, FULL_BATCH),
    2,
    drift={"theta": "-(g + h*(1 + beta)/(2*(1 - beta)**2)*H(g))/(1 - beta)"},
    noise={},
    notation={"h": "tau", "g": "F", "beta": "1 - c"},
    provenance="re-derived",
    recorded="agrees",
    fixed_memory=True,
)
"""The heavy ball follows ``f + h (1 + beta)/(4 (1 - beta)**2) |grad f|**2``."""

CLAIMS = (heavy_ball_memory,)
