"""What kernels draw against binomial probabilities, a chain in NumPy, and the moments of the laws they draw
for.
"""

from fractions import Fraction
from itertools import pairwise, product
from math import comb, erf, erfc, sqrt

import numpy as np
import pytest
import sympy as sp
from interpreter import after
from quadratics import quadratic

from optsde.codegen.lowering.noise import MOST_SIGNS, drawn_noise, mean_of_signs, sign_quantiles
from optsde.codegen.lowering.regularisation import unregularised
from optsde.codegen.lowering.steps import euler_maruyama_step, optimizer_step
from optsde.codegen.numba.frame import Shape
from optsde.codegen.objectives.formula import FormulaFields
from optsde.codegen.objectives.linear_operators import Factor
from optsde.codegen.objectives.quadratic import QuadraticFields
from optsde.codegen.program.kernel import Kernel, Track
from optsde.derive import (
    Chain,
    adam,
    ballistic,
    batch_equivalent,
    batch_mean,
    gaussian,
    modified_equation,
    rmsprop,
    sgd,
    student_t,
    two_point,
)
from optsde.derive.noise.laws import symmetric
from optsde.derive.noise.model import NoiseModel
from optsde.runtime.kernels.compiled import compile_kernel
from optsde.runtime.kernels.rng import normals
from optsde.runtime.problems.problem import Problem
from optsde.runtime.problems.quadratic import Quadratic
from optsde.runtime.studies.requests import constants, for_problem, step_parameters

SHAPES: list[Shape] = ["unrolled", "looped"]
SIZES = (1, 2, 5, 8, MOST_SIGNS)
SINGLE = QuadraticFields(single=True)
THETA = sp.Symbol("theta", real=True)


def signs(n: int) -> NoiseModel:
    return two_point() if n == 1 else batch_mean(two_point(), sp.Integer(n))


def values_and_probabilities(n: int) -> list[tuple[Fraction, Fraction]]:
    return [(Fraction(2 * k - n, n), Fraction(comb(n, k), 2**n)) for k in range(n + 1)]


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_binomial_numbers_are_those_of_all_signs(n):
    found: dict[Fraction, Fraction] = {}
    for chosen in product((-1, 1), repeat=n):
        value = Fraction(sum(chosen), n)
        found[value] = found.get(value, Fraction(0)) + Fraction(1, 2**n)
    assert sorted(found.items()) == values_and_probabilities(n)


