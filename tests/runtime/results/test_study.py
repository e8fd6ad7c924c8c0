import numpy as np
import pytest
from sample_results import TAUS, study

from optsde.runtime.results.plots import error_series


def test_series_and_slopes_are_taken_by_observable():
    found = study()
    assert found.observables == ("a", "b")
    taus, errors, standard_errors = found.series("a")
    np.testing.assert_array_equal(taus, TAUS)
    np.testing.assert_allclose(errors, 3 * np.array(TAUS) ** 2)
    np.testing.assert_allclose(standard_errors, 1e-3 * np.array(TAUS) ** 2)
    assert found.slopes["a"].slope == pytest.approx(2.0, abs=1e-12)
    assert found.slopes["b"].slope is None or found.slopes["b"].used == (True, False, False, False)
    assert [s.slope for s in found.local_slopes["a"]] == pytest.approx([2.0, 2.0, 2.0], abs=1e-12)
    assert found.local_slopes["b"] == ()


def test_a_study_is_data():
    found = study()
    data = found.to_json()
    assert data["rows"][0] == found.rows[0].__dict__
    assert data["slopes"][0] == {"observable": "a", **found.slopes["a"].to_json()}
    assert data["slopes"][1]["slope"] is None


def test_plots_have_one_series_for_each_study_and_observable(tmp_path):
    found = error_series({"one": study(), "two": study()})
    assert [(s.label, s.observable) for s in found] == [
        ("one", "a"),
        ("one", "b"),
        ("two", "a"),
        ("two", "b"),
    ]
    study().plot(str(tmp_path / "errors.png"))
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")
