import json
from dataclasses import replace

import pytest
from optsde_command import refused, run

from optsde.derive.claims.papers.barrett import gradient_descent
from optsde.derive.claims.papers.li_tai_e import sgd_order_2
from optsde.derive.schemes.known import SCHEMES, euler_maruyama
from optsde.runtime.command_line import options, theory
from optsde.runtime.command_line.cli import main


def _words(value) -> str:
    return " ".join(value) if isinstance(value, list) else ""


def test_list_names_what_is_known(capsys):
    code, out, _ = run(capsys, "list")
    assert code == 0
    for name in ("sgd:plain", "rmsprop:paper", "adam:paper", "ballistic", "batch-equivalent"):
        assert name in out


def test_schemes_are_proved_and_a_false_claim_is_an_error(capsys, monkeypatch):
    code, out, _ = run(capsys, "schemes")
    assert code == 0
    assert out.count(" proved\n") == out.count("\n") == len(SCHEMES)
    monkeypatch.setattr(theory, "SCHEMES", (euler_maruyama, replace(euler_maruyama, weak_order=2)))
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
    claim = replace(gradient_descent, drift={"theta": "-g + h/2*H(g)"})
    monkeypatch.setattr(options, "CLAIMS", (claim,))
    code, out, err = run(capsys, "check", "barrett2021", *form)
    assert (code, err) == (1, "")
    assert "differs" in out


def test_check_measures_what_differs(capsys, monkeypatch, tmp_path):
    claim = replace(sgd_order_2, drift={"theta": "-g - eta*H(g)"}, recorded="differs: drift[theta] tau^1")
    monkeypatch.setattr(options, "CLAIMS", (claim,))
    code, out, err = run(capsys, "check", "--measure", "--paths", "500", "--plot", str(tmp_path))
    assert (code, err) == (0, "")
    assert out.startswith("li2019, SGD, order 2\n")
    assert (tmp_path / "li2019_SGD_order_2.png").read_bytes().startswith(b"\x89PNG")
    assert "nothing to measure" not in out
    assert "cannot write missing/li2019_SGD_order_2.png" in refused(
        capsys, "check", "--measure", "--plot", "missing"
    )
    monkeypatch.setattr(options, "CLAIMS", (sgd_order_2,))
    assert "nothing to measure" in run(capsys, "check", "--measure")[1]


def test_check_says_what_it_cannot_measure(capsys, monkeypatch):
    wrong = replace(
        gradient_descent, drift={"theta": "-g + h/2*H(g)"}, recorded="differs: drift[theta] tau^1"
    )
    monkeypatch.setattr(options, "CLAIMS", (wrong,))
    code, out, err = run(capsys, "check", "--measure")
    assert (code, err) == (0, "")
    assert out == (
        "not measured: gradient descent, order 2 is a claim about full batch; expected one with noise, which "
        "kernels draw\n"
    )
    data = json.loads(run(capsys, "check", "--measure", "--json")[1])
    assert (data["measured"], data["left_out"]) == ([], [out.strip()])


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
