"""The optimizers smelt knows by name."""

from collections.abc import Callable, Mapping

from sympy import Function, sqrt

from .rules import Auxiliary, Block, Hyperparameter, UpdateRule
from .symbols import g, k

_LR = Hyperparameter("lr", "learning rate")
_ADAPTIVE_LR = Hyperparameter("lr", "learning rate", noise_units=1)
_EPS = Hyperparameter("eps", "constant", noise_units=1, default=1e-6)
_THETA = Block("theta")
_SECOND_MOMENT = Block("v", noise_units=2, nonnegative=True)
_PAPER = "Callisti, Romito, Triggiano, arXiv 2509.21614"


def sgd() -> UpdateRule:
    """Plain stochastic gradient descent, ``theta' = theta - lr g``."""
    update = {"theta": _THETA.symbol - _LR.symbol * g}
    return UpdateRule("sgd", "plain", (_THETA,), (_LR,), (), update, "Robbins, Monro 1951")


def heavy_ball() -> UpdateRule:
    """Momentum in the scaling of Li, Tai, E: ``v' = v - mu lr v - lr g``, ``theta' = theta + lr v'``."""
    velocity, mu = Block("v"), Hyperparameter("mu", "constant")
    after = velocity.symbol - mu.symbol * _LR.symbol * velocity.symbol - _LR.symbol * g
    update = {"theta": _THETA.symbol + _LR.symbol * after, "v": after}
    return UpdateRule("heavy_ball", "li-tai-e", (_THETA, velocity), (_LR, mu), (), update, "Li, Tai, E, arXiv 1811.01558")


def rmsprop(variant: str = "paper") -> UpdateRule:
    """RMSprop.

    Parameters
    ----------
    variant : {"paper", "torch"}
        Which second moment stands in the denominator: the old one (Callisti, Romito, Triggiano) or the new one (PyTorch).
        The difference is of first order in the learning rate, so it changes every equation of weak order 2.
    """
    alpha = Hyperparameter("alpha", "memory", default=0.5)
    v = _SECOND_MOMENT.symbol
    after = alpha.symbol * v + (1 - alpha.symbol) * g**2
    seen = {"paper": v, "torch": after}
    _known("rmsprop", variant, seen)
    update = {"theta": _THETA.symbol - _ADAPTIVE_LR.symbol * g * Function("P")(seen[variant]), "v": after}
    auxiliary = Auxiliary("P", v, 1 / (sqrt(v) + _EPS.symbol))
    return UpdateRule(
        "rmsprop", variant, (_THETA, _SECOND_MOMENT), (_ADAPTIVE_LR, alpha, _EPS), (auxiliary,), update,
        {"paper": _PAPER, "torch": "torch.optim.RMSprop"}[variant],
    )  # fmt: skip


def adam(variant: str = "paper") -> UpdateRule:
    """Adam.

    Parameters
    ----------
    variant : {"paper", "torch"}
        "paper" has the old second moment in the denominator, the new first moment in the numerator and bias corrections
        ``1 - beta1**(k+2)``, ``1 - beta2**(k+1)`` in the step number k = 0, 1, ...; "torch" has new moments and ``k+1`` in both.
    """
    beta1, beta2 = Hyperparameter("beta1", "memory"), Hyperparameter("beta2", "memory", default=0.5)
    first, v = Block("m"), _SECOND_MOMENT.symbol
    m_after = beta1.symbol * first.symbol + (1 - beta1.symbol) * g
    v_after = beta2.symbol * v + (1 - beta2.symbol) * g**2
    seen, shift = {"paper": v, "torch": v_after}, {"paper": 2, "torch": 1}
    _known("adam", variant, seen)
    correction1 = 1 - beta1.symbol ** (k + shift[variant])
    correction2 = 1 - beta2.symbol ** (k + 1)
    expression = sqrt(correction2) / (correction1 * (sqrt(v) + _EPS.symbol * sqrt(correction2)))
    step = Function("Q")(seen[variant])
    update = {"theta": _THETA.symbol - _ADAPTIVE_LR.symbol * step * m_after, "m": m_after, "v": v_after}
    return UpdateRule(
        "adam", variant, (_THETA, first, _SECOND_MOMENT), (_ADAPTIVE_LR, beta1, beta2, _EPS),
        (Auxiliary("Q", v, expression),), update, {"paper": _PAPER, "torch": "torch.optim.Adam"}[variant],
    )  # fmt: skip


def _known(rule: str, variant: str, variants: Mapping[str, object]) -> None:
    if variant not in variants:
        raise ValueError(f"{rule} has no variant {variant!r}; expected one of {', '.join(variants)}")


CATALOGUE: tuple[Callable[[], UpdateRule], ...] = (sgd, heavy_ball, rmsprop, adam)
"""Every optimizer of this module in its default variant, for the command line and for tests."""
