"""A quadratic whose noise is named by its size, as tests vary it."""

import numpy as np
from numpy.typing import ArrayLike

from optsde.runtime.problems.quadratic import Quadratic

WORDS = ("minimum_noise", "variances", "covariance")


def quadratic(hessian: ArrayLike, noise: ArrayLike = 1.0, minimum: ArrayLike | None = None) -> Quadratic:
    """A number is the noise of the minimum, a vector holds variances, a matrix is the covariance."""
    return Quadratic(hessian, **{WORDS[np.ndim(noise)]: noise}, minimum=minimum)
