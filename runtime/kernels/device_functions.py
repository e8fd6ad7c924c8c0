"""What a CUDA device runs besides a kernel's own source: the functions of `rng`, and the sums over paths.

From a CUDA kernel Numba would compile a function for the CPU with the flag ``fast`` whatever set of flags it
has, and reassociation would undo the exact integer-to-float steps. So here each is made anew from its own
code, without flags; the compiler for the device contracts products and sums by itself. Numba's simulator
takes the functions for the CPU. Needs `numba.cuda`, so nothing imports this module before it is known to be
there.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
from numba import config, cuda
from numba.core.dispatcher import Dispatcher

from ...codegen.numba.memory import LARGEST_UNIT
from . import rng

_DRAWS = ("draw", "signs", "threes")


def _on_device() -> dict[str, Any]:
    scope = dict(vars(rng))
    for name, function in vars(rng).items():
        if isinstance(function, Dispatcher):
            scope[name] = cuda.jit(device=True)(FunctionType(function.py_func.__code__, scope, name))
    return scope


def _simulated(draw: Callable[..., Any], word: type, real: type) -> Callable[..., Any]:
    """Take and return numbers of the machine's types: Python's own came from compiled functions, and would go
    back.
    """

    def call(*words):
        x, y, *state = draw(*(word(w) for w in words))
        return real(x), real(y), *(word(w) for w in state)

    return call


def _in_simulator() -> dict[str, Any]:
    return {
        "stream64": rng.stream64, "stream32": rng.stream32,
        **{f"{name}64": _simulated(getattr(rng, f"{name}64"), np.uint64, np.float64) for name in _DRAWS},
        **{f"{name}32": _simulated(getattr(rng, f"{name}32"), np.uint32, np.float32) for name in _DRAWS},
    }  # fmt: skip


_FUNCTIONS = _in_simulator() if getattr(config, "ENABLE_CUDASIM", False) else _on_device()
stream64, stream32 = _FUNCTIONS["stream64"], _FUNCTIONS["stream32"]
draw64, draw32 = _FUNCTIONS["draw64"], _FUNCTIONS["draw32"]
signs64, signs32 = _FUNCTIONS["signs64"], _FUNCTIONS["signs32"]
threes64, threes32 = _FUNCTIONS["threes64"], _FUNCTIONS["threes32"]


@cuda.jit
def add_up(values, sums):
    """Add up each value and its square over the paths of a unit: a thread for each value and unit.

    Parameters
    ----------
    values : array, shape (values, paths)
    sums : array, shape (units, values, 2)
    """
    place: int = cuda.grid(1)  # pyright: ignore[reportCallIssue]
    value, unit = place % sums.shape[1], place // sums.shape[1]
    if unit < sums.shape[0]:
        total = square = 0.0
        for path in range(unit * LARGEST_UNIT, min(values.shape[1], (unit + 1) * LARGEST_UNIT)):
            x = values[value, path]
            total += x
            square += x * x
        sums[unit, value, 0] = total
        sums[unit, value, 1] = square
