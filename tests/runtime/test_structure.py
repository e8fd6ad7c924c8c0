"""Problems with structure against the same problems as dense matrices, path by path where the noise is the same."""

import numpy as np
import pytest

from smelt.codegen.emit import Shape
from smelt.codegen.program import Kernel, MatVec, Track
from smelt.codegen.steps import euler_maruyama_step, optimizer_step
from smelt.derive import Chain, adam, ballistic, batch_equivalent, gaussian, heavy_ball, modified_equation, rmsprop, sgd
from smelt.derive.regularisation import floor, smooth
from smelt.runtime import Quadratic, simulate, weak_error
from smelt.runtime.inputs import constants, step_parameters
from smelt.runtime.kernels import compile_kernel
from smelt.runtime.rng import normals

LAW = gaussian(constant=True)
TAU, PATHS = 0.25, 40
RANDOM = np.random.default_rng(0)
D = 3
CURVATURES, VARIANCES, MINIMUM = RANDOM.uniform(0.5, 2, D), RANDOM.uniform(0.2, 1, D), RANDOM.normal(size=D)
HESSIAN = np.eye(D) + 0.1
ROOT = RANDOM.normal(size=(D, D))
COVARIANCE = ROOT @ ROOT.T
SYMMETRIC_ROOT = Quadratic(HESSIAN, COVARIANCE).matrices["B"]
START = {"theta": np.linspace(1, 2, D), "v": 1.0}

DIAGONAL = [
    (Quadratic(CURVATURES, 0.3, MINIMUM), Quadratic(np.diag(CURVATURES), 0.3, MINIMUM)),
    (Quadratic(CURVATURES, VARIANCES, MINIMUM), Quadratic(np.diag(CURVATURES), np.diag(VARIANCES), MINIMUM)),
    (Quadratic(HESSIAN, VARIANCES), Quadratic(HESSIAN, np.diag(VARIANCES))),
    (Quadratic(CURVATURES, COVARIANCE), Quadratic(np.diag(CURVATURES), COVARIANCE)),
]
TARGETS = [
    Chain(rmsprop(), ballistic(), LAW),
    Chain(adam(), batch_equivalent(), LAW),
    modified_equation(rmsprop(), ballistic(), LAW, 2),
    modified_equation(sgd(), batch_equivalent(), LAW, 2),
    modified_equation(rmsprop(), batch_equivalent(), LAW, 2, "synchronised"),
    modified_equation(heavy_ball(), ballistic(), LAW, 2),
]
EXACT = [target for target in TARGETS if "rmsprop" not in target.name or isinstance(target, Chain)]  # no noise of squares
SHAPES: tuple[Shape, ...] = ("unrolled", "looped")
SOME_FAST = [t if t in (TARGETS[0], TARGETS[2]) else pytest.param(t, marks=pytest.mark.slow) for t in TARGETS]
EACH_SHAPE = [pytest.param("unrolled", marks=pytest.mark.slow), "looped"]  # compiling takes the time


def last_states(target, problem, shape: Shape, paths: int = PATHS) -> np.ndarray:
    """States of all paths after four steps of tau."""
    chain, phi = (target, None) if isinstance(target, Chain) else (target.chain, floor())
    step = optimizer_step(chain, problem.fields) if phi is None else euler_maruyama_step(target, problem.fields, phi)
    track = Track("alone", step, "step" if phi is None else "substep")
    values = {**constants(chain, {}, floor()), **problem.numbers}
    start = np.stack([np.broadcast_to(START.get(block, 0.5), problem.dimension) for block in step.state])
    totals = compile_kernel(Kernel(problem.dimension, (track,), (), ((1.0,),)), shape).run(
        parameters={"alone": step_parameters(step, values, TAU, TAU / 2)},
        matrices={name: problem.matrices[name] for name in step.matrices},
        vectors={name: problem.vectors[name] for name in step.vectors},
        start={"alone": start}, tau=TAU, n_steps=4, substeps=2, t0=TAU, n_paths=paths, seed=3, record_steps=[4], n_keep=paths,
    )  # fmt: skip
    return totals.finals["alone"]


@pytest.mark.parametrize("shape", EACH_SHAPE)
@pytest.mark.parametrize("target", SOME_FAST, ids=lambda target: target.name)
def test_diagonal_problems_move_as_dense_ones_with_the_same_noise(target, shape):
    for structured, dense in DIAGONAL:
        np.testing.assert_allclose(last_states(target, structured, shape), last_states(target, dense, "looped"), rtol=1e-11)


