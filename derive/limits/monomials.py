"""An update rule as polynomials in the gradient, with the exponents of its hyperparameters left open.

With the learning rate ``h`` as the small parameter the noise is ``h**-s``, each memory ``1 - c h**b``. One
step of a block is ``-rate y + source``: the rate is what the block forgets in a step. Element-wise
non-linearities stay abstract.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from sympy import Add, Expr, Function, Integer, Poly, Pow, Symbol, cancel, expand, together
from sympy.core.function import AppliedUndef

from ..errors import DerivationRefused
from ..notation.parser import parse_assignments
from ..notation.symbols import g, k, tau
from ..optimizers.reductions import total, written
from ..optimizers.rule import THETA, Auxiliary, Hyperparameter, UpdateRule
from ..regimes import ballistic
from ..smoothing.piecewise import NON_SMOOTH
from .exponents import Form

S = Symbol("s")
"""The exponent of the noise, ``h**-s``."""


MAX_AXES, LARGEST = 3, 4
"""How many unknowns there may be, as cells multiply with each; the largest number, so that no corner lies far
away.
"""


class Decay(Function):
    """``beta**(k + n)``, of the memory's constant and the exponent."""

    nargs = 2


class Correction(Function):
    """``1 - beta**(k + n)``, a bias correction."""

    nargs = 2


