"""``--rule FILE`` on the command line: a rule of one's own does what a catalogued one does."""

import json
from pathlib import Path

import pytest

from optsde.runtime.command_line.cli import main

RULES = Path(__file__).parents[2] / "rules"
POWER, MEMORY, CLIP = (
    str(RULES / f"{name}.toml") for name in ("rmsprop_power", "decaying_memory", "adam_tanh")
)
SMALL = [
    "--horizon",
    "1",
    "--paths",
    "2048",
    "--quiet",
    "--json",
    "--hessian",
    "1",
    "--minimum-noise",
    "0.5",
    "--start",
    "theta=1",
]


@pytest.mark.parametrize(("file", "blocks"), [(POWER, "theta v"), (MEMORY, "theta b"), (CLIP, "theta m v")])
def test_derive(file: str, blocks: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", "--rule", file, "--constant-noise", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["state"] == blocks.split()
    assert found["certificate"]["weak_order"] == 2


@pytest.mark.parametrize("what", ["optimizer", "equation"])
def test_simulate(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "simulate",
        "--rule",
        MEMORY,
        "--constant-noise",
        "--what",
        what,
        "--tau",
        "0.125",
        "--t0",
        "1",
        *SMALL,
    ]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["nonfinite"] == 0
    assert 0 < found["means"][-1][0] < 1


def test_converge(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["converge", "--rule", POWER, "--taus", "0.25,0.125", *SMALL, "v=1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["weak_order"] == 2
    assert found["name"].startswith("rmsprop_power (own)")


def test_an_optimizer_without_an_equation_still_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "signum", "--tau", "0.125", *SMALL]) == 0
    assert json.loads(capsys.readouterr().out)["nonfinite"] == 0
    assert main(["simulate", "signum", "--what", "equation", "--tau", "0.125", *SMALL]) == 2
    assert "is not smooth" in capsys.readouterr().err


@pytest.mark.parametrize("rule", ["sign_sgd", "lion", "clipped_sgd"])
def test_what_the_noise_smooths_runs_as_an_ode(rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["simulate", rule, "--what", "equation", "--tau", "0.125", *SMALL]
    assert main([*command, "--order", "1", "--form", "ode"]) == 0
    assert json.loads(capsys.readouterr().out)["nonfinite"] == 0
    assert main([*command, "--order", "2"]) == 2
    assert (
        "its covariance has no factor in closed form; take the form ode, at order 1"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["derive"], "got neither of RULE and --rule FILE"),
        (["derive", "sgd", "--rule", POWER], "got both of RULE and --rule FILE"),
        (["derive", "--rule", "none.toml"], "cannot read the rule none.toml"),
        (["derive", "rmsprop:torhc"], "did you mean torch"),
        (["derive", "--rule", POWER, "--regime", "alhpa=1-c*tau"], "rmsprop_power has lr, alpha, p, eps"),
    ],
)
def test_mistakes_are_explained(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
