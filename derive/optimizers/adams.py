"""Adam and its relatives."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from sympy import Abs, Expr, Function, Max, Rational, Symbol, sqrt

from ..notation.symbols import g, k
from .modifiers import decoupled_weight_decay
from .rule import THETA, Auxiliary, Block, Hyperparameter, UpdateRule, check_variant, in_order

_FIRST, _SECOND = Block("m"), Block("v", noise_units=2, nonnegative=True)
_BLOCKS = (Block("theta"), _FIRST, _SECOND)
_LR = Hyperparameter("lr", "learning rate", noise_units=1)
_BETA1, _BETA2 = Hyperparameter("beta1", "memory"), Hyperparameter("beta2", "memory", default=0.5)
_EPS = Hyperparameter("eps", "constant", noise_units=1, default=1e-8)
_HYPER = (_LR, _BETA1, _BETA2, _EPS)
_PAPER = "Callisti, Romito, Triggiano, arXiv 2509.21614"

# symbols of the rules below; _X is the argument of the auxiliaries
_M, _V, _X = _FIRST.symbol, _SECOND.symbol, Symbol("v", nonnegative=True)
_lr, _b1, _b2, _eps = (h.symbol for h in _HYPER)
_Q = Function("Q")
_MOMENTS = {_M: _b1 * _M + (1 - _b1) * g, _V: _b2 * _V + (1 - _b2) * g**2}
_CORRECTION1, _CORRECTION2 = 1 - _b1 ** (k + 1), 1 - _b2 ** (k + 1)

Adam = Literal["paper", "torch", "optax"]
AdamW = Literal["torch", "optax"]
NAdam = Literal["optax", "torch"]


def adam(variant: Adam = "paper") -> UpdateRule:
    """Adam.

    Parameters
    ----------
    variant : {"paper", "torch", "optax"}
        "paper" has the old second moment in the denominator, the new first moment in the numerator and bias
        corrections ``1 - beta1**(k+2)``, ``1 - beta2**(k+1)`` in the step number k = 0, 1, ...; "torch" has
        new moments and ``k+1`` in both, as has "optax".
    """
    check_variant("adam", variant, Adam)
    paper = variant == "paper"
    first = 1 - _b1 ** (k + 2) if paper else _CORRECTION1
    lines = (
        {_M: _MOMENTS[_M], THETA: THETA - _lr * _Q(_V) * _M, _V: _MOMENTS[_V]}
        if paper
        else _steps(_Q(_V) * _M)
    )
    return UpdateRule(
        "adam",
        variant,
        blocks=_BLOCKS,
        hyperparameters=(*_HYPER[:3], replace(_EPS, default=1e-6)) if paper else _HYPER,
        auxiliaries=(_inverse_root(1 / first),),
        update=in_order(lines),
        reference={"paper": _PAPER, "torch": "torch.optim.Adam", "optax": "optax.adam"}[variant],
    )


def adamw(variant: AdamW = "torch") -> UpdateRule:
    """Adam after ``theta' = (1 - lr weight_decay) theta``; by default weight_decay is 1e-2 in PyTorch and
    1e-4 in optax.
    """
    check_variant("adamw", variant, AdamW)
    default, reference = {"torch": (1e-2, "torch.optim.AdamW"), "optax": (1e-4, "optax.adamw")}[variant]
    return replace(
        decoupled_weight_decay(adam(variant), default), name="adamw", variant=variant, reference=reference
    )


def amsgrad() -> UpdateRule:
    """PyTorch's AMSGrad: Adam with the largest second moment so far, ``w' = max(w, v')``, before the bias
    correction.
    """
    largest = Block("w", noise_units=2, nonnegative=True)
    w = largest.symbol
    lines = {**_MOMENTS, w: Max(w, _V), THETA: THETA - _lr * _Q(w) * _M}
    return UpdateRule(
        "amsgrad", "torch", blocks=(*_BLOCKS, largest), hyperparameters=_HYPER,
        auxiliaries=(_inverse_root(1 / _CORRECTION1),), update=in_order(lines),
        reference="torch.optim.Adam(amsgrad=True)",
    )  # fmt: skip


def adamax() -> UpdateRule:
    """PyTorch's Adamax: ``u' = max(beta2 u, abs(g) + eps)`` in the place of the root of the second moment."""
    largest = Block("u", noise_units=1, nonnegative=True)
    u = largest.symbol
    lines = {_M: _MOMENTS[_M], u: Max(_b2 * u, Abs(g) + _eps), THETA: THETA - _lr / _CORRECTION1 * _M / u}
    return UpdateRule(
        "adamax",
        "torch",
        blocks=(*_BLOCKS[:2], largest),
        hyperparameters=_HYPER,
        update=in_order(lines),
        reference="torch.optim.Adamax",
    )


def nadam(variant: NAdam = "optax") -> UpdateRule:
    """Adam with Nesterov's momentum.

    Parameters
    ----------
    variant : {"optax", "torch"}
        "optax" has the momentum ``beta1`` throughout. "torch" warms it up,
        ``mu = beta1 (1 - 0.96**(n momentum_decay) / 2)`` in step n = 1, 2, ..., and keeps the product of all
        ``mu`` in the block ``p``, which starts from 1: that block jumps in every step, so this variant has no
        modified equation.
    """
    check_variant("nadam", variant, NAdam)
    if variant == "optax":
        ahead = _b1 * _M / (1 - _b1 ** (k + 2)) + (1 - _b1) * g / _CORRECTION1
        return UpdateRule(
            "nadam",
            variant,
            blocks=_BLOCKS,
            hyperparameters=_HYPER,
            auxiliaries=(_inverse_root(),),
            update=in_order(_steps(_Q(_V) * ahead)),
            reference="Dozat 2016; optax.nadam",
        )
    product, decay = Block("p"), Hyperparameter("momentum_decay", "constant", default=4e-3, step_units=-1)
    p = product.symbol
    mu, mu_next = (_b1 * (1 - Rational(24, 25) ** ((k + n) * decay.symbol) / 2) for n in (1, 2))
    ahead = (1 - mu) * g / (1 - p) + mu_next * _M / (1 - p * mu_next)
    lines = {p: p * mu, **_steps(_Q(_V) * ahead)}
    return UpdateRule(
        "nadam",
        variant,
        blocks=(*_BLOCKS, product),
        hyperparameters=(*_HYPER, decay),
        auxiliaries=(_inverse_root(),),
        update=in_order(lines),
        reference="torch.optim.NAdam",
    )


def radam() -> UpdateRule:
    """PyTorch's RAdam once its second moment is rectified: for the steps with ``r > 5``, from the sixth on if
    beta2 is 0.999.

    With n = k + 1, ``r_inf = 2/(1 - beta2) - 1``, ``r = r_inf - 2 n beta2**n / (1 - beta2**n)`` the step is
    Adam's times ``sqrt((r-4)(r-2) r_inf / ((r_inf-4)(r_inf-2) r))``, with eps added to ``sqrt(v)`` before the
    bias correction. Start from a state behind the switch: before it the square root has no real value.
    """
    n, limit = k + 1, 2 / (1 - _b2) - 1
    r = limit - 2 * n * _b2**n / _CORRECTION2
    rectified = sqrt((r - 4) * (r - 2) * limit / ((limit - 4) * (limit - 2) * r))
    auxiliary = Auxiliary("Q", (_X,), rectified * sqrt(_CORRECTION2) / (_CORRECTION1 * (sqrt(_X) + _eps)))
    return UpdateRule(
        "radam",
        "torch",
        blocks=_BLOCKS,
        hyperparameters=_HYPER,
        auxiliaries=(auxiliary,),
        update=in_order(_steps(_Q(_V) * _M)),
        reference="torch.optim.RAdam",
    )


def _steps(step: Expr) -> Mapping[Symbol, Expr]:
    """Return the lines of Adam with new moments: both moments, then theta."""
    return {**_MOMENTS, THETA: THETA - _lr * step}


def _inverse_root(factor: Expr | int = 1) -> Auxiliary:
    """Return ``Q(v) = factor / (sqrt(v / (1 - beta2**(k+1))) + eps)``."""
    root = sqrt(_CORRECTION2)
    return Auxiliary("Q", (_X,), factor * root / (sqrt(_X) + _eps * root))
