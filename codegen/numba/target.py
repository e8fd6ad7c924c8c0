"""What the text of a kernel is compiled for: where its parts come from, and how its functions are decorated.

The steps of a kernel are functions of a path, straight-line text or loops that every target compiles. A
driver calls them, `optsde.codegen.numba.cpu` or `optsde.codegen.numba.cuda`; a `Target` is what both need to
know.
"""

from dataclasses import dataclass
from typing import Literal

from ...derive.schemes.increment_laws import Law

ARITHMETIC = 'error_model="numpy", fastmath={"contract", "nsz", "arcp"}'
"""Sums keep their order and what is not finite stays so; a product and a sum may become one operation."""
HOST = f"@njit({ARITHMETIC})"
"""Decorates what runs once for all paths, on the host of a device too."""

DRAWS: dict[Law, str] = {"gaussian": "draw", "three-point": "threes", "two-point": "signs"}
"""Functions that draw two numbers, without the number of bits behind their names."""


@dataclass(frozen=True)
class Target:
    """A kind of machine.

    Attributes
    ----------
    compiler : str
        What the text imports from Numba.
    random : str
        The module with the streams of random numbers, and with what is `beside` them.
    beside : tuple of str
    hints : str
        The module with what LLVM is told, or empty.
    hinted : tuple of str
        What the text takes from there.
    function, inlined : str
        Decorate the functions of a path; `inlined` those that must become a part of the loop over paths.
    """

    compiler: str
    random: str
    beside: tuple[str, ...]
    hints: str
    hinted: tuple[str, ...]
    function: str
    inlined: str

    def imports(self, law: Law, bits: Literal[32, 64], signs: bool) -> list[str]:
        """Return the lines of a kernel whose noise has this law that import functions of this package.

        Parameters
        ----------
        law : {"gaussian", "three-point", "two-point"}
        bits : {32, 64}
            Of the kernel's numbers.
        signs : bool
            Whether signs are drawn besides the noise.
        """
        names = [f"{DRAWS[law]}{bits} as draw", *([f"signs{bits} as draw_signs"] if signs else [])]
        lines = [
            f"from {self.random} import {name}" for name in (*names, *self.beside, f"stream{bits} as stream")
        ]
        return [*lines, *([f"from {self.hints} import {', '.join(self.hinted)}"] if self.hints else [])]


CPU = Target(
    compiler="njit",
    random="optsde.runtime.kernels.rng",
    beside=("plus",),
    hints="optsde.runtime.kernels.llvm_hints",
    hinted=("apart", "part", "widest"),
    function=HOST,
    inlined=f"@njit({ARITHMETIC}, forceinline=True)",
)
CUDA = Target(
    compiler="cuda, njit",
    random="optsde.runtime.kernels.device_functions",
    beside=(),
    hints="",
    hinted=(),
    function="@cuda.jit(device=True)",
    inlined="@cuda.jit(device=True)",
)
