from dataclasses import replace

import numpy as np
import pytest
from sample_results import TAUS, a_run, study

from optsde.runtime.results.files import save_record
from optsde.runtime.results.results import Run, WeakErrorStudy, error_series


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


def test_a_study_is_data_and_back(tmp_path):
    found = study()
    data = found.to_json()
    assert data["rows"][0] == found.rows[0].__dict__
    assert data["slopes"][0] == {"observable": "a", **found.slopes["a"].to_json()}
    assert data["slopes"][1]["slope"] is None
    found = replace(
        found, rows=(replace(found.rows[0], nonfinite=7, lost=((0.25, 3), (1.0, 7))), *found.rows[1:])
    )
    found.save(str(tmp_path / "study.json"))
    assert WeakErrorStudy.load(str(tmp_path / "study.json")) == found


def test_a_run_goes_to_a_file_and_back(tmp_path):
    found = a_run()
    found.save(str(tmp_path / "run.json"))
    again = Run.load(str(tmp_path / "run.json"))
    for name, value in found.__dict__.items():
        if name == "settings":
            np.testing.assert_array_equal(again.settings["start"]["theta"], [1.0, 0.5])
        elif isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(again, name), value)
            assert getattr(again, name).dtype == value.dtype
            assert getattr(again, name).shape == value.shape
        else:
            assert getattr(again, name) == value


def test_kinds_of_files_are_told_apart(tmp_path):
    study().save(str(tmp_path / "study.json"))
    a_run().save(str(tmp_path / "run.json"))
    save_record(tmp_path / "neither.json", {"rows": []})
    for name in ("study", "neither"):
        with pytest.raises(
            ValueError, match=r"holds no run; expected a file written by Run\.save or optsde simulate"
        ):
            Run.load(str(tmp_path / f"{name}.json"))
    for name in ("run", "neither"):
        with pytest.raises(
            ValueError, match=r"holds no weak-error study; expected a file written by WeakErrorStudy\.save"
        ):
            WeakErrorStudy.load(str(tmp_path / f"{name}.json"))
    with pytest.raises(ValueError, match="cannot read"):
        Run.load(str(tmp_path / "missing.json"))


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
