import json
import os
import subprocess
import sys

import pytest
from optsde_command import CONVERGE, SGD, SIMULATE, refused, run

from optsde.runtime.command_line.cli import main

COMMANDS = (
    "list",
    "schemes",
    "derive",
    "check",
    "regimes",
    "scaling",
    "show",
    "simulate",
    "converge",
    "reproduce",
)


def _words(value) -> str:
    return " ".join(value) if isinstance(value, list) else ""


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(capsys, command):
    code, out, err = run(capsys, command, "--help")
    assert (code, err) == (0, "")
    assert f"example:\n  optsde {command}" in out


def test_the_whole_help_has_examples_of_every_command(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0
    for command in COMMANDS:
        assert f"\n  optsde {command}" in out.partition("examples:")[2]
    code, out, _ = run(capsys, "--version")
    assert (code, out[:7]) == (0, "optsde ")


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["list"], {"rules", "regimes"}),
        (["schemes"], {"schemes"}),
        (["derive", "rmsprop"], {"drift", "covariance", "certificate"}),
        (["derive", "rmsprop", "--regime", "batch-equivalent", "--dimension", "2"], {"drift", "certificate"}),
        (["check", "barrett2021"], {"claims", "notation"}),
        (["show", *SGD[:3]], {"signature", "source"}),
        (SIMULATE, {"kind", "name", "means", "standard_errors", "settings"}),
        (CONVERGE, {"rows", "slopes", "seconds", "settings"}),
    ],
    ids=lambda a: a[0] if isinstance(a, list) else "",
)
def test_json_is_one_object_and_nothing_else(capsys, arguments, keys):
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    assert keys <= set(json.loads(out, parse_constant=pytest.fail))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "required: COMMAND"),
        (["derivate"], "invalid choice: 'derivate'"),
        (["derive"], "expected the name of an optimizer or a file with a rule"),
        (["derive", "rmsporp"], "did you mean rmsprop?"),
        (["derive", "rmsprop:fast"], "rmsprop has no variant 'fast'"),
        (["derive", "rmsprop", "--regime", "lr=1"], "leaves no limit"),
        (["derive", "rmsprop", "--regime", "balistic"], "unknown regime 'balistic'"),
        (["derive", "rmsprop", "--regime", "learning=tau"], "regime assigns 'learning'"),
        (["derive", "rmsprop", "--order", "0"], "order 0; expected 1, 2, ..."),
        (["derive", "rmsprop", "--order", "two"], "argument --order: the name 'two'"),
        (["derive", "rmsprop", "--form", "ode"], "form 'ode' with order 2"),
        (["derive", "rmsprop", "--dimension", "0"], "dimension 0; expected a positive integer"),
        (["derive", "rmsprop", "--noise", "white"], "unknown noise 'white'"),
        (["derive", "rmsprop", "--batch", "c"], "mean of c gaussian noise has a constant c, as rmsprop has"),
        (
            ["simulate", "sgd", "--population", "8", "--tau", "0.5", "--horizon", "1"],
            "unrecognized arguments: --population 8",
        ),
        (["check", "lee2019"], "unknown paper 'lee2019'; did you mean li2019? expected one of li2019, "),
        (["check", "--latex", "--markdown"], "not allowed with argument"),
        (["check", "--json", "--latex"], "--json and --latex; expected one of them"),
        (["check", "--plot", "."], "--plot . without --measure; expected both"),
        (["regimes", "normalized_sgd"], "norm(g)**2 couples coordinates; expected a rule that works"),
        (["regimes", "lion"], "is not smooth"),
        (["regimes", "sgd", "--exponents", "lr=2"], "an exponent for 'lr'; expected one for noise"),
        (["regimes", "sgd", "--noise", "general"], "expected noise without third cumulants"),
        (["regimes", "sgd", "--plot", "missing/map.png"], "cannot write missing/map.png"),
        (["regimes", "adam", "--start", "warm"], "expected the start zero"),
        (["scaling", "sgd", "--regime", "lr=1"], "leaves no limit"),
        (["reproduce", "nobody2025"], "invalid choice: 'nobody2025'"),
    ],
    ids=_words,
)
def test_bad_commands_are_one_line_and_two(capsys, arguments, complaint):
    assert complaint in refused(capsys, *arguments)


