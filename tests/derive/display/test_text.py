"""Plain text and JSON: exact, with one fixed structure, the same in every process."""

import json
import os
import subprocess
import sys

import pytest
from sympy import Integer, sqrt

from optsde.derive import (
    Regime,
    UpdateRule,
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    heavy_ball,
    modified_equation,
    rmsprop,
    sgd,
)
from optsde.derive.display.text import components_text, equation_json, equation_text, text
from optsde.derive.notation.symbols import Field, gradient, one, total_of


def test_sums_have_letters_and_signs_stand_between_terms() -> None:
    x = Field("x")
    found = text(gradient("i", "_1") * x("_1") / 2 - x("i"))
    assert found == "-x[i] + sum_j(F[i,j]*x[j]/2)"
    assert text(Integer(0)) == "0"
    assert text(gradient("i", "_1") * gradient("j", "_1"), ("i", "j")) == "sum_k(F[i,k]*F[j,k])"


def test_sums_over_all_coordinates_are_norms_and_totals() -> None:
    x, y, S = Field("x"), Field("y"), Field("S", rank=2, symmetric=True)
    size = total_of(x("_1") ** 2 + 2 * x("_1") * y("_1") + y("_1") ** 2)
    assert text(y("i") / sqrt(size)) == "y[i]/norm(x + y)"
    assert text(y("i") * size * total_of(x("_1") * y("_1"))) == "y[i]*norm(x + y)**2*total(x*y)"
    assert text(total_of(S("_1", "_2") * x("_1") * y("_2")), ("j",)) == "sum_j,k(S[j,k]*x[j]*y[k])"
    several = total_of(S("_1", "_1") + S("_1", "_2") * x("_1"))
    first, second = "sum_j(S[j,j])", "sum_j,k(S[j,k]*x[j])"
    assert text(x("i") * several) in (f"x[i]*({first} + {second})", f"x[i]*({second} + {first})")
    assert text(total_of(one("_1")) * x("i")) == "x[i]*total(1)"


def test_the_whole_text_of_sgd() -> None:
    assert equation_text(modified_equation(sgd(), ballistic, gaussian())) == (
        "sgd (plain), ballistic regime, order 2\n"
        "with lr = tau, noise scale = 1\n"
        "noise: gaussian, covariance S\n"
        "drift, tau^0:\n"
        "  theta[i]: -F[i]\n"
        "drift, tau^1:\n"
        "  theta[i]: sum_j(-F[i,j]*F[j]/2)\n"
        "covariance, tau^0: 0\n"
        "covariance, tau^1:\n"
        "  theta[i], theta[j]: S[i,j]\n"
        "certificate: weak order 2, no obstruction"
    )


def test_the_obstruction_in_words() -> None:
    found = str(modified_equation(rmsprop(), batch_equivalent, gaussian(constant=True)).certificate)
    assert found == (
        "certificate: no diffusion of weak order 2 exists; weak order 1. Obstruction, by the blocks of the "
        "derivative:\n"
        "  tau^1  c3 at (theta[i], theta[j], v[k]): 2*S[i,k]*S[j,k]*c*P(v[i])*P(v[j])"
    )


def test_definitions_are_printed() -> None:
    assert "\nP(v) = 1/(eps + sqrt(v))\n" in equation_text(
        modified_equation(rmsprop(), ballistic, gaussian())
    )


def test_components_as_text() -> None:
    form = modified_equation(rmsprop(), batch_equivalent, gaussian(constant=True)).expand(1, abstract=True)
    lines = components_text(form).splitlines()
    assert lines[:3] == [
        "components at tau^0, drift:",
        "  theta: -P(v)*Derivative(f(theta), theta)",
        "  v: S*c - c*v",
    ]
    assert "  v, v: 2*S**2*c**2" in lines
    assert lines[-1] == "obstruction at theta, theta, v: 2*S**2*c*P(v)**2"


def test_json_of_rmsprop() -> None:
    data = equation_json(modified_equation(rmsprop(), batch_equivalent, gaussian(constant=True)))
    assert json.loads(json.dumps(data)) == data
    expected = {
        "rule": "rmsprop",
        "variant": "paper",
        "regime": "batch-equivalent",
        "noise": "gaussian",
        "order": 2,
        "form": "diffusion",
        "state": ["theta", "v"],
        "definitions": {"P": {"arguments": ["v"], "expression": "1/(eps + sqrt(v))"}},
        "certificate": {
            "weak_order": 1,
            "exists": False,
            "obstruction": [
                {
                    "power": 1,
                    "blocks": ["theta", "theta", "v"],
                    "expression": "2*S[i,k]*S[j,k]*c*P(v[i])*P(v[j])",
                }
            ],
        },
    }
    assert {key: data[key] for key in expected} == expected
    assert data["drift"][0] == {"theta": "-F[i]*P(v[i])", "v": "S[i,i]*c - v[i]*c"}
    assert data["covariance"][0] == {"theta,theta": "S[i,j]*P(v[i])*P(v[j])"}
    assert data["covariance"][1]["theta,v"] == "-2*F[j]*S[i,j]*c*P(v[i])"
    assert data["covariance"][1]["v,v"] == "2*S[i,j]**2*c**2"


@pytest.mark.parametrize("regime", [ballistic, batch_equivalent], ids=lambda r: r.name)
@pytest.mark.parametrize("rule", [sgd(), heavy_ball(), rmsprop(), adam()], ids=lambda r: r.name)
def test_the_structure_of_json(rule: UpdateRule, regime: Regime) -> None:
    equation = modified_equation(rule, regime, gaussian())
    data = equation_json(equation)
    blocks = [b.name for b in rule.blocks]
    assert json.loads(json.dumps(data)) == data
    assert data["state"] == blocks
    assert [list(part) for part in data["drift"]] == [blocks, blocks]
    assert len(data["covariance"]) == 2
    for part, expected in zip(data["covariance"], equation.covariance, strict=True):
        assert list(part) == [f"{a},{b}" for (a, b), expression in expected.items() if expression != 0]
    assert data["certificate"]["exists"] == (data["certificate"]["obstruction"] == [])
    for part in data["certificate"]["obstruction"]:
        assert set(part) == {"power", "blocks", "expression"}
        assert set(part["blocks"]) <= set(blocks)


SCRIPT = """
import json
from optsde.derive import (
    adam, ballistic, batch_equivalent, gaussian, heavy_ball, lamb, modified_equation, rmsprop,
)
from optsde.derive.display.text import components_text, equation_json, equation_text
both = (ballistic, batch_equivalent)
for rule, regimes in ((heavy_ball(), both), (rmsprop("torch"), both), (adam(), both), (lamb(), both[:1])):
    for regime in regimes:
        equation = modified_equation(rule, regime, gaussian())
        print(equation, equation.latex(), equation.certificate.latex())
        print(json.dumps(equation_json(equation)))
        print(components_text(equation.expand(2, abstract=True)))
"""


def test_output_does_not_depend_on_the_hash_seed() -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT], env={**os.environ, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE
        )
        for seed in ("1", "20240607")
    ]
    first, second = (run.communicate()[0] for run in runs)
    assert [run.returncode for run in runs] == [0, 0]
    assert len(first) > 10_000
    assert first == second
