"""The quadratic experiment of Callisti, Romito, Triggiano, arXiv 2509.21614, and two experiments beside it.

*published*: their start, far away at ``v = 1``, after two noise-free steps, with ``phi(v) = max(v, tau)``.
*warm*: a start near the minimum and, for Adam, at a fixed time ``t0 = 1``, with ``phi(v) = max(v, tau/16)``.
The published start is stiff, and its floor lies above the second moments near the minimum, so it hides the
order of the equations. *spectra*: the warm start in six dimensions for random matrices H, since the paper
leaves H open.
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from sympy import Symbol

from ..codegen.lowering.regularisation import floor
from ..derive.derivation.equation import Form, modified_equation
from ..derive.errors import BadInput
from ..derive.noise.laws import gaussian
from ..derive.notation.symbols import tau
from ..derive.optimizers.catalogue import CATALOGUE
from ..derive.regimes import REGIMES
from .problems.quadratic import Quadratic
from .results.files import save_record, write_atomically
from .results.plots import error_series, plot_weak_errors
from .results.shown import Shown
from .results.study import WeakErrorStudy
from .studies.setting import Ensemble, Integrator, Setting
from .studies.weak_error import weak_error

OBSERVABLES = ("norm(theta)/2", "norm(v)/2", "norm(theta)**2", "theta[0]**2*v[0]")
NOISE = 0.25
MATRIX = ((1.0, 0.5), (0.5, 1.0))
EQUATIONS: dict[str, tuple[int, Form]] = {
    "order 1, ODE": (1, "ode"),
    "order 1, SDE": (1, "fluctuation"),
    "order 2": (2, "diffusion"),
    "order 2, synchronised": (2, "synchronised"),
}


@dataclass(frozen=True)
class Case:
    """One study, by names and numbers alone, so that another process can run it."""

    experiment: str
    rule: str
    regime: str
    label: str
    taus: tuple[float, ...]
    horizon: float
    paths: int
    seed: int
    spectrum: int = 0

    @property
    def system(self) -> str:
        """Experiment, rule and regime: what one plot shows."""
        return f"{self.experiment}_{self.rule}_{self.regime}"

    def run(self) -> WeakErrorStudy:
        """Measure."""
        rule = next(make() for make in CATALOGUE if make.__name__ == self.rule)
        regime = next(regime for regime in REGIMES if regime.name == self.regime)
        order, form = EQUATIONS[self.label]
        if self.regime == "batch-equivalent" and form == "fluctuation":
            form = "diffusion"  # the limit has noise of its own
        equation = modified_equation(rule, regime, gaussian(constant=True), order, form)
        published = self.experiment == "published"
        near = np.resize([1.0, 0.5], self.problem.dimension)
        setting = Setting(
            self.problem,
            horizon=self.horizon,
            observables=OBSERVABLES,
            start={"theta": [10.0, 5.0] if published else near, "v": 1.0},
            noise_free_steps=2 if published else 0,
            constants={"u": 1.0} if published else {"u": 1 / 16, "eps": 1e-3},
            t0=1.0 if self.rule == "adam" and not published else 0.0,
        )
        return weak_error(
            equation,
            setting,
            taus=self.taus,
            integrator=Integrator(regularisation=floor(Symbol("u") * tau)),
            ensemble=Ensemble(paths=self.paths, seed=self.seed, threads=1),
        )

    @property
    def problem(self) -> Quadratic:
        """The published matrix, or a random one with eigenvalues between 0.1 and 2 in six dimensions."""
        if self.experiment != "spectra":
            return Quadratic(MATRIX, minimum_noise=NOISE)
        generator = np.random.default_rng([self.seed, self.spectrum])
        basis, _ = np.linalg.qr(generator.standard_normal((6, 6)))
        hessian = (basis * np.exp(generator.uniform(np.log(0.1), np.log(2.0), 6))) @ basis.T
        return Quadratic((hessian + hessian.T) / 2, minimum_noise=NOISE)


@dataclass(frozen=True)
class Report(Shown):
    """All studies of a reproduction, by case."""

    studies: tuple[tuple[Case, WeakErrorStudy], ...]
    seconds: float
    files: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return all studies as data."""
        return {
            "paper": "arXiv 2509.21614",
            "studies": [{**case.__dict__, **study.to_json()} for case, study in self.studies],
            "seconds": self.seconds,
            "files": list(self.files),
        }

    def __str__(self) -> str:
        # the slopes of every system and equation as a Markdown table, and the files written
        lines = [
            "| experiment | optimizer | regime | equation | observable | slope | seconds |",
            "|---" * 7 + "|",
        ]
        spread: dict[tuple[str, ...], list[float | None]] = {}
        for case, study in self.studies:
            place = (case.experiment, case.rule, case.regime, case.label)
            for observable, slope in study.slopes.items():
                if case.experiment == "spectra":
                    spread.setdefault((*place, f"`{observable}`"), []).append(slope.slope)
                else:
                    cell = str(slope).replace("|", "\\|")
                    lines.append(f"| {' | '.join(place)} | `{observable}` | {cell} | {study.seconds:.1f} |")
        for place, slopes in spread.items():
            fitted = sorted(slope for slope in slopes if slope is not None)
            text = (
                f"median {np.median(fitted):.2f}, {fitted[0]:.2f} to {fitted[-1]:.2f}" if fitted else "none"
            )
            lines.append(f"| {' | '.join(place)} | {text} over {len(fitted)} of {len(slopes)} matrices | |")
        return "\n".join([*lines, "", f"{self.seconds:.0f} s; wrote {', '.join(self.files)}"])


