import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from smelt.derive.papers.barrett import gradient_descent
from smelt.derive.papers.li_tai_e import sgd_order_2
from smelt.derive.schemes import SCHEMES, euler_maruyama
from smelt.runtime import commands, options
from smelt.runtime.cli import main
from smelt.runtime.results import Run, WeakErrorStudy

COMMANDS = ("list", "schemes", "derive", "check", "show", "simulate", "converge", "reproduce")
# one small problem for all, so that each kernel is compiled once
SGD = ["sgd", "--hessian", "1,0.5;0.5,1.5", "--start", "theta=1,0.5"]
SIMULATE = ["simulate", *SGD, "--tau", "0.25", "--horizon", "1", "--paths", "500"]
CONVERGE = ["converge", *SGD, "--horizon", "1", "--paths", "2000", "--substeps", "4", "--taus", "2^-1,2^-2"]


def _words(value) -> str:
    return " ".join(value) if isinstance(value, list) else ""


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    return code, *capsys.readouterr()


def refused(capsys, *arguments: str) -> str:
    """Return the one line on stderr of a command that must fail with exit code 2."""
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("smelt")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(capsys, command):
    code, out, err = run(capsys, command, "--help")
    assert (code, err) == (0, "")
    assert f"example:\n  smelt {command}" in out


def test_the_whole_help_has_examples_of_every_command(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0
    for command in COMMANDS:
        assert f"\n  smelt {command}" in out.partition("examples:")[2]
    code, out, _ = run(capsys, "--version")
    assert (code, out[:6]) == (0, "smelt ")


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["list"], {"rules", "regimes"}),
        (["schemes"], {"schemes"}),
        (["derive", "rmsprop"], {"drift", "covariance", "certificate"}),
        (["derive", "rmsprop", "--regime", "batch-equivalent", "--latex", "--dimension", "2"], {"drift", "certificate"}),
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


def test_rows_and_slopes_of_a_study_have_their_names(capsys):
    _, out, _ = run(capsys, *CONVERGE, "--json")
    data = json.loads(out)
    assert [(r["tau"], r["observable"]) for r in data["rows"]] == [(0.5, "norm(theta)**2"), (0.25, "norm(theta)**2")]
    assert {"tau", "observable", "weak_error", "standard_error"} <= set(data["rows"][0])
    assert {"observable", "slope", "low", "high"} <= set(data["slopes"][0])
    _, text, _ = run(capsys, *CONVERGE)
    assert f"{data['rows'][0]['weak_error']:.5e}" in text


def test_list_names_what_is_known(capsys):
    code, out, _ = run(capsys, "list")
    assert code == 0
    for name in ("sgd:plain", "rmsprop:paper", "adam:paper", "ballistic", "batch-equivalent"):
        assert name in out


def test_schemes_are_proved_and_a_false_claim_is_an_error(capsys, monkeypatch):
    code, out, _ = run(capsys, "schemes")
    assert code == 0
    assert out.count(" proved\n") == out.count("\n") == len(SCHEMES)
    monkeypatch.setattr(commands, "SCHEMES", (euler_maruyama, replace(euler_maruyama, weak_order=2)))
    code, out, _ = run(capsys, "schemes")
    assert code == 1
    assert [line.split()[-1] for line in out.splitlines()] == ["proved", "REACHED"]
    code, out, _ = run(capsys, "schemes", "--json")
    assert (code, [s["proved"] for s in json.loads(out)["schemes"]]) == (1, [True, False])


def test_derive_says_equation_and_certificate(capsys):
    _, text, _ = run(capsys, "derive", "rmsprop", "--regime", "batch-equivalent")
    assert "no diffusion of weak order 2 exists; weak order 1" in text
    _, latex, _ = run(capsys, "derive", "rmsprop", "--latex")
    assert r"\begin{aligned}" in latex
    _, text, _ = run(capsys, "derive", "sgd", "--dimension", "1", "--regime", "lr=tau")
    assert "Derivative" in text or "f(theta)" in text