@pytest.mark.parametrize("shape", EACH_SHAPE)
@pytest.mark.parametrize("target", EXACT, ids=lambda target: target.name)
def test_a_square_factor_moves_as_the_covariance_with_the_same_noise(target, shape):
    """But for the noise of the squares, whose factor differs."""
    dense, factored = Quadratic(HESSIAN, COVARIANCE), Quadratic(HESSIAN, factor=SYMMETRIC_ROOT)
    np.testing.assert_allclose(last_states(target, factored, shape), last_states(target, dense, "looped"), rtol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_both_shapes_agree_on_a_thin_factor(target):
    thin = Quadratic(CURVATURES, factor=ROOT[:, :2], minimum=MINIMUM)
    one, other = (last_states(target, thin, shape) for shape in SHAPES)
    np.testing.assert_allclose(one, other, rtol=1e-11)


def test_a_chain_with_a_thin_factor_is_that_of_numpy():
    """SGD by hand, from the generator's own draws: two a step."""
    thin = Quadratic(CURVATURES, factor=ROOT[:, :2], minimum=MINIMUM)
    found = last_states(Chain(sgd(), ballistic(), LAW), thin, "looped", 3)
    for path in range(3):
        theta = START["theta"]
        for z in normals(3, path, 8).reshape(4, 2):
            theta = theta - TAU * (CURVATURES * (theta - MINIMUM) + ROOT[:, :2] @ z)
        np.testing.assert_allclose(found[path, 0], theta, rtol=1e-13)


def test_no_statement_of_a_diagonal_problem_is_a_product_and_none_of_a_thin_one_is_square():
    d = 10_000
    wide = Quadratic(np.linspace(0.5, 2, d), np.ones(d))
    thin = Quadratic(np.linspace(0.5, 2, d), factor=np.ones((d, 3)))
    for target in TARGETS:
        for problem, widths in ((wide, {}), (thin, {"zeta1": 3, "zeta2": 6})):
            step = (
                optimizer_step(target, problem.fields)
                if isinstance(target, Chain)
                else euler_maruyama_step(target, problem.fields, floor())
            )
            assert dict(step.widths) == {name: width for name, width in widths.items() if name in step.noise}
            products = [s for s in step.statements if isinstance(s, MatVec)]
            assert bool(products) == (problem is thin)
            assert not {"H", "S"} & set(step.matrices)
    assert wide.matrices == {}
    assert max(matrix.size for matrix in thin.matrices.values()) == 6 * d


def test_studies_know_structure():
    """The same problem three ways: the same noise, so the same errors; a factor draws other squares, so the same law."""
    equation = modified_equation(rmsprop(), ballistic(), LAW, 2)
    settings = {"taus": [0.25], "horizon": 1, "start": {"theta": 1.0, "v": 1.0}, "paths": 20_000, "substeps": 4, "seed": 1}
    settings |= {"regularisation": smooth(), "hyperparameters": {"eps": 0.1}}
    problems = (Quadratic([1.0, 2.0], 0.1), Quadratic(np.diag([1.0, 2.0]), 0.1), Quadratic([1, 2], factor=[[0.1, 0], [0, 0.2]]))
    diagonal, dense, factored = (weak_error(equation, problem, **settings).rows[0] for problem in problems)
    assert diagonal.weak_error == pytest.approx(dense.weak_error, rel=1e-9)
    assert (diagonal.nonfinite, factored.nonfinite) == (0, 0)
    assert 10 * dense.standard_error < abs(dense.weak_error)
    assert abs(factored.weak_error - dense.weak_error) < 4 * np.hypot(dense.standard_error, factored.standard_error)


def test_ten_thousand_coordinates():
    d = 10_000
    curvatures = np.linspace(0.5, 2, d)
    run = simulate(
        Chain(sgd(), ballistic(), LAW), Quadratic(curvatures, np.full(d, 0.04)), tau=0.5, horizon=2, start={"theta": 1.0},
        observables=["mean(theta)", "mean(theta**2)"], paths=64, records=1,
    )  # fmt: skip
    # theta' = (1 - tau H) theta + tau 0.2 z at each coordinate: mean and variance after four steps, with their standard errors
    decay = 1 - 0.5 * curvatures
    variance = 0.25 * 0.04 * sum(decay ** (2 * k) for k in range(4))
    count = 64 * d
    assert abs(run.means[-1, 0] - np.mean(decay**4)) < 4 * np.sqrt(np.mean(variance) / count)
    second = 2 * variance**2 + 4 * variance * decay**8
    assert abs(run.means[-1, 1] - np.mean(decay**8 + variance)) < 4 * np.sqrt(np.mean(second) / count)
