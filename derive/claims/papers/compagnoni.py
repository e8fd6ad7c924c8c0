"""Compagnoni, Liu, Islamov, Proske, Orvieto, Lucchi: SignSGD; RMSprop and Adam with decoupled weight
decay.
"""

from ...derivation.chain import Chain
from ...noise.laws import gaussian
from ...optimizers.adams import adamw
from ...optimizers.adaptive import rmsprop
from ...optimizers.modifiers import decoupled_weight_decay
from ...optimizers.signs import sign_sgd
from ...regimes import ballistic, batch_equivalent
from ..claim import Claim, Paper

PAPER = Paper(
    "compagnoni2025",
    "Compagnoni, Liu, Islamov, Proske, Orvieto, Lucchi",
    "Adaptive methods through the lens of SDEs: theoretical insights on the role of noise",
    2025,
    "arXiv 2411.15958",
)
_NOTATION = {"eta": "tau", "g": "F", "Sigma": "S", "lam": "weight_decay", "P": "sqrt(v) + eps"}


rmspropw = Claim(
    PAPER,
    "RMSpropW, order 1",
    Chain(decoupled_weight_decay(rmsprop("torch")), ballistic, gaussian()),
    1,
    drift={"theta": "-g/P - lam*theta", "v": "rho*(g**2 + Sigma - v)"},
    noise={"theta": "-sqrt(eta)/P*B(dW)"},
    notation=_NOTATION | {"rho": "c"},
    provenance="recalled",
    recorded="agrees",
)
"""RMSpropW."""

_BIAS = {"rho1": "c1", "rho2": "c2", "iota1": "1 - exp(-rho1*t)", "iota2": "1 - exp(-rho2*t)"}
adamw_order_1 = Claim(
    PAPER,
    "Theorem 3.12, AdamW, order 1",
    Chain(adamw(), ballistic, gaussian()),
    1,
    drift={
        "theta": "-sqrt(iota2)/iota1/P*(m + eta*rho1*(g - m)) - lam*theta",
        "m": "rho1*(g - m)",
        "v": "rho2*(g**2 + Sigma - v)",
    },
    noise={"m": "sqrt(eta)*rho1*B(dW)"},
    notation=_NOTATION | _BIAS,
    provenance="recalled",
    recorded="agrees if eps = 0",
    note="P is recalled without a factor sqrt(iota2) of eps; with that factor it agrees for every eps",
)
"""AdamW."""


sign_sgd_order_1 = Claim(
    PAPER, "Theorem 3.2, SignSGD, order 1", Chain(sign_sgd(), ballistic, gaussian()), 1,
    drift={"theta": "-E"}, noise={"theta": "sqrt(eta)*sqrt(1 - E**2)*dW"},
    notation={"eta": "tau", "g": "F", "Sigma": "S", "E": "erf(g/sqrt(2*Sigma))"},
    provenance="re-derived", recorded="agrees", one_dimension=True,
)  # fmt: skip
"""SignSGD with Gaussian noise."""


sign_sgd_phase_1 = Claim(
    PAPER,
    "SignSGD, phase 1, order 1",
    Chain(sign_sgd(), ballistic, gaussian()),
    1,
    drift={"theta": "-sign(g)"},
    noise={},
    notation={"g": "F"},
    provenance="recalled",
    recorded="agrees if signal far above noise",
    one_dimension=True,
    note="stated for |Y| > 3/2, Y = g/sqrt(2*Sigma), where erf(|Y|) is 1 up to 0.034; phase 2, 1 < |Y| < 3/2, bounds the "  # noqa: E501
    "drift by two parallel lines, an inequality and no equation; its constants are not recalled",
)
"""SignSGD where the signal is far above the noise, ``|Y| > 3/2``, ``Y = Sigma^(-1/2) g/sqrt(2)``."""


sign_sgd_phase_3 = Claim(
    PAPER,
    "SignSGD, phase 3, order 1",
    Chain(sign_sgd(), ballistic, gaussian()),
    1,
    drift={"theta": "-sqrt(2/pi)*g/sqrt(Sigma)"},
    noise={"theta": "sqrt(eta)*sqrt(1 - 2/pi*g**2/Sigma)*dW"},
    notation={"eta": "tau", "g": "F", "Sigma": "S"},
    provenance="recalled",
    recorded="agrees if signal far below noise",
    one_dimension=True,
    note="stated for |g| < sqrt(2*Sigma), where its drift is up to 34 % above erf(g/sqrt(2*Sigma))",
)
"""SignSGD where the signal is far below the noise, ``|Y| < 1``."""


sign_sgd_phase_3_large_noise = Claim(
    PAPER, "SignSGD, phase 3, large noise, order 1", Chain(sign_sgd(), batch_equivalent, gaussian()), 1,
    drift={"theta": "-sqrt(2/pi)*g/sqrt(Sigma)"}, noise={"theta": "sqrt(1 - 2*tau/pi*g**2/Sigma)*dW"},
    notation={"g": "F", "Sigma": "S"}, provenance="recalled", recorded="agrees", one_dimension=True,
    note="tau = eta**2, and the noise's covariance is Sigma/tau",
)  # fmt: skip
"""Phase 3 with noise of order ``tau**(-1/2)``, which the signal is always far below: no assumption is
left.
"""

CLAIMS = (
    sign_sgd_order_1,
    sign_sgd_phase_1,
    sign_sgd_phase_3,
    sign_sgd_phase_3_large_noise,
    rmspropw,
    adamw_order_1,
)
