"""A study and a run as they would come from measurements."""

import math
from dataclasses import dataclass

import numpy as np

from optsde.runtime.results.run import Run
from optsde.runtime.results.study import Row, WeakErrorStudy


@dataclass(frozen=True)
class Asked:
    """A request that only says what it was."""

    settings: dict

    def to_record(self) -> dict:
        return dict(self.settings)


TAUS = (0.5, 0.25, 0.125, 0.0625)


def row(tau: float, observable: str, error: float, standard_error: float) -> Row:
    return Row(tau, observable, error, standard_error, 0.0, 0.0, 1.0, 1.0 + error, 8, 1000, 0, 0)


def study() -> WeakErrorStudy:
    """Errors 3 tau**2 and -tau/100, the latter below the noise from the third tau on."""
    rows = tuple(
        r for tau in TAUS for r in (row(tau, "a", 3 * tau**2, 1e-3 * tau**2), row(tau, "b", -tau / 100, 1e-3))
    )
    return WeakErrorStudy(
        "some equation", 2, rows, 1.5, Asked({"seed": 1, "floor": math.inf}), {"time": "now"}
    )


def a_run(**changes) -> Run:
    fields = {
        "name": "some step",
        "observables": ("a", "b"),
        "times": np.array([0.5, 1.0]),
        "means": np.array([[1.0, 2.0], [3.0, math.nan]]),
        "standard_errors": np.full((2, 2), 0.1),
        "paths": 10,
        "finite": np.array([10, 9]),
        "nonfinite": 1,
        "negative": 2,
        "finals": np.zeros((0, 2, 3)),
        "request": Asked({"start": {"theta": np.array([1.0, 0.5])}, "seed": 2}),
        "provenance": {"time": "now"},
    }
    return Run(**(fields | changes))