def test_a_batch_on_the_command_line(capsys):
    assert main(["derive", "sgd", "--noise", "general", "--batch", "8", "--population", "100"]) == 0
    text = capsys.readouterr().out
    assert "noise: mean of 8 out of 100 general, covariance S of one draw" in text
    assert "theta[i], theta[j]: 23*S[i,j]/198" in text  # (100 - 8)/(8 (100 - 1))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--hessian", "1,2;3,4"], "H is not symmetric, entries differ by 1"),
        (
            ["--covariance", "1,2;2,1"],
            "covariance has the eigenvalue -1; expected a positive semidefinite matrix",
        ),
        (["--hessian", "1,2;3"], "H is not a matrix of numbers"),
        (["--minimum-noise", "-1"], "minimum_noise is -1"),
        (
            ["--objective", "theta**2"],
            "got --hessian with --objective; expected a formula and --factor, or a quadratic",
        ),
        (
            ["--minimum-noise", "1", "--factor", "1;1"],
            "got both minimum_noise and factor; expected one of",
        ),
        (["--factor", "1"], "factor has shape (1, 1); expected 2 rows of 1 to 2 numbers"),
        (["--variances", "1,2,3"], "variances has 3 numbers; expected 2, as many as H has rows"),
        (["--variances", "1,-2"], "variances contains -2; expected numbers >= 0"),
        (["--start", "theta=nan"], "the name 'nan'"),
        (["--start", "theta=1,2,3"], "expected a number or 2 numbers"),
        (["--start", "w=1"], "start has a block 'w'"),
        (["--start", "theta"], "'theta' is no assignment"),
        (["--horizon", "1.1"], "horizon 1.1 is not a multiple of tau"),
        (["--horizon", "nan"], "argument --horizon: the name 'nan'"),
        (["--t0", "0.1"], "t0 0.1 is not a multiple of tau"),
        (["--constants", "q=1"], "constant 'q'"),
        (["--regularisation", "rough"], "unknown regularisation 'rough'"),
        (["--observable", "theta"], "is a vector in theta; expected a number"),
        (["--observable", "theta[2]"], "the name 'theta[2]'"),
        (["--paths", "1"], "paths is 1; expected a whole number of at least 2"),
        (["--paths", "1e-3"], "'1e-3' is not a whole number"),
        (["--seed", "-1"], "seed is -1"),
        (["--substeps", "0"], "substeps is 0"),
        (
            ["--output", "missing/run.json"],
            "cannot write missing/run.json; expected a file in an existing folder",
        ),
        (["--plot", "/"], "cannot write /"),
        (["--output", "/dev/null"], "cannot write /dev/null"),
        (["--hessian", ""], "is not accepted"),
    ],
    ids=_words,
)
@pytest.mark.parametrize("command", [SIMULATE, CONVERGE], ids=["simulate", "converge"])
def test_bad_input_is_one_line_and_two(capsys, command, options, complaint):
    assert complaint in refused(capsys, *command, *options)


def test_bad_steps_are_one_line_and_two(capsys):
    assert "tau is -0.25; expected a finite number > 0" in refused(capsys, *SIMULATE, "--tau", "-0.25")
    assert "tau is -0.5" in refused(capsys, *CONVERGE, "--taus=-0.5")
    assert "the name 'inf'" in refused(capsys, *SIMULATE, "--tau", "inf")
    assert "more than" in refused(capsys, *SIMULATE, "--tau", "1e-300")
    assert "taus are [0.5, 0.5]; expected at least one, each once" in refused(
        capsys, *CONVERGE, "--taus", "1/2,0.5"
    )
    assert "fill the horizon" in refused(capsys, *CONVERGE, "--noise-free-steps", "2")
    assert "Unable to allocate" in refused(capsys, *SIMULATE, "--keep", str(10**14), "--paths", str(10**15))
    assert "form 'fluctuation' with order 2" in refused(capsys, *CONVERGE, "--form", "fluctuation")
    assert "own share is 0.0" in refused(capsys, *CONVERGE, "--own-share", "0")


HOSTILE = (
    "__import__('os').system('touch owned')",
    "exec(\"open('owned','w')\")",
    "theta.__class__.__mro__",
    "[x for x in (1,)]",
    "(lambda: 1)()",
    "9**9**9**9",
    "exp(exp(exp(9)))",
    "(" * 500 + "1" + ")" * 500,
    "1" * 5000,
    "a\nb",
    "\x00",
    "ⅷ",
    "theta[0]\\",
    "$(touch owned)",
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize(
    "option",
    [
        "--observable",
        "--regime",
        "--constants",
        "--hessian",
        "--regularisation",
        "--minimum-noise",
        "--taus",
        "--start",
        "--objective",
        "--factor",
    ],
)
def test_hostile_text_is_refused_and_not_run(capsys, tmp_path, monkeypatch, option, text):
    monkeypatch.chdir(tmp_path)
    before = {"--regime": "lr=", "--constants": "c=", "--regularisation": "floor:", "--start": "theta="}.get(
        option, ""
    )
    command = ["converge", "rmsprop", "--taus", "0.5", "--horizon", "1"]
    command += ["--objective", "theta"] if option == "--factor" else []
    refused(capsys, *command, f"{option}={before}{text}")
    assert not list(tmp_path.iterdir())


def test_a_reader_that_has_enough_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    command = [
        sys.executable,
        "-c",
        "import sys; from optsde.runtime.command_line.cli import main; sys.exit(main())",
        "list",
    ]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_the_command_is_installed_and_fails_without_a_traceback(tmp_path):
    command = [
        sys.executable,
        "-c",
        "import sys; from optsde.runtime.command_line.cli import main; sys.exit(main())",
    ]
    good = subprocess.run(
        [*command, "derive", "sgd", "--json"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout)
    bad = subprocess.run(
        [*command, "derive", "sgf"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("optsde: unknown optimizer 'sgf'")
    assert bad.stderr.count("\n") == 1
