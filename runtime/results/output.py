"""Results as tables for a terminal and as JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..studies.comparisons import Comparison
from ..studies.leading_error import Prediction
from .results import Lost, Run, WeakErrorStudy, lost_text
from .statistics import Slope


def print_json(data: Mapping[str, Any]) -> int:
    """Print one JSON object; return the exit code 0. What is not finite becomes null."""
    print(json.dumps(plain(data), allow_nan=False))
    return 0


def plain(value: Any) -> Any:
    """Return lists for arrays and None for what is not finite."""
    match value:
        case np.ndarray() | np.generic():
            return plain(value.tolist())
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
    return value


def run_table(run: Run) -> str:
    """Return the means at the last time, and what went wrong on the way; a path by itself in full, with its
    final state.
    """
    if (path := run.settings.get("only_path")) is not None:
        values = [f"  {name}  {float(run.means[-1, n])!r}" for n, name in enumerate(run.observables)]
        return "\n".join(
            [
                run.name,
                f"path {path}, time {run.times[-1]:g}",
                *values,
                f"  final state {run.finals[0].tolist()}",
            ]
        )
    lines = [run.name, f"{run.paths} paths, time {run.times[-1]:g}"]
    width = max(map(len, run.observables))
    for n, name in enumerate(run.observables):
        lines.append(f"  {name:{width}}  {run.means[-1, n]: .8g}  +- {run.standard_errors[-1, n]:.2g}")
    return "\n".join([*lines, *_warnings(run.nonfinite, run.negative, run.paths, run.lost)])


def _warnings(nonfinite: int, negative: int, paths: int, lost: Lost = ()) -> list[str]:
    lines = []
    if nonfinite:
        became = f"became non-finite{lost_text(lost)}"
        lines.append(
            f"  {nonfinite} of {paths} paths {became}, are left out: take a regularisation or smaller steps"
        )
    if negative:
        lines.append(f"  on {negative} of {paths} paths v was negative")
    return lines


def study_table(study: WeakErrorStudy, predictions: Sequence[Prediction] = ()) -> str:
    """Return weak errors by tau and the slope of each observable, beside the leading weak errors if they are
    given.
    """
    predicted = {p.observable: p for p in predictions}
    lines = [study.name, f"weak order by the certificate: {study.weak_order}"]
    head = (
        f"  {'tau':>10} {'weak error':>13} {'std. error':>10} {'own error':>10} {'substeps':>8} {'paths':>9}"
    )
    head += f" {'predicted':>13}" if predicted else ""
    for name in study.observables:
        lines += [name, head]
        for row in study.rows:
            if row.observable == name:
                lines.append(
                    f"  {row.tau:10.6g} {row.weak_error:13.5e} {row.standard_error:10.1e} "
                    f"{row.own_error:10.1e} "
                    f"{row.substeps:8d} {row.paths:9d}"
                    + (f" {predicted[name].at(row.tau):13.5e}" if predicted else "")
                    + ("" if row.stopped == "paths" else f"  stopped by {row.stopped}")
                )
                lines += [
                    "  " + warning for warning in _warnings(row.nonfinite, row.negative, row.paths, row.lost)
                ]
        lines.append(f"  slope {slope_text(study.slopes[name])}; between neighbours: {_local(study, name)}")
        lines += [prediction_text(predicted[name])] if predicted else []
    return "\n".join([*lines, f"{study.seconds:.1f} s"])


def prediction_text(prediction: Prediction) -> str:
    """Return the leading weak error with what its coefficient is worth, in a line."""
    p = prediction
    worth = f"coefficient +- {p.standard_error:.1e}, own error {p.own_error:.1e}"
    return f"  predicted: {p.coefficient:.5e} tau^{p.power}; {worth}"


def comparison_table(comparison: Comparison) -> str:
    """Return, for each observable, the errors of both equations at the smallest tau and the slopes over all
    taus.
    """
    both = {"published": comparison.published, "derived": comparison.derived}
    tau, lines = min(row.tau for row in comparison.derived.rows), [comparison.title]
    lines.append(f"  {'observable':16} {'equation':10} {f'error at tau={tau:g}':>24}  slope")
    for name in comparison.derived.observables:
        for label, study in both.items():
            (row,) = [row for row in study.rows if row.observable == name and row.tau == tau]
            error = f"{row.weak_error:.3e} +- {row.standard_error:.1e}"
            lines.append(f"  {name:16} {label:10} {error:>24}  {slope_text(study.slopes[name])}")
    lost = max(row.nonfinite for study in both.values() for row in study.rows)
    return "\n".join([*lines, *_warnings(lost, 0, comparison.derived.rows[0].paths)])


def slope_text(slope: Slope) -> str:
    """Return ``1.98 [1.91, 2.05]`` or the reason why there is none."""
    if slope.slope is None:
        return f"none: {slope.reason}"
    return f"{slope.slope:.2f} [{slope.low:.2f}, {slope.high:.2f}]"


def _local(study: WeakErrorStudy, name: str) -> str:
    return ", ".join(f"{s.slope:.2f}+-{s.standard_error:.2f}" for s in study.local_slopes[name]) or "none"
