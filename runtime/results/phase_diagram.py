"""The map of an optimizer's scaling regimes over two exponents, as a phase diagram.

matplotlib is imported when a figure is drawn; see `optsde.runtime.results.plots`.
"""

from __future__ import annotations

import math
import os
from fractions import Fraction
from typing import TYPE_CHECKING

from ...derive.errors import BadInput
from ...derive.limits.cells import Cell, RegimeMap
from ...derive.limits.exponents import Form, Point
from ...derive.limits.polyhedra import BOX, Polyhedron
from ...derive.limits.report import kind, power
from ...derive.regimes import REGIMES
from .figures import COLOURS, finished, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = {
    "deterministic": COLOURS[5],
    "stochastic": COLOURS[1],
    "pure diffusion": COLOURS[4],
    "no limit": "0.75",
}
SIZE = (7.2, 5.2)


def plot_regimes(regimes: RegimeMap, *, path: str | os.PathLike[str] | None = None) -> Figure:
    """Draw areas, edges and corners of the map, with the numbers of their cells and what blocks do in areas.

    Parameters
    ----------
    regimes : RegimeMap
        With two unknown exponents.
    path : path-like, optional
        Where to write the figure as PNG, in one step.

    Raises
    ------
    ImportError
        Without matplotlib, the extra ``optsde[plot]``.
    ValueError
        There are not two unknowns, or `path` cannot be written.
    """
    if len(regimes.axes) != 2:
        axes = ", ".join(regimes.axes)
        raise BadInput(
            f"a map over {axes}; expected two unknown exponents: fix others, as --exponents 'beta2=1+s' does"
        )
    figure = new_figure(SIZE)
    ax = figure.add_axes((0.085, 0.11, 0.895, 0.735))
    view = _view(regimes)
    for number, cell in enumerate(regimes.cells, 1):
        _draw(ax, regimes, cell, number, view)
    _name(ax, regimes)
    for n, (low, high) in enumerate(view):
        (ax.set_xlim, ax.set_ylim)[n](float(low) - 0.08 * (n == 1), float(high))
    model = regimes.model
    ax.set_xlabel(
        rf"${regimes.axes[0]}$" + (r": noise $h^{-s}$" if regimes.axes[0] == "s" else ""), fontsize=9
    )
    ax.set_ylabel(rf"${regimes.axes[1]}$" + _meaning(regimes), fontsize=9)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    figure.text(
        0.5,
        0.985,
        f"{model.rule.name} ({model.rule.variant}): scaling regimes",
        ha="center",
        va="top",
        fontsize=10,
    )
    _legend(figure, {_kind(cell) for cell in regimes.cells})
    return finished(figure, path)


def _meaning(regimes: RegimeMap) -> str:
    for h in regimes.model.memories:
        if str(regimes.model.exponents[h.name]) == regimes.axes[1]:
            return f": $1 -$ {h.name} $= {regimes.model.constants[h.name]}\\,h^{{{regimes.axes[1]}}}$"
    return ""


def _view(regimes: RegimeMap) -> list[tuple[Fraction, Fraction]]:
    """Return what is shown of each axis: all corners of cells and some room, but no negative memory."""
    corners = [v for cell in regimes.cells for v in cell.region.vertices if all(abs(x) < BOX for x in v)]
    view = []
    for n, axis in enumerate(regimes.axes):
        values = [v[n] for v in corners] or [Fraction(0)]
        memory = any(str(regimes.model.exponents[h.name]) == axis for h in regimes.model.memories)
        room = max(Fraction(1, 2), (max(values) - min(values)) / 2)
        view.append((min(values) - (0 if memory else room), max(values) + room))
    return view


def _kind(cell: Cell) -> str:
    return kind(cell.limit) if cell.limit else "no limit"


def _clipped(region: Polyhedron, view: list[tuple[Fraction, Fraction]]) -> tuple[Point, ...]:
    walls = []
    for n, (low, high) in enumerate(view):
        unit = [Fraction(n == m) for m in range(2)]
        walls += [Form((*unit, -low)), Form((*(-u for u in unit), high))]
    return Polyhedron(region.zero, (*region.positive, *walls), 2).vertices


def _draw(
    ax: Axes, regimes: RegimeMap, cell: Cell, number: int, view: list[tuple[Fraction, Fraction]]
) -> None:
    corners = [(float(x), float(y)) for x, y in _clipped(cell.region, view)]
    if not corners:
        return
    colour, dimension = KINDS[_kind(cell)], cell.region.dimension
    x, y = (sum(values) / len(corners) for values in zip(*corners, strict=True))
    if dimension == 2:
        corners.sort(key=lambda c: math.atan2(c[1] - y, c[0] - x))
        ax.fill(*zip(*corners, strict=True), facecolor=colour, alpha=0.3, edgecolor="none", zorder=1)
        ax.text(x, y, _label(cell, number, regimes), ha="center", va="center", fontsize=6.5, zorder=5)
        return
    if dimension == 1:
        ax.plot(*zip(*corners, strict=True), color=colour, linewidth=3, solid_capstyle="butt", zorder=2)
    else:
        ax.plot(
            x,
            y,
            marker="o",
            markersize=11,
            color=colour,
            markeredgecolor="0.2",
            markeredgewidth=0.6,
            zorder=3,
        )
    ax.text(
        x,
        y,
        str(number),
        ha="center",
        va="center",
        fontsize=6,
        zorder=5,
        clip_on=False,
        bbox=None
        if dimension == 0
        else {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": colour, "linewidth": 0.8},
    )


def _label(cell: Cell, number: int, regimes: RegimeMap) -> str:
    if cell.limit is None:
        return f"{number}"
    words = [
        f"{b} frozen" if b in cell.limit.frozen else f"{b} {status}"
        for b, status in cell.limit.status.items()
    ]
    return "\n".join(
        [str(number), f"time step ${power(cell.limit.time_step, regimes.axes, tex=True)}$", *words]
    )


def _name(ax: Axes, regimes: RegimeMap) -> None:
    for regime in REGIMES:
        point = regimes.place(regime)
        if point is not None:
            ax.annotate(
                regime.name,
                (float(point[0]), float(point[1])),
                xytext=(10, -13),
                textcoords="offset points",
                zorder=6,
                fontsize=7.5,
                fontweight="bold",
                bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
            )


def _legend(figure: Figure, kinds: set[str]) -> None:
    from matplotlib.patches import Patch

    shown = [
        Patch(facecolor=colour, alpha=0.6, label=name) for name, colour in KINDS.items() if name in kinds
    ]
    figure.legend(
        handles=shown, loc="upper center", bbox_to_anchor=(0.5, 0.945), ncols=4, frameon=False, fontsize=8
    )
    note = "areas, edges and circles are cells; numbers as in optsde regimes"
    figure.text(0.01, 0.012, note, fontsize=6, color="0.4")
