import math

import numpy as np
import pytest

from smelt.runtime import Quadratic

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
        (([1.0, 2.0],), r"H has shape \(2,\); expected d rows of d numbers"),
        (([[1.0, 2.0]],), r"H has shape \(1, 2\)"),
        (([],), r"H has shape \(0,\)"),
        (([[]],), "H has shape"),
        (([[1.0, 2.0], [3.0]],), "H is not a matrix of numbers"),
        (([["a"]],), "H is not a matrix of numbers"),
        ((None,), "H has shape"),
        (([[1.0, 0.5], [0.4, 1.0]],), r"H is not symmetric, entries differ by 0\.1"),
        (([[1.0, 2.0], [2.0, 1.0]],), "H has the eigenvalue -1; expected a positive semidefinite matrix"),
        (([[-1e-300]],), "H has the eigenvalue -1e-300"),
        (([[math.nan]],), "H contains nan; expected finite numbers"),
        (([[math.inf]],), "H contains inf"),
        ((H, -0.1), r"noise -0\.1; expected a finite number >= 0, or a covariance matrix"),
        ((H, math.nan), "noise nan"),
        ((H, [[1.0]]), r"noise covariance has shape \(1, 1\); expected that of H, \(2, 2\)"),
        ((H, [1.0, 2.0]), r"noise covariance has shape \(2,\)"),
        ((H, [[1.0, 2.0], [2.0, 1.0]]), "noise covariance has the eigenvalue -1"),
        ((H, 1.0, [1.0]), r"minimum \[1\.0\]; expected 2 finite numbers"),
        ((H, 1.0, [1.0, math.nan]), r"minimum \[1\.0, nan\]; expected 2 finite numbers"),
    ],
)
def test_other_problems_are_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint) as refusal:
        Quadratic(*arguments)
    assert "\n" not in str(refusal.value)
