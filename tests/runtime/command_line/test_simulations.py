import json

import numpy as np
import pytest
from optsde_command import CONVERGE, SGD, SIMULATE, refused, run

from optsde.derive.derivation import equation
from optsde.derive.derivation.generator import modified_generator
from optsde.runtime import load
from optsde.runtime.command_line.cli import main


def test_rows_and_slopes_of_a_study_have_their_names(capsys):
    _, out, _ = run(capsys, *CONVERGE, "--json")
    data = json.loads(out)
    assert [(r["tau"], r["observable"]) for r in data["rows"]] == [
        (0.5, "norm(theta)**2"),
        (0.25, "norm(theta)**2"),
    ]
    assert {"tau", "observable", "weak_error", "standard_error"} <= set(data["rows"][0])
    assert {"observable", "slope", "low", "high"} <= set(data["slopes"][0])
    _, text, _ = run(capsys, *CONVERGE)
    assert f"{data['rows'][0]['weak_error']:.5e}" in text


def test_a_simulation_is_written_kept_and_drawn(capsys, tmp_path):
    code, out, err = run(
        capsys, *SIMULATE, "--observable", "theta[0]", "--observable", "norm(theta)", "--keep", "2",
        "--output", str(tmp_path / "run.json"), "--plot", str(tmp_path / "run.png"),
    )  # fmt: skip
    assert (code, err) == (0, "")
    saved = load(str(tmp_path / "run.json"))
    assert saved.observables == ("theta[0]", "norm(theta)")
    assert saved.finals.shape == (2, 1, 2)
    assert f"{saved.means[-1, 0]: .8g}" in out
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


def test_a_study_is_written_and_drawn(capsys, tmp_path):
    code, _, _ = run(
        capsys, *CONVERGE, "--output", str(tmp_path / "study.json"), "--plot", str(tmp_path / "study.png")
    )
    assert code == 0
    assert [r.substeps for r in load(str(tmp_path / "study.json")).rows] == [4, 4]
    assert (tmp_path / "study.png").read_bytes().startswith(b"\x89PNG")


def test_options_reach_the_simulation(capsys):
    changes = ([], ["--seed", "1"], ["--t0", "0.5", "--minimum-noise", "0"])
    base, seeded, longer = (json.loads(run(capsys, *SIMULATE, *extra, "--json")[1]) for extra in changes)
    assert base["means"] != seeded["means"]
    assert longer["times"][0] == 0.75
    assert np.array(longer["standard_errors"]).max() == 0.0


def test_a_control_variate_is_asked_for(capsys):
    """SGD is its own linearisation."""
    known = json.loads(run(capsys, *SIMULATE, "--control-variate", "--json")[1])
    assert np.array(known["standard_errors"]).max() < 1e-8
    assert (
        json.loads(run(capsys, *CONVERGE, "--control-variate", "--json")[1])["settings"]["control_variate"]
        is True
    )
    unknown = refused(capsys, *SIMULATE, "--observable", "norm(theta)", "--control-variate")
    assert "control variate for norm(theta); expected a polynomial" in unknown


def test_the_law_of_the_noise_is_chosen(capsys):
    """A step of SGD from 0 on ``theta**2/2`` with ``S = 1``: the square of a sign has no error, in the
    equation it has.
    """
    one = [
        "--hessian",
        "1",
        "--start",
        "theta=0",
        "--tau",
        "0.5",
        "--horizon",
        "0.5",
        "--paths",
        "500",
        "--noise",
        "two_point",
    ]
    _, out, _ = run(capsys, "simulate", "sgd", *one, "--minimum-noise", "1")
    assert out.startswith("sgd (plain), ballistic regime, noise: two-point\n")
    assert "  norm(theta)**2   0.25  +- 0\n" in out
    _, out, _ = run(
        capsys, "simulate", "sgd", *one, "--batch", "n", "--constants", "n=8", "--what", "equation", "--json"
    )
    assert json.loads(out)["name"].endswith(", noise: mean of n two-point")
    assert "no value for n" in refused(capsys, "simulate", "sgd", *one, "--batch", "n", "--what", "equation")
    assert "expected a number of draws" in refused(
        capsys, "simulate", "sgd", *one, "--batch", "n", "--constants", "n=8"
    )
    assert "two-point noise in several dimensions" in refused(capsys, *CONVERGE, "--noise", "two_point")
    _, out, _ = run(
        capsys,
        *CONVERGE,
        "--hessian",
        "1",
        "--start",
        "theta=1",
        "--noise",
        "two_point",
        "--batch",
        "8",
        "--json",
    )
    assert json.loads(out)["name"].endswith(", noise: mean of 8 two-point")


