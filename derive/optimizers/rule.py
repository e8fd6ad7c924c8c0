"""Update rules: what an optimizer does in one step, as its authors wrote it."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal, get_args

from sympy import Dummy, Expr, Lambda, Symbol

from ..errors import BadInput
from ..notation.frozen import FrozenMapping
from ..notation.naming import advice, did_you_mean
from ..notation.symbols import g, k
from .reductions import REDUCTIONS, old, total
from .report import rule_json, rule_latex, rule_text

THETA = Symbol("theta", real=True)
"""The parameter vector's entry at one coordinate, in the expressions of a rule."""

RESERVED = frozenset(
    {"t", "tau", "k", "xi", "f", "F", "S", "B", "B2", "zeta1", "zeta2", "omega1", *REDUCTIONS}
)
"""Names that mean time, noise, gradient, covariance or a sum wherever they stand."""


@dataclass(frozen=True)
class Block:
    """A part of the state with one entry per coordinate.

    Attributes
    ----------
    name : str
    noise_units : int
        The power of the gradient's unit it carries: 2 for a running mean of ``g**2``, 0 where it is not
        rescaled.
    nonnegative : bool
        Whether the optimizer keeps its entries from becoming negative.
    step_units : int or Rational
        The power of a number of steps it carries: 1 for a sum over steps, 0 for a mean.
    """

    name: str
    noise_units: int = 0
    nonnegative: bool = False
    step_units: Expr | int = 0

    @property
    def symbol(self) -> Symbol:
        """The block's entry at one coordinate, in the expressions of a rule."""
        return Symbol(self.name, real=True)


@dataclass(frozen=True)
class Hyperparameter:
    """A number the user sets.

    Attributes
    ----------
    name : str
        Its keyword in PyTorch where there is one.
    role : {"learning rate", "memory", "constant"}
        A learning rate is proportional to tau, one minus a memory too; a constant does not depend on tau.
    noise_units : int
        The power of the gradient's unit it carries.
    default : float
        In simulations, the value of the constant that stands for it: ``c`` in ``alpha = 1 - c tau``, ``eps``
        itself.
    step_units : int or Rational
        The power of a number of steps it carries: -1 for a rate per step.
    below_one : bool
        Whether a constant stays below 1, as every memory does: a weight beside ``1 - beta``.
    """

    name: str
    role: Literal["learning rate", "memory", "constant"]
    _: KW_ONLY
    noise_units: int = 0
    default: float = 1.0
    step_units: Expr | int = 0
    below_one: bool = False

    @property
    def fraction(self) -> bool:
        """Whether it lies between 0 and 1."""
        return self.below_one or self.role == "memory"

    @property
    def symbol(self) -> Symbol:
        """The hyperparameter in the expressions of a rule."""
        return Symbol(self.name, positive=True)


@dataclass(frozen=True)
class Auxiliary:
    """An element-wise non-linearity that stays abstract until the end, such as ``P(v) = 1/(sqrt(v) + eps)``.

    Attributes
    ----------
    name : str
    arguments : tuple of Symbol
        One declared nonnegative is regularised in simulations of an equation, whose second moments may cross
        zero.
    expression : Expr
        In the arguments; the step number `k` and hyperparameters may stand in it too. Sums over coordinates
        may not: give them as arguments.
    """

    name: str
    arguments: tuple[Symbol, ...]
    expression: Expr

    @property
    def definition(self) -> Lambda:
        """The auxiliary as a function of its arguments."""
        return Lambda(self.arguments, self.expression)


