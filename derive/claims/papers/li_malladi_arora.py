"""Li, Malladi, Arora: SVAG, which takes l steps of the learning rate ``eta/l`` with larger noise for one step
of SGD.
"""

from ...derivation.chain import Chain
from ...noise.laws import general
from ...optimizers.momentum import svag
from ...regimes import parse_regime
from ..claim import Claim, Paper

PAPER = Paper(
    "li2021",
    "Li, Malladi, Arora",
    "On the validity of modeling SGD with stochastic differential equations (SDEs)",
    2021,
    "arXiv 2102.12470; code sadhikamalladi/svag",
)


svag_order_1 = Claim(
    PAPER, "SVAG, order 1", Chain(svag(), parse_regime("l=eta/tau", svag()), general()), 1,
    drift={"theta": "-g"}, noise={"theta": "sqrt(eta)*B(dW)"},
    notation={"g": "F"}, provenance="code", recorded="agrees",
)  # fmt: skip
"""As ``l = eta/tau`` grows SVAG converges to the equation of SGD with the learning rate eta."""

CLAIMS = (svag_order_1,)