@pytest.mark.parametrize("n", range(1, MOST_SIGNS + 1))
def test_the_steps_have_the_values_and_the_probabilities_of_a_mean_of_signs(n):
    """A quantile q with a relative error of a few 1e-16 has a probability with q**2 < 100 times that."""
    quantiles, wanted = sign_quantiles(n), values_and_probabilities(n)
    assert quantiles == sorted(quantiles) == [-q for q in reversed(quantiles)]
    below = Fraction(0)
    for k, q in enumerate(quantiles[: (n + 1) // 2]):
        below += wanted[k][1]
        assert erfc(-float(q) / sqrt(2)) / 2 == pytest.approx(float(below), rel=1e-13)
    edges = [quantiles[0] - 1, *quantiles, quantiles[-1] + 1]
    step, z = mean_of_signs(n), sp.Symbol("zeta1", real=True)
    found = [float(step.xreplace({z: (a + b) / 2})) for a, b in pairwise(edges)]
    np.testing.assert_allclose(found, [float(value) for value, _ in wanted], atol=1e-14)


@pytest.mark.parametrize("n", SIZES)
def test_the_law_has_the_moments_with_which_equations_are_derived(n):
    for order in range(1, 6):
        derived = signs(n).moment("i" * order)
        exact = sum(p * x**order for x, p in values_and_probabilities(n))
        assert derived.xreplace({c: sp.Integer(1) for c in derived.free_symbols}) == sp.Rational(exact)


def finals(
    chain: Chain, problem: Problem, start, shape: Shape, steps: int, paths: int, dtype="float64"
) -> np.ndarray:
    """The states of all paths after steps of tau = 1/4."""
    step, tau = optimizer_step(chain, problem.fields), 0.25
    kernel = Kernel(problem.dimension, (Track("alone", step, "step"),), (), ((1.0,),), dtype)
    numbers = {**constants(chain, {}, unregularised()), **problem.numbers}
    return (
        compile_kernel(kernel, shape)
        .run(
            parameters={"alone": step_parameters(step, numbers, tau, tau)},
            matrices={name: problem.matrices[name] for name in step.matrices},
            vectors={name: problem.vectors[name] for name in step.vectors},
            start={"alone": start},
            tau=tau,
            n_steps=steps,
            substeps=1,
            t0=1.0,
            n_paths=paths,
            seed=5,
            record_steps=[steps],
            n_keep=paths,
        )
        .finals["alone"]
    )


@pytest.mark.parametrize(
    ("n", "shape", "dtype"),
    [
        pytest.param(
            n, shape, dtype, marks=[pytest.mark.slow] * (n != 5 and (shape, dtype) != ("unrolled", "float64"))
        )
        for n, shape, dtype in product((1, 5, 8), SHAPES, ("float64", "float32"))
    ],
)
def test_a_kernel_draws_each_value_as_often_as_its_probability_says(n, shape, dtype):
    """A single step of SGD from 0 on a flat objective is ``-tau xi``; within four standard errors of a count,
    6e-5 each.
    """
    paths = 40_000
    xi = (
        -4
        * finals(
            Chain(sgd(), ballistic, signs(n)), quadratic([[0.0]], [[1.0]]), [[0.0]], shape, 1, paths, dtype
        ).ravel()
    )
    k = np.rint((xi + 1) * n / 2).astype(int)
    np.testing.assert_allclose(xi, 2 * k / n - 1, atol=1e-6)
    for found, (_, p) in zip(np.bincount(k, minlength=n + 1), values_and_probabilities(n), strict=True):
        assert abs(found - paths * p) <= 4 * sqrt(paths * p * (1 - p))


class Formula:
    """``theta**2/2 + cos(theta)`` with the factor ``1 + sin(theta)/2``, as far as a chain needs it."""

    dimension, matrices, vectors, numbers = 1, {}, {}, {}
    fields = FormulaFields(THETA**2 / 2 + sp.cos(THETA), sp.Matrix([[1 + sp.sin(THETA) / 2]]))

    def seen(self, theta, xi):
        return theta - np.sin(theta) + (1 + np.sin(theta) / 2) * xi


class Column(Quadratic):
    """A quadratic whose noise has a single direction."""

    def seen(self, theta, xi):
        return np.asarray(self.hessian) @ theta + np.asarray(self.factor)[:, 0] * xi


PROBLEMS = [
    Formula(),
    Column([[2.0]], factor=[[0.7]]),
    Column([[1.0, 0.5], [0.5, 1.0]], factor=[[0.7], [-0.3]]),
]


IN_SHAPES = [(PROBLEMS[0], "unrolled"), *product(PROBLEMS[1:], SHAPES)]
"""Formulas are written out coordinate by coordinate: they have no loops."""


@pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.slow), 5])
@pytest.mark.parametrize(("problem", "shape"), IN_SHAPES)
def test_a_chain_is_that_of_numpy_with_the_same_normal_numbers(problem, n, shape):
    """RMSprop by hand; the number of pluses is that of the probabilities below the normal number's own."""
    chain, tau, steps = Chain(rmsprop(), ballistic, signs(n)), 0.25, 6
    c, eps = (chain.defaults[name] for name in ("c", "eps"))
    start = np.array([[1.0, 0.5], [0.8, 1.2]])[:, : problem.dimension]
    found = finals(chain, problem, start, shape, steps, 30)
    below = np.cumsum([float(p) for _, p in values_and_probabilities(n)])[:-1]
    for path in range(30):
        theta, v = start
        for z in normals(5, path, 2 * steps)[::2]:
            xi = 2 * np.sum((1 + erf(z / sqrt(2))) / 2 > below) / n - 1
            g = problem.seen(theta, xi)
            theta, v = theta - tau * g / (np.sqrt(v) + eps), v + c * tau * (g**2 - v)
        np.testing.assert_allclose(found[path], [theta, v], rtol=1e-11)


LAWS = [
    (two_point(), 1.0, 1.0),
    (signs(5), 0.2, sum(float(p * x**4) for x, p in values_and_probabilities(5))),
    (batch_mean(gaussian(), sp.Integer(5)), 0.2, 3 / 25),
    (student_t(sp.Integer(7)), 1.0, 3 + 6 / 3),
    (symmetric(sp.Symbol("kappa", real=True)), 1.0, 3.5),
]
"""With the variance and the fourth moment of the noise in units of the factor; kappa is 1/2."""


