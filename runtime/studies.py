"""The weak error of an equation against its optimizer, as a function of tau."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..codegen.observables import observable
from ..codegen.program import Kernel, Track
from ..codegen.program import antithetic as mirrored_too
from ..codegen.steps import default_scheme, for_noise_of, optimizer_step, scheme_step
from ..derive.equation import ModifiedEquation
from ..derive.regularisation import Regularisation, unregularised
from ..derive.schemes.increment_laws import gaussian_increments
from ..derive.schemes.scheme import Scheme
from .budget import Budget
from .device import Device, compile_for
from .extrapolation import extrapolation
from .inputs import UNSTABLE, constants, positive, start_state, start_time, step_parameters, steps_in, whole
from .kernels import CompiledKernel, compile_kernel
from .objectives import Problem
from .records import provenance
from .results import Row, WeakErrorStudy, divergence, lost_text
from .statistics import mean_estimate
from .totals import Totals

_CONTRASTS = ("optimizer", "error", "own")
"""The optimizer's mean, the weak error, the equation's own error."""

RECORDS = 4
"""Times at which a study counts the paths that are finite."""
MOST_SUBSTEPS = 256


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
    device: Device = "cpu",
    threads: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> WeakErrorStudy:
    """Measure ``E phi(X_T) - E phi(x_T)`` between an equation and its optimizer, driven by the same noise.

    The equation is integrated by a numerical scheme on three nested grids along the optimizer's Brownian path and extrapolated
    to substep zero.

    Parameters
    ----------
    equation : ModifiedEquation
    problem : Quadratic or Objective
    taus : sequence of float
    horizon : float
        Duration, a multiple of each tau; the noise-free steps count.
    start, t0, hyperparameters, observables, seed, regularisation, device, threads
        As for `smelt.runtime.ensembles.simulate`.
    paths : int
        Per tau, at most.
    substeps : int, optional
        Substeps of the finest grid per tau, a multiple of 4. Chosen for each tau in a pilot run if not given.
    own_share : float
        The pilot doubles the substeps until the equation's own error is below this share of the weak error, or below the noise.
    precision : float, optional
        Paths are added until, for every observable, standard error and own error together are below this share of the weak
        error. The decision looks at the errors it stops at, so a precision near 1 flatters them.
    seconds : float, optional
        Paths are added for so long, per tau and besides compilation and pilot.
    scheme : Scheme, optional
        As for `smelt.runtime.ensembles.simulate`, with Gaussian increments: those of the optimizer's path.
    noise_free_steps : int
        Both start where the optimizer is after so many steps without noise, a path of its own that the CPU takes.
    antithetic : bool
        Each path is a pair, of a path and of its mirror image with the noise's sign reversed, and counts once. It costs two
        paths and pays where the error is mostly odd in the noise: for short horizons, as long as the start is not forgotten.
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
    for what, number, least in (("paths", paths, 2), ("seed", seed, 0), ("noise-free steps", noise_free_steps, 0)):
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
    kernel = study_kernel(equation, problem, observables, phi, antithetic, scheme)
    values = constants(equation.chain, hyperparameters, phi)
    begin = start_state(start, equation.chain, problem.dimension)
    durations = [(tau, steps_in(horizon, tau) - noise_free_steps, start_time(t0, tau)) for tau in taus]
    if shortest := [tau for tau, n_steps, _ in durations if n_steps < 1]:
        raise ValueError(f"{noise_free_steps} noise-free steps of tau {shortest[0]:g} fill the horizon {horizon:g}; take fewer")
    compiled = compile_for(device, kernel)
    rows: list[Row] = []
    for n, (tau, n_steps, t) in enumerate(durations):
        state = _noise_free(equation, problem, values, begin, tau, t, noise_free_steps) if noise_free_steps else begin
        experiment = _Experiment(
            compiled, problem, values, state, tau, n_steps, t + noise_free_steps * tau, (seed, n), threads
        )
        chosen = substeps or experiment.pilot(budget.pilot, own_share)
        label = f"tau={tau:g}"
        rows += experiment.rows(budget, chosen, (lambda done, n, label=label: progress(label, done, n)) if progress else None)
    settings = {
        "taus": taus, "horizon": horizon, "t0": t0, "start": {k: np.asarray(v) for k, v in start.items()}, "seed": seed,
        "constants": values, "problem": problem.description, "regularisation": phi.name, "noise_free_steps": noise_free_steps,
        "own_share": own_share, "precision": precision, "scheme": scheme.name, "seconds": seconds, "antithetic": antithetic,
        "device": device, **provenance(),
    }  # fmt: skip
    name = f"{equation.name}, phi: {phi.name}{equation.chain.noise.remark}"
    return WeakErrorStudy(name, equation.certificate.weak_order, tuple(rows), time.perf_counter() - began, settings)


def study_kernel(
    equation: ModifiedEquation,
    problem: Problem,
    observables: Sequence[str],
    regularisation: Regularisation,
    antithetic: bool = False,
    scheme: Scheme | None = None,
) -> Kernel:
    """Return the coupled kernel: the optimizer and its equation on three nested grids."""
    scheme = replace(scheme or default_scheme(equation), increments=gaussian_increments)
    fine = scheme_step(equation, problem.fields, regularisation, scheme)
    found = tuple(observable(text, fine.state, problem.dimension) for text in observables)
    tracks = (
        Track("optimizer", optimizer_step(equation.chain, problem.fields), "step"),
        Track("fine", fine, "substep"),
        Track("coarse", fine, "pair"),
        Track("coarsest", fine, "quad"),
    )
    weights = extrapolation(scheme.weak_order)
    rows = ((1, 0, 0, 0), (-1, *weights.result), (0, *weights.last_correction))
    kernel = Kernel(problem.dimension, tracks, found, tuple(tuple(map(float, row)) for row in rows))
    return mirrored_too(kernel) if antithetic else kernel


