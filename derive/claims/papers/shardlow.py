"""Shardlow: the modified equation of the forward Euler method for an SDE, which exists for additive noise but
not in general.

SGD with noise of scale ``tau**(-1/2)`` is that method for ``dX = -grad f dt + Sigma^(1/2) dW``. The formula
for additive noise, held against noise that depends on the state, is right only if the noise is constant: what
is left over is a third derivative in the generator, which no choice of drift and diffusion removes.
"""

from ...derivation.chain import Chain
from ...noise.laws import gaussian
from ...optimizers.momentum import sgd
from ...regimes import batch_equivalent
from ..claim import Claim, Paper

PAPER = Paper(
    "shardlow2006", "Shardlow", "Modified equations for stochastic differential equations", 2006,
    "BIT Numerical Mathematics 46",
)  # fmt: skip


def _forward_euler(name: str, constant: bool, recorded: str) -> Claim:
    return Claim(
        PAPER, name, Chain(sgd(), batch_equivalent, gaussian(constant)), 2,
        drift={"theta": "b + h/2*(H(b) + T(1)/2)"}, noise={"theta": "B(dW) + h/2*H(B(dW))"},
        notation={"h": "tau", "b": "-F"}, provenance="re-derived", recorded=recorded,
        note="" if constant else "the paper says that there is none; the difference at c3 is why",
    )  # fmt: skip


additive_noise = _forward_euler("forward Euler, additive noise, order 2", constant=True, recorded="agrees")
"""Forward Euler, additive noise."""

multiplicative_noise = _forward_euler(
    "the same formula for multiplicative noise", constant=False, recorded="agrees if constant noise"
)
"""The same formula where the noise depends on the state, for which the paper makes no claim."""

CLAIMS = (additive_noise, multiplicative_noise)
