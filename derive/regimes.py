"""Scaling regimes: how hyperparameters, noise and state depend on tau, the duration of one step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr, Integer, Rational, Symbol

from .display.latex import aligned
from .display.latex_vectors import Printer
from .errors import BadInput
from .notation.frozen import FrozenMapping
from .notation.naming import named
from .notation.parser import parse_assignments
from .notation.symbols import tau
from .optimizers.rule import Block, Hyperparameter, UpdateRule

_SEED = "Callisti, Romito, Triggiano, arXiv 2509.21614"


@dataclass(frozen=True)
class Scaling:
    """A regime applied to a rule.

    Attributes
    ----------
    hyperparameters : mapping of str to Expr
        Each hyperparameter as a function of tau and of constants.
    noise : Expr
        The factor in front of the gradient noise.
    blocks : mapping of str to Expr
        The optimizer's block in units of the state: ``1/tau`` where the state holds ``tau v``.
    """

    hyperparameters: Mapping[str, Expr]
    noise: Expr
    blocks: Mapping[str, Expr]

    def __post_init__(self) -> None:
        for name in ("hyperparameters", "blocks"):
            object.__setattr__(self, name, FrozenMapping(getattr(self, name)))


@dataclass(frozen=True, repr=False)
class Regime:
    """A family of scalings, one for each rule.

    What is not assigned follows from the rule: a learning rate is tau, a memory is ``1 - c tau``, a constant
    stays; what carries the gradient's unit is measured in the unit of the noise, or of the gradient where the
    noise vanishes with tau, and what carries a number of steps in units of ``1/tau``.
    So the buffer of PyTorch's momentum, a sum over about ``1/tau`` steps, is ``1/tau`` times the state; its
    lr is ``tau**2``.

    Attributes
    ----------
    name : str
    noise : Expr
        Scale of the gradient noise, a power of tau.
    assignments : mapping of str to Expr
        Hyperparameters as functions of tau and constants; blocks as functions of themselves and tau.
    reference : str
    """

    name: str
    noise: Expr
    assignments: Mapping[str, Expr] = field(default_factory=dict)
    reference: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "assignments", FrozenMapping(self.assignments))

    def __repr__(self) -> str:
        return f"<Regime: {self.name}>"

    def __str__(self) -> str:
        assigned = [f"  {name} = {value}" for name, value in self.assignments.items()]
        return "\n".join([f"{self.name}: noise scale {self.noise}", *assigned])

    def latex(self) -> str:
        """Return the scale of the noise and the assignments, one a line."""
        printer = Printer()
        lines = [rf"\text{{noise}} &\sim {printer.doprint(self.noise)}"]
        names = {name: printer.doprint(Symbol(name)) for name in self.assignments}
        return aligned(lines + [rf"{names[n]} &= {printer.doprint(e)}" for n, e in self.assignments.items()])

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def to_json(self) -> dict[str, Any]:
        """Return the regime as data; expressions are text."""
        assignments = {name: str(value) for name, value in self.assignments.items()}
        return {
            "name": self.name,
            "noise": str(self.noise),
            "assignments": assignments,
            "reference": self.reference,
        }

    def scaling(self, rule: UpdateRule) -> Scaling:
        """Apply the regime to a rule.

        Raises
        ------
        ValueError
            An assigned name is no hyperparameter or block of the rule, or an assigned value depends on the
            state.
        """
        known = [h.name for h in rule.hyperparameters] + [b.name for b in rule.blocks]
        for name in self.assignments:
            if name not in known:
                raise BadInput(
                    f"regime assigns {name!r}; {rule.name} has {', '.join(known)}: assign one of these or "
                    "noise"
                )
        memories = [h.name for h in rule.hyperparameters if h.role == "memory"]
        values: dict[str, Expr] = {}
        for h in rule.hyperparameters:
            unit = self._unit(h)
            number = str(memories.index(h.name) + 1) if len(memories) > 1 and h.role == "memory" else ""
            default = {
                "learning rate": tau * unit,
                "memory": 1 - Symbol("c" + number, positive=True) * tau,
                "constant": h.symbol * unit,
            }
            values[h.name] = self.assignments.get(h.name, default[h.role])
        constants = {
            s for name in memories if name not in self.assignments for s in values[name].free_symbols
        }
        if clash := sorted(str(h.symbol) for h in rule.hyperparameters if h.symbol in constants):
            raise BadInput(
                f"{rule.name} has a hyperparameter {clash[0]}, the name of a memory's constant; assign the "
                "memory"
            )
        blocks = {
            b.name: self.assignments[b.name] / b.symbol if b.name in self.assignments else self._unit(b)
            for b in rule.blocks
        }
        state = {b.symbol for b in rule.blocks}
        for name, value in {"noise": self.noise, **values, **blocks}.items():
            if value.free_symbols & state:
                raise BadInput(
                    f"regime makes {name} depend on the state; expected powers of tau and constants"
                )
        return Scaling(values, self.noise, blocks)

    def _unit(self, quantity: Hyperparameter | Block) -> Expr:
        vanishes = self.noise.as_coeff_exponent(tau)[1].is_positive
        gradient = Integer(1) if vanishes else self.noise
        return gradient**quantity.noise_units * tau ** (-quantity.step_units)


ballistic = Regime("ballistic", Integer(1), reference=_SEED)
"""Noise of order 1: the limit is an ordinary differential equation, with fluctuations of order
``sqrt(tau)``.
"""

batch_equivalent = Regime(
    "batch-equivalent", tau ** Rational(-1, 2), reference=f"Malladi et al., arXiv 2205.10287; {_SEED}"
)
"""Noise of order ``tau**(-1/2)``: the limit is a stochastic equation; ``v`` is measured in units of
``1/tau``.
"""

REGIMES = (ballistic, batch_equivalent)
"""The regimes with a name, for the command line and for tests."""


def parse_regime(text: str, rule: UpdateRule) -> Regime:
    """Read a regime: a name, or assignments such as ``"lr=tau, alpha=1-c*tau, noise=tau**(-1/2), v=v/tau"``.

    Raises
    ------
    BadInput
        The text is neither; the message says what was expected.

    Examples
    --------
    >>> from optsde.derive import rmsprop
    >>> parse_regime("batch-equivalent", rmsprop()).noise
    1/sqrt(tau)
    >>> parse_regime("lr=tau, alpha=1-c*tau", rmsprop()).assignments["alpha"]
    -c*tau + 1
    """
    if "=" not in text:
        otherwise = ", or assignments such as 'lr=tau, noise=1'"
        return named("regime", text, {regime.name: regime for regime in REGIMES}, otherwise)
    symbols = (
        {"tau": tau}
        | {b.name: b.symbol for b in rule.blocks}
        | {h.name: h.symbol for h in rule.hyperparameters}
    )
    assigned = parse_assignments(text, symbols, free=True)
    noise = assigned.pop("noise", Integer(1))
    return Regime(text.strip(), noise, assigned)
