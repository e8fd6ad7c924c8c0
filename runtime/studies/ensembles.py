"""Ensembles of paths of an optimizer or of an equation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ...codegen.lowering.regularisation import Regularisation, unregularised
from ...codegen.lowering.steps import default_scheme, optimizer_step, scheme_step
from ...codegen.program.observables import observable
from ...codegen.program.statements import Kernel, Step, Track
from ...codegen.program.statements import antithetic as mirrored_too
from ...derive.derivation.chain import Chain
from ...derive.derivation.equation import ModifiedEquation
from ...derive.schemes.scheme import Scheme
from ..kernels.device import Device, compile_for
from ..problems.quadratic import Problem
from ..results.files import provenance
from ..results.results import Run, divergence, lost_text
from ..results.statistics import mean_estimate
from .control_variate import CONTROL, check_complete, control_track, controlled, expectations, start_on
from .requests import UNSTABLE, constants, positive, start_state, start_time, step_parameters, steps_in, whole

Progress = Callable[[int, int], None]


def simulate(
    target: Chain | ModifiedEquation,
    problem: Problem,
    *,
    tau: float,
    horizon: float,
    start: Mapping[str, ArrayLike],
    t0: float = 0.0,
    hyperparameters: Mapping[str, float] | None = None,
    observables: Sequence[str] = ("norm(theta)",),
    paths: int = 10_000,
    seed: int = 0,
    substeps: int = 8,
    scheme: Scheme | None = None,
    regularisation: Regularisation | None = None,
    records: int = 64,
    keep: int = 0,
    only_path: int | None = None,
    antithetic: bool = False,
    control_variate: bool = False,
    dtype: Literal["float64", "float32"] = "float64",
    device: Device = "cpu",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Simulate an optimizer (a `Chain`) or its modified equation.

    Parameters
    ----------
    target : Chain or ModifiedEquation
    problem : Quadratic or Objective
    tau : float
        Duration of one step of the optimizer.
    horizon : float
        Duration of the run, a multiple of tau.
    start : mapping of str to number or d numbers
        Start of each block; zero where none is given.
    t0 : float
        Time of the start, a multiple of tau; above zero for rules with bias correction.
    hyperparameters : mapping of str to float, optional
        The constants ``c``, ``eps``, ... ; the catalogue's defaults otherwise.
    observables : sequence of str
        See `optsde.codegen.program.observables.observable`.
    paths, seed : int
    substeps : int
        Steps of the scheme per step of length tau, for an equation.
    scheme : Scheme, optional
        For an equation, one of `optsde.derive.schemes.known` that needs drift and noise as a whole;
        Euler-Maruyama by default, Runge-Kutta for the form "ode".
    regularisation : Regularisation, optional
        For an equation; none by default.
    records : int
        About how many times are recorded, the last one included.
    keep : int
        Paths whose final state is returned.
    only_path : int, optional
        Run this path of the ensemble alone, with the same bits; `paths` and `keep` are not read. The means
        are what the observables are on it, without standard errors, and its final state is returned.
    antithetic : bool
        Each path is a pair, of a path and of its mirror image with the noise's sign reversed, and counts
        once: `means` have smaller errors where the observables are mostly odd in the noise, at the cost of
        two paths.
    control_variate : bool
        The step linearised around its path without noise runs along; its means are known, and what they are
        missed by corrects those wanted: for observables that are polynomials of degree 3 at most.
    dtype : {"float64", "float32"}
    device : {"cpu", "cuda"}
        The paths are the same on both up to rounding.
    threads : int, optional
        On the CPU.
    progress : callable, optional
        Called with paths done and paths in all.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        Something asked for makes no sense; the message says what was expected.
    """
    phi = regularisation or unregularised()
    kernel = simulation_kernel(target, problem, observables, phi, dtype, antithetic, scheme, control_variate)
    track, chain = kernel.tracks[0], target if isinstance(target, Chain) else target.chain
    n_steps = steps_in(horizon, positive("tau", tau))
    stride = max(1, n_steps // max(1, records))
    record_steps = sorted({*range(stride, n_steps + 1, stride), n_steps})
    values = constants(chain, hyperparameters, phi)
    begin, state = start_time(t0, tau), start_state(start, chain, problem.dimension)
    length = tau / whole("substeps", substeps, 1)
    for name, number, least in (
        ("paths", paths, 2),
        ("seed", seed, 0),
        ("keep", keep, 0),
        ("only_path", only_path or 0, 0),
    ):
        whole(name, number, least)
    if only_path is not None:
        if control_variate:
            raise ValueError(f"control variate for path {only_path} alone; expected means over an ensemble")
        paths = keep = 1
    numbers = {
        t.name: step_parameters(t.step, {**values, **problem.numbers}, tau, length) for t in kernel.tracks
    }
    totals = compile_for(device, kernel).run(
        parameters=numbers,
        matrices={name: problem.matrices[name] for name in track.step.matrices},
        vectors={name: problem.vectors[name] for name in track.step.vectors},
        start={t.name: start_on(t, state) for t in kernel.tracks},
        tau=tau, n_steps=n_steps, substeps=substeps, t0=begin, n_paths=paths,
        first_path=only_path or 0, seed=seed,
        record_steps=record_steps, threads=threads, n_keep=keep, progress=progress,
    )  # fmt: skip
    times = begin + tau * np.asarray(record_steps, dtype=float)
    left, lost = int(totals.counts.min()), lost_text(divergence(times, totals.counts, paths))
    if left < min(paths, 2):
        raise ValueError(f"{paths - left} of {paths} paths became non-finite{lost}; {UNSTABLE}")
    if only_path is None:
        estimate, *rest = (
            mean_estimate(totals.counts[:, None], totals.sums[:, :, n], totals.squares[:, :, n])
            for n in range(len(kernel.contrasts))
        )
        if control_variate:
            check_complete(left, paths, lost)
            (control, both), per_step = rest, 1 if isinstance(target, Chain) else substeps
            exact = expectations(
                kernel.tracks[1], kernel.observables, numbers[CONTROL], problem, state, begin, tau / per_step,
                [per_step * n for n in record_steps],
            )  # fmt: skip
            estimate = controlled(estimate, control, both, exact)
        means, errors = estimate.mean, estimate.standard_error
    else:
        means, errors = totals.sums[:, :, 0], np.zeros(totals.sums.shape[:2])
    settings = {
        "tau": tau,
        "horizon": horizon,
        "t0": t0,
        "start": {k: np.asarray(v) for k, v in start.items()},
        "seed": seed,
        "substeps": substeps,
        "constants": values,
        "problem": problem.description,
        "dtype": dtype,
        "device": device,
        "only_path": only_path,
        "antithetic": antithetic,
        "control_variate": control_variate,
        **provenance(),
    }
    return Run(
        track.step.name,
        tuple(observables),
        times,
        means,
        errors,
        paths,
        totals.counts,
        paths - int(totals.counts[-1]),
        int(totals.negative.sum()),
        totals.finals[track.name] if keep else np.empty((0, len(chain.blocks), problem.dimension)),
        settings,
    )


def simulation_kernel(
    target: Chain | ModifiedEquation,
    problem: Problem,
    observables: Sequence[str],
    regularisation: Regularisation,
    dtype: Literal["float64", "float32"] = "float64",
    antithetic: bool = False,
    scheme: Scheme | None = None,
    control_variate: bool = False,
) -> Kernel:
    """Return the kernel behind `simulate`; with a control variate its contrasts are what is simulated, this,
    and the sum.
    """
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype {dtype!r}; expected float64 or float32")
    step = _step(target, problem, regularisation, scheme)
    found = tuple(observable(text, step.state, problem.dimension) for text in observables)
    track = (
        Track("optimizer", step, "step") if isinstance(target, Chain) else Track("equation", step, "substep")
    )
    kernel = Kernel(problem.dimension, (track,), found, ((1.0,),), dtype)
    if control_variate:
        tracks = track, control_track(step, track.pace, found, problem.dimension)
        kernel = replace(kernel, tracks=tracks, contrasts=((1.0, 0.0), (0.0, 1.0), (1.0, 1.0)))
    return mirrored_too(kernel) if antithetic else kernel


def _step(
    target: Chain | ModifiedEquation, problem: Problem, regularisation: Regularisation, scheme: Scheme | None
) -> Step:
    if isinstance(target, Chain):
        if scheme is not None:
            raise ValueError(
                f"{scheme.name} for an optimizer, which takes steps of its own; expected an equation or no "
                "scheme"
            )
        return optimizer_step(target, problem.fields)
    return scheme_step(target, problem.fields, regularisation, scheme or default_scheme(target))
