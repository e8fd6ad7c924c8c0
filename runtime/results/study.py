"""What a weak-error study returns: weak errors by tau, with slopes, and what was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .files import save_record
from .losses import Lost, warnings
from .plots import error_series, plot_weak_errors
from .prediction import Prediction
from .request import Progress, Request
from .shown import Shown
from .statistics import LocalSlope, Slope, fit_slope, local_slopes

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

    @property
    def line(self) -> str:
        """The numbers of the row in a line."""
        return (
            f"  {self.tau:10.6g} {self.weak_error:13.5e} {self.standard_error:10.1e} {self.own_error:10.1e} "
            f"{self.substeps:8d} {self.paths:9d}"
        )


@dataclass(frozen=True)
class WeakErrorStudy(Shown):
    """Weak errors for several tau, with slopes.

    Attributes
    ----------
    name : str
        The equation that was measured and its regularisation.
    weak_order : int
        What the certificate says.
    rows : tuple of Row
    seconds : float
    request : Request
        What was asked for: `again` runs it again.
    provenance : mapping
        Versions, machine, time and command line.
    predictions : tuple of Prediction
        The leading weak errors, where they were computed.
    """

    name: str
    weak_order: int
    rows: tuple[Row, ...]
    seconds: float
    request: Request
    provenance: Mapping[str, Any]
    predictions: tuple[Prediction, ...] = ()

    @property
    def observables(self) -> tuple[str, ...]:
        """In the order asked for."""
        return tuple(dict.fromkeys(row.observable for row in self.rows))

    @property
    def settings(self) -> Mapping[str, Any]:
        """What was asked for, as data for people."""
        return self.request.settings

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

    def with_predictions(self, predictions: Sequence[Prediction]) -> "WeakErrorStudy":
        """Return the study with the leading weak errors beside the measured ones."""
        return replace(self, predictions=tuple(predictions))

    def __repr__(self) -> str:
        taus = sorted({row.tau for row in self.rows}, reverse=True)
        return f"<WeakErrorStudy: {self.name}, tau {', '.join(f'{tau:g}' for tau in taus)}>"

    def __str__(self) -> str:
        predicted = {p.observable: p for p in self.predictions}
        lines = [self.name, f"weak order by the certificate: {self.weak_order}"]
        head = f"  {'tau':>10} {'weak error':>13} {'std. error':>10} {'own error':>10} "
        head += f"{'substeps':>8} {'paths':>9}"
        head += f" {'predicted':>13}" if predicted else ""
        for name in self.observables:
            lines += [name, head]
            for row in (row for row in self.rows if row.observable == name):
                lines.append(
                    row.line + (f" {predicted[name].at(row.tau):13.5e}" if name in predicted else "")
                )
                lines[-1] += "" if row.stopped == "paths" else f"  stopped by {row.stopped}"
                lines += ["  " + text for text in warnings(row.nonfinite, row.negative, row.paths, row.lost)]
            lines.append(f"  slope {self.slopes[name]}; between neighbours: {self._local(name)}")
            lines += [f"  {predicted[name]}"] if name in predicted else []
        return "\n".join([*lines, f"{self.seconds:.1f} s"])

    def _local(self, name: str) -> str:
        return ", ".join(f"{s.slope:.2f}+-{s.standard_error:.2f}" for s in self.local_slopes[name]) or "none"

    def again(self, progress: Progress | None = None) -> "WeakErrorStudy":
        """Run the same once more: on the same machine with the same versions it has the same bits."""
        return self.request.run(progress)

    def to_json(self) -> dict[str, Any]:
        """Return rows, slopes and settings as data."""
        leading = {"leading_error": [p.to_json() for p in self.predictions]} if self.predictions else {}
        return {
            "name": self.name,
            "weak_order": self.weak_order,
            "rows": [dict(row.__dict__) for row in self.rows],
            "slopes": [{"observable": name, **slope.to_json()} for name, slope in self.slopes.items()],
            "seconds": self.seconds,
            "settings": dict(self.settings),
            "provenance": dict(self.provenance),
            **leading,
        }

    def save(self, path: str) -> None:
        """Write the study to a JSON file, atomically; `optsde.load` reads it back."""
        save_record(path, {"kind": "weak-error study", **self.to_json(), "request": self.request.to_record()})

    def plot(self, path: str | None = None):
        """Draw the errors against tau; see `optsde.plots.plot_weak_errors`."""
        series = error_series({f"order {self.weak_order}": self})
        return plot_weak_errors(series, title=self.name, path=path)