@dataclass(frozen=True)
class OpenRule:
    """An update rule whose exponents are unknown.

    Attributes
    ----------
    rule : UpdateRule
    exponents : mapping of str to Expr
        The exponent of each hyperparameter, of one minus it for a memory, in the unknowns; and that of the
        noise under "noise". A constant that is not in it has its natural exponent: it is measured in units of
        the noise and of the time step.
    """

    rule: UpdateRule
    exponents: Mapping[str, Expr]

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The unknowns: s first, then in the order of the hyperparameters."""
        found: dict[str, None] = {}
        for name in ("noise", *(h.name for h in self.rule.hyperparameters)):
            found |= dict.fromkeys(sorted(map(str, self.exponents.get(name, Integer(0)).free_symbols)))
        return tuple(found)

    @cached_property
    def forms(self) -> Mapping[str, Form]:
        """The exponents as forms in the unknowns and, not occurring, the time step's exponent."""
        return {name: self._form(expression) for name, expression in self.exponents.items()}

    def _form(self, expression: Expr) -> Form:
        unknowns = [Symbol(name) for name in self.axes]
        polynomial = Poly(expression, *unknowns) if unknowns else Poly(expression, S)
        numbers = [polynomial.coeff_monomial(x) for x in unknowns] + [
            Integer(0),
            polynomial.coeff_monomial(1),
        ]
        return Form(tuple(Fraction(int(n.p), int(n.q)) for n in numbers))

    @cached_property
    def constants(self) -> Mapping[str, Symbol]:
        """What stands for ``(1 - beta) h**-b``, by the memory's name."""
        values = ballistic.scaling(self.rule).hyperparameters
        return {h.name: (values[h.name].free_symbols - {tau}).pop() for h in self.memories}

    @property
    def memories(self) -> list[Hyperparameter]:
        """The hyperparameters that are memories."""
        return [h for h in self.rule.hyperparameters if h.role == "memory"]

    def written(self, expression: Expr) -> Expr:
        """Write a rule's expression with ``1 - c`` for each memory and names for what it is after k steps."""
        for h in self.memories:
            c = self.constants[h.name]
            powers = {p: p.exp for p in expression.atoms(Pow) if p.base == h.symbol and p.exp.has(k)}
            expression = expression.xreplace({1 - p: Correction(c, e) for p, e in powers.items()})
            expression = expression.xreplace({p: Decay(c, e) for p, e in powers.items()} | {h.symbol: 1 - c})
        return expression

    @cached_property
    def steps(self) -> Mapping[str, Expr]:
        """The increment of each block; every gradient is `g`."""
        same = {Symbol(name, real=True): g for name in self.rule.gradients}
        return {
            b.name: self.written(self.rule.update[b.name].xreplace(same) - b.symbol) for b in self.rule.blocks
        }

    @cached_property
    def shifts(self) -> list[Expr]:
        """How far from theta gradients are taken."""
        same = {Symbol(name, real=True): g for name in self.rule.gradients}
        return [
            self.written(point - THETA).xreplace(same)
            for point in self.rule.gradients.values()
            if point != THETA
        ]

    @cached_property
    def rates(self) -> Mapping[str, Expr]:
        """What a block forgets in a step; blocks that only add up are left out.

        Raises
        ------
        ValueError
            A step is not linear in its own block.
        """
        found = {}
        for b in self.rule.blocks[1:]:
            hidden, calls = _hidden(self.steps[b.name])
            polynomial = Poly(expand(hidden), b.symbol)
            rate = -polynomial.coeff_monomial(b.symbol)
            others = {g, *calls, *(o.symbol for o in self.rule.blocks)}
            if (
                polynomial.degree() > 1
                or rate.free_symbols & others
                or any(c.has(b.symbol) for c in calls.values())
            ):
                raise DerivationRefused(
                    f"{self.rule.name}: the step of {b.name} is not linear in {b.name}; expected a block "
                    "that sums up or "
                    "forgets at a rate of its own"
                )
            if rate != 0:
                found[b.name] = rate
        return found

    def source(self, block: str) -> Expr:
        """Return the step of a block without what it forgets."""
        symbol = Symbol(block, real=True)
        return expand(self.steps[block] + self.rates.get(block, Integer(0)) * symbol)

    def reduced(self, fast: frozenset[str]) -> Mapping[str, Mapping[int, tuple[Expr, ...]]]:
        """Return sources (the step, for theta) as polynomials in `g`, with fast linear memories put to
        ``source / rate``.

        Coefficients are tuples of terms.

        Summed over many steps a linear memory passes on its source, each time ``1/rate`` of it: what it does
        to a slow block is exact up to terms that do not grow. Non-linear dependence, inside an abstract
        function, is left alone.
        """
        if fast not in self._reduced:
            self._reduced[fast] = {b.name: self._polynomial(b.name, fast) for b in self.rule.blocks}
        return self._reduced[fast]

    @cached_property
    def _reduced(self) -> dict[frozenset[str], Mapping[str, Mapping[int, tuple[Expr, ...]]]]:
        return {}

    def _polynomial(self, block: str, fast: frozenset[str]) -> Mapping[int, tuple[Expr, ...]]:
        expression, calls = _hidden(self.source(block))
        while present := sorted(fast & {str(x) for x in expression.free_symbols}):
            symbol = Symbol(present[0], real=True)
            polynomial = Poly(expand(expression), *(Symbol(name, real=True) for name in present))
            if polynomial.total_degree() > 1:
                raise DerivationRefused(
                    f"{self.rule.name}: the step of {block} is not linear in {', '.join(present)}, a fast "
                    "memory"
                )
            source, more = _hidden(self.source(present[0]))
            calls |= more
            expression = expression.xreplace({symbol: source / self.rates[present[0]]})
        expression = expand(cancel(together(expand(expression))))
        polynomial = Poly(expression, g)
        return {
            n: tuple(term.xreplace(calls) for term in Add.make_args(expand(coefficient)))
            for (n,), coefficient in polynomial.terms()
            if coefficient != 0
        }

    def passed_on(self, block: str, fast: frozenset[str]) -> tuple[str, ...]:
        """Return the fast memories that a block contains linearly."""
        return tuple(sorted(fast & {str(x) for x in _hidden(self.source(block))[0].free_symbols} - {block}))

    def functions(self, blocks: tuple[str, ...]) -> frozenset[str]:
        """Return the names of the abstract functions in the sources of blocks."""
        return frozenset(type(call).__name__ for b in blocks for call in self.source(b).atoms(AppliedUndef))

    @cached_property
    def auxiliaries(self) -> Mapping[str, Auxiliary]:
        """The abstract functions, written like the steps."""
        return {a.name: replace(a, expression=self.written(a.expression)) for a in self.rule.auxiliaries}

    @property
    def corrected(self) -> bool:
        """Whether bias corrections make up for a start from zero."""
        parts = [*self.steps.values(), *(a.expression for a in self.auxiliaries.values())]
        return any(part.has(Correction) for part in parts)