def test_check_prints_verdicts(capsys):
    code, text, err = run(capsys, "check", "barrett2021")
    assert (code, err) == (0, "")
    assert "gradient descent, order 2 [re-derived]: agrees" in text
    for form, begin in (("--latex", "% needs"), ("--markdown", "# Published equations")):
        assert run(capsys, "check", "barrett2021", form)[1].startswith(begin)


@pytest.mark.parametrize("form", [[], ["--json"], ["--latex"], ["--markdown"]], ids=_words)
def test_check_fails_where_a_verdict_is_not_the_recorded_one(capsys, monkeypatch, form):
    claim = replace(gradient_descent(), drift={"theta": "-g + h/2*H(g)"})
    monkeypatch.setattr(options, "CLAIMS", (lambda: claim,))
    code, out, err = run(capsys, "check", "barrett2021", *form)
    assert (code, err) == (1, "")
    assert "differs" in out


def test_check_measures_what_differs(capsys, monkeypatch, tmp_path):
    claim = replace(sgd_order_2(), drift={"theta": "-g - eta*H(g)"}, recorded="differs: drift[theta] tau^1")
    monkeypatch.setattr(options, "CLAIMS", (lambda: claim,))
    code, out, err = run(capsys, "check", "--measure", "--paths", "500", "--plot", str(tmp_path))
    assert (code, err) == (0, "")
    assert out.startswith("li2019, SGD, order 2\n")
    assert (tmp_path / "li2019_SGD_order_2.png").read_bytes().startswith(b"\x89PNG")
    assert "nothing to measure" not in out
    monkeypatch.setattr(options, "CLAIMS", (sgd_order_2,))
    assert "nothing to measure" in run(capsys, "check", "--measure")[1]


def test_a_simulation_is_written_kept_and_drawn(capsys, tmp_path):
    code, out, err = run(
        capsys, *SIMULATE, "--observable", "theta[0]", "--observable", "norm(theta)", "--keep", "2",
        "--output", str(tmp_path / "run.json"), "--plot", str(tmp_path / "run.png"),
    )  # fmt: skip
    assert (code, err) == (0, "")
    saved = Run.load(str(tmp_path / "run.json"))
    assert saved.observables == ("theta[0]", "norm(theta)")
    assert saved.finals.shape == (2, 1, 2)
    assert f"{saved.means[-1, 0]: .8g}" in out
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


def test_a_study_is_written_and_drawn(capsys, tmp_path):
    code, _, _ = run(capsys, *CONVERGE, "--output", str(tmp_path / "study.json"), "--plot", str(tmp_path / "study.png"))
    assert code == 0
    assert [r.substeps for r in WeakErrorStudy.load(str(tmp_path / "study.json")).rows] == [4, 4]
    assert (tmp_path / "study.png").read_bytes().startswith(b"\x89PNG")


def test_options_reach_the_simulation(capsys):
    changes = ([], ["--seed", "1"], ["--t0", "0.5", "--noise", "0"])
    base, seeded, longer = (json.loads(run(capsys, *SIMULATE, *extra, "--json")[1]) for extra in changes)
    assert base["means"] != seeded["means"]
    assert longer["times"][0] == 0.75
    assert np.array(longer["standard_errors"]).max() == 0.0


def test_an_objective_by_a_formula_is_simulated_and_shown(capsys):
    formula = ["--objective", "theta_1**4/4 + theta_2**2", "--noise-factor", "1 + theta_1**2/4, 0; 0.5, cos(theta_2)"]
    _, out, _ = run(capsys, "simulate", "sgd", *formula, *SIMULATE[-6:], "--json")
    problem = json.loads(out)["settings"]["problem"]
    assert problem == {
        "f": "theta_1**4/4 + theta_2**2", "noise": [["theta_1**2/4 + 1", "0"], ["1/2", "cos(theta_2)"]], "dimension": 2
    }  # fmt: skip
    _, source, _ = run(capsys, "show", "sgd", *formula, "--what", "study", "--regime", "batch-equivalent", "--order", "1")
    assert "F_0 = theta_0*theta_0*theta_0" in source


