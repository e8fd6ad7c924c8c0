import numpy as np
import pytest
from interpreter import carry_out, value

from optsde.codegen.program.observables import observable
from optsde.codegen.program.statements import Entry, Total

BLOCKS = ("theta", "v")
STATE = {"theta": np.array([0.3, -1.2, 0.7]), "v": np.array([2.0, 0.5, 1.1])}


def evaluated(text: str) -> float:
    found = observable(text, BLOCKS, 3)
    return float(value(found.expression, carry_out(found.statements, STATE)))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("theta[0]", lambda x, v: x[0]),
        ("theta[2]**2 * v[0]", lambda x, v: x[2] ** 2 * v[0]),
        ("norm(theta)", lambda x, v: np.linalg.norm(x)),
        ("norm(theta)**2", lambda x, v: x @ x),
        ("norm(theta)/2 + 1/3", lambda x, v: np.linalg.norm(x) / 2 + 1 / 3),
        ("norm(theta - v)", lambda x, v: np.linalg.norm(x - v)),
        ("sum(v)", lambda x, v: v.sum()),
        ("mean(theta**2 / (1 + v))", lambda x, v: np.mean(x**2 / (1 + v))),
        ("dot(theta, v)", lambda x, v: x @ v),
        ("dot(theta, theta) - norm(theta)**2", lambda x, v: 0.0),
        ("mean(theta)**2 + mean(theta**2)", lambda x, v: x.mean() ** 2 + np.mean(x**2)),
        ("sqrt(v[1]) * abs(theta[1])", lambda x, v: np.sqrt(v[1]) * abs(x[1])),
        ("sum(sqrt(v))", lambda x, v: np.sqrt(v).sum()),
        ("sum(theta) * sum(theta)", lambda x, v: x.sum() ** 2),
        ("sum(1 + theta)", lambda x, v: 3 + x.sum()),
        ("sum(2)", lambda x, v: 6.0),
        ("mean(2)", lambda x, v: 2.0),
        ("3", lambda x, v: 3.0),
    ],
)
def test_an_observable_has_its_value(text, wanted):
    np.testing.assert_allclose(evaluated(text), wanted(STATE["theta"], STATE["v"]), rtol=1e-14, atol=1e-14)


def test_only_what_is_used_is_computed():
    found = observable("theta[0]**2 * v[1] + mean(v)", BLOCKS, 3)
    assert found.name == "theta[0]**2 * v[1] + mean(v)"
    assert [s for s in found.statements if isinstance(s, Entry)] == [
        Entry("theta_at_0", "theta", 0),
        Entry("v_at_1", "v", 1),
    ]
    assert sum(isinstance(s, Total) for s in found.statements) == 1


def test_a_power_of_a_norm_takes_no_square_root():
    assert observable("norm(theta)**2", BLOCKS, 2).expression.is_Symbol


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "theta",
            r"observable 'theta' is a vector in theta; expected a number: take theta\[0\], norm\(theta\) or mean",  # noqa: E501
        ),
        ("norm(theta) + v", "is a vector in v; expected a number"),
        ("theta[0] * theta", "is a vector in theta"),
        ("theta[3]", r"the name 'theta\[3\]'"),
        ("theta[-1]", "the construct Subscript"),
        ("m[0]", r"the name 'm\[0\]'"),
        ("norm(m)", "the name 'm'"),
        ("nrom(theta)", "the function 'nrom'.*did you mean norm"),
        ("norm", "the function norm without arguments"),
        ("norm()", "norm with 0 arguments"),
        ("dot(theta)", "dot with 1 arguments"),
        ("norm(theta, v)", "norm with 2 arguments"),
        ("sum(theta[0])", "theta_at_0 inside a sum; expected vectors: theta, v"),
        ("sum(sum(theta))", "total_1 inside a sum"),
        ("norm(theta) / 0", "the value"),
        ("", "text that is not an expression"),
        ("theta[0] +", "text that is not an expression"),
        ("theta[0]; v[0]", "the character ';'"),
        ("__import__('os').system('true')", "the character"),
        ("theta.__class__", "the construct Attribute"),
        ("(lambda x)(theta)", "text that is not an expression"),
        ("theta[0] if v[0] else v[1]", "the construct IfExp"),
        ("exec(theta)", "the function 'exec'"),
        ("9**9**9", "large or irrational exponent"),
        ("theta_at_0", "the name 'theta_at_0'"),
        ("total_1", "the name 'total_1'"),
    ],
)
def test_other_texts_are_refused(text, complaint):
    with pytest.raises(ValueError, match=complaint) as refusal:
        observable(text, BLOCKS, 3)
    assert "\n" not in str(refusal.value)