@pytest.mark.parametrize(("law", "variance", "fourth"), LAWS, ids=lambda x: getattr(x, "name", ""))
@pytest.mark.parametrize("problem", PROBLEMS, ids=["formula", "one coordinate", "one column"])
def test_an_equation_has_the_covariance_of_one_step(problem, law, variance, fourth):
    """RMSprop, ``xi = b x``: ``theta`` moves by ``-P xi``, v by ``c (2 F xi + xi**2)``, in units of tau."""
    d, tau, c, eps, dt = problem.dimension, 0.3, 0.7, 0.2, 0.04
    random = np.random.default_rng(d)
    theta, v = random.normal(size=d), random.uniform(0.5, 2.0, d)
    numbers = {
        "c": c,
        "eps": eps,
        "tau": tau,
        "dt": dt,
        "t": 1.0,
        "kappa": 0.5,
        **problem.matrices,
        **problem.vectors,
    }
    x = {"theta": theta, "v": v, "zeta1": np.zeros(1), "zeta2": np.zeros(1), **numbers}
    step = euler_maruyama_step(
        for_problem(modified_equation(rmsprop(), ballistic, law, 2), problem), problem.fields, unregularised()
    )
    still = after(step, x)
    columns = [(after(step, x | {name: np.ones(1)}) - still).ravel() for name in step.noise]
    found = sum(np.outer(column, column) for column in columns) / (tau * dt)
    f, p, b = (
        problem.seen(theta, 0.0),
        1 / (np.sqrt(v) + eps),
        problem.seen(theta, 1.0) - problem.seen(theta, 0.0),
    )
    first = np.concatenate([-p * b, 2 * c * f * b]) * np.sqrt(variance)
    second = np.concatenate([0 * b, c * b**2])
    wanted = np.outer(first, first) + (fourth - variance**2) * np.outer(second, second)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)
    assert ("zeta2" in step.noise) is (fourth != variance**2)


@pytest.mark.parametrize(
    ("make", "regime", "order", "form"),
    [
        (rmsprop, ballistic, 2, "diffusion"),
        (adam, ballistic, 2, "diffusion"),
        (adam, batch_equivalent, 1, "diffusion"),
        (rmsprop, batch_equivalent, 2, "synchronised"),
    ],
)
def test_a_batch_of_gaussian_draws_has_the_noise_of_a_smaller_factor(make, regime, order, form):
    """Four draws, in three coordinates: half of B, a quarter of S and of the factor of its squares."""
    random, names = np.random.default_rng(7), ("theta", "m", "v", "zeta1", "zeta2", "past_zeta1")
    problem = quadratic(np.eye(3) + 0.2, np.eye(3) + 0.3)
    x = {name: random.uniform(0.5, 2.0, 3) for name in names} | dict(problem.vectors) | dict(problem.matrices)
    x |= {"c": 0.7, "c1": 0.8, "c2": 0.4, "eps": 0.2, "tau": 0.3, "dt": 0.04, "t": 1.5, "batch": 4.0}
    smaller = x | {"B": x["B"] / 2} | {name: x[name] / 4 for name in ("S", "B2", "S_diagonal")}
    laws = batch_mean(gaussian(True)), gaussian(True)
    equations = [modified_equation(make(), regime, law, order, form) for law in laws]
    one, other = (euler_maruyama_step(equation, QuadraticFields(), unregularised()) for equation in equations)
    np.testing.assert_allclose(after(one, x), after(other, smaller), rtol=1e-12)
    one, other = (optimizer_step(equation.chain, QuadraticFields()) for equation in equations)
    assert "batch" in one.parameters
    np.testing.assert_allclose(after(one, x), after(other, smaller), rtol=1e-12)


@pytest.mark.parametrize(
    ("law", "fields", "complaint"),
    [
        (student_t(), SINGLE, "with student-t noise; expected Gaussian or two-point noise"),
        (
            batch_mean(two_point(), sp.Integer(2), sp.Integer(9)),
            SINGLE,
            "mean of 2 out of 9 two-point noise; expected",
        ),
        (two_point(), QuadraticFields(), "two-point noise in several dimensions; expected one coordinate"),
        (two_point(), QuadraticFields(factor=Factor("B", 2)), "two-point noise in several dimensions"),
        (two_point(), FormulaFields(THETA, sp.eye(2)), "two-point noise in several dimensions"),
        (
            batch_mean(two_point()),
            SINGLE,
            "mean of batch two-point noise; expected a number of draws, at most 64",
        ),
        (signs(MOST_SIGNS + 1), SINGLE, "mean of 65 two-point noise; expected a number of draws, at most 64"),
    ],
)
def test_other_noise_is_refused_by_name(law, fields, complaint):
    with pytest.raises(ValueError, match=complaint):
        drawn_noise(law, fields)


@pytest.mark.parametrize("law", [two_point(True), student_t(None, True)], ids=lambda law: law.name)
def test_squares_without_a_factor_are_refused_by_name(law):
    equation = modified_equation(rmsprop(), ballistic, law, 2)
    with pytest.raises(ValueError, match=f"with {law.name} noise in several dimensions, whose squares"):
        euler_maruyama_step(equation, QuadraticFields(), unregularised())


def test_without_squares_the_noise_may_have_several_dimensions():
    steps = [
        euler_maruyama_step(
            modified_equation(sgd(), ballistic, law(constant=True), 2), QuadraticFields(), unregularised()
        )
        for law in (two_point, gaussian)
    ]
    assert steps[0].statements == steps[1].statements
