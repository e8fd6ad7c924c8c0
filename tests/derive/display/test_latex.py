"""Equations in LaTeX: golden ones, balanced brackets, the field's notation and no name of the engine's
own.
"""

import re
from pathlib import Path

import pytest
from sympy import Integer, Symbol

from optsde.derive import (
    NoiseModel,
    Regime,
    UpdateRule,
    adam,
    ballistic,
    batch_equivalent,
    batch_mean,
    gaussian,
    heavy_ball,
    modified_equation,
    momentum,
    rmsprop,
    sgd,
    student_t,
)
from optsde.derive.display.latex import latex_equation, latex_indices
from optsde.derive.display.latex_vectors import Printer
from optsde.derive.notation.symbols import Field, gradient

RULES = [sgd(), heavy_ball(), rmsprop(), rmsprop("torch"), adam(), adam("torch")]
REGIMES = [ballistic, batch_equivalent]

SGD = r"""\begin{aligned}
d\theta &= \Big[ -\nabla f - \tau\,\frac{1}{2}\,H\,\nabla f \Big]\,dt - \sqrt{\tau}\,\Sigma^{1/2}\,dW
\end{aligned}"""

# every term is one of the closed formulas: drift and its correction, then one Brownian motion per chaos
# degree
RMSPROP = (
    r"\begin{aligned}"
    "\n"
    r"d\theta &= \Big[ -P(v) \odot \nabla f"
    r" + \tau\,\Big( \frac{c}{2}\,P'(v) \odot \nabla f \odot \big( (\nabla f)^{\odot 2} + \operatorname{diag} \Sigma - v \big)"  # noqa: E501
    r" - \frac{1}{2}\,P(v) \odot H (P(v) \odot \nabla f) \Big) \Big]\,dt"
    r" - \sqrt{\tau}\,P(v) \odot \Sigma^{1/2}\,dW \\"
    "\n"
    r"dv &= \Big[ c\,\big( (\nabla f)^{\odot 2} + \operatorname{diag} \Sigma - v \big)"
    r" + \tau\,\Big( \frac{c^{2}}{2}\,\big( (\nabla f)^{\odot 2} + \operatorname{diag} \Sigma - v \big)"
    r" + \frac{c}{2}\,\big( (P(v) \odot \nabla f) \cdot \nabla \big) \operatorname{diag} \Sigma"
    r" + c\,\nabla f \odot H (P(v) \odot \nabla f) \Big) \Big]\,dt"
    r" + \sqrt{\tau}\,\Big( c\,(2\,\Sigma^{\odot 2})^{1/2}\,d\widetilde W + 2 c\,\nabla f \odot \Sigma^{1/2}\,dW \Big) \\"  # noqa: E501
    "\n"
    r"P(v) &= \frac{1}{\epsilon + \sqrt{v}}"
    "\n"
    r"\end{aligned}"
)


@pytest.mark.parametrize(("rule", "expected"), [(sgd(), SGD), (rmsprop(), RMSPROP)], ids=["sgd", "rmsprop"])
def test_golden_equations(rule: UpdateRule, expected: str) -> None:
    equation = modified_equation(rule, ballistic, gaussian())
    assert latex_equation(equation) == expected
    assert equation._repr_latex_() == f"$${expected}$$"


def closes(text: str) -> bool:
    """Whether brackets, sized ones included, and environments open and close in order."""
    pairs = {
        "{": "}",
        r"\big(": r"\big)",
        r"\Big(": r"\Big)",
        r"\Big[": r"\Big]",
        r"\left(": r"\right)",
        "(": ")",
        "[": "]",
    }
    pairs[r"\langle"] = r"\rangle"
    token = re.compile(
        r"\\(?:[bB]ig|left|right)[()\[\]]|\\[lr]angle|\\(?:begin|end)\{aligned\}|\\[{}]|[{}()\[\]]"
    )
    stack: list[str] = []
    for found in token.findall(text):
        if found in pairs:
            stack.append(pairs[found])
        elif found == r"\begin{aligned}":
            stack.append(r"\end{aligned}")
        elif not stack or stack.pop() != found:
            return False
    return not stack


def test_the_check_of_brackets_can_fail() -> None:
    assert closes(RMSPROP)
    assert not closes(RMSPROP.replace(r"\Big)", ")", 1))
    assert not closes(RMSPROP.replace("}", "", 1))


