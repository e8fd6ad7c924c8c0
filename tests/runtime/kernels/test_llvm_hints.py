import re

import numpy as np
from numba import njit

from optsde.runtime.kernels.llvm_hints import apart, part, widest, zeros


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


@njit("void(float64[::1], int64[::1], float64[:, ::1])")
def shifted(x, n, y):
    apart()
    x[0] = y[0, 0] + n[0]


def test_numbers_of_arrays_are_apart_and_counts_of_references_are_not() -> None:
    (code,) = shifted.inspect_llvm().values()
    head = next(line for line in code.splitlines() if line.startswith("define") and "shifted" in line)
    marked = re.findall(r"ptr noalias [^%]*(%arg\S+),", head)
    assert marked == ["%arg.x.4", "%arg.n.4", "%arg.y.4"]


@njit
def total(x):
    value = 0.0
    for i in range(x.size):
        value += x[i]
    return value


@njit("float64(float64[::1])")
def inner_total(x):
    return total(part(x, 2, 5))


def test_a_part_is_a_slice_of_the_same_numbers() -> None:
    x = 2.0 ** np.arange(8)
    assert inner_total(x) == x[2:5].sum()
    written_to(x)
    assert x.tolist() == [1, 2, 4, -1, -1, -1, 64, 128]


@njit("void(float64[::1])")
def written_to(x):
    part(part(x, 1, 7), 2, 5)[:] = -1.0


def test_arrays_begin_at_a_cache_line_whatever_their_length() -> None:
    for count in (1, 3, 64, 1000):
        found = zeros(count, np.float64)
        assert found.shape == (count,)
        assert not found.any()
        assert found.ctypes.data % 64 == 0
