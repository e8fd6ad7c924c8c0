"""Figures: made without pyplot, written in one step, shown by a notebook."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by colour-blind readers too (https://jfly.uni-koeln.de/color/), yellow
# left out.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


# Inches: a panel with its axes, the room around them, and one line of a legend.
PANEL, LEFT, RIGHT, BELOW, ABOVE, LINE = (3.3, 2.15), 0.62, 0.14, 0.5, 0.27, 0.16


def new_figure(size: tuple[float, float]) -> Figure:
    """An empty figure of a size in inches, drawn without a screen; an ImportError without the extra
    ``optsde[plot]``.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "matplotlib is not installed, figures need it; install it with: pip install 'optsde[plot]'"
        ) from error

    class Shown(Figure):
        """A figure that a notebook shows without pyplot."""

        def _repr_png_(self) -> bytes:
            return png_of(self)

    figure = Shown(figsize=size)
    FigureCanvasAgg(figure)
    return figure


def png_of(figure: Figure, dpi: int = 100) -> bytes:
    """Return a figure as PNG."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=dpi)
    return png.getvalue()


def panels(names: Sequence[str], *, title: str, legend_lines: int = 0) -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each name, in reading order, and room for a legend under each."""
    columns = 2 if len(names) == 4 else min(len(names), 3)
    below, top = BELOW + LINE * (legend_lines + 1), 0.3
    width, height = PANEL[0] * columns, (PANEL[1] + below) * math.ceil(len(names) / columns) + top
    figure = new_figure((width, height))
    figure.text(0.5, 1 - 0.1 / height, title, ha="center", va="top", fontsize=10)
    axes = []
    for i, name in enumerate(names):
        row, column = divmod(i, columns)
        lower = height - top - (row + 1) * PANEL[1] - row * below
        size = ((PANEL[0] - LEFT - RIGHT) / width, (PANEL[1] - ABOVE) / height)
        ax = figure.add_axes(((column * PANEL[0] + LEFT) / width, lower / height, *size))
        ax.set_title(name, fontsize=9, pad=5)
        ax.tick_params(labelsize=7.5, which="both")
        ax.grid(color="0.92", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        axes.append(ax)
    return figure, axes


def finished(figure: Figure, path: str | os.PathLike[str] | None) -> Figure:
    """Write a figure as PNG, in one step, if there is a path."""
    if path is not None:
        write_atomically(path, png_of(figure, dpi=200))
    return figure
