"""Reads a numerical scheme into code: a function ``step(sde, x, h)`` of `optsde.derive.schemes` becomes
statements.

The statements behind drift and noise are written once, at the start of the step. At a later stage they are
the same statements with other inputs: those that read a state, a time or a noise that has changed get new
targets, the others are shared. The noise is a sum over all Brownian motions; signs in the place of their
increments give another combination of the same columns.

Schemes are proved for autonomous equations. So time is a state with drift 1, and the noise since the start of
a step of the optimizer, which the synchronised equation reads, one that the Brownian motions drive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from sympy import Expr, Integer, Symbol, sqrt

from ...derive.errors import KernelRefused
from ...derive.notation.symbols import t
from ...derive.schemes.scheme import Scheme
from ..program.schedule import operands, reads
from ..program.statements import Entry, MatVec, Scalar, Stack, Statement
from .lower import Lowering

dt = Symbol("dt", positive=True)
"""Length of a substep, in the time of the equation."""

Names = dict[str, Symbol]
"""What stands in the place of a name at a stage."""

_SAME: Mapping[str, str] = {}
SIGNS = {"zeta1": "signs1", "zeta2": "signs2"}
"""The vectors of signs by the increments in whose place they stand."""


@dataclass(frozen=True)
class State:
    """For each block an expression that is linear in vectors; and the time."""

    blocks: Mapping[str, Expr]
    time: Expr

    def __add__(self, other: State) -> State:
        return State(
            {name: block + other.blocks[name] for name, block in self.blocks.items()}, self.time + other.time
        )

    def __sub__(self, other: State) -> State:
        return self + Integer(-1) * other

    def __rmul__(self, scalar: Expr) -> State:
        return State({name: scalar * block for name, block in self.blocks.items()}, scalar * self.time)


@dataclass(frozen=True)
class Coefficients:
    """Drift, and noise of unit time, of each block, in the vectors that the statements of a lowering set.

    `correction` adds the statements behind Ito's correction of the noise to them and returns it.
    """

    drift: Mapping[str, Expr]
    noise: Mapping[str, Expr]
    correction: Callable[[], Mapping[str, Expr]]


@dataclass
class ProgramSde:
    """The equation as a scheme sees it.

    A coefficient is a name first. What a later stage reads becomes a vector under that name, what only the
    next state reads is written out there, so that Euler-Maruyama needs no more statements than its formula.

    Attributes
    ----------
    scheme : str
        For messages.
    coefficients : Coefficients
    lowering : Lowering
        Has the statements behind the coefficients, and gets those of the later stages.
    """

    scheme: str
    coefficients: Coefficients
    lowering: Lowering
    values: dict[Symbol, Expr] = field(default_factory=dict)
    moved: list[tuple[State, Names]] = field(default_factory=list)
    stages: dict[tuple[int, bool], Names] = field(default_factory=dict)
    repeated: dict[Statement, Symbol] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.statements = tuple(self.lowering.statements)
        self.moved.append((self.start, {}))

    @property
    def start(self) -> State:
        """The state at the start of the step."""
        return State({block: Symbol(block, real=True) for block in self.coefficients.drift}, t)

    def drift(self, x: State) -> State:
        """Return the drift at a state; that of time is 1."""
        return State(self._at(x, "drift", self.coefficients.drift), Integer(1))

    def diffusion(self, x: State) -> State:
        """Return the sum over the Brownian motions of columns and increments."""
        return sqrt(dt) * State(self._at(x, "noise", self.coefficients.noise), Integer(0))

    def signed(self, x: State) -> State:
        """Return the sum over the Brownian motions of columns and signs."""
        return State(self._at(x, "signed", self.coefficients.noise, SIGNS), Integer(0))

    def correction(self, x: State) -> State:
        """Return Ito's correction at the start of the step.

        Raises
        ------
        ValueError
            It is wanted at another state.
        """
        if x != self.start:
            raise KernelRefused(
                f"{self.scheme} needs Ito's correction at a stage; expected one at the start of the step"
            )
        correction = self.coefficients.correction()
        return State(
            {block: correction.get(block, Integer(0)) for block in self.coefficients.drift}, Integer(0)
        )

    def column(self, x: State, p: str) -> NoReturn:
        """Refuse: the noise of a kernel is a vector, not one Brownian motion at a time."""
        raise KernelRefused(
            f"{self.scheme} needs each Brownian motion by itself, which kernels do not have; expected a "
            "scheme of drift and "
            "noise as a whole: whole-noise, of weak order 2 too, or Euler-Maruyama, which a study "
            "extrapolates"
        )

    def increment(self, p: str) -> NoReturn:
        """Refuse, as `column` does."""
        self.column(self.start, p)

    def sign(self, p: str, r: str) -> NoReturn:
        """Refuse, as `column` does."""
        self.column(self.start, p)

    def total(self, summand: Callable[[str], State], without: str | None = None) -> NoReturn:
        """Refuse, as `column` does."""
        self.column(self.start, "")

    def _at(
        self, x: State, what: str, coefficients: Mapping[str, Expr], other: Mapping[str, str] = _SAME
    ) -> dict[str, Expr]:
        """Return names for the coefficients at a state, with other vectors in the place of increments."""
        place = next((n for n, (known, _) in enumerate(self.moved) if known == x), len(self.moved))
        if place == len(self.moved):
            self.moved.append((x, self._inputs(x, place)))
        stage = (place, bool(other))
        if stage not in self.stages:
            self.stages[stage] = self._later(
                self.moved[place][1] | {z: Symbol(s, real=True) for z, s in other.items()}, place
            )
        found = {}
        for block, coefficient in coefficients.items():
            value = replaced(coefficient, self.stages[stage])
            same = [name for name, known in self.values.items() if known == value]
            name = same[0] if same else Symbol(f"{what}_{block}_stage_{place}", real=True)
            self.values[name] = value
            found[block] = name if value != 0 else Integer(0)
        return found

    def _inputs(self, x: State, place: int) -> Names:
        """Add statements for a state; return names for what differs from the start of the step."""
        names: Names = {}
        if x.time != t:
            names[t.name] = self._put(Scalar(t.name, x.time), place)
        for block, expression in x.blocks.items():
            start = Symbol(block, real=True)
            if expression != start:
                for name in sorted(expression.free_symbols & self.values.keys(), key=str):
                    self.lowering.vector(name.name, self.lowering.collected(self.values[name]))
                moved = start + self.lowering.collected(expression - start)
                names[block] = self.lowering.vector(self.lowering.unused(f"{block}_stage_{place}"), moved)
        return names

    def _later(self, names: Names, place: int) -> Names:
        """Add the statements again with other inputs; return what has got another name, the inputs
        included.
        """
        names = dict(names)
        for statement in self.statements:
            if names.keys() & set(operands(statement)):
                names[statement.target] = self._put(renamed(statement, names), place)
        return names

    def _put(self, statement: Statement, place: int) -> Symbol:
        """Add a statement under a name of its own, unless it has been added before."""
        content = replace(statement, target="")
        if content not in self.repeated:
            name = self.lowering.unused(f"{statement.target}_stage_{place}")
            self.lowering.add(replace(statement, target=name))
            self.repeated[content] = Symbol(name, real=True)
        return self.repeated[content]


def next_state(scheme: Scheme, coefficients: Coefficients, lowering: Lowering) -> dict[str, Symbol]:
    """Add the statements of a step of length `dt`; return the vectors of the next state by block.

    Raises
    ------
    ValueError
        The scheme is not made for this equation, or needs what kernels do not have.
    """
    _check(scheme, coefficients, lowering)
    sde = ProgramSde(scheme.name, coefficients, lowering)
    result = scheme.step(sde, sde.start, dt)
    vectors = {s.target for s in lowering.statements}
    written_out = {name: value for name, value in sde.values.items() if name.name not in vectors}
    following = {}
    for block, expression in result.blocks.items():
        start = Symbol(block, real=True)
        increment = lowering.collected((expression - start).xreplace(written_out))
        following[block] = lowering.vector(f"{block}_next", start + increment)
    return following


def _check(scheme: Scheme, coefficients: Coefficients, lowering: Lowering) -> None:
    if scheme.calculus != "Ito":
        raise KernelRefused(
            f"{scheme.name} solves {scheme.calculus} equations; expected a scheme for Ito equations"
        )
    if len(scheme.extrapolation) > 1:
        raise KernelRefused(
            f"{scheme.name} combines several steps; expected a single one, such as Euler-Maruyama"
        )
    noise = reads(lowering.statements, {s.name for e in coefficients.noise.values() for s in e.free_symbols})
    if scheme.noise == "none" and noise:
        raise KernelRefused(
            f"{scheme.name} is for equations without noise; expected the form ode, or a scheme for noise"
        )
    if scheme.noise == "additive" and (varying := sorted(noise & {*coefficients.drift, t.name})):
        on = ", ".join(varying)
        raise KernelRefused(
            f"{scheme.name} for noise that depends on {on}; expected constant noise, or Euler-Maruyama"
        )


def renamed(statement: Statement, names: Names) -> Statement:
    """Return the statement with other inputs."""
    match statement:
        case MatVec(_, _, operand):
            return replace(statement, operand=str(names.get(operand, operand)))
        case Entry(_, vector, _):
            return replace(statement, vector=str(names.get(vector, vector)))
        case Stack(_, entries):
            return replace(statement, entries=tuple(str(names.get(entry, entry)) for entry in entries))
        case _:
            return replace(statement, expression=replaced(statement.expression, names))


def replaced(expression: Expr, names: Names) -> Expr:
    """Replace symbols by their names."""
    return expression.xreplace({s: names[s.name] for s in expression.atoms(Symbol) if s.name in names})
