import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import same_color

from optsde.runtime.results.figures import COLOURS
from optsde.runtime.results.plots import ErrorSeries, plot_means, plot_weak_errors
from optsde.runtime.results.statistics import fit_slope

TAUS = 2.0 ** -np.arange(1, 3.01, 0.25)


def _series(label="order 2", observable="x", *, scale=0.3, power=2, noise=3e-3, order=2, seed=0, taus=TAUS):
    standard_errors = noise * taus
    errors = scale * taus**power + standard_errors * np.random.default_rng(seed).standard_normal(taus.size)
    fit = fit_slope(taus, errors, standard_errors)
    return ErrorSeries(label, observable, taus, errors, standard_errors, fit, order)


def _markers(ax, colour, *, hollow):
    lines = [
        line for line in ax.lines if line.get_marker() not in ("None", "_", "|") and len(line.get_xdata())
    ]
    lines = [line for line in lines if same_color(line.get_color(), colour)]
    return [line for line in lines if same_color(line.get_markerfacecolor(), "white") == hollow]


def test_points_below_the_floor_are_hollow_and_all_points_are_there():
    entry = _series(scale=0.1, noise=5e-3, seed=2)
    assert 0 < sum(entry.slope.used) < TAUS.size
    (ax,) = plot_weak_errors([entry], title="t").axes
    (full,), (hollow,) = (_markers(ax, COLOURS[0], hollow=h) for h in (False, True))
    used = np.array(entry.slope.used)
    assert sorted(full.get_xdata()) == sorted(TAUS[used])
    assert sorted(full.get_ydata()) == sorted(np.abs(entry.errors[used]))
    assert sorted(hollow.get_xdata()) == sorted(TAUS[~used])
    low, high = ax.get_ylim()
    assert sorted(hollow.get_ydata()) == sorted(np.maximum(np.abs(entry.errors[~used]), low))
    assert low < min(full.get_ydata()) < max(full.get_ydata()) < high


def test_shaded_floor_ends_at_three_standard_errors():
    entry = _series()
    (ax,) = plot_weak_errors([entry], title="t").axes
    (shade,) = [c for c in ax.collections if c.get_alpha() == 0.08]
    vertices = shade.get_paths()[0].vertices
    edge = {x: vertices[vertices[:, 0] == x, 1].max() for x in TAUS}
    np.testing.assert_allclose([edge[x] for x in TAUS], 3 * entry.standard_errors, rtol=1e-12)


def test_ticks_are_powers_of_two():
    figure = plot_weak_errors([_series()], title="t")
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == [
        "$2^{-3}$",
        "$2^{-2}$",
        "$2^{-1}$",
    ]
    wide = plot_weak_errors([_series(taus=2.0 ** -np.arange(0, 24))], title="t")
    assert 4 <= len(wide.axes[0].get_xticks()) <= 9


@pytest.mark.parametrize("seed", range(6))
def test_triangles_have_their_slopes_and_cover_no_data(seed):
    rng = np.random.default_rng(seed)
    series = [
        _series(str(i), scale=10 ** rng.uniform(-3, 0), power=1 + i % 2, seed=seed + i) for i in range(4)
    ]
    (ax,) = plot_weak_errors(series, title="t").axes
    lines = [line for colour in COLOURS[:4] for h in (False, True) for line in _markers(ax, colour, hollow=h)]
    data = np.log2(np.vstack([line.get_xydata() for line in lines]))
    assert len(data) == 4 * TAUS.size
    slopes = []
    for patch in ax.patches:
        (x0, y0), (x1, y1), (x2, y2) = np.log2(patch.get_xy()[:3])
        assert (y0, x1) == pytest.approx((y1, x2))
        slopes.append((y2 - y0) / (x2 - x0))
        inside = (data[:, 0] >= x0) & (data[:, 0] <= x1) & (data[:, 1] >= y0)
        inside &= data[:, 1] - y0 <= slopes[-1] * (data[:, 0] - x0)
        assert not inside.any()
        corners = ax.transAxes.inverted().transform(ax.transData.transform(patch.get_xy()))
        assert ((corners >= 0) & (corners <= 1)).all()
    assert slopes == pytest.approx([1, 2])


