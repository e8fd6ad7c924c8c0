"""Callisti, Romito, Triggiano: the systems of their published code. Statements about the code, not about the
paper.

The regularisation ``phi(v) = max(v, tau)`` is taken where it does nothing, ``phi(v) = v``, ``phi'(v) = 1``.

In the polynomial experiment (Poly/poly.py) a sample is f1 or f2 with probability 1/2, so the noise of one
sample is ``+-(f1' - f2')/2`` and its square ``S = (f1' - f2')**2/4`` does not fluctuate. The code gives that
square the standard deviation ``3/4 (f1' - f2')**2``, and for batches, through ``sigma = batch**(-1/2)``, a
batch-th of it.
"""

from dataclasses import replace

from sympy import Symbol

from ...derivation.chain import Chain
from ...noise.laws import batch_mean, gaussian, two_point
from ...noise.model import NoiseModel
from ...optimizers.adams import adam
from ...optimizers.adaptive import rmsprop
from ...regimes import ballistic, batch_equivalent
from ..claim import Claim, Paper

PAPER = Paper(
    "callisti2025-code", "Callisti, Romito, Triggiano",
    "Effective continuous equations for adaptive SGD: a stochastic analysis view", 2025,
    "arXiv 2509.21614, not the paper but its published code, where its phi(v) = max(v, tau) is v: "
    "github.com/LucaCallisti/SME_for_Adam_and_RMSProp, Algorithms and Poly, 20e4203",
)  # fmt: skip
_NOISE = gaussian(constant=True)
_RMSPROP = {"g": "F", "Sigma": "S", "D": "1/(sqrt(v) + eps)"}
_ADAM = {
    "g": "F",
    "Sigma": "S",
    "s1": "c1 + c1**2*tau/2 + c1**3*tau**2/6",
    "s2": "c2 + c2**2*tau/2 + c2**3*tau**2/6",
    "gam1": "1 - exp(-(t + tau)*s1)",
    "gam2": "1 - exp(-t*s2)",
    "dgam1": "s1*exp(-(t + tau)*s1)",
    "dgam2": "s2*exp(-t*s2)",
    "Gamma": "sqrt(gam2)/gam1",
    "dGamma": "(dgam2*gam1/(2*sqrt(gam2)) - sqrt(gam2)*dgam1)/gam1**2",
    "D": "1/(sqrt(v) + eps*sqrt(gam2))",
}
_ADAM_THETA = "-Gamma*m*D + tau/2*(c1*Gamma*(m - g)*D - c2/2*Gamma*D**3*V*m + (Gamma*dgam2*D**2/(2*sqrt(gam2)) + dGamma*D)*m)"  # noqa: E501
_ADAM_NOTE = "its series of s1, s2 goes on, beyond order 2"


rmsprop_ballistic_order_1 = Claim(
    PAPER, "RMSprop, ballistic, order 1", Chain(rmsprop(), ballistic, _NOISE), 1,
    drift={"theta": "-g*D", "v": "c*(g**2 + Sigma - v)"},
    noise={"theta": "sqrt(tau)*D*B(dW)", "v": "-2*sqrt(tau)*c*g*B(dW)"},
    notation=_RMSPROP, provenance="code", recorded="agrees",
)  # fmt: skip
"""RMSprop, ballistic regime."""


rmsprop_ballistic_order_2 = Claim(
    PAPER, "RMSprop, ballistic, order 2", Chain(rmsprop(), ballistic, _NOISE), 2,
    drift={
        "theta": "-g*D - tau/2*(D*H(D*g) + c/2*D**3*V*g)",
        "v": "c*V + tau/2*(2*c*g*H(g*D) + c**2*V)",
    },
    noise={"theta": "sqrt(tau)*D*B(dW)", "v": "-2*sqrt(tau)*c*g*B(dW)"},
    notation=_RMSPROP | {"V": "g**2 + Sigma - v"}, provenance="code",
    recorded="differs: drift[theta] tau^1 (unless eps = 0), covariance[v,v] tau^1",
    note="the noise block c (2 Sigma o Sigma)^(1/2) of v is set, then overwritten with zero",
)  # fmt: skip
"""RMSprop, ballistic regime."""


rmsprop_batch_order_1 = Claim(
    PAPER, "RMSprop, batch-equivalent, order 1", Chain(rmsprop(), batch_equivalent, _NOISE), 1,
    drift={"theta": "-g*D", "v": "c*(Sigma - v)"}, noise={"theta": "D*B(dW)"},
    notation=_RMSPROP, provenance="code", recorded="agrees",
)  # fmt: skip
"""RMSprop, batch-equivalent regime."""


rmsprop_batch_order_2 = Claim(
    PAPER,
    "RMSprop, batch-equivalent, order 2",
    Chain(rmsprop(), batch_equivalent, _NOISE),
    2,
    drift={
        "theta": "-g*D - tau/2*(D*H(D*g) + c/2*D**3*g*V + 2*D*T(D))",
        "v": "c*V + tau*(c*g**2 + c**2/2*V)",
    },
    noise={
        "theta": "D*B(dW) + tau*c*(D*H(D*B(dW))/2 + D**3*V*B(dW)/4)",
        "v": "-2*tau*c*g*B(dW) + c*sqrt(tau)*B2(dW2)",
    },
    notation=_RMSPROP | {"V": "Sigma - v"},
    provenance="code",
    one_dimension=True,
    recorded="differs: drift[theta] tau^1 (unless eps = 0 and quadratic f), covariance[theta,theta] tau^1, "
    "c3[theta,theta,v] tau^1",
)
"""RMSprop, batch-equivalent regime; the term with the third derivative is coded in one dimension."""


