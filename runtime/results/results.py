"""What runs and studies return: frozen data that can be saved, reloaded and drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .files import load_record, save_record
from .plots import ErrorSeries, plot_weak_errors
from .statistics import LocalSlope, Slope, fit_slope, local_slopes

Array = NDArray[np.float64]


Lost = tuple[tuple[float, int], ...]
"""Times at which more paths were non-finite than at the time recorded before, with how many."""


def divergence(times: Sequence[float] | Array, finite: Sequence[int] | NDArray[np.int64], paths: int) -> Lost:
    """Return when how many paths were lost, from the numbers of those that were finite at increasing
    times.
    """
    lost = [paths - int(count) for count in finite]
    return tuple((float(t), n) for t, n, before in zip(times, lost, [0, *lost], strict=False) if n > before)


def lost_text(lost: Lost) -> str:
    """Return `` (3 by time 0.25, 40 by time 1)`` with the first and the last time, or nothing."""
    ends = dict.fromkeys([*lost[:1], *lost[-1:]])
    return f" ({', '.join(f'{n} by time {t:g}' for t, n in ends)})" if lost else ""


@dataclass(frozen=True, eq=False)
class Run:
    """Means of observables over an ensemble.

    Attributes
    ----------
    name : str
        What was simulated.
    observables : tuple of str
    times : ndarray (records,)
    means, standard_errors : ndarray (records, observables)
        Over the paths that are finite at that time.
    paths : int
        Paths asked for; pairs of a path and its mirror image if the run is antithetic.
    finite : ndarray (records,)
        Paths that were finite.
    nonfinite, negative : int
        Paths that became non-finite; paths, mirror images too, on which a block that must not be negative
        was.
    finals : ndarray (kept, blocks, d)
        Final states of the first paths.
    settings : mapping
        Everything needed to run it again, and where it was run.
    """

    name: str
    observables: tuple[str, ...]
    times: Array
    means: Array
    standard_errors: Array
    paths: int
    finite: NDArray[np.int64]
    nonfinite: int
    negative: int
    finals: Array
    settings: Mapping[str, object]

    @property
    def lost(self) -> Lost:
        """When how many paths became non-finite."""
        return divergence(self.times, self.finite, self.paths)

    def save(self, path: str) -> None:
        """Write the run to a JSON file, atomically."""
        save_record(path, {"kind": "run", **self.__dict__})

    @staticmethod
    def load(path: str) -> "Run":
        """Read a run back.

        Raises
        ------
        ValueError
            The file is no run.
        """
        record = load_record(path)
        if record.pop("kind", None) != "run":
            raise ValueError(f"{path} holds no run; expected a file written by Run.save or optsde simulate")
        return Run(**{**record, "observables": tuple(record["observables"])})


Stopped = Literal["paths", "precision", "seconds"]


@dataclass(frozen=True)
class Row:
    """One observable at one tau.

    Attributes
    ----------
    tau : float
    observable : str
    weak_error : float
        ``E phi(equation) - E phi(optimizer)`` at the horizon.
    standard_error : float
    own_error, own_standard_error : float
        The last correction made in extrapolating the equation to substep zero: more than what is left of its
        own error.
    optimizer, equation : float
        Both means.
    substeps : int
    paths, nonfinite, negative : int
        Paths simulated, or pairs of a path and its mirror image; paths left out because one of the chains
        became non-finite; paths, mirror images too, on which the equation's ``v`` was negative.
    stopped : {"paths", "precision", "seconds"}
        Which limit ended the run: the number of paths, the precision reached, or the time.
    lost : tuple of (float, int)
        Times, of a few along the run, by which more paths had become non-finite, with how many.
    """

    tau: float
    observable: str
    weak_error: float
    standard_error: float
    own_error: float
    own_standard_error: float
    optimizer: float
    equation: float
    substeps: int
    paths: int
    nonfinite: int
    negative: int
    stopped: Stopped = "paths"
    lost: Lost = ()


@dataclass(frozen=True)
class WeakErrorStudy:
    """Weak errors for several tau, with slopes.

    Attributes
    ----------
    name : str
        The equation and its regularisation.
    weak_order : int
        What the certificate says.
    rows : tuple of Row
    seconds : float
    settings : mapping
        Everything needed to run it again, and where it was run.
    """

    name: str
    weak_order: int
    rows: tuple[Row, ...]
    seconds: float
    settings: Mapping[str, object]

    @property
    def observables(self) -> tuple[str, ...]:
        """In the order asked for."""
        return tuple(dict.fromkeys(row.observable for row in self.rows))

    def series(self, observable: str) -> tuple[NDArray, NDArray, NDArray]:
        """Return taus, weak errors and standard errors of one observable."""
        rows = [row for row in self.rows if row.observable == observable]
        table = np.array([(row.tau, row.weak_error, row.standard_error) for row in rows])
        return table[:, 0], table[:, 1], table[:, 2]

    @property
    def slopes(self) -> Mapping[str, Slope]:
        """For each observable the slope fitted to the errors above the noise floor, with its interval."""
        return {name: fit_slope(*self.series(name)) for name in self.observables}

    @property
    def local_slopes(self) -> Mapping[str, tuple[LocalSlope, ...]]:
        """For each observable the slopes between neighbouring taus above the noise floor."""
        return {name: local_slopes(*self.series(name)) for name in self.observables}

    def to_json(self) -> dict[str, object]:
        """Return rows and slopes as data."""
        return {
            "name": self.name,
            "weak_order": self.weak_order,
            "rows": [dict(row.__dict__) for row in self.rows],
            "slopes": [{"observable": name, **slope.to_json()} for name, slope in self.slopes.items()],
            "seconds": self.seconds,
            "settings": dict(self.settings),
        }

    def save(self, path: str) -> None:
        """Write the study to a JSON file, atomically."""
        save_record(path, {"kind": "weak-error study", **self.to_json()})

    @staticmethod
    def load(path: str) -> "WeakErrorStudy":
        """Read a study back.

        Raises
        ------
        ValueError
            The file is no study.
        """
        record = load_record(path)
        if record.get("kind") != "weak-error study":
            raise ValueError(
                f"{path} holds no weak-error study; expected a file written by WeakErrorStudy.save"
            )
        rows = tuple(
            Row(**{**row, "lost": tuple((t, n) for t, n in row.get("lost", ()))}) for row in record["rows"]
        )
        return WeakErrorStudy(
            record["name"], record["weak_order"], rows, record["seconds"], record["settings"]
        )

    def plot(self, path: str | None = None):
        """Draw the errors against tau; see `optsde.runtime.results.plots.plot_weak_errors`."""
        return plot_weak_errors(error_series({f"order {self.weak_order}": self}), title=self.name, path=path)


def error_series(studies: Mapping[str, WeakErrorStudy]) -> list[ErrorSeries]:
    """Return what `optsde.runtime.results.plots.plot_weak_errors` draws, from studies by label."""
    return [
        ErrorSeries(label, name, *study.series(name), slope=study.slopes[name], order=study.weak_order)
        for label, study in studies.items()
        for name in study.observables
    ]