@pytest.mark.parametrize("count", range(1, 7))
def test_panels_do_not_overlap(count):
    series = [
        _series(label, f"observable {i}", seed=i, order=order)
        for i in range(count)
        for order, label in ((1, "order 1"), (2, "order 2"), (None, "synchronised"))
    ]
    figure = plot_weak_errors(series, title="weak errors")
    figure.draw_without_rendering()
    boxes = [ax.get_tightbbox() for ax in figure.axes]
    assert len(boxes) == count
    page = figure.bbox
    for i, box in enumerate(boxes):
        assert page.x0 <= box.x0 < box.x1 <= page.x1
        assert page.y0 <= box.y0 < box.y1 <= page.y1
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_legend_gives_slope_and_interval():
    fitted, noise = _series("second"), _series("noise", scale=0, seed=1)
    bare = ErrorSeries("bare", "x", TAUS, TAUS, 0 * TAUS)
    (ax,) = plot_weak_errors([fitted, noise, bare], title="t").axes
    fit = fitted.slope
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        f"second: slope {fit.slope:.2f} [{fit.low:.2f}, {fit.high:.2f}]",
        "noise: no slope, 0 of 9 above noise",
        "bare",
    ]


def test_one_label_keeps_its_colour_in_every_panel():
    figure = plot_weak_errors([_series("a", "x"), _series("b", "x"), _series("b", "y")], title="t")
    assert [bool(_markers(ax, COLOURS[1], hollow=False)) for ax in figure.axes] == [True, True]
    assert [bool(_markers(ax, COLOURS[0], hollow=False)) for ax in figure.axes] == [True, False]


def test_lost_and_exact_errors_can_be_drawn(tmp_path):
    lost = ErrorSeries("diverged", "x", [0.5, 0.25], [np.nan, np.inf], [np.nan, np.nan])
    zero = ErrorSeries("exact", "x", [0.5, 0.25], [0.0, 0.0], [0.0, 0.0])
    for series in ([lost], [zero], [lost, zero, _series()]):
        plot_weak_errors(series, title="t", path=tmp_path / "f.png")


def _run(observables=("a", "b"), factor=1.0):
    times, means = np.linspace(0, 1, 5), factor * np.array([[1.0, 2, 3, 4, 5], [0.0, 0, 1, 1, 2]]).T
    return SimpleNamespace(observables=observables, times=times, means=means, standard_errors=0.1 * means)


def test_means_have_bands_of_two_standard_errors_and_a_colour_per_run():
    figure = plot_means({"one": _run(), "two": _run(factor=2.0)}, title="t")
    assert [ax.get_title() for ax in figure.axes] == ["a", "b"]
    np.testing.assert_array_equal(
        figure.axes[1].lines[0].get_xydata(), np.column_stack([_run().times, _run().means[:, 1]])
    )
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    assert {round(y, 12) for y in band[band[:, 0] == 1.0, 1]} == {4, 6}
    assert [line.get_color() for line in figure.axes[0].lines] == list(COLOURS[:2])


def test_png_is_written_and_threads_do_not_mix(tmp_path):
    def draw(i):
        plot_weak_errors([_series(f"series {i}")], title=f"{i}", path=tmp_path / f"{i}.png")

    draw(0)
    alone = (tmp_path / "0.png").read_bytes()
    assert alone.startswith(b"\x89PNG")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(draw, range(4)))
    assert (tmp_path / "0.png").read_bytes() == alone
    assert len(list(tmp_path.iterdir())) == 4


def test_bad_input(tmp_path):
    with pytest.raises(ValueError, match="no series to draw, expected at least one"):
        plot_weak_errors([], title="t")
    with pytest.raises(ValueError, match="expected one or more runs of the same observables"):
        plot_means({"one": _run(), "two": _run(("c", "d"))}, title="t")
    with pytest.raises(ValueError, match="cannot write"):
        plot_weak_errors([_series()], title="t", path=tmp_path / "none" / "f.png")


def test_matplotlib_is_named_when_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(ImportError, match=r"pip install 'optsde\[plot\]'"):
        plot_weak_errors([_series()], title="t")


def test_matplotlib_is_imported_late_and_pyplot_never():
    script = (
        "import sys; from optsde.runtime.results import plots; assert 'matplotlib' not in sys.modules\n"
        "series = plots.ErrorSeries('a', 'b', [0.5, 0.25], [0.5, 0.25], [0.0, 0.0])\n"
        "plots.plot_weak_errors([series], title='t')\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
