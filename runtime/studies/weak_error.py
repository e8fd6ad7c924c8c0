"""The weak error of an equation against its optimizer, as a function of tau."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ...codegen.lowering.regularisation import Regularisation, unregularised
from ...codegen.lowering.steps import default_scheme, for_noise_of
from ...derive.derivation.equation import ModifiedEquation
from ...derive.schemes.scheme import Scheme
from ..kernels.device import Device, compile_for
from ..problems.quadratic import Problem
from ..results.files import provenance
from ..results.results import Row, WeakErrorStudy
from .budget import Budget
from .experiment import Experiment, noise_free, study_kernel
from .requests import constants, positive, start_state, start_time, steps_in, whole


def weak_error(
    equation: ModifiedEquation,
    problem: Problem,
    *,
    taus: Sequence[float],
    horizon: float,
    start: Mapping[str, ArrayLike],
    t0: float = 0.0,
    hyperparameters: Mapping[str, float] | None = None,
    observables: Sequence[str] = ("norm(theta)**2",),
    paths: int = 100_000,
    seed: int = 0,
    substeps: int | None = None,
    own_share: float = 0.1,
    precision: float | None = None,
    seconds: float | None = None,
    scheme: Scheme | None = None,
    regularisation: Regularisation | None = None,
    noise_free_steps: int = 0,
    antithetic: bool = False,
    control_variate: bool = False,
    device: Device = "cpu",
    threads: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> WeakErrorStudy:
    """Measure ``E phi(X_T) - E phi(x_T)`` between an equation and its optimizer, driven by the same noise.

    The equation is integrated by a numerical scheme on three nested grids along the optimizer's Brownian path
    and extrapolated to substep zero.

    Parameters
    ----------
    equation : ModifiedEquation
    problem : Quadratic or Objective
    taus : sequence of float
    horizon : float
        Duration, a multiple of each tau; the noise-free steps count.
    start, t0, hyperparameters, observables, seed, regularisation, device, threads
        As for `optsde.runtime.studies.ensembles.simulate`.
    paths : int
        Per tau, at most.
    substeps : int, optional
        Substeps of the finest grid per tau, a multiple of 4. Chosen for each tau in a pilot run if not given.
    own_share : float
        The pilot doubles the substeps until the equation's own error is below this share of the weak error,
        or below the noise.
    precision : float, optional
        Paths are added until, for every observable, standard error and own error together are below this
        share of the weak error. The decision looks at the errors it stops at, so a precision near 1 flatters
        them.
    seconds : float, optional
        Paths are added for so long, per tau and besides compilation and pilot.
    scheme : Scheme, optional
        As for `optsde.runtime.studies.ensembles.simulate`, with Gaussian increments: those of the optimizer's
        path.
    noise_free_steps : int
        Both start where the optimizer is after so many steps without noise, a path of its own that the CPU
        takes.
    antithetic : bool
        Each path is a pair, of a path and of its mirror image with the noise's sign reversed, and counts
        once. It costs two paths and pays where the error is mostly odd in the noise: for short horizons, as
        long as the start is not forgotten.
    control_variate : bool
        The equation linearised around its path without noise runs along by Euler's method, one step for each
        of tau; its means are known, and what they are missed by corrects the weak error. Observables must be
        polynomials of degree at most 3.
    progress : callable, optional
        Called with a label, paths done and paths in all.

    Returns
    -------
    WeakErrorStudy

    Raises
    ------
    ValueError
        Something asked for makes no sense; the message says what was expected.
    """
    began = time.perf_counter()
    taus = [float(tau) for tau in taus]
    if not taus or len(set(taus)) < len(taus):
        raise ValueError(f"taus are {taus}; expected at least one, each once")
    if substeps is not None and (substeps < 4 or substeps % 4):
        raise ValueError(f"substeps is {substeps}; expected a multiple of 4: three nested grids are needed")
    for what, number, least in (
        ("paths", paths, 2),
        ("seed", seed, 0),
        ("noise-free steps", noise_free_steps, 0),
    ):
        whole(what, number, least)
    positive("own share", own_share)
    for what, limit in (("precision", precision), ("seconds", seconds)):
        if limit is not None:
            positive(what, limit)
    budget = Budget(paths, precision, seconds)
    if precision is not None:
        own_share = min(own_share, precision / 2)
    phi = regularisation or unregularised()
    equation = for_noise_of(equation, problem.fields)
    scheme = scheme or default_scheme(equation)
    kernel = study_kernel(equation, problem, observables, phi, antithetic, scheme, control_variate)
    values = constants(equation.chain, hyperparameters, phi)
    begin = start_state(start, equation.chain, problem.dimension)
    durations = [(tau, steps_in(horizon, tau) - noise_free_steps, start_time(t0, tau)) for tau in taus]
    if shortest := [tau for tau, n_steps, _ in durations if n_steps < 1]:
        raise ValueError(
            f"{noise_free_steps} noise-free steps of tau {shortest[0]:g} fill the horizon {horizon:g}; take "
            "fewer"
        )
    compiled = compile_for(device, kernel)
    rows: list[Row] = []
    for n, (tau, n_steps, t) in enumerate(durations):
        state = (
            noise_free(equation, problem, values, begin, tau, t, noise_free_steps)
            if noise_free_steps
            else begin
        )
        experiment = Experiment(
            compiled, problem, values, state, tau, n_steps, t + noise_free_steps * tau, (seed, n), threads
        )
        chosen = substeps or experiment.pilot(budget.pilot, own_share)
        label = f"tau={tau:g}"
        rows += experiment.rows(
            budget, chosen, (lambda done, n, label=label: progress(label, done, n)) if progress else None
        )
    settings = {
        "taus": taus,
        "horizon": horizon,
        "t0": t0,
        "start": {k: np.asarray(v) for k, v in start.items()},
        "seed": seed,
        "constants": values,
        "problem": problem.description,
        "regularisation": phi.name,
        "noise_free_steps": noise_free_steps,
        "own_share": own_share,
        "precision": precision,
        "scheme": scheme.name,
        "seconds": seconds,
        "antithetic": antithetic,
        "control_variate": control_variate,
        "device": device,
        **provenance(),
    }
    name = f"{equation.name}, phi: {phi.name}{equation.chain.noise.remark}"
    return WeakErrorStudy(
        name, equation.certificate.weak_order, tuple(rows), time.perf_counter() - began, settings
    )
