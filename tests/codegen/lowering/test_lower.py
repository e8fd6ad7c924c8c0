import numpy as np
import pytest
import sympy as sp
from interpreter import carry_out, value

from optsde.codegen.lowering.by_products import ProductLowering
from optsde.codegen.lowering.regularisation import floor, smooth, unregularised
from optsde.codegen.lowering.steps import euler_maruyama_step, optimizer_step
from optsde.codegen.objectives.quadratic import QuadraticFields
from optsde.codegen.program.statements import MatVec, Scalar, Vector
from optsde.derive import (
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    heavy_ball,
    modified_equation,
    rmsprop,
    sgd,
)
from optsde.derive.notation.symbols import Field, element_function, gradient, square_factor, tau

S, theta, v = Field("S", rank=2, symmetric=True), Field("theta"), Field("v")
P, DP = element_function("P", (0,)), element_function("P", (1,))
c, eps = sp.symbols("c eps", positive=True)
X = sp.Symbol("x", real=True)
DEFINITIONS = {"P": sp.Lambda(X, 1 / (sp.sqrt(X) + eps))}
RANDOM = np.random.default_rng(3)
ROOT = RANDOM.normal(size=(3, 3))
VALUES = {
    "theta": RANDOM.normal(size=3),
    "v": RANDOM.uniform(0.5, 2, 3),
    "F": RANDOM.normal(size=3),
    "S_diagonal": RANDOM.uniform(1, 2, 3),
    "H": ROOT + ROOT.T,
    "S": ROOT @ ROOT.T,
    "c": 0.7,
    "eps": 0.2,
    "tau": 0.3,
    "t": 1.1,
}


def lowering() -> ProductLowering:
    return ProductLowering(QuadraticFields(), DEFINITIONS, unregularised(), vectors={"theta", "v"})


def evaluated(made: ProductLowering, expression: sp.Expr) -> np.ndarray:
    return value(expression, carry_out(made.statements, VALUES))


def test_sums_over_indices_become_products_of_matrices_and_vectors():
    made, x = lowering(), VALUES
    term = (
        c * P(v("i")) * gradient("i", "_j") * P(v("_j")) * gradient("_j") * S("_j", "_k") * theta("_k") ** 2
    )
    found = evaluated(made, made.lowered(term))
    p = 1 / (np.sqrt(x["v"]) + x["eps"])
    np.testing.assert_allclose(
        found, x["c"] * p * (x["H"] @ (p * x["F"] * (x["S"] @ x["theta"] ** 2))), rtol=1e-13
    )
    assert [s.matrix for s in made.statements if isinstance(s, MatVec)] == ["S", "H"]


def test_two_sums_at_one_coordinate_multiply():
    made, x = lowering(), VALUES
    found = evaluated(
        made, made.lowered(gradient("i", "_j") * theta("_j") * S("i", "_k") * v("_k") * S("i", "i"))
    )
    np.testing.assert_allclose(found, (x["H"] @ x["theta"]) * (x["S"] @ x["v"]) * x["S_diagonal"], rtol=1e-13)


def test_each_product_and_function_is_made_once():
    made = lowering()
    product = gradient("i", "_j") * P(v("_j")) * gradient("_j")
    made.lowered(product * P(v("i")) + c * product * gradient("i"))
    first = len(made.statements)
    again = made.lowered(gradient("i", "_m") * P(v("_m")) * gradient("_m"))
    assert len(made.statements) == first
    assert again.is_Symbol
    assert sum(isinstance(s, MatVec) for s in made.statements) == 1
    assert [s.target for s in made.statements].count("P") == 1


def test_what_vanishes_leaves_no_statement():
    made = lowering()
    assert made.lowered(gradient("i", "_j", "_k") * theta("_j") * theta("_k")) == 0
    assert made.lowered(Field("S", rank=2, symmetric=True, varies=True)("i", "i", "_j") * theta("_j")) == 0
    assert made.statements == []


def test_derivatives_of_functions_are_written_out():
    made, x = lowering(), VALUES
    found = evaluated(made, made.lowered(DP(v("i"))))
    root = np.sqrt(x["v"])
    np.testing.assert_allclose(found, -1 / (2 * root * (root + x["eps"]) ** 2), rtol=1e-13)
    assert made.statements[-1].target == "P_x"