def open_rule(rule: UpdateRule, exponents: str = "") -> OpenRule:
    """Leave the exponents of a rule open.

    Parameters
    ----------
    rule : UpdateRule
    exponents : str
        Assignments such as ``"beta2=1+s, eps=e"``: exponents as linear expressions in ``s``, ``b``
        (``b1, b2, ...`` for several memories) and new names. By default each memory has its own unknown and
        constants have their natural exponents.

    Raises
    ------
    ValueError
        The rule has no learning rate or several, is not smooth, or an exponent is assigned to what it has
        not.
    """
    rates = [h for h in rule.hyperparameters if h.role == "learning rate"]
    if len(rates) != 1:
        raise DerivationRefused(
            f"{rule.name} has {len(rates)} learning rates; expected one, the small parameter"
        )
    for expression in (*rule.update.values(), *rule.gradients.values()):
        if sums := expression.atoms(total):
            found = written(min(sums, key=str))
            raise DerivationRefused(
                f"{found} couples coordinates; expected a rule that works coordinate by coordinate"
            )
    for expression in (*rule.update.values(), *(a.expression for a in rule.auxiliaries)):
        if sharp := expression.atoms(*NON_SMOOTH):
            raise DerivationRefused(
                f"{min(map(str, sharp))} is not smooth; expected a rule whose one-step map is smooth in the "
                "state"
            )
    memories = [h.name for h in rule.hyperparameters if h.role == "memory"]
    own = {name: Symbol(f"b{n}" if len(memories) > 1 else "b") for n, name in enumerate(memories, 1)}
    known = {"s": S} | {str(b): b for b in own.values()}
    given = parse_assignments(exponents, known, free=True) if exponents.strip() else {}
    allowed = ["noise", *memories, *(h.name for h in rule.hyperparameters if h.role == "constant")]
    for name, value in given.items():
        if name not in allowed:
            raise DerivationRefused(f"an exponent for {name!r}; expected one for {', '.join(allowed)}")
        unknowns = sorted(value.free_symbols, key=str) or [S]
        linear = value.is_polynomial(*unknowns) and Poly(value, *unknowns).total_degree() <= 1
        if not linear or not all(_moderate(powers, c) for powers, c in Poly(value, *unknowns).terms()):
            raise DerivationRefused(
                f"the exponent {value} of {name}; expected one linear in the unknowns with rational numbers "
                f"up to {LARGEST}, "
                f"weights from 1/{LARGEST}"
            )
    plain = {
        name: value.xreplace({x: Symbol(x.name) for x in value.free_symbols}) for name, value in given.items()
    }
    found = OpenRule(rule, {"noise": -S, **own, **plain})
    if len(found.axes) > MAX_AXES:
        raise DerivationRefused(
            f"{', '.join(found.axes)} are unknown; expected at most {MAX_AXES}: fix others, as 'beta2=1+s' "
            "does"
        )
    _ = found.rates
    return found


def _moderate(powers: tuple[int, ...], number: Expr) -> bool:
    return bool(
        number.is_Rational and abs(number) <= LARGEST and (not any(powers) or abs(number) * LARGEST >= 1)
    )


def _hidden(expression: Expr) -> tuple[Expr, dict[Symbol, Expr]]:
    """Put symbols for functions, so that algebra sees polynomials and fractions."""
    calls = {call: Symbol(f"<{call}>") for call in expression.atoms(AppliedUndef, Decay, Correction)}
    return expression.xreplace(calls), {symbol: call for call, symbol in calls.items()}
