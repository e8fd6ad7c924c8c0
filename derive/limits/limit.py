"""The limiting equation at a point of exponent space, read off the dominant balance.

Theta and the blocks that are not fast evolve; of the monomials of their steps those of the order of the time
step are kept. A fast block is *slaved*: it stands at the mean of its source over its rate, ``v = F**2 + S``,
or ``v = S`` where noise dominates. Where its fluctuations stay of order one (a memory fixed as h -> 0) the
equation contains stationary expectations ``E[.]`` of the non-linearity, at fixed theta and slow blocks.

A fast memory that carries noise into a factor ``A(v)`` that follows theta within the memory's correlation
time adds the drift ``1/2 w sum_j S_ij A_j d_j A_i``: w = 1 where v is faster than the memory (white noise as
the limit of coloured noise, Wong and Zakai 1965), w = 0 where it is slower, and ``c_v / (c_v + c_m)`` where
both forget at the same rate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

from sympy import Add, Expr, Integer, Lambda

from ..notation.indices import canonical, components, reindex
from ..notation.operators import apply, momentum
from ..notation.symbols import ElementFunction, Field, gradient
from .balance import Balance, Status
from .exponents import Form
from .polyhedra import Polyhedron


class NoLimit(ValueError):
    """There is no limit at a point, and why."""


@dataclass(frozen=True)
class Limit:
    """``dX = drift dt + covariance**(1/2) dW`` in units of the time step, each block in units of its own
    size.

    Attributes
    ----------
    time_step : Form
        One step of the optimizer lasts ``h**time_step``.
    status : mapping of str to {"fast", "critical", "slow", "sum"}
        For each block but theta.
    sizes : mapping of str to Form
        The block in the optimizer is ``h**size`` times the block here; fast memories that only pass on are
        left out.
    drift : mapping of str to Expr
        For theta and the blocks that are not fast, at coordinate i.
    covariance : mapping of (str, str) to Expr
        At coordinates i and j; what vanishes is left out.
    slaved : mapping of str to Expr
        What stands for a fast block; None where it keeps fluctuating and its law enters by expectations.
    definitions : mapping of str to Lambda
        The leading form of abstract functions.
    """

    time_step: Form
    status: Mapping[str, Status]
    sizes: Mapping[str, Form]
    drift: Mapping[str, Expr]
    covariance: Mapping[tuple[str, str], Expr]
    slaved: Mapping[str, Expr | None]
    definitions: Mapping[str, Lambda]

    @property
    def frozen(self) -> tuple[str, ...]:
        """Blocks that stay where they start."""
        return tuple(b for b, drift in self.drift.items() if drift == 0 and (b, b) not in self.covariance)

    def on(self, region: Polyhedron) -> "Limit":
        """Write exponents as simply as the equations of the cell allow."""
        sizes = {b: region.simplified(form) for b, form in self.sizes.items()}
        return replace(self, time_step=region.simplified(self.time_step), sizes=sizes)


def limit_of(balance: Balance) -> Limit:
    """Return the limiting equation of a balance.

    Raises
    ------
    NoLimit
        Theta's step does not vanish with h, or a part of the limit has no equation of this form.
    """
    own = len(balance.model.axes)
    kappa = balance.kappa
    if balance.comparisons.sign(kappa) <= 0:
        raise NoLimit("a single step of theta does not vanish with h")
    if balance.refusals:
        raise NoLimit(balance.refusals[0])
    for shift in balance.model.shifts:
        if balance.comparisons.sign(balance.reader.read(shift).exponent) <= 0:
            raise NoLimit(f"a gradient is taken at theta + {shift}, which does not come close to theta")
    fast = balance.fast
    blocks = [b.name for b in balance.model.rule.blocks]
    evolving = [b for b in blocks if b not in fast]
    slaved = {b: _slaved(balance, b) for b in blocks if b in fast}
    _check_arguments(balance, slaved)
    parts = {b: _Part(balance, b) for b in evolving}
    drift = {b: part.drift for b, part in parts.items()}
    covariance = {}
    for a, b in combinations_with_replacement(evolving, 2):
        entry = _covariance(parts[a], parts[b])
        if entry != 0:
            covariance[a, b] = entry
    if ("theta", "theta") in covariance:
        drift["theta"] = canonical(drift["theta"] + _coloured(balance, parts["theta"], slaved))
    used = {call.base for e in (*drift.values(), *covariance.values()) for call in e.atoms(ElementFunction)}
    used |= {call.base for part in parts.values() for call in part.calls}
    return Limit(
        kappa.without(own),
        {b: balance.status(b) for b in blocks[1:]},
        {
            b: balance.size(b).solved(own, kappa).without(own)
            for b in blocks
            if b in evolving or b in balance.sizes
        },
        drift,
        covariance,
        slaved,
        {name: d for name, d in balance.reader.definitions.items() if name in used},
    )


def _slaved(balance: Balance, block: str) -> Expr | None:
    """Return the mean of a fast block, or None where its memory is fixed and it enters a non-linearity."""
    if any(block in {c.field.name for c in components(call)} for call in balance.averaged):
        return None
    mean = Add(*(_averaged(balance, m.expression, frozenset()) for m in balance.moments(block).mean))
    return canonical(mean / balance.rate(block).expression)


def _check_arguments(balance: Balance, slaved: Mapping[str, Expr | None]) -> None:
    """Refuse a non-linearity whose argument vanishes when fast blocks stand at their means, as ``v - gb**2``
    without noise.
    """
    values = {Field(b)("i"): e for b, e in slaved.items() if e is not None}
    for call in balance.calls - balance.averaged.keys():
        for argument in call.args:
            if argument.xreplace(values).expand() == 0:
                raise NoLimit(f"{argument} in {call} cancels at leading order")


class _Part:
    """The step of one block: what of it is of the order of the time step.

    `passed` are the fast memories it contains; the functions in `later` multiply what these pass on, the
    others stand in their sources. Where a memory and a non-linearity both keep fluctuating, only the law of
    the step as a whole is known: `whole`.
    """

    def __init__(self, balance: Balance, block: str) -> None:
        self.balance, self.block = balance, block
        self.moments = balance.moments(block)
        self.calls = {
            c for m in (*self.moments.mean, *self.moments.linear) for c in m.expression.atoms(ElementFunction)
        }
        self.passed = balance.model.passed_on(block, balance.fast)
        named = frozenset(c.base for c in self.calls)
        self.later = named - balance.model.functions(self.passed) if self.passed else frozenset()
        fixed = any(balance.rate(b).exponent.at(balance.comparisons.point) == 0 for b in self.passed)
        self.whole = fixed and not self.calls.isdisjoint(balance.averaged)

    def _kept(self, exponent: Form) -> bool:
        return self.balance.comparisons.sign(exponent - self.balance.time_step) == 0

    @property
    def drift(self) -> Expr:
        balance, size = self.balance, self.balance.size(self.block)
        frozen = (
            self.block != "theta"
            and balance.status(self.block) == "slow"
            and not balance.piles_up(self.block)
        )
        if frozen:
            return Integer(0)
        total = [
            _averaged(balance, m.expression, self.later)
            for m in self.moments.mean
            if self._kept(m.exponent - size)
        ]
        if total and self.whole:
            total = [Field(f"E[step of {self.block}]")("i")]
        if self.block in balance.model.rates and balance.status(self.block) == "critical":
            total.append(-balance.rate(self.block).expression * Field(self.block)("i"))
        return canonical(Add(*total))

    @property
    def noisy(self) -> bool:
        size = self.balance.size(self.block)
        for m in self.moments.square[:1]:
            if self._kept(m.exponent * 2 - size * 2):
                raise NoLimit(f"the squares of the noise keep {self.block} noisy")
        return any(self._kept(m.exponent * 2 - size * 2) for m in self.moments.linear[:1])

    @property
    def amplitude(self) -> Expr:
        """The factor in front of the noise, without averages."""
        return canonical(Add(*(m.expression for m in self.moments.linear)))


def _averaged(balance: Balance, expression: Expr, later: frozenset[str]) -> Expr:
    """Put ``E[P(v)]`` for a function of what fluctuates.

    A factor ``g`` that depends on the same noise goes inside, but not for the functions in `later`: they
    multiply a memory that passes g on over many steps.
    """
    for call in sorted(expression.atoms(ElementFunction) & balance.averaged.keys(), key=str):
        inside = _text(call)
        if balance.averaged[call] and expression.has(gradient("i")) and call.base not in later:
            expression, inside = expression / gradient("i"), f"{inside} g"
        follows = call.base in later and not balance.noise.constant
        expression = expression.xreplace({call: Field(f"E[{inside}]", varies=follows)("i")})
    return expression


def _covariance(a: _Part, b: _Part) -> Expr:
    if not (a.noisy and b.noisy):
        return Integer(0)
    balance = a.balance
    if a.whole or b.whole:
        return Field(f"sum of Cov[steps of {a.block}, {b.block}]", 2, symmetric=True)("i", "j")
    covariance = balance.noise.cumulant_field(2)("i", "j")
    left, right = a.amplitude, b.amplitude
    calls = sorted(
        (left.atoms(ElementFunction) | right.atoms(ElementFunction)) & balance.averaged.keys(), key=str
    )
    calls = [c for c in calls if c.base not in a.later | b.later]
    if len(calls) > 1:
        raise NoLimit(f"{' and '.join(map(_text, calls))} fluctuate together in front of the noise")
    if calls:
        (call,) = calls
        inside = " ".join(2 * [_text(call) + (" g" if balance.averaged[call] else "")])
        rest = Integer(1) if balance.averaged[call] else covariance
        product = left.xreplace({call: Integer(1)}) * reindex(right.xreplace({call: Integer(1)}), {"i": "j"})
        return canonical(product * rest * Field(f"E[{inside}]", 2, symmetric=True)("i", "j"))
    left, right = _averaged(balance, left, a.later), _averaged(balance, right, b.later)
    return canonical(left * reindex(right, {"i": "j"}) * covariance)


def _coloured(balance: Balance, part: _Part, slaved: Mapping[str, Expr | None]) -> Expr:
    """Return the drift that coloured noise leaves behind where the factor in front of it follows theta."""
    if balance.noise.constant or not part.passed or part.whole:
        return Integer(0)
    amplitude = _averaged(balance, part.amplitude, part.later)
    values = {Field(b)("i"): e for b, e in slaved.items() if e is not None}
    following = [call for call in amplitude.atoms(ElementFunction) if call.base in part.later]
    total: list[Expr] = []
    for memory in part.passed:
        for block in sorted({c for call in following for c in components(call)} & values.keys(), key=str):
            moved = amplitude.xreplace({call: call.xreplace({block: values[block]}) for call in following})
            total.append(_weight(balance, block.field.name, memory) * _transport(balance, moved, values))
        if any(c.field.name.startswith("E[") for c in components(amplitude)):
            total.append(_transport(balance, amplitude, values))
    if len(part.passed) > 1 and any(total):
        raise NoLimit(
            "several fast memories carry noise into a factor that follows theta; take constant noise"
        )
    return canonical(Add(*total) / 2)


def _weight(balance: Balance, follower: str, memory: str) -> Expr:
    faster = balance.comparisons.sign(balance.rate(memory).exponent - balance.rate(follower).exponent)
    v, m = (balance.rate(b).expression for b in (follower, memory))
    return {1: Integer(1), 0: v / (v + m), -1: Integer(0)}[faster]


def _transport(balance: Balance, amplitude: Expr, values: Mapping[Expr, Expr]) -> Expr:
    """Return ``sum_j S_ij A_j d_j A_i``, the derivative taken through what is written as a function of
    theta.
    """
    there = reindex(amplitude.xreplace(dict(values)), {"i": "_1"})
    carried = balance.noise.cumulant_field(2)("i", "_1") * there * momentum("theta")("_1")
    return apply(carried, amplitude)


def _text(call: ElementFunction) -> str:
    return str(call).replace("[i]", "")
