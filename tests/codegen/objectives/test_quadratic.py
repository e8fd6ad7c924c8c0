import numpy as np
import pytest
from interpreter import carry_out, value
from quadratics import quadratic

from optsde.codegen.lowering.by_products import ProductLowering
from optsde.codegen.lowering.regularisation import unregularised
from optsde.codegen.objectives.quadratic import QuadraticFields
from optsde.derive.notation.symbols import Field, constant_factor, gradient, square_factor, zeta1
from optsde.runtime.problems.quadratic import Quadratic

FIELDS = QuadraticFields()
LOWERING = ProductLowering(FIELDS, {}, unregularised())
S, VARYING = Field("S", rank=2, symmetric=True), Field("S", rank=2, symmetric=True, varies=True)


@pytest.mark.parametrize(
    ("component", "vanishes"),
    [
        (gradient("i"), False),
        (gradient("i", "j"), False),
        (gradient("i", "j", "k"), True),
        (gradient("i", "i", "i"), True),
        (S("i", "j"), False),
        (VARYING("i", "j"), False),
        (VARYING("i", "j", "k"), True),
        (VARYING("i", "i", "k", "l"), True),
        (constant_factor("i", "p"), False),
        (zeta1("p"), False),
        (Field("theta")("i"), False),
    ],
    ids=str,
)
def test_what_vanishes_for_a_quadratic_with_constant_noise(component, vanishes):
    assert FIELDS.constant_noise
    assert FIELDS.vanishes(component) is vanishes


def test_the_gradient_is_that_of_the_quadratic():
    random = np.random.default_rng(1)
    root, theta, minimum = random.normal(size=(3, 3)), random.normal(size=3), random.normal(size=3)
    hessian = root + root.T
    found = carry_out(FIELDS.gradient(), {"theta": theta, "minimum": minimum, "H": hessian})["F"]

    def f(x):
        return (x - minimum) @ hessian @ (x - minimum) / 2

    # central differences of a quadratic have no truncation error
    differences = [(f(theta + e) - f(theta - e)) / 2 for e in np.eye(3)]
    np.testing.assert_allclose(found, differences, rtol=1e-12, atol=1e-12)


def test_matrices_and_vectors_have_names():
    assert FIELDS.matrix(gradient("i", "j")) == "H"
    assert FIELDS.matrix(S("i", "j")) == "S"
    assert FIELDS.matrix(constant_factor("i", "j")) == "B"
    assert FIELDS.matrix(square_factor("i", "j")) == "B2"
    assert LOWERING.vector_of(S("i", "i")) == "S_diagonal"


PROBLEMS = {
    "dense": quadratic([[2.0, 0.5], [0.5, 1.0]], [[1.0, 0.2], [0.2, 0.5]]),
    "spread": quadratic([[2.0, 0.5], [0.5, 1.0]], 0.3),
    "factor": Quadratic([[2.0, 0.5], [0.5, 1.0]], factor=[[0.5], [0.2]]),
    "variances": quadratic([[2.0, 0.5], [0.5, 1.0]], [1.0, 0.2]),
    "diagonal": quadratic([2.0, 0.5], [1.0, 0.2]),
    "diagonal factor": Quadratic([2.0, 0.5], factor=[[0.5], [0.2]]),
}


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_a_matrix_may_be_the_product_of_two_entry_by_entry(problem):
    lowering, theta = (
        ProductLowering(problem.fields, {}, unregularised(), vectors={"theta"}),
        np.array([0.7, -1.1]),
    )
    result = lowering.lowered(gradient("i", "_j") * S("i", "_j") * Field("theta")("_j"))
    given = {"theta": theta, **problem.matrices, **problem.vectors, **problem.numbers}
    found = value(result, carry_out(lowering.statements, given))
    np.testing.assert_allclose(found, (problem.matrix("H") * problem.matrix("S")) @ theta, rtol=1e-13)


def test_what_a_quadratic_does_not_have_is_refused():
    with pytest.raises(
        ValueError, match=r"F\[i,j,k\] in a kernel for a quadratic; expected H, S or a factor"
    ):
        FIELDS.matrix(gradient("i", "j", "k"))
    with pytest.raises(ValueError, match=r"K3\[i,j\] in a kernel for a quadratic; expected H, S or a factor"):
        FIELDS.matrix(Field("K3", rank=2)("i", "j"))
    with pytest.raises(ValueError, match=r"F\[i,i\] in a kernel for a quadratic; expected the diagonal of S"):
        LOWERING.vector_of(gradient("i", "i"))
