"""Problems with structure against the same problems as dense matrices, path by path where the noise is the
same.
"""

import numpy as np
import pytest
from flat import measured, simulated
from interpreter import after
from quadratics import quadratic

from optsde.codegen.lowering.regularisation import floor, smooth
from optsde.codegen.lowering.steps import euler_maruyama_step, optimizer_step
from optsde.codegen.numba.cpu import Shape
from optsde.codegen.program.statements import Kernel, MatVec, Step, Track
from optsde.derive import (
    Chain,
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    heavy_ball,
    modified_equation,
    rmsprop,
    sgd,
)
from optsde.runtime import Quadratic
from optsde.runtime.kernels.compiled import compile_kernel
from optsde.runtime.kernels.rng import normals
from optsde.runtime.studies.requests import constants, step_parameters

LAW = gaussian(constant=True)
TAU, PATHS = 0.25, 40
RANDOM = np.random.default_rng(0)
D = 3
CURVATURES, VARIANCES, MINIMUM = RANDOM.uniform(0.5, 2, D), RANDOM.uniform(0.2, 1, D), RANDOM.normal(size=D)
HESSIAN = np.eye(D) + 0.1
ROOT = RANDOM.normal(size=(D, D))
COVARIANCE = ROOT @ ROOT.T
SYMMETRIC_ROOT = quadratic(HESSIAN, COVARIANCE).matrices["B"]
START = {"theta": np.linspace(1, 2, D), "v": 1.0}

DIAGONAL = [
    (quadratic(CURVATURES, 0.3, MINIMUM), quadratic(np.diag(CURVATURES), 0.3, MINIMUM)),
    (quadratic(CURVATURES, VARIANCES, MINIMUM), quadratic(np.diag(CURVATURES), np.diag(VARIANCES), MINIMUM)),
    (quadratic(HESSIAN, VARIANCES), quadratic(HESSIAN, np.diag(VARIANCES))),
    (quadratic(CURVATURES, COVARIANCE), quadratic(np.diag(CURVATURES), COVARIANCE)),
]
TARGETS = [
    Chain(rmsprop(), ballistic, LAW),
    Chain(adam(), batch_equivalent, LAW),
    modified_equation(rmsprop(), ballistic, LAW, 2),
    modified_equation(sgd(), batch_equivalent, LAW, 2),
    modified_equation(rmsprop(), batch_equivalent, LAW, 2, "synchronised"),
    modified_equation(heavy_ball(), ballistic, LAW, 2),
]
EXACT = [
    target for target in TARGETS if "rmsprop" not in target.name or isinstance(target, Chain)
]  # no noise of squares
SHAPES: tuple[Shape, ...] = ("unrolled", "looped")
EACH_SHAPE = [pytest.param("unrolled", marks=pytest.mark.slow), "looped"]  # compiling takes the time


def compiled(targets, *fast: int):
    """Targets whose kernels are compiled by default, and the others: their steps are carried out in NumPy
    alone.
    """
    marked = [t if TARGETS.index(t) in fast else pytest.param(t, marks=pytest.mark.slow) for t in targets]
    return pytest.mark.parametrize("target", marked, ids=lambda target: target.name)


def one_step(target, problem) -> tuple[Step, dict[str, float | np.ndarray]]:
    """The step of length tau, and the values of its parameters."""
    chain, phi = (target, None) if isinstance(target, Chain) else (target.chain, floor())
    step = (
        optimizer_step(chain, problem.fields)
        if phi is None
        else euler_maruyama_step(target, problem.fields, phi)
    )
    return step, step_parameters(step, {**constants(chain, {}, floor()), **problem.numbers}, TAU, TAU / 2)


def in_numpy(target, problem, squares: bool = True) -> np.ndarray:
    """The state after one step from a random state with random noise, that of squares among it or not."""
    step, numbers = one_step(target, problem)
    random = np.random.default_rng(4)
    drawn = {name: random.uniform(0.5, 2, D) for name in ("theta", "m", "v", "zeta1", "zeta2", "past_zeta1")}
    if not squares:
        drawn["zeta2"] = np.zeros(dict(step.widths).get("zeta2", D))
    return after(step, {**numbers, **problem.matrices, **problem.vectors, **drawn, "t": 2 * TAU})


def last_states(target, problem, shape: Shape, paths: int = PATHS) -> np.ndarray:
    """States of all paths after four steps of tau."""
    step, numbers = one_step(target, problem)
    track = Track("alone", step, "step" if isinstance(target, Chain) else "substep")
    start = np.stack([np.broadcast_to(START.get(block, 0.5), problem.dimension) for block in step.state])
    totals = compile_kernel(Kernel(problem.dimension, (track,), (), ((1.0,),)), shape).run(
        parameters={"alone": numbers},
        matrices={name: problem.matrices[name] for name in step.matrices},
        vectors={name: problem.vectors[name] for name in step.vectors},
        start={"alone": start},
        tau=TAU,
        n_steps=4,
        substeps=2,
        t0=TAU,
        n_paths=paths,
        seed=3,
        record_steps=[4],
        n_keep=paths,
    )
    return totals.finals["alone"]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_step_of_a_structured_problem_is_that_of_the_dense_one(target):
    for structured, dense in DIAGONAL:
        np.testing.assert_allclose(in_numpy(target, structured), in_numpy(target, dense), rtol=1e-11)
    dense, factored = quadratic(HESSIAN, COVARIANCE), Quadratic(HESSIAN, factor=SYMMETRIC_ROOT)
    np.testing.assert_allclose(in_numpy(target, factored, False), in_numpy(target, dense, False), rtol=1e-11)