@dataclass(frozen=True, repr=False)
class UpdateRule:
    """One step of an optimizer at one coordinate; `total`, `dot` and `norm` couple it to all others.

    Attributes
    ----------
    name, variant : str
        The optimizer and whose form of it.
    blocks : tuple of Block
        The first is the parameter vector theta.
    hyperparameters : tuple of Hyperparameter
    auxiliaries : tuple of Auxiliary
        Used in `update` as undefined functions of their names; none by default.
    update : mapping of str to Expr
        For each block, its next value in terms of the old values, the gradients, the step number `k` and
        hyperparameters; `in_order` makes it of assignments done one after the other.
    reference : str
    gradients : mapping of str to Expr
        The points at which the stochastic gradient is taken. A point is theta or close to it; it may depend
        on the old values and on gradients before it.
    samples : mapping of str to int
        The number of each gradient's sample, 1 where it is not given: gradients with equal numbers share a
        sample. How the samples of a step are drawn is said by the `optsde.derive.noise.model.NoiseModel`.

    Raises
    ------
    ValueError
        The first block is not theta, a name is reserved, a block has no next value, a symbol is unknown, or a
        sample is not numbered from 1 on.
    """

    name: str
    variant: str
    _: KW_ONLY
    blocks: tuple[Block, ...]
    hyperparameters: tuple[Hyperparameter, ...]
    auxiliaries: tuple[Auxiliary, ...] = ()
    update: Mapping[str, Expr]
    reference: str
    gradients: Mapping[str, Expr] = field(default_factory=lambda: {g.name: THETA})
    samples: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("update", "gradients", "samples"):
            object.__setattr__(self, name, FrozenMapping(getattr(self, name)))
        blocks = [b.name for b in self.blocks]
        if blocks[:1] != ["theta"]:
            raise BadInput(
                f"{self.name} has the state {', '.join(blocks) or 'nothing'}; expected theta as its first "
                "block"
            )
        if taken := sorted(RESERVED.intersection([*blocks, *(h.name for h in self.hyperparameters)])):
            raise BadInput(
                f"{self.name} has a block or hyperparameter {taken[0]}, a reserved name; rename it"
            )
        if set(self.update) != set(blocks):
            found = ", ".join(self.update) or "nothing"
            raise BadInput(
                f"{self.name} updates {found}; expected one next value for each of {', '.join(blocks)}"
            )
        if clash := sorted({*self.gradients} & {*blocks, *(h.name for h in self.hyperparameters)}):
            raise BadInput(
                f"{self.name} has a gradient {clash[0]}, the name of a block or hyperparameter; rename it"
            )
        for name, number in self.samples.items():
            if name not in self.gradients:
                raise BadInput(
                    f"{self.name} numbers the sample of {name}; expected one of {', '.join(self.gradients)}"
                )
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise BadInput(
                    f"{self.name} takes {name} with the sample {number!r}; expected its number, 1, 2, ..."
                )
        known = {k, *(b.symbol for b in self.blocks), *(h.symbol for h in self.hyperparameters)}
        for name, point in self.gradients.items():
            self._check_symbols(f"the point of gradient {name}", point, known)
            known = known | {Symbol(name, real=True)}
        for block, expression in self.update.items():
            self._check_symbols(f"the update of {block}", expression, known)
        constants = {k, *(h.symbol for h in self.hyperparameters)}
        for auxiliary in self.auxiliaries:
            where = f"{self.name}: the auxiliary {auxiliary.name}"
            if auxiliary.name in REDUCTIONS:
                raise BadInput(f"{where} has a reserved name; rename it")
            if auxiliary.expression.has(total):
                raise BadInput(f"{where} contains a sum over coordinates; make it an argument")
            self._check_symbols(
                f"the auxiliary {auxiliary.name}", auxiliary.expression, constants | {*auxiliary.arguments}
            )

    def __repr__(self) -> str:
        return f"<UpdateRule: {self.name} ({self.variant})>"

    def __str__(self) -> str:
        return rule_text(self)

    def latex(self) -> str:
        """Return the assignments in LaTeX, one a line; a prime marks the value after the step."""
        return rule_latex(self)

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def to_json(self) -> dict[str, Any]:
        """Return the rule as data; expressions are text."""
        return rule_json(self)

    def sample(self, gradient: str) -> int:
        """Return the number of a gradient's sample."""
        return self.samples.get(gradient, 1)

    @property
    def sample_count(self) -> int:
        """The number of samples drawn in one step."""
        return len({self.sample(name) for name in self.gradients})

    def _check_symbols(self, where: str, expression: Expr, known: set[Symbol]) -> None:
        for symbol in sorted(expression.free_symbols - known, key=str):
            names = sorted(map(str, known))
            if symbol.name in names:
                raise BadInput(
                    f"{self.name}: {symbol} in {where} has other assumptions; take its `symbol` attribute"
                )
            hint = did_you_mean(symbol.name, names)
            raise BadInput(
                f"{self.name}: unknown symbol {symbol} in {where}; {hint}expected {', '.join(names)}"
            )


def in_order(assignments: Mapping[Symbol, Expr]) -> dict[str, Expr]:
    """Write assignments that are done one after the other in terms of the values at the start of the step.

    On the right a symbol means the newest value assigned to it so far; ``old(v)`` means the value at the
    start of the step. So the order of the lines says which second moment stands in a denominator.

    Examples
    --------
    >>> from sympy.abc import v, x
    >>> in_order({v: 2*v, x: x + v})
    {'v': 2*v, 'x': 2*v + x}
    >>> in_order({v: 2*v, x: x + old(v)})
    {'v': 2*v, 'x': v + x}
    """
    newest: dict[Symbol, Expr] = {}
    for target, expression in assignments.items():
        kept = {call: Dummy() for call in expression.atoms(old)}
        written = expression.xreplace(kept).xreplace(newest)
        newest[target] = written.xreplace({dummy: call.args[0] for call, dummy in kept.items()})
    return {target.name: expression for target, expression in newest.items()}


def check_variant(rule: str, variant: str, variants: object) -> None:
    """Refuse a variant that is none of a `Literal`.

    Raises
    ------
    ValueError
        With the variants there are.
    """
    if variant not in get_args(variants):
        raise BadInput(f"{rule} has no variant {variant!r}; {advice(variant, get_args(variants))}")