def test_regimes_prints_the_cells_and_draws_them(capsys, tmp_path):
    code, out, _ = run(capsys, "regimes", "rmsprop", "--plot", str(tmp_path / "map.png"))
    assert code == 0
    assert "20. 1 < s, 2 < b" in out
    assert (tmp_path / "map.png").exists()
    code, out, _ = run(capsys, "regimes", "sgd", "--json")
    assert (code, len(json.loads(out)["cells"])) == (0, 5)
    assert r"\begin{aligned}" in run(capsys, "regimes", "sgd", "--latex")[1]


def test_scaling_prints_the_rule(capsys):
    code, out, _ = run(capsys, "scaling", "rmsprop")
    assert (code, "  lr times k^(1/2)" in out) == (0, True)
    assert json.loads(run(capsys, "scaling", "sgd", "--json")[1])["exponents"] == {"lr": "1"}


def test_the_source_of_a_kernel_is_python(capsys):
    code, out, _ = run(capsys, "show", *SGD[:3], "--what", "optimizer")
    assert code == 0
    compile(out, "kernel", "exec")
    assert "sgd" in out


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
        (["derive", "rmsprop", "--order", "two"], "invalid int value: 'two'"),
        (["derive", "rmsprop", "--form", "ode"], "form 'ode' with order 2"),
        (["derive", "rmsprop", "--dimension", "0"], "dimension 0; expected a positive integer"),
        (["derive", "rmsprop", "--law", "white"], "unknown noise 'white'"),
        (["derive", "rmsprop", "--batch", "c"], "mean of c gaussian noise has a constant c, as rmsprop has"),
        (["simulate", "sgd", "--batch", "8", "--tau", "0.5", "--horizon", "1"], "kernel for mean of 8 gaussian noise"),
        (["check", "lee2019"], "unknown paper 'lee2019'; expected one of li2019, "),
        (["check", "--latex", "--markdown"], "not allowed with argument"),
        (["check", "--plot", "."], "--plot . without --measure; expected both"),
        (["check", "--measure", "--plot", "missing"], "cannot write missing/callisti2025-code_RMSprop_ballistic_order_2.png"),
        (["regimes", "lion"], "is not smooth"),
        (["regimes", "sgd", "--exponents", "lr=2"], "an exponent for 'lr'; expected one for noise"),
        (["regimes", "sgd", "--law", "general"], "expected noise without third cumulants"),
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
    assert main(["derive", "sgd", "--law", "general", "--batch", "8", "--population", "100"]) == 0
    text = capsys.readouterr().out
    assert "noise: mean of 8 out of 100 general, covariance S of one draw" in text
    assert "theta[i], theta[j]: 23*S[i,j]/198" in text  # (100 - 8)/(8 (100 - 1))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--hessian", "1,2;3,4"], "H is not symmetric, entries differ by 1"),
        (["--hessian", "1,2;2,1"], "H has the eigenvalue -1; expected a positive semidefinite matrix"),
        (["--hessian", "1,2;3"], "H is not a matrix of numbers"),
        (["--noise", "-1"], "noise -1"),
        (["--objective", "theta**2"], "got --hessian with --objective; expected a matrix and --noise, or a formula and"),
        (["--noise-factor", "1"], "got --noise-factor without --objective; expected --noise for a quadratic"),
        (["--start", "theta=nan"], "start of theta is nan"),
        (["--start", "theta=1,2,3"], "expected a number or 2 numbers"),
        (["--start", "w=1"], "start has a block 'w'"),
        (["--start", "theta"], "'theta' is no assignment"),
        (["--horizon", "1.1"], "horizon 1.1 is not a multiple of tau"),
        (["--horizon", "nan"], "horizon is nan"),
        (["--t0", "0.1"], "t0 0.1 is not a multiple of tau"),
        (["--set", "q=1"], "constant 'q'"),
        (["--phi", "rough"], "unknown regularisation 'rough'"),
        (["--observable", "theta"], "is a vector in theta; expected a number"),
        (["--observable", "theta[2]"], "the name 'theta[2]'"),
        (["--paths", "1"], "paths is 1; expected a whole number of at least 2"),
        (["--paths", "1e3"], "invalid int value: '1e3'"),
        (["--seed", "-1"], "seed is -1"),
        (["--substeps", "0"], "substeps is 0"),
        (["--output", "missing/run.json"], "cannot write missing/run.json; expected a file in an existing folder"),
        (["--plot", "/"], "cannot write /"),
    ],
    ids=_words,
)
@pytest.mark.parametrize("command", [SIMULATE, CONVERGE], ids=["simulate", "converge"])
def test_bad_input_is_one_line_and_two(capsys, command, options, complaint):
    assert complaint in refused(capsys, *command, *options)


