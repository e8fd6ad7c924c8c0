"""Ensembles of paths of an optimizer or of an equation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...codegen.lowering.kernels import CONTROL, simulation_kernel
from ...codegen.program.statements import Kernel
from ...derive.derivation.chain import Chain
from ...derive.equations.abstract import Equation
from ...derive.errors import BadInput
from ..kernels.totals import Totals
from ..results.files import provenance
from ..results.losses import divergence, lost_text
from ..results.request import Progress
from ..results.run import Run
from ..results.statistics import MeanEstimate, mean_estimate
from .binding import Binding, bind
from .control_variate import check_complete, controlled, expectations
from .records import encoded
from .requests import (
    UNSTABLE,
    check_kind,
    check_target,
    constants,
    for_problem,
    positive,
    start_state,
    start_time,
    steps_in,
    whole,
)
from .setting import Ensemble, Integrator, Setting

SUBSTEPS = 8
"""Of an equation in each step of length tau, unless others are asked for."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """What `simulate` is asked for, checked: `run` does it.

    Attributes
    ----------
    target : Chain or Equation
    setting : Setting
    tau : float
    integrator : Integrator
    ensemble : Ensemble
    records, keep : int
    only_path : int, optional
    """

    target: Chain | Equation
    setting: Setting
    tau: float
    integrator: Integrator = field(default_factory=Integrator)
    ensemble: Ensemble = field(default_factory=Ensemble)
    records: int = 64
    keep: int = 0
    only_path: int | None = None

    def __post_init__(self) -> None:
        check_kind("setting", self.setting, Setting)
        check_kind("integrator", self.integrator, Integrator)
        check_kind("ensemble", self.ensemble, Ensemble)
        check_target(self.target, Chain, Equation)
        positive("tau", self.tau)
        for name, number, least in (
            ("records", self.records, 1),
            ("keep", self.keep, 0),
            ("only_path", self.only_path or 0, 0),
        ):
            whole(name, number, least)
        if self.only_path is not None and self.ensemble.control_variate:
            raise BadInput(
                f"control variate for path {self.only_path} alone; expected means over an ensemble"
            )
        if self.setting.noise_free_steps:
            raise BadInput("noise-free steps for an ensemble; expected them in a weak-error study alone")

    @property
    def settings(self) -> Mapping[str, Any]:
        """What was asked for, as data for people."""
        setting, integrator, ensemble = self.setting, self.integrator, self.ensemble
        return {
            "tau": self.tau,
            "horizon": setting.horizon,
            "t0": setting.t0,
            "start": {name: np.asarray(value) for name, value in setting.start.items()},
            "seed": ensemble.seed,
            "substeps": integrator.substeps or SUBSTEPS,
            "scheme": integrator.solver.name if integrator.solver else None,
            "regularisation": integrator.phi.name,
            "constants": constants(self._chain, setting.constants, integrator.phi),
            "problem": setting.problem.description,
            "dtype": ensemble.dtype,
            "device": ensemble.device,
            "only_path": self.only_path,
            "antithetic": ensemble.antithetic,
            "control_variate": ensemble.control_variate,
        }

    @property
    def kernel(self) -> Kernel:
        """The kernel that is run."""
        setting, ensemble, problem = self.setting, self.ensemble, self.setting.problem
        target = self.target if isinstance(self.target, Chain) else for_problem(self.target, problem)
        return simulation_kernel(
            target,
            problem.fields,
            problem.dimension,
            setting.observables,
            regularisation=self.integrator.phi,
            scheme=self.integrator.solver,
            mirrored=ensemble.antithetic,
            control_variate=ensemble.control_variate,
            dtype=ensemble.dtype,
        )

    def to_record(self) -> Mapping[str, Any]:
        """Return the request as data that `optsde.load` reads back."""
        return encoded(self)

    @property
    def _chain(self) -> Chain:
        return self.target if isinstance(self.target, Chain) else self.target.chain

    def run(self, progress: Progress | None = None) -> Run:
        """Run all paths."""
        setting, ensemble, integrator, chain = self.setting, self.ensemble, self.integrator, self._chain
        problem, tau, kernel = setting.problem, self.tau, self.kernel
        n_steps, substeps = steps_in(setting.horizon, tau), integrator.substeps or SUBSTEPS
        stride = max(1, n_steps // self.records)
        record_steps = sorted({*range(stride, n_steps + 1, stride), n_steps})
        values = constants(chain, setting.constants, integrator.phi)
        chain.check_ranges(values, tau)
        begin, state = start_time(setting.t0, tau), start_state(setting.start, chain, problem.dimension)
        paths, keep = (1, 1) if self.only_path is not None else (ensemble.paths, self.keep)
        binding = bind(kernel, problem, values, ensemble.device, ensemble.threads)
        totals = binding.run(
            tau=tau,
            n_steps=n_steps,
            substeps=substeps,
            t0=begin,
            start=state,
            n_paths=paths,
            first_path=self.only_path or 0,
            seed=ensemble.seed,
            record_steps=record_steps,
            n_keep=keep,
            progress=(lambda done, n: progress("paths", done, n)) if progress else None,
        )
        times = begin + tau * np.asarray(record_steps, dtype=float)
        left, lost = int(totals.counts.min()), lost_text(divergence(times, totals.counts, paths))
        if left < min(paths, 2):
            raise BadInput(f"{paths - left} of {paths} paths became non-finite{lost}; {UNSTABLE}")
        if ensemble.control_variate:
            check_complete(left, paths, lost)
        means, errors = self._means(totals, binding, state, begin, substeps, record_steps)
        finals = totals.finals[kernel.tracks[0].name]
        return Run(
            name=kernel.tracks[0].step.name,
            observables=tuple(setting.observables),
            times=times,
            means=means,
            standard_errors=errors,
            paths=paths,
            finite=totals.counts,
            nonfinite=paths - int(totals.counts[-1]),
            negative=int(totals.negative.sum()),
            finals=finals if keep else np.empty((0, len(chain.blocks), problem.dimension)),
            request=self,
            provenance=provenance(),
        )

    def _means(
        self,
        totals: Totals,
        binding: Binding,
        state: np.ndarray,
        begin: float,
        substeps: int,
        record_steps: list[int],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return means and standard errors by record and observable; of a path by itself, what it is."""
        if self.only_path is not None:
            return totals.sums[:, :, 0], np.zeros(totals.sums.shape[:2])
        kernel = binding.kernel
        estimate, *rest = (
            mean_estimate(totals.counts[:, None], totals.sums[:, :, n], totals.squares[:, :, n])
            for n in range(len(kernel.contrasts))
        )
        if self.ensemble.control_variate:
            estimate = self._controlled(estimate, rest, binding, state, begin, substeps, record_steps)
        return estimate.mean, estimate.standard_error

    def _controlled(
        self,
        estimate: MeanEstimate,
        rest: list[MeanEstimate],
        binding: Binding,
        state: np.ndarray,
        begin: float,
        substeps: int,
        record_steps: list[int],
    ) -> MeanEstimate:
        (control, both), per_step = rest, 1 if isinstance(self.target, Chain) else substeps
        (track,) = [t for t in binding.kernel.tracks if t.name == CONTROL]
        exact = expectations(
            track,
            binding.kernel.observables,
            binding.numbers(track, self.tau, substeps),
            binding.problem,
            state,
            begin,
            self.tau / per_step,
            [per_step * n for n in record_steps],
        )
        return controlled(estimate, control, both, exact)


