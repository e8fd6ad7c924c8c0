"""One coupled run: an optimizer and its equation on three nested grids, along the same Brownian path."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...codegen.lowering.kernels import CONTROL
from ...codegen.lowering.steps import optimizer_step
from ...codegen.program.statements import Kernel, Track
from ...derive.derivation.chain import Chain
from ...derive.errors import BadInput
from ..kernels.totals import Totals
from ..results.losses import divergence, lost_text
from ..results.statistics import MeanEstimate, mean_estimate
from ..results.study import Row
from .binding import Binding, bind
from .budget import Budget
from .control_variate import check_complete, controlled, expectations
from .requests import UNSTABLE

RECORDS = 4
"""Times at which a study counts the paths that are finite."""
MOST_SUBSTEPS = 256


@dataclass(frozen=True, eq=False)
class Experiment:
    """The coupled run at one tau; its noise is independent of that of other seeds, other taus, and of the
    pilot.
    """

    binding: Binding
    state: NDArray
    tau: float
    n_steps: int
    t0: float
    seed: tuple[int, int]

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
        seed = int(np.random.SeedSequence([*self.seed, pilot]).generate_state(1, np.uint64)[0])
        return self.binding.run(
            tau=self.tau,
            n_steps=self.n_steps,
            substeps=substeps,
            t0=self.t0,
            start=self.state,
            n_paths=paths,
            first_path=first,
            seed=seed,
            record_steps=self.records,
            progress=progress,
        )

    @cached_property
    def control(self) -> NDArray | None:
        """The exact mean of each observable on the control variate, where there is one."""
        kernel, problem = self.binding.kernel, self.binding.problem
        for track in kernel.tracks:
            if track.name == CONTROL:
                numbers, ends = self.binding.numbers(track, self.tau, 1), [self.n_steps]
                return expectations(
                    track, kernel.observables, numbers, problem, self.state, self.t0, self.tau, ends
                )[0]
        return None

    @property
    def records(self) -> list[int]:
        return sorted({-(-self.n_steps * n // RECORDS) for n in range(1, RECORDS + 1)})

    def _rows(self, totals: Totals, substeps: int) -> list[Row]:
        paths, finite = totals.n_paths, int(totals.counts[-1])
        lost = divergence([self.t0 + self.tau * n for n in self.records], totals.counts, paths)
        if finite < 2:
            raise BadInput(
                f"tau={self.tau:g}: {paths - finite} of {paths} paths became non-finite{lost_text(lost)}; "
                f"{UNSTABLE}"
            )
        estimates = mean_estimate(np.array(finite), totals.sums[-1], totals.squares[-1])
        optimizer, error, own, *rest = map(MeanEstimate, estimates.mean.T, estimates.standard_error.T)
        if self.control is not None:
            check_complete(finite, paths, lost_text(lost))
            control, both = rest
            error = controlled(error, control, both, self.control)
        fine = [t.pace == "substep" for t in self.binding.kernel.tracks]
        negative, result = int(totals.negative[fine].sum()), []
        for n, phi in enumerate(self.binding.kernel.observables):
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


def noise_free(chain: Chain, binding: Binding, state: NDArray, tau: float, t0: float, steps: int) -> NDArray:
    """Return the optimizer's state after some steps with the noise set to zero."""
    problem = binding.problem.noiseless
    kernel = Kernel(
        problem.dimension, (Track("optimizer", optimizer_step(chain, problem.fields), "step"),), (), ((1.0,),)
    )
    totals = bind(kernel, problem, binding.constants).run(
        tau=tau, n_steps=steps, t0=t0, start=state, n_paths=1, seed=0, record_steps=[steps], n_keep=1
    )
    return totals.finals["optimizer"][0]