@pytest.mark.parametrize("constant", [False, True], ids=["varying", "constant"])
@pytest.mark.parametrize("regime", REGIMES, ids=lambda r: r.name)
@pytest.mark.parametrize("rule", RULES, ids=lambda r: f"{r.name}-{r.variant}")
def test_every_equation_is_well_formed(rule: UpdateRule, regime: Regime, constant: bool) -> None:
    equation = modified_equation(rule, regime, gaussian(constant))
    for text in (latex_equation(equation), equation.certificate.latex()):
        assert closes(text)
        assert not re.search(r"zeta|omega|\bxi|eps(?!ilon)|\\_|_\d|d/d|\+ -|- -|nan|zoo", text)
        # a dummy that was given no letter would be a number among the indices
        assert not re.search(r"(?:\\partial|\\Sigma|\\theta|\b[BmvF])_\{[a-z,]*\d", text)
    text = latex_equation(equation)
    assert r"\nabla f" in text
    assert r"\Sigma" in text
    assert ("P(v)" in text) == (rule.name == "rmsprop")
    assert ("Q(v, t)" in text) == (rule.name == "adam")
    assert (r"\odot" in text) == (rule.name in ("rmsprop", "adam"))
    assert re.search(r"\bH\b", text)


def test_a_covariance_without_factor_stands_below_the_drift() -> None:
    lines = latex_equation(modified_equation(sgd(), batch_equivalent, gaussian())).splitlines()
    assert "dW" not in "".join(lines)
    assert lines[2].startswith(
        r"\tfrac{d}{dt} \langle \theta_i, \theta_j \rangle &= \Sigma_{ij} + \tau\,\Big( "
    )
    assert r"- \frac{1}{4}\,\sum_{k,l} \Sigma_{ij,kl} \Sigma_{kl}" in lines[2]


def test_the_obstruction() -> None:
    found = modified_equation(rmsprop(), batch_equivalent, gaussian(constant=True)).certificate.latex()
    line = r"c_{\theta_i \theta_j v_k} &= 2 c\,\Sigma_{ik} \Sigma_{jk} P(v_{i}) P(v_{j})"
    assert found == f"\\begin{{aligned}}\n{line}\n\\end{{aligned}}"


def test_cumulants_in_indices() -> None:
    k3 = NoiseModel("skew", (2, 3)).cumulant_field(3)
    c, x = Symbol("c", positive=True), Field("x")
    found = latex_indices(-2 * c * k3("i", "j", "j") * x("i") + gradient("j", "_1") * x("_1"), ("i", "j"))
    assert sorted(found.replace("- 2", "+ -2").split(" + ")) == sorted(
        [r"-2 c\,K3_{ijj} x_{i}", r"\sum_{k} \partial_{jk} f x_{k}"]
    )
    assert latex_indices(Integer(0), ("i",)) == "0"
    assert latex_indices(Integer(3), ("i",)) == "3"


def test_squares_of_noise_that_is_no_single_gaussian_draw() -> None:
    """Their covariance is not ``2 S_ij**2``, so its root has another name."""
    gauss, other = r"(2\,\Sigma^{\odot 2})^{1/2}", r"\operatorname{Cov}(\xi^{\odot 2})^{1/2}\,d\widetilde W"
    for law in (student_t(), batch_mean(gaussian(), Integer(8))):
        text = latex_equation(modified_equation(rmsprop(), ballistic, law))
        assert other in text
        assert gauss not in text
    assert gauss in RMSPROP


def test_a_sum_in_front_of_a_vector_has_brackets() -> None:
    text = latex_equation(modified_equation(momentum(), ballistic, gaussian(constant=True)))
    assert r"\left(\mathrm{dampening} - 1\right)\,\Sigma^{1/2}\,dW" in text
    assert r"dampening} - 1\," not in text


def test_the_readme_shows_what_its_snippet_prints() -> None:
    page = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert "law = noise.gaussian(constant=True)\n" in page
    assert "modified_equation(optimizers.rmsprop(), regimes.ballistic, law, order=2)" in page
    shown = page.partition("```math\n")[2].partition("\n```")[0]
    assert shown == latex_equation(modified_equation(rmsprop("paper"), ballistic, gaussian(constant=True), 2))


def test_a_derivative_in_a_power_has_brackets() -> None:
    assert Printer().doprint(gradient("i") ** 2) == r"(\partial_{i} f)^{2}"
    assert Printer().doprint(1 / gradient("i")) == r"\frac{1}{\partial_{i} f}"
    assert Printer().doprint(Field("x")("i") ** 2) == "x_{i}^{2}"
