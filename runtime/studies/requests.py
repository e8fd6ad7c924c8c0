"""Checking and completing what a user asks for: numbers of steps, starts, constants."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...codegen.lowering.regularisation import Regularisation
from ...codegen.program.statements import Step
from ...derive.derivation.chain import Chain
from ...derive.equations.abstract import Equation
from ...derive.errors import BadInput
from ...derive.optimizers.rule import THETA, Block
from ..problems.problem import Problem

MOST_WHOLE = 2**63 - 1
"""What kernels count with."""
MOST_STEPS = 1e15
"""Up to which numbers of steps the time is known to a small part of a step."""


UNSTABLE = (
    "expected a stable scheme: take a regularisation, more substeps, a smaller tau or, "
    "where step 0 is singular, t0 > 0"
)
"""What to do where no paths are left to average over."""


def finite(name: str, value: float) -> float:
    """Return the value as a float.

    Raises
    ------
    ValueError
        It is not a finite number.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise BadInput(f"{name} is {_shown(value)}; expected a finite number")
    return number


def mapping(name: str, value: object, expected: str) -> Mapping[str, Any]:
    """Return the value, a mapping with text for keys.

    Raises
    ------
    ValueError
        It is another thing.
    """
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise BadInput(f"{name} is {_shown(value)}; expected {expected}")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def positive(name: str, value: float) -> float:
    """Return the value.

    Raises
    ------
    ValueError
        It is not a finite number above zero.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise BadInput(f"{name} is {_shown(value)}; expected a finite number > 0")
    return number


def whole(name: str, value: int, least: int, most: int = MOST_WHOLE) -> int:
    """Return the value.

    Raises
    ------
    ValueError
        It is not a whole number, below the least, or above the most.
    """
    try:
        number = int(value) if value == value // 1 else None
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or number < least:
        raise BadInput(f"{name} is {_shown(value)}; expected a whole number of at least {least}")
    if number > most:
        raise BadInput(f"{name} is {_shown(value)}; expected a whole number of at most {most}")
    return number


def steps_in(duration: float, tau: float, name: str = "horizon") -> int:
    """Return how many steps of length tau a duration has.

    Raises
    ------
    ValueError
        The duration is not a whole multiple of tau, up to round-off, or has too many steps to count.
    """
    ratio = positive(name, duration) / positive("tau", tau)
    if ratio > MOST_STEPS:
        raise BadInput(
            f"{name} {duration:g} is more than {MOST_STEPS:g} steps of tau {tau:g}; take a larger tau"
        )
    steps = round(ratio)
    if steps < 1 or abs(steps * tau - duration) > 1e-9 * duration:
        whole_steps = max(steps, 1) * tau
        raise BadInput(
            f"{name} {duration:g} is not a multiple of tau {tau:g}; take {whole_steps:.12g} or another tau"
        )
    return steps


def start_time(t0: float, tau: float) -> float:
    """Return the time of the start, a whole number of steps.

    Raises
    ------
    ValueError
        It is negative or no multiple of tau.
    """
    if t0 == 0:
        return 0.0
    return steps_in(t0, tau, "t0") * tau


def start_state(start: Mapping[str, ArrayLike], chain: Chain, dimension: int) -> NDArray[np.float64]:
    """Return the start as an array (blocks, d); numbers stand for all coordinates.

    Blocks that are not given start at their default: theta at 1, 0.5, 1, ..., a second moment at 1, another
    at 0.

    Raises
    ------
    ValueError
        A block is unknown, has another length, or is not finite; or a block that must not be negative is.
    """
    names = [b.name for b in chain.blocks]
    for name in start:
        if name not in names:
            raise BadInput(f"start has a block {name!r}; {chain.rule.name} has {', '.join(names)}")
    state = np.zeros((len(names), dimension))
    for row, block in enumerate(chain.blocks):
        value = np.asarray(start.get(block.name, default_start(block, dimension)), dtype=float)
        if value.ndim > 1 or (value.ndim == 1 and value.shape != (dimension,)):
            raise BadInput(
                f"start of {block.name} has shape {value.shape}; expected a number or {dimension} numbers"
            )
        if not np.isfinite(value).all():
            raise BadInput(f"start of {block.name} is {value.tolist()}; expected finite numbers")
        if block.nonnegative and (value < 0).any():
            raise BadInput(f"start of {block.name} is {value.tolist()}; expected numbers >= 0")
        state[row] = value
    return state


def default_start(block: Block, dimension: int) -> ArrayLike:
    """Return where a block starts unless a start is given."""
    if block.symbol == THETA:
        return np.resize([1.0, 0.5], dimension)
    return 1.0 if block.nonnegative else 0.0


def constants(chain: Chain, given: Mapping[str, float] | None, phi: Regularisation) -> dict[str, float]:
    """Return the values of the constants of a chain, its noise and a regularisation: the catalogue's where
    none is given.

    Raises
    ------
    ValueError
        A name is unknown or a value not finite.
    """
    values = dict(chain.defaults)
    known = {
        str(s) for e in chain.regime.scaling(chain.rule).hyperparameters.values() for s in e.free_symbols
    } - {"tau"}
    known |= phi.parameters | {str(s) for s in chain.noise.symbols}
    for name, value in (given or {}).items():
        if name not in known:
            raise BadInput(f"constant {name!r}; {chain.name} has {', '.join(sorted(known)) or 'none'}")
        if not math.isfinite(value):
            raise BadInput(f"constant {name} is {value}; expected a finite number")
        values[name] = float(value)
    if missing := sorted(known - values.keys()):
        raise BadInput(
            f"no value for {', '.join(missing)}; give one for each constant of regime, noise and phi"
        )
    return values


def step_parameters(step: Step, values: Mapping[str, float], tau: float, dt: float) -> dict[str, float]:
    """Return the numbers a step needs, by name."""
    everything = {**values, "tau": tau, "dt": dt}
    return {name: everything[name] for name in step.parameters}


def check_target(target: object, *kinds: type) -> None:
    """Refuse what can not be simulated or measured.

    Raises
    ------
    ValueError
        The target is none of the kinds.
    """
    if not isinstance(target, kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise BadInput(
            f"got a {type(target).__name__}; expected a {names}: modified_equation(rule, regime, noise) "
            "derives an equation, "
            "its attribute chain is the optimizer"
        )


def check_kind(name: str, value: object, kind: type) -> None:
    """Refuse a value that is not of a kind.

    Raises
    ------
    ValueError
        It is of another.
    """
    if not isinstance(value, kind):
        raise BadInput(f"{name} is a {type(value).__name__}; expected a {kind.__name__}")


def for_problem(equation: Equation, problem: Problem) -> Equation:
    """Return the equation to simulate on a problem: where its noise is constant, that for constant noise.

    That equation has a diffusion factor, and may have a higher weak order.

    Raises
    ------
    ValueError
        The equation was derived for constant noise, and that of the problem depends on theta.
    """
    return equation.with_constant_noise() if problem.fields.constant_noise else equation
