"""Records hold all that is needed to run them again."""

import pickle
import tomllib
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from flat import measured, simulated
from quadratics import quadratic

from optsde.codegen.lowering.regularisation import floor
from optsde.derive import (
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    modified_equation,
    read_rule,
    rmsprop,
    sgd,
)
from optsde.derive.derivation.chain import Chain
from optsde.derive.notation.symbols import tau
from optsde.runtime import Ensemble, Formula, Integrator, Quadratic, load
from optsde.runtime.results.files import save_record

OWN = """
name = "own"
[state]
m = {}
[hyperparameters]
lr = { role = "learning rate" }
beta = { role = "memory", default = 0.5 }
[update]
m = "beta*m + (1 - beta)*g"
theta = "theta - lr*m"
"""
LAW = gaussian(constant=True)
PLANE = quadratic([[1, 0.5], [0.5, 1]], noise=0.25)
SIMULATIONS = {
    "optimizer": (Chain(rmsprop(), ballistic, LAW), PLANE, {}),
    "own rule": (Chain(read_rule(tomllib.loads(OWN)), ballistic, LAW), PLANE, {"control_variate": True}),
    "equation": (
        modified_equation(adam(), ballistic, LAW, 2),
        PLANE,
        {
            "t0": 1.0,
            "regularisation": floor(sp.Symbol("u") * tau),
            "constants": {"u": 0.5},
            "antithetic": True,
        },
    ),
    "scheme": (
        modified_equation(sgd(), ballistic, LAW, 1),
        quadratic([1.0, 2.0], noise=[1, 2]),
        {"scheme": "heun"},
    ),
    "formula": (
        modified_equation(sgd(), batch_equivalent, gaussian(), 1),
        Formula("theta_1**4/4 + theta_2**2", [["1", "theta_1/5"], ["0", "1"]], 2),
        {"dtype": "float32"},
    ),
}


@pytest.mark.parametrize("name", SIMULATIONS)
def test_a_run_is_read_back_and_run_again_with_the_same_bits(name, tmp_path):
    target, problem, asked = SIMULATIONS[name]
    if name == "scheme":
        asked = asked | {"scheme": "whole-noise"}
    found = simulated(target, problem, tau=0.25, horizon=0.5, paths=300, seed=4, keep=3, **asked)
    found.save(str(tmp_path / "run.json"))
    read = load(str(tmp_path / "run.json"))
    for run in (read, read.again()):
        assert (run.name, run.observables, run.paths) == (found.name, found.observables, found.paths)
        for part in ("times", "means", "standard_errors", "finite", "finals"):
            np.testing.assert_array_equal(getattr(run, part), getattr(found, part))
            assert getattr(run, part).dtype == getattr(found, part).dtype
    assert read.request == found.request or name == "formula" or isinstance(problem, Quadratic)
    assert str(read) == str(found)


def test_a_study_is_read_back_and_run_again_with_the_same_bits(tmp_path):
    equation = modified_equation(rmsprop(), ballistic, gaussian(), 2)
    found = measured(equation, PLANE, taus=[0.5, 0.25], horizon=0.5, paths=500, constants={"eps": 0.1})
    found = replace(
        found, rows=(replace(found.rows[0], nonfinite=7, lost=((0.25, 3), (1.0, 7))), *found.rows[1:])
    )
    found.save(str(tmp_path / "study.json"))
    read = load(str(tmp_path / "study.json"))
    assert read.rows == found.rows
    assert str(read) == str(found)
    again = read.again()
    assert [r.weak_error for r in again.rows] == [r.weak_error for r in found.rows]


def test_what_is_no_result_is_refused(tmp_path):
    save_record(tmp_path / "neither.json", {"rows": []})
    with pytest.raises(
        ValueError, match=r"neither\.json holds no result; expected a file that the save of a run or a"
    ):
        load(str(tmp_path / "neither.json"))
    save_record(tmp_path / "half.json", {"kind": "run", "observables": ["a"]})
    with pytest.raises(ValueError, match=r"half\.json holds a result that is not complete"):
        load(str(tmp_path / "half.json"))
    with pytest.raises(ValueError, match="cannot read"):
        load(str(tmp_path / "missing.json"))


def test_how_and_how_many_travel_to_other_processes():
    for value in (Ensemble(paths=10), Integrator("heun", 4, "smooth:tau/2")):
        assert pickle.loads(pickle.dumps(value)) == value
