"""The leading weak error of an equation as a number, to be held against a measured one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

from ...codegen.lowering.extrapolation import extrapolation
from ...codegen.lowering.kernels import limit_kernel
from ...codegen.lowering.regularisation import unregularised
from ...codegen.program.observables import observable
from ...codegen.program.statements import Observable
from ...derive.derivation.equation import ModifiedEquation
from ...derive.equations.abstract import Equation
from ...derive.equations.certificate import LeadingError
from ...derive.errors import BadInput
from ...derive.notation.indices import FREE
from ..kernels.interpreter import States, observed
from ..problems.quadratic import Quadratic
from ..results.prediction import Prediction
from ..results.statistics import mean_estimate
from .binding import Binding, bind
from .requests import UNSTABLE, check_kind, check_target, constants, for_problem, start_state, whole
from .setting import Ensemble, Setting

Array = NDArray[np.float64]

DIFFERENCE = 1e-2
"""Distance of the finite differences in units of the state: their error is of order 1e-4, round-off stays
below that.
"""
MOST_DERIVATIVES = 1000
PATHS = 10_000
"""Of the limit, unless others are asked for."""
BOOLE = np.array([7, 32, 12, 32, 7]) / 90
SIMPSON = np.array([1, 4, 2, 4, 1]) / 12
"""Weights of five equidistant nodes in units of the whole; Boole's rule is Simpson's, extrapolated."""
RESULT, LAST_CORRECTION = (
    np.array(weights, float) for weights in (extrapolation(1).result, extrapolation(1).last_correction)
)


def leading_error(
    equation: Equation,
    setting: Setting,
    *,
    ensemble: Ensemble | None = None,
    intervals: int = 8,
    steps: int = 16,
) -> tuple[Prediction, ...]:
    """Compute the leading term of ``E phi(X_T) - E phi(x_T)`` between an equation and its optimizer, without
    the optimizer.

    It is ``-tau**p int_0^T E[(L_p - L~_p) u(s, X_s)] ds`` with the operator of
    `ModifiedEquation.leading_error`, along the limit ``tau -> 0`` of the equation, by Euler-Maruyama on three
    nested grids. The derivatives of ``u(s, x) = E[phi(X_T) | X_s = x]`` are central differences between paths
    that start beside ``X_s`` and have the same noise.

    Parameters
    ----------
    equation : ModifiedEquation
        A diffusion, with its leading fluctuations or as an ode; no regularisation: the limit of each is the
        plain one.
    setting : Setting
        The problem a `Quadratic`: derivatives of others are not constant matrices. `t0` need not be a
        multiple of anything; observables as often differentiable as the operator differentiates.
    ensemble : Ensemble, optional
        Of the limit, 10,000 paths unless given; a limit without noise has one path.
    intervals : int
        A multiple of 4: nodes of the integral over time.
    steps : int
        A multiple of 4: steps of the finest grid in an interval.

    Returns
    -------
    tuple of Prediction
        One for each observable.

    Raises
    ------
    ValueError
        A value makes no sense or there are too many derivatives; the message says what was expected.

    Examples
    --------
    >>> from optsde import Quadratic, Setting, leading_error, modified_equation
    >>> from optsde import noise, optimizers, regimes
    >>> sme = modified_equation(optimizers.sgd(), regimes.ballistic, noise.gaussian(), order=1)
    >>> setting = Setting(Quadratic([1.0]), horizon=1, start={"theta": 1}, observables="theta[0]")
    >>> (prediction,) = leading_error(sme, setting)
    >>> prediction.power, round(prediction.coefficient, 4)  # e^-T T/2
    (1, 0.1839)
    """
    check_kind("setting", setting, Setting)
    check_target(equation, Equation)
    problem, ensemble = setting.problem, ensemble or Ensemble(paths=PATHS)
    for name, number in (("intervals", intervals), ("steps", steps)):
        if whole(name, number, 4) % 4:
            raise BadInput(f"{name} is {number}; expected a multiple of 4: three nested grids are needed")
    if not isinstance(problem, Quadratic):
        raise BadInput(
            f"leading error on a problem of the kind {type(problem).__name__}; expected a Quadratic"
        )
    if setting.noise_free_steps:
        raise BadInput("leading error after noise-free steps, whose end depends on tau; expected none")
    measured = for_problem(equation, problem)
    missing, d = measured.leading_error, problem.dimension
    assert isinstance(measured, ModifiedEquation)  # others have refused
    if (count := sum(d ** len(part.blocks) for part in missing.operator)) > MOST_DERIVATIVES:
        raise BadInput(
            f"{count} derivatives in dimension {d}; expected at most {MOST_DERIVATIVES}: take a smaller "
            "problem"
        )
    values = constants(measured.chain, setting.constants, unregularised())
    kernel = limit_kernel(measured, problem.fields, d)
    tracks, step = kernel.tracks, kernel.tracks[0].step
    phis = [observable(text, step.state, d) for text in setting.observables]
    binding = bind(kernel, problem, values, ensemble.device, ensemble.threads)
    flow = _Flow(binding, setting.horizon / intervals, steps, setting.t0, ensemble.seed)
    begin = start_state(setting.start, measured.chain, d)
    nodes = [np.broadcast_to(begin, (len(tracks), ensemble.paths if step.noise else 1, *begin.shape))]
    for k in range(intervals):
        nodes.append(flow.after(nodes[-1], k, 1, (0, k)))
    spacing = _spacing(measured, np.array(nodes))
    rates = np.array(
        [_rate(missing, flow, states, k, intervals - k, spacing, phis) for k, states in enumerate(nodes)]
    )
    names = enumerate(setting.observables)
    return tuple(_prediction(text, missing.power, setting.horizon, rates[:, n]) for n, text in names)


@dataclass(frozen=True, eq=False)
class _Flow:
    """The limit on three grids; states have the shape (grids, paths, blocks, d)."""

    binding: Binding
    interval: float
    steps: int
    t0: float
    seed: int

    @property
    def blocks(self) -> tuple[str, ...]:
        return self.binding.kernel.tracks[0].step.state

    def time(self, k: int) -> float:
        """Return the time of a node."""
        return self.t0 + k * self.interval

    def after(self, states: Array, k: int, count: int, stream: tuple[int, int]) -> Array:
        """Return the states some intervals after node k; equal streams mean equal noise."""
        if not count:
            return states
        tracks, n_steps = self.binding.kernel.tracks, count * self.steps // 4
        totals = self.binding.run(
            tau=4 * self.interval / self.steps,
            n_steps=n_steps,
            substeps=4,
            t0=self.time(k),
            start={track.name: part for track, part in zip(tracks, states, strict=True)},
            n_paths=states.shape[1],
            seed=int(np.random.SeedSequence([self.seed, *stream]).generate_state(1, np.uint64)[0]),
            record_steps=[n_steps],
            n_keep=states.shape[1],
        )
        result = np.stack([totals.finals[track.name] for track in tracks])
        if not np.isfinite(result).all():
            raise BadInput(f"the limit becomes non-finite; {UNSTABLE}")
        return result


def _spacing(equation: ModifiedEquation, nodes: Array) -> Array:
    """Return for each block the distance of differences: against its smallest entry where it must stay
    positive.
    """
    result = []
    for row, block in enumerate(equation.chain.blocks):
        entries = nodes[..., row, :]
        if block.nonnegative and entries.min() <= 0:
            raise BadInput(
                f"{block.name} reaches {entries.min():g}, where the equation is not smooth; take a start "
                "above 0"
            )
        result.append(
            DIFFERENCE * (entries.min() if block.nonnegative else np.sqrt(np.mean(entries**2)) or 1.0)
        )
    return np.array(result)


def _rate(
    missing: LeadingError,
    flow: _Flow,
    states: Array,
    k: int,
    left: int,
    spacing: Array,
    phis: Sequence[Observable],
) -> Array:
    """Return ``(L_p - L~_p) u`` at a node, shape (observables, grids, paths); one path is a sample of it."""
    result = np.zeros((len(phis), *states.shape[:2]))
    for shift, weight in _points(missing, flow, states, k, spacing).items():
        moved = states.copy()
        for block, i, distance in shift:
            moved[..., block, i] += distance * spacing[block]
        ends = flow.after(moved, k, left, (1, k))
        blocks = {name: ends[..., row, :] for row, name in enumerate(flow.blocks)}
        for n, phi in enumerate(phis):
            result[n] += weight * observed(phi, blocks)
    return result


_Shift = tuple[tuple[int, int, int], ...]
"""Block, coordinate and distance in units of the spacing, for each coordinate that moves."""


def _points(missing: LeadingError, flow: _Flow, states: Array, k: int, spacing: Array) -> dict[_Shift, Array]:
    """Write the operator as a weighted sum over points beside the states; weights have the shape (grids,
    paths).
    """
    flat = {name: states[..., row, :].reshape(-1, states.shape[-1]) for row, name in enumerate(flow.blocks)}
    assert isinstance(flow.binding.problem, Quadratic)  # `leading_error` has refused others
    here = States(flow.binding.problem, flat, {**flow.binding.constants, "t": flow.time(k)})
    points: dict[_Shift, Array] = {}
    for part in missing.operator:
        rows = [flow.blocks.index(block) for block in part.blocks]
        with np.errstate(all="ignore"):  # what is not finite is refused below
            tensor = here.tensor(part.expression, FREE[: len(rows)], missing.definitions)
        repeated = prod(factorial(rows.count(row)) for row in set(rows))
        for indices in product(range(states.shape[-1]), repeat=len(rows)):
            coefficient = tensor[(slice(None), *indices)].reshape(states.shape[:2]) / (
                repeated * np.prod(spacing[rows])
            )
            if not np.isfinite(coefficient).all():
                raise BadInput(
                    f"the leading error is singular at time {flow.time(k):g}; take a larger t0 or another "
                    "start"
                )
            if coefficient.any():
                for shift, weight in _difference(sorted(zip(rows, indices, strict=True))).items():
                    points[shift] = points.get(shift, 0.0) + weight * coefficient
    return points


def _difference(coordinates: Sequence[tuple[int, int]]) -> dict[_Shift, float]:
    """Return the central difference for a derivative by some coordinates, repeated ones for higher
    derivatives.
    """
    distinct = sorted(set(coordinates))
    stencils = [_stencil(coordinates.count(coordinate)) for coordinate in distinct]
    return {
        tuple((*c, distance) for c, (distance, _) in zip(distinct, chosen, strict=True) if distance): prod(
            w for _, w in chosen
        )
        for chosen in product(*stencils)
    }


def _stencil(degree: int) -> list[tuple[int, float]]:
    """Return distances and weights of the central difference of a degree, at unit spacing."""
    weights = np.ones(1)
    for _ in range(degree // 2):
        weights = np.convolve(weights, [1.0, -2.0, 1.0])
    if degree % 2:
        weights = np.convolve(weights, [-0.5, 0.0, 0.5])
    return [(n - len(weights) // 2, float(weight)) for n, weight in enumerate(weights) if weight]


def _prediction(name: str, power: int, horizon: float, rates: Array) -> Prediction:
    """Integrate over the nodes and extrapolate over the grids; rates have the shape (nodes, grids, paths)."""
    starts = range(0, len(rates) - 1, 4)
    boole, simpson = (
        sum(np.tensordot(rule, rates[n : n + 5], 1) for n in starts) * (horizon / len(starts))
        for rule in (BOOLE, SIMPSON)
    )
    samples = -np.tensordot(RESULT, boole, 1)
    own = abs(np.tensordot(LAST_CORRECTION, boole, 1).mean()) + abs(
        np.tensordot(RESULT, boole - simpson, 1).mean()
    )
    count = samples.size
    error = (
        float(mean_estimate(count, samples.sum(), (samples**2).sum()).standard_error) if count > 1 else 0.0
    )
    return Prediction(name, power, float(samples.mean()), error, float(own))
