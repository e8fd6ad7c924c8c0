import json
import os
from dataclasses import replace

import numpy as np
import pytest
from sample_results import study

from optsde.runtime.command_line.cli import main
from optsde.runtime.reproduce import OBSERVABLES, Case, Report, callisti2025, reproduce
from optsde.runtime.results.files import load_record
from optsde.runtime.results.shown import plain

TINY = [
    Case("warm", "rmsprop", "ballistic", "order 1, SDE", (0.5, 0.25), 1.0, 200, 1),
    Case("warm", "rmsprop", "ballistic", "order 2", (0.5, 0.25), 1.0, 200, 1),
    Case("published", "rmsprop", "ballistic", "order 2", (0.5,), 2.0, 200, 1),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> tuple[Report, object]:
    folder = tmp_path_factory.mktemp("reproduced") / "new" / "folder"
    calls = []
    found = reproduce(folder, TINY, lambda *call: calls.append(call))
    assert calls[-1] == ("studies", 3, 3)
    return found, folder


@pytest.mark.slow
def test_all_files_are_written_and_reload(report):
    found, folder = report
    assert set(found.files) == {
        "warm_rmsprop_ballistic.png",
        "published_rmsprop_ballistic.png",
        "tables.txt",
        "results.json",
    }
    assert {path.name for path in folder.iterdir()} == set(found.files)
    for name in found.files:
        if name.endswith(".png"):
            assert (folder / name).read_bytes().startswith(b"\x89PNG")
    record = load_record(folder / "results.json")
    assert [s["label"] for s in record["studies"]] == [case.label for case in TINY]
    assert [s["rows"][0]["weak_error"] for s in record["studies"]] == [
        s.rows[0].weak_error for _, s in found.studies
    ]


@pytest.mark.slow
def test_the_data_have_rows_slopes_and_seconds(report):
    found, _ = report
    data = json.loads(json.dumps(plain(found.to_json()), allow_nan=False))
    assert data["paper"] == "arXiv 2509.21614"
    assert data["seconds"] > 0
    for case, made in zip(TINY, data["studies"], strict=True):
        assert [(r["tau"], r["observable"]) for r in made["rows"]] == [
            (tau, o) for tau in case.taus for o in OBSERVABLES
        ]
        assert [s["observable"] for s in made["slopes"]] == list(OBSERVABLES)
        assert made["seconds"] > 0


@pytest.mark.slow
def test_the_tables_list_all_systems(report):
    found, folder = report
    text = (folder / "tables.txt").read_text()
    for case in TINY:
        for name in OBSERVABLES:
            assert f"| {case.experiment} | {case.rule} | {case.regime} | {case.label} | `{name}` |" in text
    assert str(found).splitlines()[-1].endswith("wrote " + ", ".join(found.files))
    assert text.count("weak order by the certificate") == 3


@pytest.mark.slow
def test_settings_are_those_of_the_experiments(report):
    warm, published = (dict(report[0].studies)[case].settings for case in TINY[1:])
    assert (warm["noise_free_steps"], published["noise_free_steps"]) == (0, 2)
    assert (warm["constants"]["u"], published["constants"]["u"]) == (1 / 16, 1.0)
    assert published["regularisation"] == "max(v, tau*u)"
    np.testing.assert_array_equal(published["start"]["theta"], [10.0, 5.0])


def test_a_report_is_a_table_and_data():
    other = replace(TINY[1], experiment="spectra", spectrum=3)
    found = Report(
        ((TINY[0], study()), (other, study()), (replace(other, spectrum=4), study())),
        2.4,
        ("a.png", "b.json"),
    )
    lines = str(found).splitlines()
    assert lines[2] == "| warm | rmsprop | ballistic | order 1, SDE | `a` | 2.00 [2.00, 2.00] | 1.5 |"
    assert (
        lines[4]
        == "| spectra | rmsprop | ballistic | order 2 | `a` | median 2.00, 2.00 to 2.00 over 2 of 2 matrices | |"  # noqa: E501
    )
    assert lines[5] == "| spectra | rmsprop | ballistic | order 2 | `b` | none over 0 of 2 matrices | |"
    assert r"| `b` | none: 1 of 4 steps have \|error\| above 3 standard errors" in lines[3]
    assert all(line.replace(r"\|", "").count("|") == 8 for line in lines[:6])
    assert lines[-1] == "2 s; wrote a.png, b.json"
    data = plain(found.to_json())
    assert [s["experiment"] for s in data["studies"]] == ["warm", "spectra", "spectra"]
    assert data["studies"][0]["rows"][0]["weak_error"] == study().rows[0].weak_error


def test_the_paper_has_every_system_once():
    for quick in (True, False):
        cases = callisti2025(quick, 0)
        assert len(set(cases)) == len(cases)
        for experiment in ("published", "warm"):
            systems = {c.system for c in cases if c.experiment == experiment}
            assert systems == {
                f"{experiment}_{r}_{m}"
                for r in ("rmsprop", "adam")
                for m in ("ballistic", "batch-equivalent")
            }
        for case in cases:
            steps = [case.horizon / tau for tau in case.taus]
            np.testing.assert_allclose(steps, np.round(steps), rtol=1e-12)
    spectra = [c for c in cases if c.experiment == "spectra"]
    assert len({c.spectrum for c in spectra}) == 10
    for case in spectra[:10]:
        eigenvalues = np.linalg.eigvalsh(np.asarray(case.problem.hessian))
        assert case.problem.dimension == 6
        assert 0.1 <= eigenvalues.min() < eigenvalues.max() <= 2.0


def test_folders_that_cannot_be_made_are_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ValueError, match=r"cannot make the folder .*; expected a place with write permission"
    ):
        reproduce(tmp_path / "file", TINY, print)
    assert main(["reproduce", "callisti2025", "--output", str(tmp_path / "file" / "under")]) == 2
    assert capsys.readouterr().err.startswith("optsde: cannot make the folder")
    if os.getuid():
        (closed := tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(ValueError, match="cannot write into"):
            reproduce(closed, TINY, print)
