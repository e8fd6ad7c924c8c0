import math

import numpy as np
import pytest
from quadratics import quadratic

from optsde import OptimizerChain
from optsde.derive import ballistic, gaussian, sgd
from optsde.runtime import Ensemble, Quadratic, Setting, simulate

H = np.array([[1.0, 0.5], [0.5, 2.0]])
S = np.array([[2.0, -0.3], [-0.3, 0.7]])


def test_a_number_is_the_spread_of_the_minimum():
    problem = quadratic(H, noise=0.3)
    np.testing.assert_allclose(problem.matrices["S"], 0.09 * H @ H, rtol=1e-15)
    np.testing.assert_allclose(problem.matrices["B"], 0.3 * H, rtol=1e-15)
    assert problem.dimension == 2


@pytest.mark.parametrize(
    "noise", [0.3, S, [[1.0, 1.0], [1.0, 1.0]], np.zeros((2, 2))], ids=["number", "full", "rank one", "none"]
)
def test_factors_square_to_covariances(noise):
    matrices = quadratic(H, noise).matrices
    np.testing.assert_allclose(matrices["B"] @ matrices["B"].T, matrices["S"], atol=1e-14)
    np.testing.assert_allclose(matrices["B2"] @ matrices["B2"].T, 2 * matrices["S"] ** 2, atol=1e-14)
    if not np.isscalar(noise):
        np.testing.assert_allclose(matrices["S"], noise, atol=1e-14)


@pytest.mark.parametrize("rank", [1, 2, 3, 5])
def test_a_factor_of_few_columns_squares_to_covariances_exactly(rank):
    factor = np.random.default_rng(rank).normal(size=(5, rank))
    problem = Quadratic(np.ones(5), factor=factor)
    S = factor @ factor.T
    assert problem.matrices["B2"].shape == (5, rank * (rank + 1) // 2)
    np.testing.assert_allclose(problem.matrices["B2"] @ problem.matrices["B2"].T, 2 * S**2, rtol=1e-12)
    np.testing.assert_array_equal(problem.matrices["B_transposed"], factor.T)
    np.testing.assert_allclose(problem.vectors["S_diagonal"], np.diag(S), rtol=1e-14)
    np.testing.assert_allclose(problem.matrix("S"), S, rtol=1e-14)


@pytest.mark.parametrize("noise", [0.3, [2.0, 0.7]], ids=["number", "variances"])
def test_diagonal_problems_are_those_of_diagonal_matrices_without_any_matrix(noise):
    problem, dense = quadratic([1.0, 3.0], noise, [4, 5]), quadratic(np.diag([1.0, 3.0]), noise, [4, 5])
    assert (problem.matrices, problem.numbers) == ({}, {})
    for name in ("H", "S", "B", "B2"):
        np.testing.assert_allclose(problem.matrix(name), dense.matrix(name), rtol=1e-14, atol=1e-15)
    assert {name: value.shape for name, value in problem.vectors.items()} == dict.fromkeys(
        problem.vectors, (2,)
    )
    again = quadratic(problem.description["H"], problem.description["S"], problem.description["minimum"])
    np.testing.assert_allclose(again.vectors["B"], problem.vectors["B"], rtol=1e-15)


def test_what_is_known_of_the_noise_goes_to_the_kernels():
    forms = [
        Quadratic(H),
        quadratic(H, S),
        quadratic(H, [1, 2]),
        quadratic([1, 2], S),
        Quadratic([1, 2], factor=[[1], [2]]),
    ]
    kinds = [
        ("dense", "spread"),
        ("dense", "dense"),
        ("dense", "diagonal"),
        ("diagonal", "dense"),
        ("diagonal", "factor"),
    ]
    assert [(form.fields.hessian, form.fields.covariance) for form in forms] == kinds
    assert [dict(form.numbers) for form in forms] == [{"spread": 1.0}, {}, {}, {}, {}]
    assert set(Quadratic([1, 2], factor=[[1], [2]]).description) == {"H", "factor", "minimum"}
    assert Quadratic([1, 2], factor=[[1], [2]]).noiseless.description["S"].tolist() == [0.0, 0.0]


def test_vectors_and_description():
    problem = quadratic(H, S, minimum=[1, -2])
    np.testing.assert_array_equal(problem.vectors["minimum"], [1.0, -2.0])
    np.testing.assert_allclose(problem.vectors["S_diagonal"], [2.0, 0.7], rtol=1e-14)
    assert set(problem.description) == {"H", "S", "minimum"}
    np.testing.assert_array_equal(problem.description["H"], H)
    again = quadratic(problem.description["H"], problem.description["S"], problem.description["minimum"])
    np.testing.assert_allclose(again.matrices["S"], problem.matrices["S"], rtol=1e-14)
    np.testing.assert_array_equal(Quadratic(H).vectors["minimum"], [0.0, 0.0])


def test_round_off_and_zero_curvature_are_accepted():
    Quadratic([[1.0, 1.0], [1.0 + 1e-15, 1.0]])
    Quadratic([[0.0]])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (([1.0, math.inf], {}), "the diagonal of H contains inf"),
        (([[[1.0]]], {}), r"H has shape \(1, 1, 1\); expected d rows of d numbers"),
        (([[1.0, 2.0]], {}), r"H has shape \(1, 2\)"),
        (([], {}), r"the diagonal of H has shape \(0,\); expected d numbers"),
        (([[]], {}), "H has shape"),
        (([[1.0, 2.0], [3.0]], {}), "H is not a matrix of numbers"),
        (([["a"]], {}), "H is not a matrix of numbers"),
        ((None, {}), "H has shape"),
        (([[1.0, 0.5], [0.4, 1.0]], {}), r"H is not symmetric, entries differ by 0\.1"),
        (([[math.nan]], {}), "H contains nan; expected finite numbers"),
        (([[math.inf]], {}), "H contains inf"),
        ((H, {"minimum_noise": -0.1}), r"minimum_noise is -0\.1; expected a finite number >= 0"),
        ((H, {"minimum_noise": math.nan}), "minimum_noise is nan"),
        ((H, {"minimum_noise": [1.0, 2.0]}), r"minimum_noise is \[1.0, 2.0\]; expected a finite number >= 0"),
        ((H, {"covariance": [[1.0]]}), r"covariance has shape \(1, 1\); expected that of H, \(2, 2\)"),
        ((H, {"variances": [1.0]}), "variances has 1 numbers; expected 2, as many as H has rows"),
        ((H, {"variances": [1.0, -2.0]}), "variances contains -2; expected numbers >= 0"),
        (
            (H, {"minimum_noise": 1.0, "factor": np.ones((2, 1))}),
            "got both minimum_noise and factor; expected one",
        ),
        ((H, {"factor": [1.0, 2.0]}), r"factor has shape \(2,\); expected 2 rows of 1 to 2 numbers"),
        ((H, {"factor": np.ones((2, 3))}), r"factor has shape \(2, 3\); expected 2 rows of 1 to 2 numbers"),
        ((H, {"factor": np.ones((3, 1))}), r"factor has shape \(3, 1\); expected 2 rows"),
        ((H, {"factor": [[math.nan], [1.0]]}), "factor contains nan"),
        ((H, {"factor": [["a"], [1.0]]}), "factor is not a matrix of numbers"),
        ((H, {"covariance": [[1.0, 2.0], [2.0, 1.0]]}), "covariance has the eigenvalue -1"),
        ((H, {"minimum": [1.0]}), r"minimum \[1\.0\]; expected 2 finite numbers"),
        ((H, {"minimum": [1.0, math.nan]}), r"minimum \[1\.0, nan\]; expected 2 finite numbers"),
    ],
)
def test_other_problems_are_refused(arguments, complaint):
    hessian, noise = arguments
    with pytest.raises(ValueError, match=complaint) as refusal:
        Quadratic(hessian, **noise)
    assert "\n" not in str(refusal.value)


