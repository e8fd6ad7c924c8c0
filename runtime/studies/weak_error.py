"""The weak error of an equation against its optimizer, as a function of tau."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...codegen.lowering.kernels import study_kernel
from ...codegen.lowering.steps import default_scheme
from ...codegen.program.statements import Kernel
from ...derive.equations.abstract import Equation
from ...derive.errors import BadInput
from ..results.files import provenance
from ..results.request import Progress
from ..results.study import Row, WeakErrorStudy
from .binding import bind
from .budget import Budget
from .experiment import Experiment, noise_free
from .records import encoded
from .requests import (
    check_kind,
    check_target,
    constants,
    for_problem,
    positive,
    start_state,
    start_time,
    steps_in,
)
from .setting import Ensemble, Integrator, Setting


@dataclass(frozen=True, kw_only=True)
class Study:
    """What `weak_error` is asked for, checked: `run` does it.

    Attributes
    ----------
    equation : Equation
    setting : Setting
    taus : tuple of float
    integrator : Integrator
    ensemble : Ensemble
    """

    equation: Equation
    setting: Setting
    taus: Sequence[float]
    integrator: Integrator = field(default_factory=Integrator)
    ensemble: Ensemble = field(default_factory=Ensemble)

    def __post_init__(self) -> None:
        check_kind("setting", self.setting, Setting)
        check_kind("integrator", self.integrator, Integrator)
        check_kind("ensemble", self.ensemble, Ensemble)
        check_target(self.equation, Equation)
        if isinstance(self.taus, str) or not hasattr(self.taus, "__iter__"):
            raise BadInput(f"taus are {self.taus!r}; expected a sequence of numbers")
        taus = tuple(positive("tau", tau) for tau in self.taus)
        if not taus or len(set(taus)) < len(taus):
            raise BadInput(f"taus are {list(taus)}; expected at least one, each once")
        object.__setattr__(self, "taus", taus)
        substeps = self.integrator.substeps
        if substeps is not None and substeps % 4:
            raise BadInput(f"substeps is {substeps}; expected a multiple of 4: three nested grids are needed")
        if self.ensemble.dtype != "float64":
            raise BadInput(
                f"dtype {self.ensemble.dtype} of a study; expected float64: differences of paths are small"
            )

    @property
    def settings(self) -> Mapping[str, Any]:
        """What was asked for, as data for people."""
        setting, integrator, ensemble = self.setting, self.integrator, self.ensemble
        return {
            "taus": list(self.taus),
            "horizon": setting.horizon,
            "t0": setting.t0,
            "start": {name: np.asarray(value) for name, value in setting.start.items()},
            "seed": ensemble.seed,
            "constants": constants(self.equation.chain, setting.constants, integrator.phi),
            "problem": setting.problem.description,
            "regularisation": integrator.phi.name,
            "noise_free_steps": setting.noise_free_steps,
            "own_share": integrator.own_share,
            "precision": ensemble.precision,
            "scheme": (integrator.solver or default_scheme(self.equation)).name,
            "seconds": ensemble.seconds,
            "antithetic": ensemble.antithetic,
            "control_variate": ensemble.control_variate,
            "device": ensemble.device,
        }

    @cached_property
    def measured(self) -> Equation:
        """The equation that is measured: that for constant noise where the problem's noise is constant."""
        return for_problem(self.equation, self.setting.problem)

    @property
    def kernel(self) -> Kernel:
        """The kernel that is run: the optimizer, and the equation on three nested grids."""
        setting, problem = self.setting, self.setting.problem
        return study_kernel(
            self.measured,
            problem.fields,
            problem.dimension,
            setting.observables,
            regularisation=self.integrator.phi,
            scheme=self.integrator.solver,
            mirrored=self.ensemble.antithetic,
            control_variate=self.ensemble.control_variate,
        )

    def to_record(self) -> Mapping[str, Any]:
        """Return the request as data that `optsde.load` reads back."""
        return encoded(self)

    def run(self, progress: Progress | None = None) -> WeakErrorStudy:
        """Measure at each tau."""
        began = time.perf_counter()
        setting, integrator, ensemble = self.setting, self.integrator, self.ensemble
        problem, phi, equation = setting.problem, integrator.phi, self.measured
        values = constants(equation.chain, setting.constants, phi)
        for tau in self.taus:
            equation.chain.check_ranges(values, tau)
        start = start_state(setting.start, equation.chain, problem.dimension)
        spans = [self._span(tau) for tau in self.taus]
        budget = Budget(ensemble.paths, ensemble.precision, ensemble.seconds)
        share = integrator.own_share
        if ensemble.precision is not None:
            share = min(share, ensemble.precision / 2)
        binding = bind(self.kernel, problem, values, ensemble.device, ensemble.threads)
        rows: list[Row] = []
        for n, (tau, (n_steps, t0)) in enumerate(zip(self.taus, spans, strict=True)):
            steps, state = setting.noise_free_steps, start
            if steps:
                state = noise_free(equation.chain, binding, start, tau, t0, steps)
            experiment = Experiment(binding, state, tau, n_steps, t0 + steps * tau, (ensemble.seed, n))
            substeps = integrator.substeps or experiment.pilot(budget.pilot, share)
            report = (lambda done, of, tau=tau: progress(f"tau={tau:g}", done, of)) if progress else None
            rows += experiment.rows(budget, substeps, report)
        name = f"{equation.name}, phi: {phi.name}{equation.chain.noise.remark}"
        order, seconds = equation.certificate.weak_order, time.perf_counter() - began
        return WeakErrorStudy(name, order, tuple(rows), seconds, self, provenance())

    def _span(self, tau: float) -> tuple[int, float]:
        """Return the number of steps with noise, and the time of the start."""
        free = self.setting.noise_free_steps
        n_steps, t0 = steps_in(self.setting.horizon, tau) - free, start_time(self.setting.t0, tau)
        if n_steps < 1:
            raise BadInput(
                f"{free} noise-free steps of tau {tau:g} fill the horizon {self.setting.horizon:g}; take "
                "fewer"
            )
        return n_steps, t0


