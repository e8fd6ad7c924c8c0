import json
import math
from dataclasses import replace

import numpy as np
import pytest
from sample_results import a_run, study

from optsde.runtime.results.shown import plain, print_json
from optsde.runtime.results.statistics import Slope


def test_plain_data_is_json_without_what_is_not_finite():
    data = {
        "array": np.array([[1.0, math.nan], [math.inf, 2.5]]),
        "number": np.float64(0.1),
        "integer": np.int64(3),
        4: "key",
        "nested": ({"x": -math.inf}, [True, None, "text"]),
        "flag": np.bool_(True),
    }
    assert plain(data) == {
        "array": [[1.0, None], [None, 2.5]],
        "number": 0.1,
        "integer": 3,
        "4": "key",
        "nested": [{"x": None}, [True, None, "text"]],
        "flag": True,
    }


def test_one_object_is_printed(capsys):
    assert print_json({"a": np.array([1.5]), "b": math.nan}) == 0
    assert json.loads(capsys.readouterr().out) == {"a": [1.5], "b": None}


def test_the_table_of_a_run_says_what_went_wrong():
    lines = str(a_run()).splitlines()
    assert lines[:2] == ["some step", "10 paths, time 1"]
    assert lines[2].split() == ["a", "3", "+-", "0.1"]
    assert "1 of 10 paths became non-finite" in lines[4]
    assert "on 2 of 10 paths v was negative" in lines[5]
    assert len(str(a_run(nonfinite=0, negative=0)).splitlines()) == 4


def test_the_table_of_a_study_has_all_rows_and_slopes():
    text = str(study())
    lines = text.splitlines()
    assert lines[:3] == ["some equation", "weak order by the certificate: 2", "a"]
    assert lines[4].split()[:3] == ["0.5", "7.50000e-01", "2.5e-04"]
    assert text.count("\n  slope ") == 2
    assert "slope 2.00 [2.00, 2.00]; between neighbours: 2.00+-0.00, 2.00+-0.00, 2.00+-0.00" in text
    assert (
        "slope none: 1 of 4 steps have |error| above 3 standard errors, a slope needs 2; between neighbours: "
        "none" in text
    )
    assert lines[-1] == "1.5 s"
    worse = replace(study().rows[0], nonfinite=3, negative=4)
    warned = str(replace(study(), rows=(worse,)))
    assert "3 of 1000 paths became non-finite" in warned
    assert "on 4 of 1000 paths v was negative" in warned


@pytest.mark.parametrize(
    ("slope", "text"),
    [
        (Slope(1.984, 1.912, 2.049, (True, True)), "1.98 [1.91, 2.05]"),
        (Slope(None, None, None, (False,), "nothing above the noise"), "none: nothing above the noise"),
    ],
)
def test_slopes_in_words(slope, text):
    assert str(slope) == text


def test_results_show_themselves_in_a_notebook():
    for result in (a_run(), study()):
        assert result._repr_html_().startswith("<pre>")
        assert "<" not in result._repr_html_().removeprefix("<pre>").removesuffix("</pre>")
    assert repr(a_run()) == "<Run: some step, 10 paths, time 1>"
    assert repr(study()) == "<WeakErrorStudy: some equation, tau 0.5, 0.25, 0.125, 0.0625>"
