"""Malladi, Lyu, Panigrahi, Arora: RMSprop and Adam with large noise, in their own scaling with
``tau = eta**2``.
"""

from sympy import Symbol, sqrt

from ...derivation.chain import Chain
from ...noise.laws import gaussian
from ...notation.symbols import tau
from ...optimizers.adams import adam
from ...optimizers.adaptive import rmsprop
from ...regimes import Regime
from ..claim import Claim, Paper

PAPER = Paper(
    "malladi2022",
    "Malladi, Lyu, Panigrahi, Arora",
    "On the SDEs and scaling rules for adaptive gradient algorithms",
    2022,
    "arXiv 2205.10287",
)
_SIGMA0, _EPS0, _C1, _C2 = (Symbol(name, positive=True) for name in ("sigma0", "eps0", "c1", "c2"))
_NOTATION = {"g": "F", "Sigma": "S", "u": "v"}
_SCALING = "tau = eta**2, sigma = sigma0/eta, eps = eps0/eta, 1 - beta_i = c_i*eta**2, u = v/sigma**2"


def _regime(**memories: Symbol) -> Regime:
    """``eta = tau**(1/2)``, ``sigma = sigma0/eta``, ``eps = eps0/eta``, ``1 - beta_i = c_i eta**2``,
    ``u = v/sigma**2``.
    """
    scale = {"lr": sqrt(tau), "eps": _EPS0 / sqrt(tau), "v": _SIGMA0**2 / tau * Symbol("v", real=True)}
    memory = {name: 1 - c * tau for name, c in memories.items()}
    return Regime("malladi2022", _SIGMA0 / sqrt(tau), {**scale, **memory}, PAPER.source)


rmsprop_order_1 = Claim(
    PAPER,
    "RMSprop, order 1",
    Chain(rmsprop(), _regime(alpha=_C2), gaussian()),
    1,
    drift={"theta": "-g/P", "v": "c2*(Sigma - u)"},
    noise={"theta": "-sigma0/P*B(dW)"},
    notation=_NOTATION | {"P": "sigma0*sqrt(u) + eps0"},
    provenance="re-derived",
    recorded="agrees",
    note=_SCALING,
)
"""RMSprop."""

_ADAM = _NOTATION | {
    "gam1": "1 - exp(-c1*t)", "gam2": "1 - exp(-c2*t)", "P": "sigma0*sqrt(u) + eps0*sqrt(gam2)",
}  # fmt: skip
adam_order_1 = Claim(
    PAPER,
    "Adam, order 1",
    Chain(adam("torch"), _regime(beta1=_C1, beta2=_C2), gaussian()),
    1,
    drift={"theta": "-sqrt(gam2)/gam1*m/P", "m": "c1*(g - m)", "v": "c2*(Sigma - u)"},
    noise={"m": "sigma0*c1*B(dW)"},
    notation=_ADAM,
    provenance="re-derived",
    recorded="agrees",
    note=_SCALING,
)
"""Adam."""

CLAIMS = (rmsprop_order_1, adam_order_1)
