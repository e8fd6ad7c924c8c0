"""One coordinate's expression printed as vectors."""

import pytest
from sympy import Expr, Integer, Rational, Symbol, sqrt

from optsde.derive.display.latex_vectors import latex_vector
from optsde.derive.notation.symbols import (
    Field,
    element_function,
    factor,
    gradient,
    square_factor,
    total_of,
    zeta1,
    zeta2,
)

S = Field("S", rank=2, symmetric=True, varies=True)
m, v = Field("m"), Field("v")
P, P1 = (element_function("P", (n,)) for n in (0, 1))
c, eps = Symbol("c", positive=True), Symbol("eps", positive=True)
F = gradient("i")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (Integer(0), "0"),
        (-F, r"-\nabla f"),
        (-P(v("i")) * F, r"-P(v) \odot \nabla f"),
        (gradient("i", "_1") * gradient("_1"), r"H\,\nabla f"),
        (-Rational(1, 2) * gradient("i", "_1") * m("_1"), r"-\frac{1}{2}\,H\,m"),
        (gradient("i", "_1") * P(v("_1")) * gradient("_1"), r"H (P(v) \odot \nabla f)"),
        (gradient("i", "_1") * gradient("_1", "_2") * m("_2"), r"H\,H\,m"),
        (
            c * S("i", "i") + c * F**2 - c * v("i"),
            r"c\,\big( (\nabla f)^{\odot 2} + \operatorname{diag} \Sigma - v \big)",
        ),
        (factor("i", "_1") * zeta1("_1"), r"\Sigma^{1/2}\,dW"),
        (P(v("i")) * factor("i", "_1") * zeta1("_1"), r"P(v) \odot \Sigma^{1/2}\,dW"),
        (c * square_factor("i", "_1") * zeta2("_1"), r"c\,(2\,\Sigma^{\odot 2})^{1/2}\,d\widetilde W"),
        (S("i", "_1") ** 2 * m("_1"), r"\Sigma^{\odot 2}\,m"),
        (S("i", "i", "_1") * m("_1"), r"\big( (m) \cdot \nabla \big) \operatorname{diag} \Sigma"),
        (gradient("i", "i", "_1") * m("_1"), r"\big( (m) \cdot \nabla \big) \operatorname{diag} H"),
        (m("i") ** 2, r"m^{\odot 2}"),
        (F**2, r"(\nabla f)^{\odot 2}"),
        (eps * P1(v("i")) * m("i"), r"\epsilon\,P'(v) \odot m"),
        (m("i") - F, r"m - \nabla f"),
    ],
)
def test_vectors(expression: Expr, expected: str) -> None:
    assert latex_vector(expression) == expected


def test_sums_over_all_coordinates_are_norms_and_inner_products() -> None:
    slope, size = (
        total_of(gradient("_1") ** 2),
        total_of(c**2 * m("_1") ** 2 + 2 * c * m("_1") * P(v("_1")) + P(v("_1")) ** 2),
    )
    assert latex_vector(-F / sqrt(slope)) == r"-\frac{1}{\| \nabla f \|}\,\nabla f"
    assert latex_vector(m("i") / size) == r"\frac{1}{\| c\,m + P(v) \|^{2}}\,m"
    curvature = total_of(gradient("_1") * gradient("_1", "_2") * m("_2"))
    assert latex_vector(3 * curvature * F) == r"3 \langle \nabla f, H\,m \rangle\,\nabla f"
    assert (
        latex_vector(total_of(S("_1", "_1")) * F)
        == r"\langle \mathbf{1}, \operatorname{diag} \Sigma \rangle\,\nabla f"
    )
    noise = gradient("_1") * factor("_1", "_2") * zeta1("_2")
    assert latex_vector(noise * F) == r"\langle \nabla f, \Sigma^{1/2}\,dW \rangle\,\nabla f"
    triangle = total_of(gradient("_1", "_2") * gradient("_1", "_3") * S("_2", "_3"))
    assert "\\sum_{" in latex_vector(triangle * F)


def test_what_is_no_vector_stays_in_indices() -> None:
    third = gradient("i", "_1", "_2") * S("_1", "_2") / 4
    assert latex_vector(third) == r"\frac{1}{4}\,\Big( \sum_{j,k} \partial_{ijk} f \Sigma_{jk} \Big)_i"
    triangle = -gradient("i", "_1") * gradient("i", "_2") * S("_1", "_2")
    found = latex_vector(triangle)
    assert found.startswith(r"-\Big( \sum_{j,k} ")
    assert found.endswith(r"\Big)_i")
    for part in (r"\partial_{ij} f", r"\partial_{ik} f", r"\Sigma_{jk}"):
        assert part in found


def test_a_third_cumulant_is_no_derivative_of_a_covariance() -> None:
    skewness = Field("K3", rank=3, symmetric=True, varies=True)
    found = latex_vector(skewness("i", "i", "_1") * m("_1"))
    assert r"\nabla" not in found
    assert r"\sum_{j}" in found
