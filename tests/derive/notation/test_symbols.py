"""Components, their identity and their derivatives; abstract functions."""

import pytest
from sympy import latex

from optsde.derive.notation.symbols import (
    Component,
    Field,
    element_function,
    factor,
    gradient,
    latex_function,
    t,
)

S = Field("S", rank=2, symmetric=True, varies=True)
v = Field("v")


def test_a_gradient_is_symmetric_in_all_its_indices() -> None:
    assert gradient("i", "j", "k") is gradient("k", "i", "j")
    assert gradient("i").differentiated("j").differentiated("i") is gradient("i", "i", "j")


def test_a_covariance_is_symmetric_in_its_pair_and_in_its_derivatives_but_not_across() -> None:
    assert S("i", "j", "k", "l") is S("j", "i", "l", "k")
    assert S("i", "j", "k") != S("i", "k", "j")
    assert S("j", "i").differentiated("a") is S("i", "j", "a")


def test_a_factor_is_not_symmetric() -> None:
    assert factor("i", "p") != factor("p", "i")
    assert factor("i", "p").differentiated("k").indices == ("i", "p", "k")


def test_fields_that_differ_make_different_components() -> None:
    constant = Field("S", rank=2, symmetric=True)
    assert constant("i", "j") != S("i", "j")
    assert Field("F")("i") != gradient("i")
    assert str(constant("i", "j")) == str(S("i", "j")) == "S[i,j]"


def test_a_component_survives_substitution() -> None:
    doubled = (2 * S("i", "j")).xreplace({S("i", "j"): S("k", "k")})
    (component,) = doubled.atoms(Component)
    assert component.field == S
    assert component.indices == ("k", "k")


@pytest.mark.parametrize(
    ("component", "expected"),
    [
        (Field("theta")("i"), r"\theta_{i}"),
        (gradient("i", "j"), r"\partial_{ij} f"),
        (S("i", "j"), r"\Sigma_{ij}"),
        (S("i", "j", "k"), r"\Sigma_{ij,k}"),
        (v("i"), "v_{i}"),
    ],
)
def test_latex_of_components(component: Component, expected: str) -> None:
    assert latex(component) == expected


def test_derivatives_of_an_abstract_function_count_per_argument() -> None:
    q = element_function("Q", (0, 0))(v("i"), t)
    mixed = q.diff(v("i")).diff(t).diff(v("i"))
    assert mixed == q.diff(v("i"), 2).diff(t)
    assert type(mixed) is element_function("Q", (2, 1))
    assert str(mixed) == "Q_vvt(v[i], t)"
    assert latex(mixed) == r"\partial_{vvt} Q(v_{i}, t)"
    assert q.diff(v("j")) == 0


def test_derivatives_of_one_argument_are_primes_and_obey_the_chain_rule() -> None:
    p = element_function("P", (0,))
    x = v("i")
    assert str(p(x).diff(x, 2)) == "P''(v[i])"
    assert latex(p(x).diff(x) ** 2) == "P'(v_{i})^{2}"
    assert p(x**2).diff(x) == 2 * x * element_function("P", (1,))(x**2)


def test_latex_of_corrections() -> None:
    assert latex_function("Q") == "Q"
    assert latex_function("Q_1") == "Q^{(1)}"
    assert latex_function("Q_3o2") == "Q^{(3/2)}"
