"""Optimizers whose step at one coordinate depends on norms of all: normalised SGD, clipping by the norm, SAM,
LARS, LAMB.

A norm is taken over all coordinates of theta, as over one layer of a network. Where the noise stands in a
norm at leading order, as in ``g / norm(g)`` in the ballistic regime, the mean of a step has no closed form
and a derivation refuses it; in a regime of large batches, ``noise=tau**(1/2)``, there is an equation.
"""

from dataclasses import replace
from typing import Literal

from sympy import Function, Min, Symbol

from ..notation.symbols import g
from .adams import adam
from .reductions import norm
from .rule import THETA, Auxiliary, Block, Hyperparameter, UpdateRule, check_variant, in_order

_BLOCK = Block("theta")
_LR = Hyperparameter("lr", "learning rate")

NormalizedSGD = Literal["plain", "eps"]
SAM = Literal["unnormalized", "normalized"]


def normalized_sgd(variant: NormalizedSGD = "plain") -> UpdateRule:
    """SGD with steps of length lr, ``theta' = theta - lr g / norm(g)``.

    Parameters
    ----------
    variant : {"plain", "eps"}
        "eps" divides by ``norm(g) + eps``, a smooth relative of clipping (Zhang, He, Sra, Jadbabaie, arXiv
        1905.11881).
    """
    check_variant("normalized_sgd", variant, NormalizedSGD)
    eps = Hyperparameter("eps", "constant", noise_units=1)
    plain = variant == "plain"
    update = {"theta": THETA - _LR.symbol * g / (norm(g) if plain else norm(g) + eps.symbol)}
    reference = "Hazan, Levy, Shalev-Shwartz, arXiv 1507.02030" if plain else "Zhang et al., arXiv 1905.11881"
    return UpdateRule(
        "normalized_sgd",
        variant,
        blocks=(_BLOCK,),
        hyperparameters=(_LR,) if plain else (_LR, eps),
        update=update,
        reference=reference,
    )


def clipped_sgd_norm() -> UpdateRule:
    """SGD after PyTorch's clipping by the norm: ``g min(1, max_norm / (norm(g) + eps))`` in the place of g;
    eps is 1e-6 there.

    The minimum is not smooth: the discrete step is exact, a derivation refuses it.
    """
    bound = Hyperparameter("max_norm", "constant", noise_units=1)
    eps = Hyperparameter("eps", "constant", noise_units=1, default=1e-6)
    update = {"theta": THETA - _LR.symbol * Min(1, bound.symbol / (norm(g) + eps.symbol)) * g}
    return UpdateRule(
        "clipped_sgd_norm",
        "torch",
        blocks=(_BLOCK,),
        hyperparameters=(_LR, bound, eps),
        update=update,
        reference="torch.nn.utils.clip_grad_norm_",
    )


def sam(variant: SAM = "unnormalized") -> UpdateRule:
    """Sharpness-aware minimisation: a step of SGD by the gradient at a point uphill, of the same sample.

    The noise is that of the point uphill too. Where it depends on theta, the covariance determines the limit
    of order 1 in the regime of noise ``tau**(-1/2)``, but no equation of order 2.

    Parameters
    ----------
    variant : {"unnormalized", "normalized"}
        The point is ``theta + rho g0`` with the gradient ``g0`` at theta (Andriushchenko, Flammarion, arXiv
        2206.06232), or ``theta + rho g0 / norm(g0)`` (Foret et al., arXiv 2010.01412). By default rho is
        proportional to tau.
    """
    check_variant("sam", variant, SAM)
    rho, uphill = Hyperparameter("rho", "learning rate"), Symbol("g0", real=True)
    plain = variant == "unnormalized"
    points = {"g0": THETA, g.name: THETA + rho.symbol * (uphill if plain else uphill / norm(uphill))}
    reference = "Andriushchenko, Flammarion, arXiv 2206.06232" if plain else "Foret et al., arXiv 2010.01412"
    return UpdateRule(
        "sam",
        variant,
        blocks=(_BLOCK,),
        hyperparameters=(_LR, rho),
        update={"theta": THETA - _LR.symbol * g},
        reference=reference,
        gradients=points,
    )


def lars() -> UpdateRule:
    """Layer-wise adaptive rate scaling: momentum ``v' = momentum v + lr r (g + weight_decay theta)``,
    ``theta' = theta - v'``.

    ``r = trust norm(theta) / (norm(g) + weight_decay norm(theta))``.
    """
    velocity = Block("v", step_units=-1)
    lr, memory = Hyperparameter("lr", "learning rate", step_units=-1), Hyperparameter("momentum", "memory")
    trust = Hyperparameter("trust", "constant", default=1e-3)
    decay = Hyperparameter("weight_decay", "constant", noise_units=1, default=5e-4)
    v, size = velocity.symbol, norm(THETA)
    ratio = trust.symbol * size / (norm(g) + decay.symbol * size)
    update = in_order({
        v: memory.symbol * v + lr.symbol * ratio * (g + decay.symbol * THETA),
        THETA: THETA - v,
    })  # fmt: skip
    return UpdateRule(
        "lars",
        "paper",
        blocks=(_BLOCK, velocity),
        hyperparameters=(lr, memory, trust, decay),
        update=update,
        reference="You, Gitman, Ginsburg, arXiv 1708.03888",
    )


def lamb() -> UpdateRule:
    """LAMB: ``theta' = theta - lr norm(theta) / norm(U) U``, ``U = r + weight_decay theta``, r the step of
    PyTorch's Adam.
    """
    base = adam("torch")
    rate, beta1, beta2, eps = base.hyperparameters
    decay = Hyperparameter("weight_decay", "constant", noise_units=-rate.noise_units, default=1e-2)
    (inverse_root,) = base.auxiliaries
    (second,), m = inverse_root.arguments, base.blocks[1].symbol
    step = Auxiliary("U", (m, second, THETA), m * inverse_root.expression + decay.symbol * THETA)
    direction = Function("U")(base.update["m"], base.update["v"], THETA)
    update = {**base.update, "theta": THETA - _LR.symbol * norm(THETA) / norm(direction) * direction}
    return replace(
        base,
        name="lamb",
        variant="paper",
        auxiliaries=(step,),
        update=update,
        reference="You et al., arXiv 1904.00962",
        hyperparameters=(_LR, beta1, beta2, replace(eps, default=1e-6), decay),
    )