def test_a_second_moment_below_zero_is_regularised():
    """An equation does not keep it nonnegative, as the optimizer does: smooth has phi = u/2 there, and no
    slope.
    """
    definitions = {
        "P": sp.Lambda(sp.Symbol("x", nonnegative=True), DEFINITIONS["P"](sp.Symbol("x", nonnegative=True)))
    }
    made = ProductLowering(QuadraticFields(), definitions, smooth(), vectors={"theta", "v"})
    function, slope = made.lowered(P(v("i"))), made.lowered(DP(v("i")))
    known = carry_out(made.statements, VALUES | {"v": np.array([-2.0, -0.01, 0.0])})
    np.testing.assert_allclose(
        value(function, known), 1 / (np.sqrt(VALUES["tau"] / 2) + VALUES["eps"]), rtol=1e-13
    )
    np.testing.assert_array_equal(value(slope, known), 0)


def test_collecting_does_not_change_the_value():
    made = lowering()
    a, b, dt = sp.Symbol("theta", real=True), sp.Symbol("v", real=True), sp.Symbol("dt", positive=True)
    expression = dt * (c * (a - b) + tau * c**2 * (a - b) / 2 - a * b**2) + 2 * sp.sqrt(dt) * a * b - 3
    collected = made.collected(expression)
    assert sp.expand(collected - expression) == 0
    # c dt + tau c^2 dt / 2 stands before a - b once
    assert collected.count(a - b) == 1


def test_hoisting_takes_out_all_that_is_fixed():
    made = lowering()
    x = sp.Symbol("theta", real=True)
    expression = (
        c * eps * x
        + (x + c + eps) ** 2 / tau
        + sp.exp(-c * sp.Symbol("t", real=True)) * sp.sqrt(x + 2 * c)
        - 7
    )
    hoisted = made.hoisted(expression)
    np.testing.assert_allclose(evaluated(made, hoisted + 1), value(expression + 1, VALUES), rtol=1e-13)
    assert all(isinstance(s, Scalar) for s in made.statements)
    assert fixed_parts(hoisted, {"theta"}) == []
    before = len(made.statements)
    made.hoisted(c * eps * x**3)
    assert len(made.statements) == before


def test_what_kernels_cannot_compute_is_refused():
    with pytest.raises(ValueError, match="expected a single matrix"):
        lowering().lowered(gradient("i", "_j") * square_factor("i", "_j") * theta("_j"))
    with pytest.raises(ValueError, match="expected H, S or a factor of the noise"):
        lowering().lowered(Field("K3", rank=2, symmetric=True)("i", "_j") * theta("_j"))
    with pytest.raises(ValueError, match="is not a product of matrices and vectors"):
        lowering().lowered(gradient("i", "_j") * S("_j", "_k") * gradient("i", "_k"))


def fixed_parts(expression: sp.Expr, varying: set[str]) -> list[sp.Expr]:
    """Return the parts of an expression that are the same for all paths and more than a number or a symbol
    with its sign.

    A sum or product counts its fixed arguments together: ``2*c*x`` contains ``2*c``.
    """

    def fixed(e: sp.Expr) -> bool:
        return not any(symbol.name in varying for symbol in e.free_symbols)

    found = []
    for part in sp.preorder_traversal(expression):
        if isinstance(part, sp.Add | sp.Mul):
            part = part.func(*(arg for arg in part.args if fixed(arg)))
        if fixed(part) and not (part.is_number or part.is_Symbol or (-part).is_Symbol):
            found.append(part)
    return found


STEPS = [
    pytest.param(step, id=step.name)
    for make in (sgd, heavy_ball, rmsprop, adam)
    for regime in (ballistic, batch_equivalent)
    for equation in [modified_equation(make(), regime, gaussian(True), 2)]
    for step in (
        optimizer_step(equation.chain, QuadraticFields()),
        euler_maruyama_step(equation, QuadraticFields(), floor(sp.Symbol("u") * tau)),
        euler_maruyama_step(equation, QuadraticFields(), smooth()),
    )
]


@pytest.mark.parametrize("step", STEPS)
def test_nothing_fixed_is_computed_for_each_path(step):
    scalars = {*step.parameters, "t"}
    varying = {*step.state, *step.noise, *step.vectors} | {
        s.target for s in step.statements if not isinstance(s, Scalar)
    }
    for statement in step.statements:
        if isinstance(statement, Scalar):
            assert {s.name for s in statement.expression.free_symbols} <= scalars
            scalars.add(statement.target)
        elif isinstance(statement, Vector):
            assert fixed_parts(statement.expression, varying) == []


@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_computed_twice(step):
    targets = [s.target for s in step.statements]
    assert len(set(targets)) == len(targets)
    products = [(s.matrix, s.operand) for s in step.statements if isinstance(s, MatVec)]
    assert len(set(products)) == len(products)
    formulas = [s.expression for s in step.statements if isinstance(s, Vector | Scalar)]
    assert len(set(formulas)) == len(formulas)
