"""What LLVM should know of a compiled function: how wide its vectors are, where its arrays lie."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

WIDEST = 512
CACHE_LINE = 64
NUMBERS = (ir.DoubleType(), ir.FloatType(), ir.IntType(64), ir.IntType(32))


@intrinsic
def widest(typing_context: Any) -> Any:
    """Let the function that calls this use vectors of up to 512 bits where the processor has them.

    For some processors LLVM takes half of that, as a guard against lower clock rates that recent ones do not
    need; loops over paths do little else than arithmetic on vectors.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # llvmlite's own `add` knows no attributes with values
        set.add(builder.function.attributes, f'"prefer-vector-width"="{WIDEST}"')
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def apart(typing_context: Any) -> Any:
    """Say that no array given to the function that calls this overlaps with another one of them that is
    written to.

    LLVM then vectorises loops over several arrays without tests, at run time, whether they do.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        for argument in builder.function.args:
            # of the fields of an array only the address of its first entry is one of numbers, not of bytes
            if argument.type.is_pointer and argument.type.pointee in NUMBERS:
                argument.add_attribute("noalias")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def part(typing_context: Any, array: Any, first: Any, stop: Any) -> Any:
    """array[first:stop] for 0 <= first <= stop <= array.size, without tests of that and without a count of
    references.

    The count is kept by atomic operations, too slow for every part of an array that a function is given.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole, found = (context.make_array(array)(context, builder, *value) for value in (arguments[:1], ()))
        count = builder.sub(arguments[2], arguments[1])
        context.populate_array(
            found,
            data=builder.gep(whole.data, [arguments[1]]),
            shape=cgutils.pack_array(builder, [count]),
            strides=whole.strides,
            itemsize=whole.itemsize,
            meminfo=None,
        )
        return found._getvalue()

    return array(array, types.intp, types.intp), generate


def zeros(count: int, dtype: Any) -> NDArray[Any]:
    """An array of zeros that begins at a cache line, as those of NumPy need not."""
    longer = np.zeros(count + CACHE_LINE, dtype)
    first = -longer.ctypes.data % CACHE_LINE // longer.itemsize
    return longer[first : first + count]
