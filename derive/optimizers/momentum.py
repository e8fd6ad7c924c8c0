"""Stochastic gradient descent, with and without momentum, and with two gradients in a step."""

from typing import Literal

from sympy import Symbol, sqrt

from ..notation.symbols import g
from .rule import THETA, Block, Hyperparameter, UpdateRule, check_variant, in_order

_BLOCK = Block("theta")
_LR = Hyperparameter("lr", "learning rate")
_LI_TAI_E = "Li, Tai, E, arXiv 1811.01558"

Momentum = Literal["torch", "torch-nesterov"]
Extragradient = Literal["independent", "same-sample"]


def sgd() -> UpdateRule:
    """Plain stochastic gradient descent, ``theta' = theta - lr g``."""
    update = {"theta": THETA - _LR.symbol * g}
    return UpdateRule(
        "sgd",
        "plain",
        blocks=(_BLOCK,),
        hyperparameters=(_LR,),
        update=update,
        reference="Robbins, Monro 1951",
    )


def heavy_ball() -> UpdateRule:
    """Momentum in the scaling of Li, Tai, E: ``v' = v - mu lr v - lr g``, ``theta' = theta + lr v'``."""
    velocity, mu = Block("v"), Hyperparameter("mu", "constant")
    v, lr = velocity.symbol, _LR.symbol
    update = in_order({v: v - mu.symbol * lr * v - lr * g, THETA: THETA + lr * v})
    return UpdateRule(
        "heavy_ball",
        "li-tai-e",
        blocks=(_BLOCK, velocity),
        hyperparameters=(_LR, mu),
        update=update,
        reference=_LI_TAI_E,
    )


def nesterov() -> UpdateRule:
    """Nesterov's momentum in the scaling of Li, Tai, E: the heavy ball with the gradient at
    ``theta + lr (1 - mu lr) v``.

    That is where theta would go without a gradient. The noise is that of the look-ahead point too.
    """
    velocity, mu = Block("v"), Hyperparameter("mu", "constant")
    v, lr = velocity.symbol, _LR.symbol
    update = in_order({v: v - mu.symbol * lr * v - lr * g, THETA: THETA + lr * v})
    ahead = {g.name: THETA + lr * (1 - mu.symbol * lr) * v}
    return UpdateRule(
        "nesterov",
        "li-tai-e",
        blocks=(_BLOCK, velocity),
        hyperparameters=(_LR, mu),
        update=update,
        reference=_LI_TAI_E,
        gradients=ahead,
    )


def momentum(variant: Momentum = "torch") -> UpdateRule:
    """PyTorch's SGD with momentum: ``b' = mu b + (1 - dampening) g``, ``theta' = theta - lr b'``.

    PyTorch sets ``b = g`` in its first step, undamped. Without dampening that is the same as starting from
    ``b = 0``; with it, it is an initial condition: start after that step, from ``b = g`` and
    ``theta - lr g``.

    Parameters
    ----------
    variant : {"torch", "torch-nesterov"}
        "torch-nesterov" steps by ``g + mu b'``; PyTorch then allows no dampening.
    """
    check_variant("momentum", variant, Momentum)
    buffer = Block("b", step_units=1)
    lr = Hyperparameter("lr", "learning rate", default=1.0, step_units=-1)
    mu, dampening = Hyperparameter("momentum", "memory"), Hyperparameter("dampening", "constant", default=0.0)
    b, plain = buffer.symbol, variant == "torch"
    update = in_order({
        b: mu.symbol * b + ((1 - dampening.symbol) * g if plain else g),
        THETA: THETA - lr.symbol * (b if plain else g + mu.symbol * b),
    })  # fmt: skip
    hyperparameters = (lr, mu, dampening) if plain else (lr, mu)
    return UpdateRule(
        "momentum",
        variant,
        blocks=(_BLOCK, buffer),
        hyperparameters=hyperparameters,
        update=update,
        reference="torch.optim.SGD",
    )


def extragradient(variant: Extragradient = "independent") -> UpdateRule:
    """A step of SGD by the gradient at the point where a first step of SGD leads.

    Parameters
    ----------
    variant : {"independent", "same-sample"}
        Whether the second gradient has a sample of its own (Juditsky, Nemirovski, Tauvel, Stochastic Systems
        1, 2011) or that of the first (Mishchenko et al., arXiv 1905.11373).
    """
    check_variant("extragradient", variant, Extragradient)
    first, lr, own = Symbol("g0", real=True), _LR.symbol, variant == "independent"
    points, samples = {"g0": THETA, g.name: THETA - lr * first}, {g.name: 2} if own else {}
    reference = "Juditsky, Nemirovski, Tauvel 2011" if own else "Mishchenko et al., arXiv 1905.11373"
    return UpdateRule(
        "extragradient",
        variant,
        blocks=(_BLOCK,),
        hyperparameters=(_LR,),
        update={"theta": THETA - lr * g},
        reference=reference,
        gradients=points,
        samples=samples,
    )


def svag() -> UpdateRule:
    """SGD whose noise is larger, by two samples: ``g = (1 + sqrt(2 l - 1))/2 g1 + (1 - sqrt(2 l - 1))/2 g2``.

    With independent samples its covariance is ``l S``: l steps of the learning rate ``lr/l`` have mean and
    covariance of one step of SGD, and follow its equation the better the larger l is.
    """
    number, lr = Hyperparameter("l", "constant"), _LR.symbol
    first, second, root = Symbol("g1", real=True), Symbol("g2", real=True), sqrt(2 * number.symbol - 1)
    update = {"theta": THETA - lr * ((1 + root) / 2 * first + (1 - root) / 2 * second)}
    points, reference = {"g1": THETA, "g2": THETA}, "Li, Malladi, Arora, arXiv 2102.12470"
    return UpdateRule(
        "svag",
        "paper",
        blocks=(_BLOCK,),
        hyperparameters=(_LR, number),
        update=update,
        reference=reference,
        gradients=points,
        samples={"g2": 2},
    )
