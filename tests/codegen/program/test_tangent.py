"""Derivatives of programs along directions, against differences of what the programs compute."""

import numpy as np
import pytest
import sympy as sp
from row_functions import logistic, logistic_slope, product_by_first, product_by_second, shifted_product

from optsde.codegen.program.statement import Statement
from optsde.codegen.program.statements import (
    Apply,
    Entry,
    Function,
    Matrix,
    Number,
    Scalar,
    Stack,
    Total,
    Vector,
)
from optsde.codegen.program.tangent import tangent
from optsde.runtime.kernels.interpreter import carry_out

D, RANDOM = 3, np.random.default_rng(8)
x, c, k, wide, total, first, entry = sp.symbols("x c k wide total first entry", real=True)
LOGISTIC = Function(logistic, (Function(logistic_slope),))
PRODUCT = Function(shifted_product, (Function(product_by_first), Function(product_by_second)))
FIXED = {"c": RANDOM.normal(size=D), "p": 0.8}
MATRICES = {"A": RANDOM.normal(size=(5, D)), "H": RANDOM.normal(size=(D, D))}
PROGRAMS: dict[str, tuple[Statement, ...]] = {
    "entry by entry": (Vector("y", sp.exp(x / 3) * c + x**2),),
    "numbers": (
        Scalar("k", sp.Symbol("p") ** 2),
        Total("total", k * x**3 + c),
        Entry("first", "x", 0),
        Number("other", total * first + sp.sin(first)),
        Stack("mixed", ("other", "first", "total")),
        Vector("y", sp.Symbol("mixed", real=True) * x + k * c),
    ),
    "matrices": (
        Apply("wide", Matrix("A"), ("x",), 5),
        Vector("bent", sp.tanh(wide)),
        Apply("back", Matrix("A", transposed=True), ("bent",)),
        Vector("y", sp.Symbol("back", real=True) * (1 + x**2)),
    ),
    "functions": (
        Apply("wide", Matrix("A"), ("x",), 5),
        Apply("bent", LOGISTIC, ("wide",), 5),
        Apply("both", PRODUCT, ("bent", "wide"), 5),
        Apply("y", Matrix("A", transposed=True), ("both",)),
    ),
}


def after(statements, states: np.ndarray, **more: np.ndarray) -> np.ndarray:
    """Return y at many states, shape (count, D)."""
    found = carry_out(tuple(statements), {**FIXED, **more, "x": states}, MATRICES, D)
    return np.broadcast_to(found["target" if more else "y"], states.shape)


@pytest.mark.parametrize("statements", PROGRAMS.values(), ids=PROGRAMS)
def test_a_tangent_is_the_limit_of_differences(statements):
    """Central differences: what is left is h**2/6 of a third derivative, here of the order of 10."""
    states, along, h = RANDOM.normal(size=(6, D)), RANDOM.normal(size=(6, D)), 1e-4
    slope = tangent(statements, "y", {"x": "u"}, "target")
    found = after((*statements, *slope), states, u=along)
    wanted = (after(statements, states + h * along) - after(statements, states - h * along)) / (2 * h)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
    assert slope[-1].target == "target"


@pytest.mark.parametrize("name", ["entry by entry", "numbers", "matrices"])
def test_a_tangent_of_a_tangent_is_the_second_derivative(name):
    statements, h = PROGRAMS[name], 1e-3
    states, one, other = RANDOM.normal(size=(3, 6, D))
    slope = (*statements, *tangent(statements, "y", {"x": "u"}, "slope"))
    found = after((*slope, *tangent(slope, "slope", {"x": "w"}, "target")), states, u=one, w=other)
    wanted = sum(
        a * b * after(statements, states + h * (a * one + b * other)) for a in (1, -1) for b in (1, -1)
    ) / (4 * h**2)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_a_tangent_is_linear_in_its_direction():
    statements = PROGRAMS["functions"]
    slope = (*statements, *tangent(statements, "y", {"x": "u"}, "target"))
    states, one, other = RANDOM.normal(size=(3, 6, D))
    both, first, second = (after(slope, states, u=u) for u in (2 * one - other, one, other))
    np.testing.assert_allclose(both, 2 * first - second, rtol=1e-9)


def test_the_hessian_of_a_quadratic_times_a_vector_is_one_product():
    gradient = (Vector("offset", x - c), Apply("y", Matrix("H"), ("offset",)))
    assert tangent(gradient, "y", {"x": "u"}, "target") == (Apply("target", Matrix("H"), ("u",)),)


def test_what_does_not_change_or_has_no_derivative_is_refused():
    with pytest.raises(ValueError, match="y does not change along u"):
        tangent((Vector("y", c),), "y", {"x": "u"}, "target")
    with pytest.raises(ValueError, match="the derivative of logistic_slope is needed; give it a function"):
        tangent((Apply("y", Function(logistic_slope), ("x", "c")),), "y", {"x": "u"}, "target")
