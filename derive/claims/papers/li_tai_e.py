"""Li, Tai, E: stochastic gradient descent and its relatives with momentum."""

from ...derivation.chain import Chain
from ...noise.laws import gaussian, general
from ...optimizers.momentum import heavy_ball, nesterov, sgd
from ...regimes import ballistic
from ..claim import Claim, Paper

PAPER = Paper(
    "li2019",
    "Li, Tai, E",
    "Stochastic modified equations and dynamics of stochastic gradient algorithms I",
    2019,
    "JMLR 20(40), arXiv 1811.01558; first in arXiv 1511.06251",
)
_NOTATION = {"eta": "tau", "g": "F"}


sgd_order_1 = Claim(
    PAPER, "SGD, order 1", Chain(sgd(), ballistic, general()), 1,
    drift={"theta": "-g"}, noise={"theta": "sqrt(eta)*B(dW)"},
    notation=_NOTATION, provenance="re-derived", recorded="agrees",
)  # fmt: skip
"""SGD, the stochastic gradient flow."""


sgd_order_2 = Claim(
    PAPER, "SGD, order 2", Chain(sgd(), ballistic, general()), 2,
    drift={"theta": "-g - eta/2*H(g)"}, noise={"theta": "sqrt(eta)*B(dW)"},
    notation=_NOTATION, provenance="re-derived", recorded="agrees",
)  # fmt: skip
"""SGD, ``-grad(f + eta/4 |grad f|**2)``."""


heavy_ball_order_1 = Claim(
    PAPER, "momentum, order 1", Chain(heavy_ball(), ballistic, general()), 1,
    drift={"theta": "v", "v": "-(mu*v + g)"}, noise={"v": "sqrt(eta)*B(dW)"},
    notation=_NOTATION, provenance="re-derived", recorded="agrees",
)  # fmt: skip
"""SGD with momentum."""


heavy_ball_order_2 = Claim(
    PAPER, "momentum, order 2", Chain(heavy_ball(), ballistic, general()), 2,
    drift={
        "theta": "(1 - eta*mu/2)*v - eta/2*g",
        "v": "-(mu*v + eta/2*(mu**2*v - H(v))) - (1 + eta*mu/2)*g",
    },
    noise={"v": "sqrt(eta)*B(dW)"}, notation=_NOTATION, provenance="re-derived", recorded="agrees",
)  # fmt: skip
"""SGD with momentum."""


nesterov_order_1 = Claim(
    PAPER, "Nesterov, order 1", Chain(nesterov(), ballistic, gaussian(constant=True)), 1,
    drift={"theta": "v", "v": "-(mu*v + g)"}, noise={"v": "sqrt(eta)*B(dW)"},
    notation=_NOTATION, provenance="re-derived", recorded="agrees",
)  # fmt: skip
"""Nesterov's momentum, constant ``mu``."""


nesterov_order_2 = Claim(
    PAPER, "Nesterov, order 2", Chain(nesterov(), ballistic, gaussian(constant=True)), 2,
    drift={
        "theta": "(1 - eta*mu/2)*v - eta/2*g",
        "v": "-(mu*v + eta/2*(mu**2*v + H(v))) - (1 + eta*mu/2)*g",
    },
    noise={"v": "sqrt(eta)*B(dW)"}, notation=_NOTATION, provenance="re-derived", recorded="agrees",
)  # fmt: skip
"""Nesterov's momentum, constant ``mu``."""

CLAIMS = (
    sgd_order_1,
    sgd_order_2,
    heavy_ball_order_1,
    heavy_ball_order_2,
    nesterov_order_1,
    nesterov_order_2,
)
