import math

import numpy as np
import pytest

from optsde.runtime import Quadratic

H = np.array([[1.0, 0.5], [0.5, 2.0]])
S = np.array([[2.0, -0.3], [-0.3, 0.7]])


def test_a_number_is_the_spread_of_the_minimum():
    problem = Quadratic(H, noise=0.3)
    np.testing.assert_allclose(problem.matrices["S"], 0.09 * H @ H, rtol=1e-15)
    np.testing.assert_allclose(problem.matrices["B"], 0.3 * H, rtol=1e-15)
    assert problem.dimension == 2


@pytest.mark.parametrize(
    "noise", [0.3, S, [[1.0, 1.0], [1.0, 1.0]], np.zeros((2, 2))], ids=["number", "full", "rank one", "none"]
)
def test_factors_square_to_covariances(noise):
    matrices = Quadratic(H, noise).matrices
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
    problem, dense = Quadratic([1.0, 3.0], noise, [4, 5]), Quadratic(np.diag([1.0, 3.0]), noise, [4, 5])
    assert (problem.matrices, problem.numbers) == ({}, {})
    for name in ("H", "S", "B", "B2"):
        np.testing.assert_allclose(problem.matrix(name), dense.matrix(name), rtol=1e-14, atol=1e-15)
    assert {name: value.shape for name, value in problem.vectors.items()} == dict.fromkeys(
        problem.vectors, (2,)
    )
    again = Quadratic(problem.description["H"], problem.description["S"], problem.description["minimum"])
    np.testing.assert_allclose(again.vectors["B"], problem.vectors["B"], rtol=1e-15)


def test_what_is_known_of_the_noise_goes_to_the_kernels():
    forms = [
        Quadratic(H),
        Quadratic(H, S),
        Quadratic(H, [1, 2]),
        Quadratic([1, 2], S),
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
    problem = Quadratic(H, S, minimum=[1, -2])
    np.testing.assert_array_equal(problem.vectors["minimum"], [1.0, -2.0])
    np.testing.assert_allclose(problem.vectors["S_diagonal"], [2.0, 0.7], rtol=1e-14)
    assert set(problem.description) == {"H", "S", "minimum"}
    np.testing.assert_array_equal(problem.description["H"], H)
    again = Quadratic(problem.description["H"], problem.description["S"], problem.description["minimum"])
    np.testing.assert_allclose(again.matrices["S"], problem.matrices["S"], rtol=1e-14)
    np.testing.assert_array_equal(Quadratic(H).vectors["minimum"], [0.0, 0.0])


def test_round_off_and_zero_curvature_are_accepted():
    Quadratic([[1.0, 1.0], [1.0 + 1e-15, 1.0]])
    Quadratic([[0.0]])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (([1.0, -2.0],), "the diagonal of H contains -2; expected numbers >= 0"),
        (([1.0, math.inf],), "the diagonal of H contains inf"),
        (([[[1.0]]],), r"H has shape \(1, 1, 1\); expected d rows of d numbers"),
        (([[1.0, 2.0]],), r"H has shape \(1, 2\)"),
        (([],), r"the diagonal of H has shape \(0,\); expected d numbers"),
        (([[]],), "H has shape"),
        (([[1.0, 2.0], [3.0]],), "H is not a matrix of numbers"),
        (([["a"]],), "H is not a matrix of numbers"),
        ((None,), "H has shape"),
        (([[1.0, 0.5], [0.4, 1.0]],), r"H is not symmetric, entries differ by 0\.1"),
        (([[1.0, 2.0], [2.0, 1.0]],), "H has the eigenvalue -1; expected a positive semidefinite matrix"),
        (([[-1e-300]],), "H has the eigenvalue -1e-300"),
        (([[math.nan]],), "H contains nan; expected finite numbers"),
        (([[math.inf]],), "H contains inf"),
        ((H, -0.1), r"noise -0\.1; expected a finite number >= 0, 2 variances, or a covariance matrix"),
        ((H, math.nan), "noise nan"),
        ((H, [[1.0]]), r"noise covariance has shape \(1, 1\); expected that of H, \(2, 2\)"),
        ((H, [1.0]), "noise has 1 variances; expected 2, as many as H has rows"),
        ((H, [1.0, -2.0]), "noise variances contains -2; expected numbers >= 0"),
        ((H, 1.0, None, np.ones((2, 1))), "got both noise and factor; expected one of them"),
        ((H, None, None, [1.0, 2.0]), r"noise factor has shape \(2,\); expected 2 rows of 1 to 2 numbers"),
        (
            (H, None, None, np.ones((2, 3))),
            r"noise factor has shape \(2, 3\); expected 2 rows of 1 to 2 numbers",
        ),
        ((H, None, None, np.ones((3, 1))), r"noise factor has shape \(3, 1\); expected 2 rows"),
        ((H, None, None, [[math.nan], [1.0]]), "noise factor contains nan"),
        ((H, None, None, [["a"], [1.0]]), "noise factor is not a matrix of numbers"),
        ((H, [[1.0, 2.0], [2.0, 1.0]]), "noise covariance has the eigenvalue -1"),
        ((H, 1.0, [1.0]), r"minimum \[1\.0\]; expected 2 finite numbers"),
        ((H, 1.0, [1.0, math.nan]), r"minimum \[1\.0, nan\]; expected 2 finite numbers"),
    ],
)
def test_other_problems_are_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint) as refusal:
        Quadratic(*arguments)
    assert "\n" not in str(refusal.value)