@pytest.mark.parametrize("shape", EACH_SHAPE)
@compiled(TARGETS, 2)
@pytest.mark.parametrize(("structured", "dense"), [
    DIAGONAL[0], *(pytest.param(*pair, marks=pytest.mark.slow) for pair in DIAGONAL[1:])
], ids=["both, equal variances", "both", "noise", "curvature"])  # fmt: skip
def test_diagonal_problems_move_as_dense_ones_with_the_same_noise(target, shape, structured, dense):
    np.testing.assert_allclose(
        last_states(target, structured, shape), last_states(target, dense, "looped"), rtol=1e-11
    )


@pytest.mark.parametrize("shape", EACH_SHAPE)
@compiled(EXACT, 3)
def test_a_square_factor_moves_as_the_covariance_with_the_same_noise(target, shape):
    """But for the noise of the squares, whose factor differs."""
    dense, factored = quadratic(HESSIAN, COVARIANCE), Quadratic(HESSIAN, factor=SYMMETRIC_ROOT)
    np.testing.assert_allclose(
        last_states(target, factored, shape), last_states(target, dense, "looped"), rtol=1e-11
    )


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_both_shapes_agree_on_a_thin_factor(target):
    thin = Quadratic(CURVATURES, factor=ROOT[:, :2], minimum=MINIMUM)
    one, other = (last_states(target, thin, shape) for shape in SHAPES)
    np.testing.assert_allclose(one, other, rtol=1e-11)


def test_a_chain_with_a_thin_factor_is_that_of_numpy():
    """SGD by hand, from the generator's own draws: two a step."""
    thin = Quadratic(CURVATURES, factor=ROOT[:, :2], minimum=MINIMUM)
    found = last_states(Chain(sgd(), ballistic, LAW), thin, "looped", 3)
    for path in range(3):
        theta = START["theta"]
        for z in normals(3, path, 8).reshape(4, 2):
            theta = theta - TAU * (CURVATURES * (theta - MINIMUM) + ROOT[:, :2] @ z)
        np.testing.assert_allclose(found[path, 0], theta, rtol=1e-13)


def test_no_statement_of_a_diagonal_problem_is_a_product_and_none_of_a_thin_one_is_square():
    d = 10_000
    wide = quadratic(np.linspace(0.5, 2, d), np.ones(d))
    thin = Quadratic(np.linspace(0.5, 2, d), factor=np.ones((d, 3)))
    for target in TARGETS:
        for problem, widths in ((wide, {}), (thin, {"zeta1": 3, "zeta2": 6})):
            step, _ = one_step(target, problem)
            assert dict(step.widths) == {name: width for name, width in widths.items() if name in step.noise}
            products = [s for s in step.statements if isinstance(s, MatVec)]
            assert bool(products) == (problem is thin)
            assert not {"H", "S"} & set(step.matrices)
    assert wide.matrices == {}
    assert max(matrix.size for matrix in thin.matrices.values()) == 6 * d


@pytest.mark.parametrize("way", [pytest.param("dense", marks=pytest.mark.slow), "factored"])
def test_studies_know_structure(way):
    """The same problem in another way: the same noise, so the same errors; a factor draws other squares, so
    the same law.
    """
    equation = modified_equation(rmsprop(), ballistic, LAW, 2)
    settings = {
        "taus": [0.25],
        "horizon": 1,
        "start": {"theta": 1.0, "v": 1.0},
        "paths": 20_000,
        "substeps": 4,
        "seed": 1,
    }
    settings |= {"regularisation": smooth(), "constants": {"eps": 0.1}}
    ways = {
        "dense": quadratic(np.diag([1.0, 2.0]), 0.1),
        "factored": Quadratic([1, 2], factor=[[0.1, 0], [0, 0.2]]),
    }
    diagonal, other = (
        measured(equation, problem, **settings).rows[0] for problem in (quadratic([1.0, 2.0], 0.1), ways[way])
    )
    assert (diagonal.nonfinite, other.nonfinite) == (0, 0)
    assert 10 * diagonal.standard_error < abs(diagonal.weak_error)
    if way == "dense":
        assert diagonal.weak_error == pytest.approx(other.weak_error, rel=1e-9)
    else:
        assert abs(other.weak_error - diagonal.weak_error) < 4 * np.hypot(
            diagonal.standard_error, other.standard_error
        )


def test_ten_thousand_coordinates():
    d = 10_000
    curvatures = np.linspace(0.5, 2, d)
    run = simulated(
        Chain(sgd(), ballistic, LAW),
        quadratic(curvatures, np.full(d, 0.04)),
        tau=0.5,
        horizon=2,
        start={"theta": 1.0},
        observables=["mean(theta)", "mean(theta**2)"],
        paths=64,
        records=1,
    )
    # theta' = (1 - tau H) theta + tau 0.2 z at each coordinate: mean and variance after four steps, with
    # their standard errors
    decay = 1 - 0.5 * curvatures
    variance = 0.25 * 0.04 * sum(decay ** (2 * k) for k in range(4))
    count = 64 * d
    assert abs(run.means[-1, 0] - np.mean(decay**4)) < 4 * np.sqrt(np.mean(variance) / count)
    second = 2 * variance**2 + 4 * variance * decay**8
    assert abs(run.means[-1, 1] - np.mean(decay**8 + variance)) < 4 * np.sqrt(np.mean(second) / count)