def test_a_problem_keeps_its_own_arrays():
    """A Hessian changed afterwards changed the result without a word: 0.0858 instead of 0.0721."""
    hessian, variances = np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([1.0, 2.0])
    problem = Quadratic(hessian, variances=variances)
    hessian[0, 0], variances[0] = 3.0, 7.0
    np.testing.assert_array_equal(problem.matrices["H"], [[1.0, 0.5], [0.5, 1.0]])
    np.testing.assert_array_equal(problem.vectors["S_diagonal"], [1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        problem.hessian[0, 0] = 3.0


def test_a_saddle_has_the_moments_of_its_recursion():
    """``x' = (1 - tau h) x - tau b zeta``: ``E x**2 = tau**2 b**2 (1 - q**n)/(1 - q)``,
    ``q = (1 - tau h)**2``.
    """
    tau, n, b, paths = 0.125, 8, 0.5, 200_000
    saddle = Quadratic([1.0, -1.0], variances=[b**2, b**2])
    sgd_ = OptimizerChain(sgd(), ballistic, gaussian(constant=True))
    setting = Setting(saddle, 1, start={"theta": 0.0}, observables=["theta[0]**2", "theta[1]**2"])
    run = simulate(sgd_, setting, tau=tau, ensemble=Ensemble(paths=paths, seed=2))
    q = (1 - tau * np.array([1.0, -1.0])) ** 2
    exact = tau**2 * b**2 * (1 - q**n) / (1 - q)
    np.testing.assert_allclose(exact, [0.014699, 0.082107], atol=5e-7)
    # a Gaussian's square has the variance 2 E(x^2)^2
    assert (abs(run.means[-1] - exact) < 4 * np.sqrt(2 / paths) * exact).all()
