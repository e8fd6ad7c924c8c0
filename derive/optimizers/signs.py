"""Optimizers that step by signs or clip: where noise smooths them they have equations, elsewhere the term is
named.
"""

from sympy import Max, Min, sign

from ..notation.symbols import g
from .rule import THETA, Block, Hyperparameter, UpdateRule, in_order

_BLOCK, _MEAN = Block("theta"), Block("m")
# where a step has no unit the learning rate carries the gradient's
_LR = Hyperparameter("lr", "learning rate", noise_units=1)


def sign_sgd() -> UpdateRule:
    """SignSGD, ``theta' = theta - lr sign(g)``."""
    update = {"theta": THETA - _LR.symbol * sign(g)}
    return UpdateRule(
        "sign_sgd",
        "optax",
        blocks=(_BLOCK,),
        hyperparameters=(_LR,),
        update=update,
        reference="optax.sign_sgd",
    )


def clipped_sgd() -> UpdateRule:
    """SGD with PyTorch's ``clip_grad_value_``:
    ``theta' = theta - lr max(-clip_value, min(clip_value, g))``.
    """
    lr, bound = Hyperparameter("lr", "learning rate"), Hyperparameter("clip_value", "constant", noise_units=1)
    update = {"theta": THETA - lr.symbol * Max(-bound.symbol, Min(bound.symbol, g))}
    return UpdateRule(
        "clipped_sgd",
        "torch",
        blocks=(_BLOCK,),
        hyperparameters=(lr, bound),
        update=update,
        reference="torch.nn.utils.clip_grad_value_",
    )


def signum() -> UpdateRule:
    """Signum: ``m' = beta m + (1 - beta) g``, ``theta' = theta - lr sign(m')``."""
    beta, m = Hyperparameter("beta", "memory"), _MEAN.symbol
    update = in_order({m: beta.symbol * m + (1 - beta.symbol) * g, THETA: THETA - _LR.symbol * sign(m)})
    return UpdateRule(
        "signum",
        "optax",
        blocks=(_BLOCK, _MEAN),
        hyperparameters=(_LR, beta),
        update=update,
        reference="Bernstein et al., arXiv 1802.04434",
    )


def lion() -> UpdateRule:
    """Lion: ``theta' = theta - lr (sign(beta1 m + (1 - beta1) g) + weight_decay theta)``,
    ``m' = beta2 m + (1 - beta2) g``.

    The memory is beta2; beta1 weighs the mean against the newest gradient and does not depend on tau.
    """
    beta1 = Hyperparameter("beta1", "constant", default=0.9, below_one=True)
    beta2 = Hyperparameter("beta2", "memory")
    decay, m = Hyperparameter("weight_decay", "constant", noise_units=-1, default=1e-3), _MEAN.symbol
    direction = sign(beta1.symbol * m + (1 - beta1.symbol) * g)
    update = in_order({
        THETA: THETA - _LR.symbol * (direction + decay.symbol * THETA),
        m: beta2.symbol * m + (1 - beta2.symbol) * g,
    })  # fmt: skip
    return UpdateRule(
        "lion",
        "optax",
        blocks=(_BLOCK, _MEAN),
        hyperparameters=(_LR, beta1, beta2, decay),
        update=update,
        reference="Chen et al., arXiv 2302.06675",
    )