def reproduce(folder: Path, cases: Sequence[Case], progress: Callable[[str, int, int], None]) -> Report:
    """Run cases on all processors and write plots, tables and records into a folder.

    Raises
    ------
    ValueError
        The folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror
        raise BadInput(
            f"cannot make the folder {folder}: {reason}; expected a place with write permission"
        ) from error
    if not os.access(folder, os.W_OK):
        raise BadInput(f"cannot write into {folder}; expected a folder with write permission")
    began = time.perf_counter()
    results: dict[Case, WeakErrorStudy] = {}
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_run_all, same) for same in _by_equation(cases)]
        for future in as_completed(futures):
            results |= future.result()
            progress("studies", len(results), len(cases))
    report = Report(tuple((case, results[case]) for case in cases), time.perf_counter() - began)
    return Report(report.studies, report.seconds, tuple(_write(folder, report)))


def _by_equation(cases: Sequence[Case]) -> list[list[Case]]:
    """Group the cases that share a kernel, so that no two processes compile the same one; those with most
    work first.
    """
    groups: dict[tuple[object, ...], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.rule, case.regime, case.label, case.problem.dimension), []).append(case)
    return sorted(groups.values(), key=lambda group: (group[0].rule, group[0].label == "order 1, ODE"))


def _run_all(cases: list[Case]) -> dict[Case, WeakErrorStudy]:
    return {case: case.run() for case in cases}


def callisti2025(quick: bool, seed: int) -> list[Case]:
    """Return the three experiments; `quick` takes fewer paths and steps, and leaves out the spectra."""
    horizon = 10.0
    exponents = np.arange(1.0, 3.01, 0.5 if quick else 0.25)
    # the steps of the paper, 2**-1 ... 2**-3, to the nearest that divide the horizon
    published = tuple(horizon / round(horizon * 2.0**e) for e in exponents)
    warm = tuple(2.0**-e for e in (range(2, 6) if quick else range(2, 8)))
    many, few = (40_000, 20_000) if quick else (1_000_000, 100_000)
    cases = []
    for rule in ("rmsprop", "adam"):
        for regime in ("ballistic", "batch-equivalent"):
            limit = ["order 1, ODE"] if regime == "ballistic" else []
            beyond = ["order 2, synchronised"] if regime == "batch-equivalent" and not quick else []
            compared = ["order 1, SDE", "order 2"]
            cases += [
                Case("published", rule, regime, label, published, horizon, many, seed)
                for label in limit + compared
            ]
            cases += [Case("warm", rule, regime, label, warm, 1.0, many, seed) for label in compared + beyond]
    if not quick:
        cases += [
            Case("spectra", rule, "ballistic", label, warm[:4], 1.0, few, seed, spectrum)
            for rule in ("rmsprop", "adam")
            for label in ("order 1, SDE", "order 2")
            for spectrum in range(1, 11)
        ]
    return cases


def _write(folder: Path, report: Report) -> list[str]:
    systems: dict[str, dict[str, WeakErrorStudy]] = {}
    for case, study in report.studies:
        if case.experiment != "spectra":
            systems.setdefault(case.system, {})[case.label] = study
    files = []
    for system, studies in systems.items():
        plot_weak_errors(
            error_series(studies), title=system.replace("_", ", "), path=folder / f"{system}.png"
        )
        files.append(f"{system}.png")
    tables = "\n\n".join(str(study) for _, study in report.studies)
    write_atomically(folder / "tables.txt", f"{report}\n\n{tables}\n".encode())
    save_record(folder / "results.json", report.to_json())
    return [*files, "tables.txt", "results.json"]