adam_ballistic_order_1 = Claim(
    PAPER,
    "Adam, ballistic, order 1",
    Chain(adam(), ballistic, _NOISE),
    1,
    drift={"theta": "-Gamma*m*D", "m": "c1*(g - m)", "v": "c2*(g**2 + Sigma - v)"},
    noise={"m": "sqrt(tau)*c1*B(dW)"},
    notation=_ADAM,
    provenance="code",
    recorded="agrees",
    note=_ADAM_NOTE,
)
"""Adam, ballistic regime."""


adam_ballistic_order_2 = Claim(
    PAPER, "Adam, ballistic, order 2", Chain(adam(), ballistic, _NOISE), 2,
    drift={
        "theta": _ADAM_THETA,
        "m": "c1*(g - m) + tau/2*(c1*Gamma*H(m*D) + c1**2*(g - m))",
        "v": "c2*V + tau/2*(2*c2*Gamma*g*H(g*D) + c2**2*V)",
    },
    noise={"m": "sqrt(tau)*c1*B(dW)", "v": "sqrt(tau)*(-2*c2*g*B(dW) + c2*B2(dW2))"},
    notation=_ADAM | {"V": "g**2 + Sigma - v"}, provenance="code", note=_ADAM_NOTE,
    recorded="differs: drift[theta] tau^1, drift[v] tau^1, covariance[m,v] tau^1",
)  # fmt: skip
"""Adam, ballistic regime."""

_PLAIN = {"gam1": "1 - exp(-t*c1)", "gam2": "1 - exp(-t*c2)", "Gamma": "sqrt(gam2)/gam1"}
adam_batch_order_1 = Claim(
    PAPER, "Adam, batch-equivalent, order 1", Chain(adam(), batch_equivalent, _NOISE), 1,
    drift={"theta": "-Gamma*m*D", "m": "c1*(g - m)", "v": "c2*(Sigma - v)"}, noise={"m": "c1*B(dW)"},
    notation={"g": "F", "Sigma": "S", **_PLAIN, "D": _ADAM["D"]}, provenance="code", recorded="agrees",
)  # fmt: skip
"""Adam, batch-equivalent regime."""


adam_batch_order_2 = Claim(
    PAPER,
    "Adam, batch-equivalent, order 2",
    Chain(adam(), batch_equivalent, _NOISE),
    2,
    drift={
        "theta": _ADAM_THETA,
        "m": "c1*(g - m) + tau/2*(c1*Gamma*H(m*D) + c1**2*(g - m))",
        "v": "c2*V + tau*(c2*g**2 + c2**2/2*V)",
    },
    noise={
        "theta": "-tau/2*Gamma*D*B(dW)",
        "m": "c1*B(dW)",
        "v": "-2*tau*c2*g*B(dW) + c2*sqrt(tau)*B2(dW2)",
    },
    notation=_ADAM | {"V": "Sigma - v"},
    provenance="code",
    note=_ADAM_NOTE,
    recorded="differs: drift[theta] tau^1, covariance[m,m] tau^1, covariance[m,v] tau^1, covariance[theta,m] tau^1, "  # noqa: E501
    "c3[m,m,v] tau^1",
)
"""Adam, batch-equivalent regime."""


def _polynomial(name: str, law: NoiseModel, sigma: str) -> Claim:
    """The order-2 system of Adam with the second moments of Poly/poly.py; gap is ``f1' - f2'``."""
    claim = adam_ballistic_order_2
    moments = {
        "gap": "2*sqrt(S)",
        "sigma": sigma,
        "Sigma": "sigma**2*gap**2/4",
        "deviation": "3/4*sigma**2*gap**2",
    }
    return replace(
        claim,
        name=f"Adam, ballistic, order 2, polynomials, {name}",
        chain=replace(claim.chain, noise=law),
        one_dimension=True,
        noise={"m": "sqrt(tau)*c1*sigma*B(dW)", "v": "sqrt(tau)*(-2*c2*g*sigma*B(dW) + c2*deviation*dW2)"},
        notation={"g": "F"} | moments | {k: v for k, v in claim.notation.items() if k not in ("g", "Sigma")},
        recorded=f"{claim.recorded}, covariance[v,v] tau^1",
        note=f"gap = f1' - f2'; the squared noise of one sample is gap**2/4 with certainty; {claim.note}",
    )


adam_polynomial = _polynomial("one sample", two_point(), "1")
"""Adam, ballistic regime, in the polynomial experiment with one sample per step."""

adam_polynomial_batch = _polynomial(
    "batches", batch_mean(two_point(), Symbol("batch", positive=True)), "1/sqrt(batch)"
)
"""Adam, ballistic regime, in the polynomial experiment: batches of 8 and 32 samples, drawn with
replacement.
"""

CLAIMS = (
    rmsprop_ballistic_order_1, rmsprop_ballistic_order_2, rmsprop_batch_order_1, rmsprop_batch_order_2,
    adam_ballistic_order_1, adam_ballistic_order_2, adam_batch_order_1, adam_batch_order_2, adam_polynomial,
    adam_polynomial_batch,
)  # fmt: skip
