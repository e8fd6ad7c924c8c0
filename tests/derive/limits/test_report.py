import json
from fractions import Fraction

from optsde import derive
from optsde.derive.limits.cells import regime_map
from optsde.derive.limits.report import kind, region_text

Q = Fraction
MAP = regime_map(derive.rmsprop(), derive.gaussian())


def test_text_names_regions_equations_and_named_regimes():
    lines = str(MAP).splitlines()
    assert lines[0] == "rmsprop (paper): lr = h, 1 - alpha = c h^(b), eps in its natural unit, noise h^(-s)"
    start = lines.index("15. s = 1, b = 2")
    assert lines[start + 1 : start + 6] == [
        "   stochastic; time step h^2; v ~ h^(-2)",
        "   drift of theta[i]: -F[i]*P(v[i])",
        "   drift of v[i]: S[i,i]*c - v[i]*c",
        "   covariance of theta[i], theta[j]: S[i,j]*P(v[i])*P(v[j])",
        "   P(v) = 1/(eps + sqrt(v))",
    ]
    assert lines[-6:-4] == [
        "regime ballistic: s = 0, b = 1, cell 7",
        "regime batch-equivalent: s = 1, b = 2, cell 15",
    ]
    assert lines[-4:] == [
        "memories fixed, full batch, time in units of h:",
        "  drift of theta[i]: (-1)*F[i]*P(F[i]**2)",
        "    + h*( (-1/2)*sum_j(F[i,j]*F[j]*P(F[i]**2)*P(F[j]**2))"
        " + (-(c + 2)/c)*sum_j(F[i,j]*F[j]*F[i]**2*P(F[j]**2)*P'(F[i]**2)) )",
        "  P(v) = 1/(eps + sqrt(v))",
    ]


def test_regions_are_chains_where_they_can_be():
    assert region_text(MAP.cell_at((Q(1, 2), Q(1))), MAP.axes) == "0 < s < 1, 0 < b, b < s + 1"
    assert region_text(MAP.cell_at((Q(1, 2), Q(3, 2))), MAP.axes) == "1 < b < 2, s = b - 1"


def test_kinds():
    points = {"deterministic": (Q(1, 2), Q(1)), "stochastic": (Q(1), Q(0)), "pure diffusion": (Q(2), Q(0))}
    assert {name: kind(MAP.cell_at(point).limit) for name, point in points.items()} == {
        name: name for name in points
    }


def test_json_says_the_same():
    data = json.loads(json.dumps(MAP.to_json()))
    assert (data["axes"], len(data["cells"])) == (["s", "b"], 20)
    assert data["named"]["batch-equivalent"] == {"point": ["1", "2"], "cell": 14}
    cell = data["cells"][14]
    assert (cell["kind"], cell["time_step"], cell["dimension"]) == ("stochastic", "2", 0)
    assert cell["covariance"] == {"theta,theta": "S[i,j]*P(v[i])*P(v[j])"}
    refused = regime_map(derive.sgd(), derive.gaussian()).to_json()["cells"][-1]
    assert refused["refusal"] == "a single step of theta does not vanish with h"


def test_latex_has_an_equation_for_every_cell():
    written = MAP.latex()
    assert written.count(r"\begin{aligned}") == 20
    assert r"dv &= \Big[ c\,\big( \operatorname{diag} \Sigma - v \big) \Big]\,dt" in written
    assert "% s = 1, b = 2; time step h^2" in written
