"""Barrett, Dherin: gradient descent with the full batch, without noise."""

from ...derivation.chain import Chain
from ...noise.model import NoiseModel
from ...optimizers.momentum import sgd
from ...regimes import ballistic
from ..claim import Claim, Paper

PAPER = Paper("barrett2021", "Barrett, Dherin", "Implicit gradient regularization", 2021, "arXiv 2009.11162")

FULL_BATCH = NoiseModel("full batch", ())
"""No noise: all cumulants vanish."""

gradient_descent = Claim(
    PAPER, "gradient descent, order 2", Chain(sgd(), ballistic, FULL_BATCH), 2,
    drift={"theta": "-g - h/2*H(g)"}, noise={},
    notation={"h": "tau", "g": "F"}, provenance="re-derived", recorded="agrees",
)  # fmt: skip
"""Gradient descent follows ``f + h/4 |grad f|**2``."""

CLAIMS = (gradient_descent,)
