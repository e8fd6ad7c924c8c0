import numpy as np
from numba import njit

from smelt.runtime.width import widest, zeros


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


@njit
def several() -> list[np.ndarray]:
    return [zeros(count, np.float64) for count in (1, 3, 64, 1000)]


def test_arrays_begin_at_a_cache_line_whatever_their_length() -> None:
    for found, count in zip(several(), (1, 3, 64, 1000), strict=True):
        assert found.shape == (count,)
        assert not found.any()
        assert found.ctypes.data % 64 == 0
