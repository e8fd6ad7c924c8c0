"""Scaling rules: how hyperparameters must change with the batch so that the limiting equation stays the same.

A batch k times as large divides the noise covariance by k. Let each hyperparameter be multiplied by ``k**x``
(one minus it, for a memory), blocks other than theta measured in units of ``k**r``, and one step stand for
``k**T`` old ones. A monomial of the limit's drift of a block must then change by ``r + T``, one of its
covariance by the sum of both blocks' r, plus T. In the logarithms these are linear equations; inside a
non-linearity all terms of a sum must change alike, and the argument of an exponential not at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Add, Expr, Function, Integer, Integral, Mul, Pow, Symbol, linsolve

from ..derivation.equation import DerivedEquation, modified_equation
from ..display.text import preformatted
from ..display.text import text as index_text
from ..errors import DerivationRefused
from ..noise.model import NoiseModel
from ..notation.indices import components, opened, terms
from ..notation.symbols import Component, ElementFunction, TotalField, t
from ..optimizers.rule import UpdateRule
from ..regimes import Regime

STEP = Symbol("T")
"""The exponent of the number of old steps that one new step stands for."""


@dataclass(frozen=True, repr=False)
class ScalingRule:
    """What to do when the batch is multiplied by k.

    Attributes
    ----------
    equation : DerivedEquation
        The limit that is kept, of order 1, with a symbol for the multiplier of each hyperparameter.
    exponents : mapping of str to Expr
        Hyperparameters (one minus it, for a memory) are multiplied by k to this power; empty if there is no
        rule.
    step : Expr
        One step stands for k to this power old steps.
    blocks : mapping of str to Expr
        Blocks other than theta change their size by k to this power.
    free : tuple of str
        Hyperparameters whose exponent is free, the others may depend on it.
    conflict : str
        Why there is no rule: the monomial that cannot be kept with those before it.
    """

    equation: DerivedEquation
    exponents: Mapping[str, Expr]
    step: Expr
    blocks: Mapping[str, Expr]
    free: tuple[str, ...]
    conflict: str = ""

    @property
    def noisy(self) -> bool:
        """Whether the noise stands in the limit at all."""
        entries = (*self.equation.drift[0].values(), *self.equation.covariance[0].values())
        return any(c.field.rank == 2 for entry in entries for c in components(opened(entry)))

    def __str__(self) -> str:
        return _scaling_text(self)

    def __repr__(self) -> str:
        return f"<ScalingRule: {self.equation.chain.name}>"

    def _repr_html_(self) -> str:
        return preformatted(str(self))

    def to_json(self) -> dict[str, Any]:
        """Return the rule as data; exponents of k."""
        return _scaling_json(self)


def scaling_rule(rule: UpdateRule, regime: Regime, noise: NoiseModel) -> ScalingRule:
    """Derive the scaling rule of an optimizer in a regime.

    Parameters
    ----------
    rule : UpdateRule
    regime : Regime
    noise : NoiseModel

    Raises
    ------
    ValueError
        The rule has no limiting equation in the regime, or one in which theta stands still.
    """
    marked = _Marked(rule, regime)
    equation = modified_equation(rule, marked.regime, noise, order=1, form="diffusion")
    if equation.drift[0]["theta"] == 0 and equation.covariance[0]["theta", "theta"] == 0:
        raise DerivationRefused(
            f"theta stands still in the limit of {equation.chain.name}; expected another; see optsde regimes"
        )
    system = _System(equation, marked.exponents)
    kept: list[Expr] = []
    for condition, where in system.conditions:
        if not linsolve([*kept, condition], *system.unknowns):
            return ScalingRule(equation, {}, Integer(0), {}, (), where)
        kept.append(condition)
    (solution,) = linsolve(kept, *system.unknowns) if kept else (tuple(system.unknowns),)
    values = dict(zip(system.unknowns, solution, strict=True))
    unknown = set(system.unknowns)
    free = tuple(h for h, x in marked.exponents.items() if values[x].free_symbols & unknown)
    exponents = {h: values[x] for h, x in marked.exponents.items()}
    blocks = {b.name: values[system.sizes[b.name]] for b in rule.blocks[1:]}
    return ScalingRule(equation, exponents, values[STEP], blocks, free)


class _Marked:
    """A regime in which each hyperparameter carries a symbol whose weight is asked for."""

    def __init__(self, rule: UpdateRule, regime: Regime) -> None:
        values = regime.scaling(rule).hyperparameters
        self.exponents = {h.name: Symbol(f"x_{h.name}") for h in rule.hyperparameters if values[h.name] != 0}
        assigned = {}
        for h in rule.hyperparameters:
            value, mark = values[h.name], Symbol(_mark(h.name), positive=True)
            if h.name in self.exponents:
                assigned[h.name] = 1 - mark * (1 - value) if h.role == "memory" else mark * value
        self.regime = Regime(regime.name, regime.noise, {**regime.assignments, **assigned}, regime.reference)


def _mark(name: str) -> str:
    return f"multiplier of {name}"


class _System:
    """The linear conditions on the exponents."""

    def __init__(self, equation: DerivedEquation, marks: Mapping[str, Symbol]) -> None:
        self.definitions = equation.definitions
        self.sizes = {b.name: Symbol(f"r_{b.name}") for b in equation.chain.rule.blocks}
        self.sizes["theta"] = Integer(0)
        self.marks = {_mark(name): x for name, x in marks.items()}
        self.unknowns = [STEP, *(r for r in self.sizes.values() if r != 0), *marks.values()]
        self.inside: list[tuple[Expr, str]] = []
        self.outside: list[tuple[Expr, str]] = []
        for block, drift in equation.drift[0].items():
            for term in terms(drift):
                self._keep(term, self.sizes[block], f"{self._text(term, ('i',))} in the drift of {block}")
        for (a, b), entry in equation.covariance[0].items():
            for term in terms(entry):
                where = f"{self._text(term, ('i', 'j'))} in the covariance of {a} and {b}"
                self._keep(term, self.sizes[a] + self.sizes[b], where)

    @cached_property
    def conditions(self) -> list[tuple[Expr, str]]:
        """Expressions that must vanish, each with the monomial it comes from."""
        return [(c.expand(), where) for c, where in (*self.inside, *self.outside) if c.expand() != 0]

    def _text(self, term: Expr, free: tuple[str, ...]) -> str:
        """Return a monomial without the marks."""
        return index_text(
            term.xreplace({s: Integer(1) for s in term.free_symbols if s.name in self.marks}), free
        )

    def _keep(self, term: Expr, size: Expr, where: str) -> None:
        self.outside.append((self._weight(term, where) - size - STEP, where))

    def _weight(self, expression: Expr, where: str, values: Mapping[Symbol, Expr] | None = None) -> Expr:
        """Return the exponent of k by which an expression changes."""
        values = values or {}

        def weight(e: Expr) -> Expr:
            match e:
                case Component() if isinstance(e.field, TotalField):
                    return weight(e.field.body)
                case Component():
                    name = e.field.name
                    return self.sizes[name] if name in self.sizes else Integer(-1 if e.field.rank == 2 else 0)
                case Symbol():
                    return (
                        values[e] if e in values else -STEP if e == t else self.marks.get(e.name, Integer(0))
                    )
                case Add():
                    first, *others = map(weight, e.args)
                    self.inside += [(other - first, where) for other in others]
                    return first
                case Mul():
                    return Add(*map(weight, e.args))
                case Pow(base=base, exp=power) if power.is_number:
                    return power * weight(base)
                case ElementFunction():
                    return self._function(e, [weight(a) for a in e.args], where)
            if isinstance(e, Integral):
                ((variable, _, end),) = e.limits
                extent = weight(end)
                return extent + self._weight(e.function, where, {**values, variable: extent})
            if isinstance(e, Function | Pow):
                self.inside += [(weight(argument), where) for argument in e.args]
                return Integer(0)
            return Integer(0)

        return weight(expression)

    def _function(self, call: ElementFunction, weights: list[Expr], where: str) -> Expr:
        definition = self.definitions[call.base]
        values = dict(zip(definition.variables, weights, strict=True))
        zeros = {
            x: a
            for x, a in zip(definition.variables, call.args, strict=True)
            if a == 0 and not any(call.orders)
        }
        value = self._weight(definition.expr.xreplace(zeros), where, values)  # zero is zero in any units
        return value - Add(*(n * w for n, w in zip(call.orders, weights, strict=True)))


def _scaling_text(found: ScalingRule) -> str:
    """Return the rule over several lines, for a terminal."""
    chain = found.equation.chain
    lines = [f"{chain.name}: the batch times k"]
    if found.conflict:
        return "\n".join(
            [
                *lines,
                f"no rule keeps the limit: {found.conflict} changes in another way than the terms before it",
            ]
        )
    lines += [f"  {_subject(chain.rule, name)} times {_factor(x)}" for name, x in found.exponents.items()]
    lines.append(f"  one step stands for {_factor(found.step)} old steps")
    lines += [f"  {block} becomes {_factor(x)} as large" for block, x in found.blocks.items() if x != 0]
    if found.free:
        names = ", ".join(sorted({str(s) for x in found.exponents.values() for s in x.free_symbols}))
        why = "" if found.noisy else ": there is no noise in this limit, the batch does not matter"
        lines.append(f"  for any {names}{why}")
    return "\n".join(lines)


def _scaling_json(found: ScalingRule) -> dict[str, Any]:
    """Return the rule as JSON data; exponents of k."""
    chain = found.equation.chain
    return {
        "rule": chain.rule.name,
        "variant": chain.rule.variant,
        "regime": chain.regime.name,
        "exists": not found.conflict,
        "conflict": found.conflict or None,
        "exponents": {_subject(chain.rule, name): str(x) for name, x in found.exponents.items()},
        "step": str(found.step),
        "blocks": {block: str(x) for block, x in found.blocks.items()},
        "free": list(found.free),
    }


def _subject(rule: UpdateRule, name: str) -> str:
    (h,) = (h for h in rule.hyperparameters if h.name == name)
    return f"1 - {name}" if h.role == "memory" else name


def _factor(exponent: Expr) -> str:
    return "1" if exponent == 0 else "k" if exponent == 1 else f"k^({exponent})"
