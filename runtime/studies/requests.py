"""Checking and completing what a user asks for: numbers of steps, starts, constants."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...codegen.lowering.regularisation import Regularisation
from ...codegen.program.statements import Step
from ...derive.derivation.chain import Chain

MOST_STEPS = 1e15
"""Up to which numbers of steps the time is known to a small part of a step."""


UNSTABLE = (
    "expected a stable scheme: take a regularisation, more substeps, a smaller tau or, "
    "where step 0 is singular, t0 > 0"
)
"""What to do where no paths are left to average over."""


def positive(name: str, value: float) -> float:
    """Return the value.

    Raises
    ------
    ValueError
        It is not a finite number above zero.
    """
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} is {value!r}; expected a finite number > 0")
    return float(value)


def whole(name: str, value: int, least: int) -> int:
    """Return the value.

    Raises
    ------
    ValueError
        It is not a whole number, or below the least.
    """
    if value != value // 1 or value < least:
        raise ValueError(f"{name} is {value!r}; expected a whole number of at least {least}")
    return int(value)


def steps_in(duration: float, tau: float, name: str = "horizon") -> int:
    """Return how many steps of length tau a duration has.

    Raises
    ------
    ValueError
        The duration is not a whole multiple of tau, up to round-off, or has too many steps to count.
    """
    ratio = positive(name, duration) / positive("tau", tau)
    if ratio > MOST_STEPS:
        raise ValueError(
            f"{name} {duration:g} is more than {MOST_STEPS:g} steps of tau {tau:g}; take a larger tau"
        )
    steps = round(ratio)
    if steps < 1 or abs(steps * tau - duration) > 1e-9 * duration:
        whole_steps = max(steps, 1) * tau
        raise ValueError(
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
    """Return the start as an array (blocks, d); numbers stand for all coordinates, blocks not given are zero.

    Raises
    ------
    ValueError
        A block is unknown, has another length, or is not finite; or a block that must not be negative is.
    """
    names = [b.name for b in chain.blocks]
    for name in start:
        if name not in names:
            raise ValueError(f"start has a block {name!r}; {chain.rule.name} has {', '.join(names)}")
    state = np.zeros((len(names), dimension))
    for row, block in enumerate(chain.blocks):
        value = np.asarray(start.get(block.name, 0.0), dtype=float)
        if value.ndim > 1 or (value.ndim == 1 and value.shape != (dimension,)):
            raise ValueError(
                f"start of {block.name} has shape {value.shape}; expected a number or {dimension} numbers"
            )
        if not np.isfinite(value).all():
            raise ValueError(f"start of {block.name} is {value.tolist()}; expected finite numbers")
        if block.nonnegative and (value < 0).any():
            raise ValueError(f"start of {block.name} is {value.tolist()}; expected numbers >= 0")
        state[row] = value
    return state


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
            raise ValueError(f"constant {name!r}; {chain.name} has {', '.join(sorted(known)) or 'none'}")
        if not math.isfinite(value):
            raise ValueError(f"constant {name} is {value}; expected a finite number")
        values[name] = float(value)
    if missing := sorted(known - values.keys()):
        raise ValueError(
            f"no value for {', '.join(missing)}; give one for each constant of regime, noise and phi"
        )
    return values


def step_parameters(step: Step, values: Mapping[str, float], tau: float, dt: float) -> dict[str, float]:
    """Return the numbers a step needs, by name."""
    everything = {**values, "tau": tau, "dt": dt}
    return {name: everything[name] for name in step.parameters}
