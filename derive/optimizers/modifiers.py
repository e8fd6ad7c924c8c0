"""Changes that apply to any optimizer: weight decay, learning-rate schedules, several steps as one."""

from dataclasses import replace

from sympy import Expr, Integer, Symbol, cos, pi

from ..errors import BadInput
from ..notation.symbols import k
from .rule import THETA, Hyperparameter, UpdateRule

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
    """Multiply theta by ``1 - lr weight_decay`` before the rule's own step; the gradient is still taken at
    the old theta.

    Raises
    ------
    ValueError
        The rule has no learning rate or has a weight decay already.
    """
    lr = _learning_rate(rule)
    decay = Hyperparameter(
        "weight_decay", "constant", noise_units=-lr.noise_units, default=default, step_units=-lr.step_units
    )
    update = {**rule.update, "theta": rule.update["theta"] - lr.symbol * decay.symbol * THETA}
    return replace(_with(rule, decay), variant=f"{rule.variant}, decoupled weight decay", update=update)


def scheduled(rule: UpdateRule, factor: Expr, *hyperparameters: Hyperparameter) -> UpdateRule:
    """Multiply the learning rate by a function of the step number `k` and of more hyperparameters.

    Examples
    --------
    >>> from optsde.derive.optimizers.momentum import sgd
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


def epoch(rule: UpdateRule, batches: int) -> UpdateRule:
    """Take so many steps of a rule as one step, each with samples of its own.

    With the noise of `optsde.derive.noise.laws.reshuffled` it is an epoch of random reshuffling. The whole
    epoch lasts tau: in the regime ``lr = tau/batches`` time is counted as in the single steps.

    Examples
    --------
    >>> from optsde.derive.optimizers.momentum import sgd
    >>> two = epoch(sgd(), 2)
    >>> two.gradients, two.samples
    ({'g_1': theta, 'g_2': -g_1*lr + theta}, {'g_1': 1, 'g_2': 2})

    Raises
    ------
    ValueError
        The number is none of steps, or an abstract function of the rule depends on the step number.
    """
    if isinstance(batches, bool) or not isinstance(batches, int) or batches < 1:
        raise BadInput(f"an epoch of {batches!r} batches; expected 1, 2, ...")
    if counting := [a.name for a in rule.auxiliaries if a.expression.has(k)]:
        raise BadInput(
            f"an epoch of {rule.name}, whose {counting[0]} depends on the step number; expected it in the "
            "update"
        )
    state: dict[Symbol, Expr] = {b.symbol: b.symbol for b in rule.blocks}
    points, samples = {}, {}
    for n in range(batches):
        newest = state | {k: batches * k + n}
        for name, point in rule.gradients.items():
            drawn = f"{name}_{n + 1}"
            points[drawn] = point.xreplace(newest)
            samples[drawn] = rule.sample(name) + n * max(map(rule.sample, rule.gradients))
            newest[Symbol(name, real=True)] = Symbol(drawn, real=True)
        state = {b.symbol: rule.update[b.name].xreplace(newest) for b in rule.blocks}
    update = {b.name: state[b.symbol] for b in rule.blocks}
    return replace(
        rule, variant=f"{rule.variant}, epoch of {batches}", update=update, gradients=points, samples=samples
    )


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
            raise BadInput(f"{rule.name} has {h.name} already; expected a rule without it")
    return replace(rule, hyperparameters=(*rule.hyperparameters, *added))


def _learning_rate(rule: UpdateRule) -> Hyperparameter:
    for h in rule.hyperparameters:
        if h.role == "learning rate":
            return h
    raise BadInput(f"{rule.name} has no hyperparameter whose role is learning rate; expected one")
