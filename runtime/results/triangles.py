"""Triangles of slope 1 and 2, where they cover no data."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Numbers = NDArray[np.float64]


def draw_triangles(ax: Axes, curves: list[tuple[Numbers, Numbers]]) -> None:
    """Draw triangles of slope 1 and 2, each at the free place nearest to the lower right corner, or the
    freest place; the curves that they avoid are logarithms to base 2.
    """
    corner = np.log2([ax.get_xlim()[0], ax.get_ylim()[0]])
    size = np.log2([ax.get_xlim()[1], ax.get_ylim()[1]]) - corner
    taken = (np.concatenate([_outline(*curve) for curve in curves]) - corner) / size
    width = min(1.0, 0.22 * size[0])
    places = np.array(list(product(np.linspace(0.04, 0.96, 18), repeat=2)))
    for slope in (1, 2):
        triangle = np.array([[0, 0], [width, 0], [width, slope * width]]) / size
        label = triangle[1:].mean(axis=0) + np.array([0.04, 0])
        shape = np.vstack([_outline(*triangle[[0, 1, 2, 0]].T), label, label + np.array([0.02, 0])])
        inside = places[(places + shape.max(axis=0) < 0.98).all(axis=1)]
        gaps = np.array([np.hypot(*(shape + p - taken[:, None]).T).min(initial=np.inf) for p in inside])
        free = inside[gaps > 0.07]
        place = free[np.argmin(((free - [1, 0]) ** 2).sum(axis=1))] if free.size else inside[np.argmax(gaps)]
        corners = 2 ** ((triangle + place) * size + corner)
        ax.fill(*corners.T, facecolor="white", edgecolor="0.3", linewidth=0.7, zorder=2)
        x, y = 2 ** ((label + place) * size + corner)
        ax.text(x, y, str(slope), ha="center", va="center", color="0.2", fontsize=7, zorder=2)
        taken = np.vstack([taken, shape + place])


def _outline(x: Numbers, y: Numbers) -> Numbers:
    """Points along the polyline through (x, y), five to a segment; what is not finite is left out."""
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        return np.empty((0, 2))
    position = np.linspace(0, finite.sum() - 1, 5 * int(finite.sum()))
    nodes = np.arange(finite.sum())
    return np.column_stack([np.interp(position, nodes, x[finite]), np.interp(position, nodes, y[finite])])
