"""Figures: weak errors against the step, and means over time.

matplotlib is imported when a figure is drawn, not before; figures are made without pyplot, so nothing global
changes and any thread may draw.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...derive.errors import BadInput
from .figures import BELOW, COLOURS, finished, panels
from .statistics import FLOOR, Slope
from .triangles import draw_triangles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "osD^vP*"
LINES = {1: (0, (5, 2)), 2: "-", None: (0, (1, 1))}

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class ErrorSeries:
    """Weak errors of one equation in one observable.

    Attributes
    ----------
    label, observable : str
        Names; series of one label have one colour, series of one observable share a panel.
    taus, errors, standard_errors : array_like, shape (n,)
        Steps, weak errors of either sign (their absolute value is drawn), standard errors.
    slope : Slope or None
        The fit, for the legend and for which points lie above the noise floor.
    order : int or None
        Weak order that the theory gives; 1 is drawn dashed, 2 solid.
    """

    label: str
    observable: str
    taus: ArrayLike
    errors: ArrayLike
    standard_errors: ArrayLike
    slope: Slope | None = None
    order: int | None = None


def error_series(studies: Mapping[str, Any]) -> list[ErrorSeries]:
    """Return what `plot_weak_errors` draws, from studies by label."""
    return [
        ErrorSeries(label, name, *study.series(name), slope=study.slopes[name], order=study.weak_order)
        for label, study in studies.items()
        for name in study.observables
    ]


def plot_weak_errors(
    series: Sequence[ErrorSeries], *, title: str, path: str | os.PathLike[str] | None = None
) -> Figure:
    """Absolute weak errors against the step, log-log, one panel for each observable.

    Bars are one standard error. Below the shaded edge, `Slope.floor` standard errors, noise drowns the error;
    points there are hollow, and those below the panel stand on its lower edge. The triangles have slopes 1
    and 2 and lie where they cover no data. The legend gives the fitted slope and its interval.

    Parameters
    ----------
    series : sequence of ErrorSeries
        Fitted, if at all, with one noise floor and one confidence.
    title : str
    path : path-like, optional
        Where to write the figure as PNG, in one step.

    Raises
    ------
    ImportError
        Without matplotlib, the extra ``optsde[plot]``.
    ValueError
        If there is nothing to draw, or `path` cannot be written.
    """
    if not series:
        raise BadInput("no series to draw, expected at least one; measure a weak error first")
    labels = list(dict.fromkeys(entry.label for entry in series))
    groups = {entry.observable: [e for e in series if e.observable == entry.observable] for entry in series}
    lines = max(len(members) for members in groups.values())
    figure, axes = panels(list(groups), title=title, legend_lines=lines)
    for ax, members in zip(axes, groups.values(), strict=True):
        _error_axes(ax, members)
        for entry in members:
            _draw_errors(ax, entry, labels.index(entry.label))
        draw_triangles(ax, [_in_logarithms(ax, entry) for entry in members])
        corner = ax.get_position()
        anchor = (
            corner.x0 - 0.4 / figure.get_figwidth(),
            corner.y0 - (BELOW - 0.03) / figure.get_figheight(),
        )
        ax.legend(
            loc="upper left",
            bbox_to_anchor=anchor,
            bbox_transform=figure.transFigure,
            frameon=False,
            fontsize=7,
            handlelength=2.8,
            labelspacing=0.3,
            borderpad=0,
            borderaxespad=0,
        )
    fits = [entry.slope for entry in series if entry.slope]
    floor, brackets = _floor(series[0]), f"; brackets: {fits[0].confidence:.0%} interval" if fits else ""
    note = f"bars: 1 standard error; shaded, hollow: below {floor:g} standard errors{brackets}"
    figure.text(0.01, 0.04 / figure.get_figheight(), note, fontsize=6, color="0.4")
    return finished(figure, path)


class Means(Protocol):
    """Means of observables over time, as a `optsde.runtime.results.results.Run` has them."""

    @property
    def observables(self) -> tuple[str, ...]: ...

    @property
    def times(self) -> NDArray[np.float64]: ...

    @property
    def means(self) -> NDArray[np.float64]: ...

    @property
    def standard_errors(self) -> NDArray[np.float64]: ...


def plot_means(
    runs: Mapping[str, Means], *, title: str, path: str | os.PathLike[str] | None = None
) -> Figure:
    """Means of observables over time with bands of two standard errors, one panel for each observable.

    Parameters
    ----------
    runs : mapping of str to Run
        By the label of the legend; all with the same observables, drawn in different colours.
    title, path
        As in `plot_weak_errors`.

    Raises
    ------
    ImportError, ValueError
        As in `plot_weak_errors`; also for runs without observables or with different ones.
    """
    names = {run.observables for run in runs.values()}
    if len(names) != 1 or () in names:
        raise BadInput(
            f"runs with the observables {sorted(names)}; expected one or more runs of the same observables"
        )
    (observables,) = names
    figure, axes = panels(observables, title=title)
    for n, ax in enumerate(axes):
        for colour, (label, run) in zip(COLOURS * len(runs), runs.items(), strict=False):
            centre, error = run.means[:, n], run.standard_errors[:, n]
            ax.fill_between(
                run.times, centre - 2 * error, centre + 2 * error, color=colour, alpha=0.25, linewidth=0
            )
            ax.plot(run.times, centre, color=colour, linewidth=1.2, label=label)
        ax.set_xlabel("time", fontsize=8)
        ax.margins(x=0)
        if len(runs) > 1:
            ax.legend(fontsize=7, frameon=False)
    return finished(figure, path)


def _floor(entry: ErrorSeries) -> float:
    return entry.slope.floor if entry.slope else FLOOR


def _values(entry: ErrorSeries) -> tuple[Numbers, Numbers, Numbers, NDArray[np.bool_]]:
    """Steps in increasing order, absolute errors, standard errors, and whether above the noise floor."""
    tau, error, se = (
        np.asarray(a, dtype=np.float64) for a in (entry.taus, entry.errors, entry.standard_errors)
    )
    order = np.argsort(tau)
    error, se = np.abs(error[order]), se[order]
    used = np.array(entry.slope.used, dtype=bool)[order] if entry.slope else error > FLOOR * se
    return tau[order], error, se, used


def _in_logarithms(ax: Axes, entry: ErrorSeries) -> tuple[Numbers, Numbers]:
    """Logarithms of steps and errors to base 2, errors below the panel on its lower edge."""
    tau, error, *_ = _values(entry)
    return np.log2(tau), np.log2(np.maximum(error, ax.get_ylim()[0]))


def _error_axes(ax: Axes, members: list[ErrorSeries]) -> None:
    """Scales, limits and ticks: the errors above the floor, their bars, and the standard errors fit in."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    steps, heights = [], []
    for entry in members:
        tau, error, se, used = _values(entry)
        steps.append(tau)
        heights += [(error - se)[used], (error + se)[used], se]
    tau, height = np.concatenate(steps), np.concatenate(heights)
    height = height[np.isfinite(height) & (height > 0)]
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xlim(tau.min() / 2**0.3, tau.max() * 2**0.3)
    if height.size:
        ax.set_ylim(height.min() / 2.5, height.max() * 2.5)
    first, last = math.ceil(math.log2(tau.min()) - 0.3), math.floor(math.log2(tau.max()) + 0.3)
    ax.xaxis.set_major_locator(
        FixedLocator([2.0**k for k in range(first, last + 1, 1 + (last - first) // 8)])
    )
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"$2^{{{round(math.log2(value))}}}$"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel(r"step $\tau$", fontsize=8)
    ax.set_ylabel("weak error", fontsize=8)


def _draw_errors(ax: Axes, entry: ErrorSeries, index: int) -> None:
    tau, error, se, used = _values(entry)
    bottom = ax.get_ylim()[0]
    colour = COLOURS[index % len(COLOURS)]
    style: dict[str, Any] = {"color": colour, "marker": MARKERS[index % len(MARKERS)], "markersize": 4}
    floor = _floor(entry)
    if (se > 0).any():
        ax.fill_between(tau, bottom, floor * se, color=colour, alpha=0.08, linewidth=0, zorder=1)
        ax.plot(tau, floor * se, color=colour, linewidth=0.5, alpha=0.6, zorder=1)
    ax.errorbar(
        tau[used], error[used], se[used], **style, linestyle=LINES.get(entry.order, "-"), linewidth=1.1,
        elinewidth=0.9, capsize=1.8, label=_legend(entry), zorder=3,
    )  # fmt: skip
    hollow = ~used & np.isfinite(error)
    if hollow.any():
        heights = np.maximum(error[hollow], bottom)
        ax.plot(
            tau[hollow], heights, **style, linestyle="none", markerfacecolor="white", clip_on=False, zorder=4
        )


def _legend(entry: ErrorSeries) -> str:
    fit = entry.slope
    if fit is None:
        return entry.label
    if fit.slope is None or fit.low is None or fit.high is None:
        return f"{entry.label}: no slope, {sum(fit.used)} of {len(fit.used)} above noise"
    return f"{entry.label}: slope {fit.slope:.2f} [{fit.low:.2f}, {fit.high:.2f}]"
