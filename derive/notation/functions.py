"""The functions that optsde knows: how a user calls them, what they are in SymPy, in Numba and in NumPy.

A function that is added here can be read from text, kept between processes, compiled, and evaluated in NumPy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sympy import Abs, Expr, Max, Min, cos, cosh, erf, exp, log, sign, sin, sinh, sqrt, tan, tanh


@dataclass(frozen=True)
class KnownFunction:
    """A function of real numbers.

    Attributes
    ----------
    function : type
        Its class in SymPy.
    names : tuple of str
        What a user may write.
    numba : str or None
        What a kernel calls; None where the printer writes it out in comparisons.
    numpy : str or None
        Its name in NumPy; None where NumPy has none.
    """

    function: Any
    names: tuple[str, ...]
    numba: str | None
    numpy: str | None


KNOWN_FUNCTIONS = (
    KnownFunction(exp, ("exp",), "math.exp", "exp"),
    KnownFunction(log, ("log",), "math.log", "log"),
    KnownFunction(sin, ("sin",), "math.sin", "sin"),
    KnownFunction(cos, ("cos",), "math.cos", "cos"),
    KnownFunction(tan, ("tan",), "math.tan", "tan"),
    KnownFunction(sinh, ("sinh",), "math.sinh", "sinh"),
    KnownFunction(cosh, ("cosh",), "math.cosh", "cosh"),
    KnownFunction(tanh, ("tanh",), "math.tanh", "tanh"),
    KnownFunction(erf, ("erf",), "math.erf", None),
    KnownFunction(Abs, ("abs", "Abs"), "abs", "abs"),
    KnownFunction(sign, ("sign",), None, "sign"),
    KnownFunction(Max, ("max", "Max"), None, "maximum"),
    KnownFunction(Min, ("min", "Min"), None, "minimum"),
)

FUNCTIONS: Mapping[str, Callable[..., Expr]] = MappingProxyType(
    {"sqrt": sqrt} | {name: known.function for known in KNOWN_FUNCTIONS for name in known.names}
)
"""What may be called in a text, by name."""

NUMBA: Mapping[Any, str] = MappingProxyType({f.function: f.numba for f in KNOWN_FUNCTIONS if f.numba})
"""What kernels call, by SymPy's class."""
