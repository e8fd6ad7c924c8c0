"""Products with linear operators, against the matrices that they stand for."""

import numpy as np
import pytest
from interpreter import carry_out
from sympy import Symbol

from optsde.codegen.objectives.linear_operators import Dense, Diagonal, Factor, Gram, Multiple

RANDOM = np.random.default_rng(5)
ROOT, B, DIAGONAL = RANDOM.normal(size=(4, 4)), RANDOM.normal(size=(4, 2)), RANDOM.normal(size=4)
GIVEN = {"A": ROOT + ROOT.T, "B": B, "a": DIAGONAL, "s": np.float64(0.7)}
THIN = Factor("B", 2)
OPERATORS = {
    "dense": (Dense("A"), GIVEN["A"]),
    "diagonal": (Diagonal("D", 2 * Symbol("a", real=True)), np.diag(2 * DIAGONAL)),
    "factor": (THIN, B),
    "transposed": (THIN.transposed, B.T),
    "gram": (Gram("S", THIN), B @ B.T),
    "multiple": (Multiple("C", "s", Dense("A")), 0.7 * GIVEN["A"]),
}


@pytest.mark.parametrize(("operator", "matrix"), OPERATORS.values(), ids=OPERATORS)
@pytest.mark.parametrize("target", ["", "y"])
def test_a_product_is_that_with_the_matrix(operator, matrix, target):
    x = RANDOM.normal(size=matrix.shape[1])
    statements = operator.applied("x", target)
    assert statements[-1].target == (target or operator.product("x"))
    found = carry_out(statements, {**GIVEN, "x": x})[statements[-1].target]
    np.testing.assert_allclose(found, matrix @ x, rtol=1e-13)
    assert {m for s in statements for m in s.matrices} == set(operator.matrices)


@pytest.mark.parametrize(("operator", "matrix"), OPERATORS.values(), ids=OPERATORS)
def test_the_transpose_moves_to_the_other_side(operator, matrix):
    # y_i A_ij x_j = x_j (A^T)_ji y_i
    x, y = RANDOM.normal(size=matrix.shape[1]), RANDOM.normal(size=matrix.shape[0])
    there, back = operator.applied("x", "z"), operator.transposed.applied("y", "w")
    one, other = carry_out(there, {**GIVEN, "x": x})["z"], carry_out(back, {**GIVEN, "y": y})["w"]
    np.testing.assert_allclose(y @ one, x @ other, rtol=1e-12)
    assert operator.transposed.transposed == operator


def test_products_with_a_factor_and_its_transpose_have_names_of_their_own():
    assert THIN.product("x") != THIN.transposed.product("x")
