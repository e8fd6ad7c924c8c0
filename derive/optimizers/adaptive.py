"""Optimizers that divide by the root of a second moment: RMSprop, Adagrad, Adadelta."""

from dataclasses import replace
from typing import Literal

from sympy import Expr, Function, Rational, Symbol, sqrt

from ..notation.symbols import g, k
from .rule import THETA, Auxiliary, Block, Hyperparameter, UpdateRule, check_variant, in_order

_BLOCK = Block("theta")
_SECOND_MOMENT = Block("v", noise_units=2, nonnegative=True)
_X = Symbol("v", nonnegative=True)
_P = Function("P")
_PAPER = "Callisti, Romito, Triggiano, arXiv 2509.21614"

RMSprop = Literal[
    "paper", "torch", "torch-centered", "torch-momentum", "torch-centered-momentum", "optax", "optax-momentum"
]
Adagrad = Literal["torch", "optax"]


def rmsprop(variant: RMSprop = "paper") -> UpdateRule:
    """RMSprop.

    Parameters
    ----------
    variant : str
        "paper" has the old second moment in the denominator ``sqrt(v) + eps`` (Callisti, Romito, Triggiano),
        all others the new one: the difference is of first order in the learning rate, so it changes every
        equation of weak order 2. "torch" has ``sqrt(v) + eps`` and in its momentum ``b`` the sum of the steps
        before they are multiplied by lr; "-centered" subtracts the square of a running mean of the gradient.
        "optax" has ``sqrt(v + eps)`` and in ``b`` a sum of steps times lr. By default alpha is 0.99 in
        PyTorch and 0.9 in optax.
    """
    check_variant("rmsprop", variant, RMSprop)
    library, *options = variant.split("-")
    alpha = Hyperparameter("alpha", "memory", default=0.5)
    mean, buffer = (
        Block("gb"),
        Block("b", step_units=-1) if library == "optax" else Block("b", noise_units=-1, step_units=1),
    )
    memory = Hyperparameter("momentum", "memory")
    lr = Hyperparameter("lr", "learning rate", noise_units=1, step_units=-1 if "momentum" in options else 0)
    eps = _eps(library, inside=library == "optax")
    v, gb, b, a = _SECOND_MOMENT.symbol, mean.symbol, buffer.symbol, alpha.symbol
    lines: dict[Symbol, Expr] = {v: a * v + (1 - a) * g**2}
    if "centered" in options:
        lines[gb] = a * gb + (1 - a) * g
    step = g * _P(v - gb**2 if "centered" in options else v)
    match library, "momentum" in options:
        case "paper", _:
            lines = {THETA: THETA - lr.symbol * step, **lines}
        case _, False:
            lines[THETA] = THETA - lr.symbol * step
        case "torch", _:
            lines |= {b: memory.symbol * b + step, THETA: THETA - lr.symbol * b}
        case _:
            lines |= {b: memory.symbol * b + lr.symbol * step, THETA: THETA - b}
    used = [block for block in (_SECOND_MOMENT, mean, buffer) if block.symbol in lines]
    return UpdateRule(
        "rmsprop", variant, blocks=(_BLOCK, *used),
        hyperparameters=(lr, alpha, *([memory] if buffer in used else []), eps),
        auxiliaries=(_preconditioner(eps, inside=library == "optax"),), update=in_order(lines),
        reference={"paper": _PAPER, "torch": "torch.optim.RMSprop", "optax": "optax.rmsprop"}[library],
    )  # fmt: skip


def adagrad(variant: Adagrad = "torch") -> UpdateRule:
    """Adagrad: ``s' = s + g**2``, ``theta' = theta - lr g / (sqrt(s') + eps)``.

    Parameters
    ----------
    variant : {"torch", "optax"}
        "torch" lets lr decay as ``lr / (1 + k lr_decay)``; "optax" has ``sqrt(s' + eps)`` and starts from
        ``s = 0.1``.
    """
    check_variant("adagrad", variant, Adagrad)
    total = Block("s", noise_units=2, nonnegative=True, step_units=1)
    lr = Hyperparameter("lr", "learning rate", noise_units=1, step_units=Rational(1, 2))
    decay = Hyperparameter("lr_decay", "constant", default=0.0, step_units=-1)
    inside = variant == "optax"
    outside = Hyperparameter("eps", "constant", noise_units=1, default=1e-10, step_units=Rational(1, 2))
    eps = replace(outside, noise_units=2, default=1e-7, step_units=1) if inside else outside
    s, rate = total.symbol, lr.symbol if inside else lr.symbol / (1 + k * decay.symbol)
    update = in_order({s: s + g**2, THETA: THETA - rate * g * _P(s)})
    return UpdateRule(
        "adagrad",
        variant,
        blocks=(_BLOCK, total),
        hyperparameters=(lr, eps) if inside else (lr, decay, eps),
        auxiliaries=(_preconditioner(eps, inside),),
        update=update,
        reference={"torch": "torch.optim.Adagrad", "optax": "optax.adagrad"}[variant],
    )


def adadelta() -> UpdateRule:
    """PyTorch's Adadelta: ``theta' = theta - lr D``, ``D = g sqrt(u + eps) / sqrt(v' + eps)``.

    In D stands the old mean ``u`` of ``D**2``. PyTorch's lr is 1 by default; the regimes take it proportional
    to tau, as every learning rate.
    """
    steps = Block("u", noise_units=2, nonnegative=True)
    lr, rho = Hyperparameter("lr", "learning rate"), Hyperparameter("rho", "memory")
    eps = _eps("torch", inside=True)
    v, u, x = _SECOND_MOMENT.symbol, steps.symbol, Symbol("u", nonnegative=True)
    step = g * Function("R")(u) * _P(v)
    update = in_order({
        v: rho.symbol * v + (1 - rho.symbol) * g**2,
        THETA: THETA - lr.symbol * step,
        u: rho.symbol * u + (1 - rho.symbol) * step**2,
    })  # fmt: skip
    auxiliaries = (_preconditioner(eps, inside=True), Auxiliary("R", (x,), sqrt(x + eps.symbol)))
    blocks = (_BLOCK, _SECOND_MOMENT, steps)
    return UpdateRule(
        "adadelta",
        "torch",
        blocks=blocks,
        hyperparameters=(lr, rho, eps),
        auxiliaries=auxiliaries,
        update=update,
        reference="torch.optim.Adadelta",
    )


def _eps(library: str, inside: bool) -> Hyperparameter:
    """Return the small number in a denominator, which inside the root has the unit of a square."""
    return Hyperparameter(
        "eps", "constant", noise_units=2 if inside else 1, default=1e-6 if library == "paper" else 1e-8
    )


def _preconditioner(eps: Hyperparameter, inside: bool) -> Auxiliary:
    return Auxiliary("P", (_X,), 1 / sqrt(_X + eps.symbol) if inside else 1 / (sqrt(_X) + eps.symbol))
