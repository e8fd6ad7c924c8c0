"""Times kernels on a CUDA device, on the problem of `kernels.py`, and says what share of the device's limits
they reach.

A row is nanoseconds of wall time per path and step, sums over paths included, and the rates that follow:
floating-point operations as the program has them (a fused product and sum counts twice, a root or a quotient
once, integer operations of the generator not at all), and bytes of the values that paths leave behind and
that are read again to be added up.

Usage: python benchmarks/gpu.py [--paths 10000000] [--peak TFLOPS] [--bandwidth GBS]
"""

import argparse
import statistics
import time

from kernels import OBSERVABLES, STEPS, SUBSTEPS, workload
from numba import config
from sympy import count_ops

from optsde.codegen.program.kernel import Kernel
from optsde.codegen.program.simplify import factor
from optsde.codegen.program.statements import Apply, Number, Total, Vector
from optsde.runtime.kernels import rng
from optsde.runtime.kernels.device import compile_cuda

BESIDES_POLYNOMIALS = 14
"""Operations of `rng.pair64` for two normals; `rng.pair32` has one more."""


def operations(kernel: Kernel) -> int:
    """Floating-point operations of a step on one path, the drawing of its noise included."""
    (track,) = kernel.tracks
    d, found = kernel.dimension, 0
    for statement in factor(track.step).statements:
        match statement:
            case Vector(_, expression):
                found += d * int(count_ops(expression))
            case Total(_, expression):
                found += d * (int(count_ops(expression)) + 1) - 1
            case Number(_, expression):
                found += int(count_ops(expression))
            case Apply():
                found += d * (2 * d - 1)
    double = kernel.dtype == "float64"
    polynomials = (rng.LOG64, rng.COS64, rng.SIN64) if double else (rng.LOG32, rng.COS32, rng.SIN32)
    pair = BESIDES_POLYNOMIALS + sum(2 * (len(p) - 1) for p in polynomials)
    return found + -(-len(track.step.noise) * d // 2) * pair


def measure(what: str, d: int, dtype: str, paths: int, rounds: int) -> tuple[float, float, float]:
    """Seconds, operations and bytes of a run."""
    kernel, inputs = workload(what, d, dtype)
    inputs["record_steps"] = [STEPS]
    compiled = compile_cuda(kernel)
    compiled.run(**inputs, n_paths=1024)  # compiles, warms up
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        compiled.run(**inputs, n_paths=paths)
        seconds.append(time.perf_counter() - began)
    values = 1 + len(OBSERVABLES) + 2
    return (
        statistics.median(seconds),
        paths * STEPS * inputs["substeps"] * operations(kernel),
        paths * 2 * 8 * values,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--paths", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--whats", default="sde2,disc")
    parser.add_argument("--dimensions", default="2,4,10")
    parser.add_argument("--dtypes", default="f64,f32")
    parser.add_argument("--peak", type=float, help="the device's TFLOP/s in the dtype, for the share reached")
    parser.add_argument("--bandwidth", type=float, help="its GB/s")
    options = parser.parse_args()
    if getattr(config, "ENABLE_CUDASIM", False):
        print("nothing timed: Numba's simulator says nothing about a device's speed")
        return
    for d in map(int, options.dimensions.split(",")):
        for dtype in options.dtypes.split(","):
            for what in options.whats.split(","):
                try:
                    seconds, flop, moved = measure(what, d, dtype, options.paths, options.rounds)
                except ValueError as error:
                    print(f"nothing timed: {error}")
                    return
                steps = options.paths * STEPS * (SUBSTEPS if what == "sde2" else 1)
                line = f"{what} d={d} {dtype}: {seconds / steps * 1e9:8.4f} ns, "
                line += f"{flop / seconds / 1e12:7.3f} TFLOP/s"
                line += f" ({flop / seconds / options.peak / 1e10:.0f} %)" if options.peak else ""
                line += f", {moved / seconds / 1e9:7.1f} GB/s"
                line += f" ({moved / seconds / options.bandwidth / 1e7:.0f} %)" if options.bandwidth else ""
                print(line, flush=True)


if __name__ == "__main__":
    main()