def simulate(
    target: Chain | Equation,
    setting: Setting,
    *,
    tau: float,
    integrator: Integrator | None = None,
    ensemble: Ensemble | None = None,
    records: int = 64,
    keep: int = 0,
    only_path: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Simulate an optimizer or its modified equation.

    Parameters
    ----------
    target : OptimizerChain or Equation
        An optimizer in a regime with its noise, as `equation.chain`, or an equation.
    setting : Setting
        Problem, start, horizon, constants, observables.
    tau : float
        Duration of one step of the optimizer.
    integrator : Integrator, optional
        Of an equation.
    ensemble : Ensemble, optional
        Paths, seed, device.
    records : int
        About how many times are recorded, the last one included.
    keep : int
        Paths whose final state is returned.
    only_path : int, optional
        Run this path of the ensemble alone, with the same bits; the numbers of paths and of those to keep are
        not read. The means are what the observables are on it, without standard errors, and its final state
        is returned.
    progress : callable, optional
        Called with a label, paths done and paths in all.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        A value makes no sense, or what is asked for has no code; the message says what was expected.

    Examples
    --------
    >>> from optsde import Ensemble, OptimizerChain, Quadratic, Setting, simulate
    >>> from optsde import noise, optimizers, regimes
    >>> sgd = OptimizerChain(optimizers.sgd(), regimes.ballistic, noise.gaussian())
    >>> setting = Setting(Quadratic([1.0]), horizon=1, start={"theta": 1}, observables="theta[0]")
    >>> run = simulate(sgd, setting, tau=1 / 8, ensemble=Ensemble(paths=2000, seed=1))
    >>> bool(abs(run.means[-1, 0] - (7 / 8) ** 8) < 4 * run.standard_errors[-1, 0])
    True
    """
    return Simulation(
        target=target,
        setting=setting,
        tau=tau,
        integrator=integrator or Integrator(),
        ensemble=ensemble or Ensemble(),
        records=records,
        keep=keep,
        only_path=only_path,
    ).run(progress)