def test_the_scheme_of_an_equation_is_chosen(capsys):
    heun, equation = ["--scheme", "heun-for-additive-noise"], [*SIMULATE, "--what", "equation"]
    _, source, _ = run(capsys, "show", *SGD[:3], "--what", "study", *heun)
    assert "theta_stage_1" in source
    simulated, studied = (
        json.loads(run(capsys, *words, *heun, "--json")[1]) for words in (equation, CONVERGE)
    )
    assert "Heun for additive noise" in simulated["name"]
    assert studied["settings"]["scheme"] == "Heun for additive noise"
    for name, complaint in (
        ("stochastic-heun", "solves Stratonovich"),
        ("platen", "needs each Brownian motion by itself"),
    ):
        assert complaint in refused(capsys, *equation, "--scheme", name)
    assert "an optimizer, which takes steps of its own" in refused(capsys, *SIMULATE, *heun)


def test_an_objective_by_a_formula_is_simulated_and_shown(capsys):
    formula = [
        "--objective",
        "theta_1**4/4 + theta_2**2",
        "--factor",
        "1 + theta_1**2/4, 0; 0.5, cos(theta_2)",
    ]
    _, out, _ = run(capsys, "simulate", "sgd", *formula, *SIMULATE[-6:], "--json")
    problem = json.loads(out)["settings"]["problem"]
    assert problem == {
        "f": "theta_1**4/4 + theta_2**2",
        "factor": [["theta_1**2/4 + 1", "0"], ["1/2", "cos(theta_2)"]],
        "dimension": 2,
    }
    _, source, _ = run(
        capsys, "show", "sgd", *formula, "--what", "study", "--regime", "batch-equivalent", "--order", "1"
    )
    assert "F_0 = theta_0*theta_0*theta_0" in source


def test_the_source_of_a_kernel_is_python(capsys):
    code, out, _ = run(capsys, "show", *SGD[:3], "--what", "optimizer")
    assert code == 0
    compile(out, "kernel", "exec")
    assert "sgd" in out


def test_the_leading_weak_error_stands_beside_the_measured_one(capsys):
    command = [*CONVERGE, "--leading-error"]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [
        line.split() for line in lines if line.startswith("      ") and line.split()[0] in ("0.5", "0.25")
    ]
    assert [float(row[0]) for row in rows] == [0.5, 0.25]
    assert float(rows[0][-1]) == pytest.approx(4 * float(rows[1][-1]), rel=1e-4)
    assert sum(line.startswith("  predicted: ") for line in lines) == 1
    assert main([*command, "--json"]) == 0
    (prediction,) = json.loads(capsys.readouterr().out)["leading_error"]
    assert prediction["power"] == 2
    assert prediction["coefficient"] / 4 == pytest.approx(float(rows[0][-1]), rel=1e-4)
    assert "--leading-error with --noise-free-steps" in refused(capsys, *command, "--noise-free-steps", "1")


def test_a_default_study_derives_its_equation_once(capsys, monkeypatch):
    """For the constant noise of the default problem at once, not for varying noise first."""
    asked = []

    def counted(chain, order):
        asked.append(chain.noise.constant)
        return modified_generator(chain, order)

    monkeypatch.setattr(equation, "modified_generator", counted)
    assert run(capsys, *CONVERGE)[0] == 0
    assert asked == [True]
