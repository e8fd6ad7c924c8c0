"""Changes that apply to any optimizer: weight decay and learning-rate schedules."""

from dataclasses import replace

from sympy import Expr, Integer, Symbol, cos, pi

from ..rules import THETA, Hyperparameter, UpdateRule
from ..symbols import k

GAMMA = Hyperparameter("gamma", "memory")
"""The factor of the learning rate from one step to the next in `exponential`."""
T_MAX = Hyperparameter("T_max", "constant", default=10.0, step_units=1)
"""The number of steps of a schedule, measured in units of ``1/tau`` like time."""
POWER = Hyperparameter("power", "constant")
"""The exponent of `polynomial`."""


def coupled_weight_decay(rule: UpdateRule, default: float = 1e-2) -> UpdateRule:
    """Add ``weight_decay theta`` to the gradient, as PyTorch's `weight_decay` does except in AdamW.

    Raises
    ------
    ValueError
        The rule has a weight decay already.
    """
    decay = Hyperparameter("weight_decay", "constant", default=default)
    gradients = {s: s + decay.symbol * THETA for s in (Symbol(name, real=True) for name in rule.gradients)}
    update = {block: expression.xreplace(gradients) for block, expression in rule.update.items()}
    return replace(_with(rule, decay), variant=f"{rule.variant}, coupled weight decay", update=update)


def decoupled_weight_decay(rule: UpdateRule, default: float = 1e-2) -> UpdateRule:
    """Multiply theta by ``1 - lr weight_decay`` before the rule's own step; the gradient is still taken at the old theta.

    Raises
    ------
    ValueError
        The rule has no learning rate or has a weight decay already.
    """
    lr = _learning_rate(rule)
    decay = Hyperparameter("weight_decay", "constant", -lr.noise_units, default, -lr.step_units)
    update = {**rule.update, "theta": rule.update["theta"] - lr.symbol * decay.symbol * THETA}
    return replace(_with(rule, decay), variant=f"{rule.variant}, decoupled weight decay", update=update)


def scheduled(rule: UpdateRule, factor: Expr, *hyperparameters: Hyperparameter) -> UpdateRule:
    """Multiply the learning rate by a function of the step number `k` and of more hyperparameters.

    Examples
    --------
    >>> from smelt.derive.optimizers.momentum import sgd
    >>> scheduled(sgd(), *exponential()).update["theta"]
    -g*gamma**k*lr + theta

    Raises
    ------
    ValueError
        The rule has no learning rate, or a hyperparameter of that name already.
    """
    lr = _learning_rate(rule).symbol
    update = {block: expression.xreplace({lr: lr * factor}) for block, expression in rule.update.items()}
    return replace(_with(rule, *hyperparameters), variant=f"{rule.variant}, scheduled", update=update)


def exponential() -> tuple[Expr, Hyperparameter]:
    """Return ``gamma**k``, of torch's ExponentialLR."""
    return GAMMA.symbol**k, GAMMA


def cosine() -> tuple[Expr, Hyperparameter]:
    """Return ``(1 + cos(pi k / T_max)) / 2``, of torch's CosineAnnealingLR with ``eta_min = 0``."""
    return (1 + cos(pi * k / T_MAX.symbol)) / 2, T_MAX


def polynomial() -> tuple[Expr, Hyperparameter, Hyperparameter]:
    """Return ``(1 - k / T_max)**power`` for k below T_max, of torch's PolynomialLR."""
    return (Integer(1) - k / T_MAX.symbol) ** POWER.symbol, T_MAX, POWER


def _with(rule: UpdateRule, *added: Hyperparameter) -> UpdateRule:
    taken = {h.name for h in rule.hyperparameters} | {b.name for b in rule.blocks}
    for h in added:
        if h.name in taken:
            raise ValueError(f"{rule.name} has {h.name} already; expected a rule without it")
    return replace(rule, hyperparameters=(*rule.hyperparameters, *added))


def _learning_rate(rule: UpdateRule) -> Hyperparameter:
    for h in rule.hyperparameters:
        if h.role == "learning rate":
            return h
    raise ValueError(f"{rule.name} has no hyperparameter whose role is learning rate; expected one")
