"""One coupled run: an optimizer and its equation on three nested grids, along the same Brownian path."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...codegen.lowering.regularisation import Regularisation
from ...codegen.lowering.steps import default_scheme, euler_maruyama_step, optimizer_step, scheme_step
from ...codegen.program.observables import observable
from ...codegen.program.statements import Kernel, Track
from ...codegen.program.statements import antithetic as mirrored_too
from ...derive.derivation.equation import ModifiedEquation
from ...derive.schemes.increment_laws import gaussian_increments
from ...derive.schemes.scheme import Scheme
from ..kernels.compiled import CompiledKernel, compile_kernel
from ..kernels.totals import Totals
from ..problems.quadratic import Problem
from ..results.results import Row, divergence, lost_text
from ..results.statistics import MeanEstimate, mean_estimate
from .budget import Budget
from .control_variate import CONTROL, check_complete, control_track, controlled, expectations, start_on
from .extrapolation import extrapolation
from .requests import UNSTABLE, step_parameters

RECORDS = 4
"""Times at which a study counts the paths that are finite."""
MOST_SUBSTEPS = 256


def study_kernel(
    equation: ModifiedEquation,
    problem: Problem,
    observables: Sequence[str],
    regularisation: Regularisation,
    antithetic: bool = False,
    scheme: Scheme | None = None,
    control_variate: bool = False,
) -> Kernel:
    """Return the coupled kernel: the optimizer and its equation on three nested grids, and the control
    variate beside them.

    Its contrasts are the optimizer, the weak error, the equation's own error, and with a control variate this
    and the sum of it and the weak error.
    """
    scheme = replace(scheme or default_scheme(equation), increments=gaussian_increments)
    fine = scheme_step(equation, problem.fields, regularisation, scheme)
    found = tuple(observable(text, fine.state, problem.dimension) for text in observables)
    tracks = [
        Track("optimizer", optimizer_step(equation.chain, problem.fields), "step"),
        Track("fine", fine, "substep"),
        Track("coarse", fine, "pair"),
        Track("coarsest", fine, "quad"),
    ]
    weights = extrapolation(scheme.weak_order)
    contrasts = [(1, 0, 0, 0), (-1, *weights.result), (0, *weights.last_correction)]
    if control_variate:
        euler = euler_maruyama_step(equation, problem.fields, regularisation)
        tracks.append(control_track(euler, "step", found, problem.dimension))
        contrasts = [*((*row, 0) for row in contrasts), (0, 0, 0, 0, 1), (*contrasts[1], 1)]
    kernel = Kernel(
        problem.dimension, tuple(tracks), found, tuple(tuple(map(float, row)) for row in contrasts)
    )
    return mirrored_too(kernel) if antithetic else kernel


@dataclass(frozen=True, eq=False)
class Experiment:
    """The coupled run at one tau; its noise is independent of that of other seeds, other taus, and of the
    pilot.
    """

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
        self,
        budget: Budget,
        substeps: int,
        progress: Callable[[int, int], None] | None = None,
        pilot: bool = False,
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
            matrices={
                n: self.problem.matrices[n] for n in {m for t in kernel.tracks for m in t.step.matrices}
            },
            vectors={n: self.problem.vectors[n] for n in {v for t in kernel.tracks for v in t.step.vectors}},
            start={t.name: start_on(t, self.state) for t in kernel.tracks},
            tau=self.tau,
            n_steps=self.n_steps,
            substeps=substeps,
            t0=self.t0,
            n_paths=paths,
            first_path=first,
            seed=seed,
            record_steps=self.records,
            threads=self.threads,
            progress=progress,
        )

    @cached_property
    def control(self) -> NDArray | None:
        """The exact mean of each observable on the control variate, where there is one."""
        kernel = self.compiled.kernel
        for track in kernel.tracks:
            if track.name == CONTROL:
                numbers = step_parameters(
                    track.step, {**self.values, **self.problem.numbers}, self.tau, self.tau
                )
                ends = [self.n_steps]
                return expectations(
                    track, kernel.observables, numbers, self.problem, self.state, self.t0, self.tau, ends
                )[0]
        return None

    @property
    def records(self) -> list[int]:
        return sorted({-(-self.n_steps * n // RECORDS) for n in range(1, RECORDS + 1)})

    def _rows(self, totals: Totals, substeps: int) -> list[Row]:
        paths, finite = totals.n_paths, int(totals.counts[-1])
        lost = divergence([self.t0 + self.tau * n for n in self.records], totals.counts, paths)
        if finite < 2:
            raise ValueError(
                f"tau={self.tau:g}: {paths - finite} of {paths} paths became non-finite{lost_text(lost)}; "
                f"{UNSTABLE}"
            )
        estimates = mean_estimate(np.array(finite), totals.sums[-1], totals.squares[-1])
        optimizer, error, own, *rest = map(MeanEstimate, estimates.mean.T, estimates.standard_error.T)
        if self.control is not None:
            check_complete(finite, paths, lost_text(lost))
            control, both = rest
            error = controlled(error, control, both, self.control)
        fine = [t.pace == "substep" for t in self.compiled.kernel.tracks]
        negative, result = int(totals.negative[fine].sum()), []
        for n, phi in enumerate(self.compiled.kernel.observables):
            result.append(
                Row(
                    self.tau,
                    phi.name,
                    float(error.mean[n]),
                    float(error.standard_error[n]),
                    float(own.mean[n]),
                    float(own.standard_error[n]),
                    float(optimizer.mean[n]),
                    float(optimizer.mean[n] + error.mean[n]),
                    substeps,
                    paths,
                    paths - finite,
                    negative,
                    lost=lost,
                )
            )
        return result

    def pilot(self, paths: int, share: float) -> int:
        """Double the substeps while an observable's own error exceeds its share of the weak error, beyond
        doubt.
        """
        substeps = 4
        while substeps < MOST_SUBSTEPS:
            rows = self.rows(Budget(paths), substeps, pilot=True)
            if all(
                abs(r.own_error) <= max(share * abs(r.weak_error), 3 * r.own_standard_error) for r in rows
            ):
                return substeps
            substeps *= 2
        return substeps


def noise_free(
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
        vectors={n: problem.vectors[n] for n in step.vectors},
        start={"optimizer": state},
        tau=tau,
        n_steps=steps,
        t0=t0,
        n_paths=1,
        seed=0,
        record_steps=[steps],
        n_keep=1,
    )
    return totals.finals["optimizer"][0]
