"""Optimizers that step by signs. Their discrete steps are exact; a derivation refuses them, naming the sign."""

from sympy import sign

from .rules import THETA, Block, Hyperparameter, UpdateRule, in_order
from .symbols import g

_BLOCK, _MEAN = Block("theta"), Block("m")
_LR = Hyperparameter("lr", "learning rate")


def sign_sgd() -> UpdateRule:
    """SignSGD, ``theta' = theta - lr sign(g)``."""
    update = {"theta": THETA - _LR.symbol * sign(g)}
    return UpdateRule("sign_sgd", "optax", (_BLOCK,), (_LR,), (), update, "optax.sign_sgd")


def signum() -> UpdateRule:
    """Signum: ``m' = beta m + (1 - beta) g``, ``theta' = theta - lr sign(m')``."""
    beta, m = Hyperparameter("beta", "memory"), _MEAN.symbol
    update = in_order({m: beta.symbol * m + (1 - beta.symbol) * g, THETA: THETA - _LR.symbol * sign(m)})
    return UpdateRule("signum", "optax", (_BLOCK, _MEAN), (_LR, beta), (), update, "Bernstein et al., arXiv 1802.04434")


def lion() -> UpdateRule:
    """Lion: ``theta' = theta - lr (sign(beta1 m + (1 - beta1) g) + weight_decay theta)``, ``m' = beta2 m + (1 - beta2) g``."""
    beta1, beta2 = Hyperparameter("beta1", "memory"), Hyperparameter("beta2", "memory")
    decay, m = Hyperparameter("weight_decay", "constant", default=1e-3), _MEAN.symbol
    direction = sign(beta1.symbol * m + (1 - beta1.symbol) * g)
    update = in_order({
        THETA: THETA - _LR.symbol * (direction + decay.symbol * THETA),
        m: beta2.symbol * m + (1 - beta2.symbol) * g,
    })  # fmt: skip
    return UpdateRule("lion", "optax", (_BLOCK, _MEAN), (_LR, beta1, beta2, decay), (), update, "Chen et al., arXiv 2302.06675")
