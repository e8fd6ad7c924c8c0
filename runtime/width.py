"""How wide the vectors of a compiled function are, and that none of them lies across two cache lines."""

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

WIDEST = 512
CACHE_LINE = 64


@intrinsic
def widest(typing_context: Any) -> Any:
    """Let the function that calls this use vectors of up to 512 bits where the processor has them.

    For some processors LLVM takes half of that, as a guard against lower clock rates that recent ones do not need; loops over
    paths do little else than arithmetic on vectors.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # llvmlite's own `add` knows no attributes with values
        set.add(builder.function.attributes, f'"prefer-vector-width"="{WIDEST}"')
        return context.get_dummy_value()

    return types.void(), generate


@njit
def zeros(count, dtype):
    """An array of zeros that begins at a cache line, as those of NumPy need not."""
    longer = np.zeros(count + CACHE_LINE, dtype)
    first = -longer.ctypes.data % CACHE_LINE // longer.itemsize
    return longer[first : first + count]