@dataclass(frozen=True, eq=False)
class _Experiment:
    """The coupled run at one tau; its noise is independent of that of other seeds, other taus, and of the pilot."""

    compiled: CompiledKernel
    problem: Problem
    values: Mapping[str, float]
    state: NDArray
    tau: float
    n_steps: int
    t0: float
    seed: tuple[int, int]
    threads: int | None

    def rows(
        self, budget: Budget, substeps: int, progress: Callable[[int, int], None] | None = None, pilot: bool = False
    ) -> list[Row]:
        totals, rows, began = None, [], time.perf_counter()
        while not isinstance(more := budget.more(rows, time.perf_counter() - began), str):
            done = totals.n_paths if totals else 0
            report = (lambda n, _, done=done: progress(done + n, budget.paths)) if progress else None
            added = self._totals(done, more, substeps, report, pilot)
            totals = totals + added if totals else added
            rows = self._rows(totals, substeps)
        return [replace(row, stopped=more) for row in rows]

    def _totals(
        self, first: int, paths: int, substeps: int, progress: Callable[[int, int], None] | None, pilot: bool
    ) -> Totals:
        kernel = self.compiled.kernel
        numbers = {**self.values, **self.problem.numbers}
        lengths = {"substep": 1, "pair": 2, "quad": 4, "step": substeps}
        seed = int(np.random.SeedSequence([*self.seed, pilot]).generate_state(1, np.uint64)[0])
        return self.compiled.run(
            parameters={
                t.name: step_parameters(t.step, numbers, self.tau, self.tau * lengths[t.pace] / substeps)
                for t in kernel.tracks
            },
            matrices={n: self.problem.matrices[n] for n in {m for t in kernel.tracks for m in t.step.matrices}},
            vectors={n: self.problem.vectors[n] for n in {v for t in kernel.tracks for v in t.step.vectors}},
            start={t.name: self.state for t in kernel.tracks}, tau=self.tau, n_steps=self.n_steps, substeps=substeps,
            t0=self.t0, n_paths=paths, first_path=first, seed=seed, record_steps=self.records, threads=self.threads,
            progress=progress,
        )  # fmt: skip

    @property
    def records(self) -> list[int]:
        return sorted({-(-self.n_steps * n // RECORDS) for n in range(1, RECORDS + 1)})

    def _rows(self, totals: Totals, substeps: int) -> list[Row]:
        paths, finite = totals.n_paths, int(totals.counts[-1])
        lost = divergence([self.t0 + self.tau * n for n in self.records], totals.counts, paths)
        if finite < 2:
            raise ValueError(
                f"tau={self.tau:g}: {paths - finite} of {paths} paths became non-finite{lost_text(lost)}; {UNSTABLE}"
            )
        estimate = mean_estimate(np.array(finite), totals.sums[-1], totals.squares[-1])
        fine = [t.pace == "substep" for t in self.compiled.kernel.tracks]
        negative, result = int(totals.negative[fine].sum()), []
        for n, phi in enumerate(self.compiled.kernel.observables):
            at = {name: estimate.mean[n, c] for c, name in enumerate(_CONTRASTS)}
            error = float(at["error"])
            result.append(Row(
                self.tau, phi.name, error, float(estimate.standard_error[n, 1]), float(at["own"]),
                float(estimate.standard_error[n, 2]), float(at["optimizer"]), float(at["optimizer"]) + error,
                substeps, paths, paths - finite, negative, lost=lost,
            ))  # fmt: skip
        return result

    def pilot(self, paths: int, share: float) -> int:
        """Double the substeps while an observable's own error exceeds its share of the weak error, beyond doubt."""
        substeps = 4
        while substeps < MOST_SUBSTEPS:
            rows = self.rows(Budget(paths), substeps, pilot=True)
            if all(abs(r.own_error) <= max(share * abs(r.weak_error), 3 * r.own_standard_error) for r in rows):
                return substeps
            substeps *= 2
        return substeps


def _noise_free(
    equation: ModifiedEquation,
    problem: Problem,
    values: Mapping[str, float],
    state: NDArray,
    tau: float,
    t0: float,
    steps: int,
) -> NDArray:
    """Return the optimizer's state after some steps with the noise set to zero."""
    problem = problem.noiseless
    step = optimizer_step(equation.chain, problem.fields)
    kernel = Kernel(problem.dimension, (Track("optimizer", step, "step"),), (), ((1.0,),))
    totals = compile_kernel(kernel).run(
        parameters={"optimizer": step_parameters(step, {**values, **problem.numbers}, tau, tau)},
        matrices={n: problem.matrices[n] for n in step.matrices},
        vectors={n: problem.vectors[n] for n in step.vectors}, start={"optimizer": state}, tau=tau, n_steps=steps,
        t0=t0, n_paths=1, seed=0, record_steps=[steps], n_keep=1,
    )  # fmt: skip
    return totals.finals["optimizer"][0]
