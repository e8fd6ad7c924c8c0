"""What a simulation returns: means of observables over an ensemble, with what was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import save_record
from .losses import Lost, divergence, warnings
from .plots import plot_means
from .request import Progress, Request
from .shown import Shown

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Run(Shown):
    """Means of observables over an ensemble.

    Attributes
    ----------
    name : str
        What was simulated.
    observables : tuple of str
    times : ndarray (records,)
        The recorded ones.
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
    request : Request
        What was asked for: `again` runs it again.
    provenance : mapping
        Versions, machine, time and command line.
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
    request: Request
    provenance: Mapping[str, Any]

    @property
    def lost(self) -> Lost:
        """When how many paths became non-finite."""
        return divergence(self.times, self.finite, self.paths)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What was asked for, as data for people."""
        return self.request.settings

    def __repr__(self) -> str:
        return f"<Run: {self.name}, {self.paths} paths, time {self.times[-1]:g}>"

    def __str__(self) -> str:
        if (path := self.settings.get("only_path")) is not None:
            values = [f"  {name}  {float(self.means[-1, n])!r}" for n, name in enumerate(self.observables)]
            final = f"  final state {self.finals[0].tolist()}"
            return "\n".join([self.name, f"path {path}, time {self.times[-1]:g}", *values, final])
        lines, width = (
            [self.name, f"{self.paths} paths, time {self.times[-1]:g}"],
            max(map(len, self.observables)),
        )
        for n, name in enumerate(self.observables):
            lines.append(f"  {name:{width}}  {self.means[-1, n]: .8g}  +- {self.standard_errors[-1, n]:.2g}")
        return "\n".join([*lines, *warnings(self.nonfinite, self.negative, self.paths, self.lost)])

    def again(self, progress: Progress | None = None) -> "Run":
        """Run the same once more: on the same machine with the same versions it has the same bits."""
        return self.request.run(progress)

    def to_json(self) -> dict[str, Any]:
        """Return everything as data."""
        data = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "request"}
        return {"kind": "run", **data, "settings": self.settings}

    def save(self, path: str) -> None:
        """Write the run to a JSON file, atomically; `optsde.load` reads it back."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        save_record(path, {"kind": "run", **data, "request": self.request.to_record()})

    def plot(self, path: str | None = None):
        """Draw the means over time; see `optsde.plots.plot_means`."""
        return plot_means({self.name: self}, title=self.name, path=path)

    def to_xarray(self):
        """Return an `xarray.Dataset` with the dimensions time, observable, path, block and coordinate.

        Raises
        ------
        ImportError
            Without xarray, the extra ``optsde[xarray]``.
        """
        try:
            import xarray
        except ImportError as error:
            raise ImportError(
                "xarray is not installed; install it with: pip install 'optsde[xarray]'"
            ) from error
        by_time = ("time", "observable")
        return xarray.Dataset(
            {
                "mean": (by_time, self.means),
                "standard_error": (by_time, self.standard_errors),
                "finite": ("time", self.finite),
                "final": (("path", "block", "coordinate"), self.finals),
            },
            coords={"time": self.times, "observable": list(self.observables)},
            attrs={"name": self.name, "paths": self.paths},
        )
