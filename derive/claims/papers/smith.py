"""Smith, Dherin, Barrett, De: SGD over an epoch of random reshuffling, the mean over the orders of its
batches.

The m batches are fixed. ``S`` is the covariance of the gradient of one of them, drawn uniformly, so that
``1/m sum_k |grad C_k|**2 = |grad C|**2 + tr S``. An epoch of m steps of the learning rate eps lasts
``tau = m eps``.
"""

from sympy import Integer

from ...derivation.chain import Chain
from ...noise.laws import general, reshuffled
from ...optimizers.modifiers import epoch
from ...optimizers.momentum import sgd
from ...regimes import parse_regime
from ..claim import Claim, Paper

PAPER = Paper(
    "smith2021",
    "Smith, Dherin, Barrett, De",
    "On the origin of implicit regularization in stochastic gradient descent",
    2021,
    "arXiv 2101.12176",
)


def reshuffled_sgd(batches: int) -> Claim:
    """An epoch follows ``C + eps/(4 m) sum_k |grad C_k|**2``."""
    rule = epoch(sgd(), batches)
    chain = Chain(rule, parse_regime(f"lr=tau/{batches}", rule), reshuffled(general(), Integer(batches)))
    return Claim(
        PAPER, f"SGD, an epoch of {batches} batches in random order, order 2", chain, 2,
        drift={"theta": "-g - eps/4*grad(g**2 + S)"}, noise={},
        notation={"eps": f"tau/{batches}", "g": "F"}, provenance="re-derived", recorded="agrees",
    )  # fmt: skip


CLAIMS = tuple(map(reshuffled_sgd, (2, 3, 4)))
