import sys

import pytest
from matplotlib.colors import same_color

from optsde import derive
from optsde.derive.limits.cells import regime_map
from optsde.runtime.results.phase_diagram import KINDS, plot_regimes

MAP = regime_map(derive.rmsprop(), derive.gaussian(constant=True))


def test_areas_edges_and_corners_are_all_drawn_with_their_numbers(tmp_path):
    figure = plot_regimes(MAP, path=tmp_path / "map.png")
    (ax,) = figure.axes
    assert len(ax.patches) == sum(cell.region.dimension == 2 for cell in MAP.cells) == 6
    assert len(ax.lines) == 14
    numbers = {text.get_text().splitlines()[0] for text in ax.texts}
    assert numbers == {*map(str, range(1, 21)), "ballistic", "batch-equivalent"}
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    (place,) = (text.xy for text in ax.texts if text.get_text() == "batch-equivalent")
    assert place == (1, 2)


def test_areas_have_the_colour_of_their_kind():
    (ax,) = plot_regimes(MAP).axes
    for patch in ax.patches:
        right = patch.get_xy()[:, 0].min() >= 1
        assert same_color(patch.get_facecolor()[:3], KINDS["pure diffusion" if right else "deterministic"])
        inside = patch.get_xy()
        assert (inside >= [-0.5, 0]).all()
        assert (inside <= [1.5, 3]).all()


def test_only_two_unknowns_can_be_drawn():
    with pytest.raises(ValueError, match="a map over s; expected two unknown exponents"):
        plot_regimes(regime_map(derive.sgd(), derive.gaussian()))


def test_matplotlib_is_named_when_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(ImportError, match=r"pip install 'optsde\[plot\]'"):
        plot_regimes(MAP)