def test_bad_steps_are_one_line_and_two(capsys):
    assert "tau is -0.25; expected a finite number > 0" in refused(capsys, *SIMULATE, "--tau", "-0.25")
    assert "tau is -0.5" in refused(capsys, *CONVERGE, "--taus=-0.5")
    assert "tau is inf" in refused(capsys, *SIMULATE, "--tau", "inf")
    assert "more than" in refused(capsys, *SIMULATE, "--tau", "1e-300")
    assert "taus are [0.5, 0.5]; expected at least one, each once" in refused(capsys, *CONVERGE, "--taus", "1/2,0.5")
    assert "fill the horizon" in refused(capsys, *CONVERGE, "--noise-free-steps", "2")
    assert "Unable to allocate" in refused(capsys, *SIMULATE, "--keep", str(10**14), "--paths", str(10**15))
    assert "form 'fluctuation' with order 2" in refused(capsys, *CONVERGE, "--form", "fluctuation")
    assert "own share is 0.0" in refused(capsys, *CONVERGE, "--own-share", "0")


def test_the_leading_weak_error_stands_beside_the_measured_one(capsys):
    command = [*CONVERGE, "--leading-error"]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in lines if line.startswith("      ") and line.split()[0] in ("0.5", "0.25")]
    assert [float(row[0]) for row in rows] == [0.5, 0.25]
    assert float(rows[0][-1]) == pytest.approx(4 * float(rows[1][-1]), rel=1e-4)
    assert sum(line.startswith("  predicted: ") for line in lines) == 1
    assert main([*command, "--json"]) == 0
    (prediction,) = json.loads(capsys.readouterr().out)["leading_error"]
    assert prediction["power"] == 2
    assert prediction["coefficient"] / 4 == pytest.approx(float(rows[0][-1]), rel=1e-4)
    assert "--leading-error with --noise-free-steps" in refused(capsys, *command, "--noise-free-steps", "1")


def test_the_operator_of_the_leading_weak_error(capsys):
    command = ["derive", "sgd", "--order", "1", "--leading-error"]
    assert main(command) == 0
    assert "  tau^1  c2 at (theta[i], theta[j]): S[i,j]\n" in capsys.readouterr().out
    assert main([*command, "--latex"]) == 0
    assert r"c_{\theta_i \theta_j} &= \Sigma_{ij}" in capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    assert [part["blocks"] for part in json.loads(capsys.readouterr().out)["leading_error"]["operator"]] == [
        ["theta"],
        ["theta", "theta"],
    ]


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
        "--observable", "--regime", "--set", "--hessian", "--phi", "--noise", "--taus", "--start", "--objective",
        "--noise-factor",
    ],
)  # fmt: skip
def test_hostile_text_is_refused_and_not_run(capsys, tmp_path, monkeypatch, option, text):
    monkeypatch.chdir(tmp_path)
    before = {"--regime": "lr=", "--set": "c=", "--phi": "floor:", "--start": "theta="}.get(option, "")
    command = ["converge", "rmsprop", "--taus", "0.5", "--horizon", "1"]
    command += ["--objective", "theta"] if option == "--noise-factor" else []
    refused(capsys, *command, f"{option}={before}{text}")
    assert not list(tmp_path.iterdir())


def test_the_command_is_installed_and_fails_without_a_traceback(tmp_path):
    command = [sys.executable, "-c", "import sys; from smelt.runtime.cli import main; sys.exit(main())"]
    good = subprocess.run([*command, "derive", "sgd", "--json"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout)
    bad = subprocess.run([*command, "derive", "sgf"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("smelt: unknown optimizer 'sgf'")
    assert bad.stderr.count("\n") == 1
