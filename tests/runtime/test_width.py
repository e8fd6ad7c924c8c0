import numpy as np
from numba import njit

from smelt.runtime.width import widest


@njit("void(float64[::1])")
def doubled(x):
    widest()
    for i in range(64):
        x[i] = 2.0 * x[i]


def test_the_function_that_asks_may_use_the_widest_vectors() -> None:
    (code,) = doubled.inspect_llvm().values()
    assert '"prefer-vector-width"="512"' in code
    x = np.arange(64.0)
    doubled(x)
    assert np.array_equal(x, 2 * np.arange(64.0))