def weak_error(
    equation: Equation,
    setting: Setting,
    *,
    taus: Sequence[float],
    integrator: Integrator | None = None,
    ensemble: Ensemble | None = None,
    progress: Progress | None = None,
) -> WeakErrorStudy:
    """Measure ``E phi(X_T) - E phi(x_T)`` between an equation X and its optimizer x, driven by the same
    noise.

    The equation is integrated by a numerical scheme on three nested grids along the optimizer's Brownian path
    and extrapolated to substep zero.

    Parameters
    ----------
    equation : Equation
        Where the problem's noise does not depend on theta, the equation for constant noise is measured; the
        study's name says which.
    setting : Setting
        Problem, start, horizon, constants, observables.
    taus : sequence of float
        Durations of a step of the optimizer.
    integrator : Integrator, optional
        Of the equation: scheme, substeps, regularisation, how small its own error must be.
    ensemble : Ensemble, optional
        Paths for each tau, or the precision or time at which no more are added; seed, device.
    progress : callable, optional
        Called with a label, paths done and paths in all.

    Returns
    -------
    WeakErrorStudy

    Raises
    ------
    ValueError
        A value makes no sense, or what is asked for has no code; the message says what was expected.

    Examples
    --------
    >>> from optsde import Ensemble, Quadratic, Setting, modified_equation, weak_error
    >>> from optsde import noise, optimizers, regimes
    >>> sme = modified_equation(optimizers.sgd(), regimes.ballistic, noise.gaussian(), order=1)
    >>> setting = Setting(Quadratic([1.0]), horizon=1, start={"theta": 1}, observables="theta[0]")
    >>> ensemble = Ensemble(paths=2000, seed=1)
    >>> study = weak_error(sme, setting, taus=[1 / 4, 1 / 8, 1 / 16], ensemble=ensemble)
    >>> round(study.slopes["theta[0]"].slope)
    1
    """
    return Study(
        equation=equation,
        setting=setting,
        taus=taus,
        integrator=integrator or Integrator(),
        ensemble=ensemble or Ensemble(),
    ).run(progress)
