"""Compiles kernels, keeps them, runs them."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...codegen.numba import cpu
from ...codegen.numba.cpu import Shape
from ...codegen.program.statements import Kernel
from . import llvm_hints as width
from .inputs import Inputs, checked
from .modules import load, name_of, written
from .totals import Totals, exact_sums

UNNAMED = "without a name"
"""Stands in a text until its hash is known."""
SLICE_WORK = 1 << 25
"""Numbers updated per call of a kernel, about: some hundredths of a second, so that progress and interrupts
get through.
"""
SLICE_ROWS = 1 << 22
"""Sums that one call may return."""

Progress = Callable[[int, int], None]


def compile_kernel(kernel: Kernel, shape: Shape | None = None) -> "CompiledKernel":
    """Machine code of a kernel, from the cache if it is there.

    Parameters
    ----------
    kernel : Kernel
    shape : {"unrolled", "looped"}, optional
        Shape of the source; by default the faster one for the dimension. They agree up to rounding.

    Raises
    ------
    ValueError
        If the kernel is not consistent or the cache directory is not private.
    """
    name, path = write_kernel(kernel, shape)
    return CompiledKernel(kernel, name, path, path.read_text(encoding="ascii"), load(path))


def write_kernel(
    kernel: Kernel, shape: Shape | None = None, emitter: Callable[[Kernel, str, Shape], str] = cpu.emit
) -> tuple[str, Path]:
    """Write the source of a kernel into the private directory if it is not there; return its name and its
    path.

    The name is a hash of the text and of all that it is compiled with, so equal kernels share their machine
    code, and none is taken for another's.

    Parameters
    ----------
    kernel : Kernel
    shape : {"unrolled", "looped"}, optional
    emitter : callable
        Makes the source of the kernel, its name and the shape.

    Raises
    ------
    ValueError
        As in `compile_kernel`.
    """
    text = emitter(kernel, UNNAMED, shape or cpu.usual_shape(kernel))
    name = name_of(text)
    path = written(f"optsde_{name}.py", text.replace(UNNAMED, name))
    return name, path


@dataclass(frozen=True)
class CompiledKernel:
    """A kernel ready to run: its signature, the file and text of its source, its module."""

    kernel: Kernel
    signature: str
    path: Path
    source: str
    module: ModuleType

    def run(
        self,
        *,
        parameters: Mapping[str, Mapping[str, float]],
        matrices: Mapping[str, ArrayLike],
        vectors: Mapping[str, ArrayLike],
        start: Mapping[str, ArrayLike],
        tau: float,
        n_steps: int,
        substeps: int = 1,
        t0: float = 0.0,
        n_paths: int,
        first_path: int = 0,
        seed: int,
        record_steps: Sequence[int],
        threads: int | None = None,
        n_keep: int = 0,
        progress: Progress | None = None,
    ) -> Totals:
        """Sums over the paths first_path ... first_path + n_paths - 1.

        Parameters
        ----------
        parameters : mapping
            For each track the values of its step's parameters.
        matrices, vectors : mapping
            Arrays of the shapes that the kernel says, (d, d) and (d,) for most, shared by the tracks.
        start : mapping
            For each track the state all paths start from, shape (state blocks, d), or that of each path,
            shape (n_paths, state blocks, d).
        tau : float
            Length of a step.
        n_steps, substeps : int
            Number of steps, and of substeps in each.
        t0 : float
            Time at the start.
        n_paths, first_path : int
            Which paths; `first_path` a multiple of 1024, so that runs can be added, or any for a single path.
        seed : int
            0 ... 2**64 - 1; with a path's number it decides the path's noise.
        record_steps : sequence of int
            After which steps to evaluate the observables, increasing, in 1 ... n_steps.
        threads : int, optional
            By default one for each processor that this process may use. The result is the same for any
            number.
        n_keep : int
            How many of the first paths' last states to return.
        progress : callable, optional
            Called now and then with the paths done and the paths to do.

        Raises
        ------
        ValueError
            If an input is missing, unknown, of wrong shape, not finite or out of range.
        """
        inputs = checked(
            self.kernel,
            parameters,
            matrices,
            vectors,
            start,
            tau,
            n_steps,
            substeps,
            t0,
            n_paths,
            first_path,
            seed,
            record_steps,
            threads,
            n_keep,
        )
        exact, done = [0] * inputs.width, 0
        for (first, stop), sums in self._sums(inputs, threads or _processors()):
            exact = [a + b for a, b in zip(exact, sums, strict=True)]
            done += stop - first
            if progress is not None:
                progress(done, n_paths)
        return inputs.totals(self.kernel, exact)

    def _sums(self, inputs: Inputs, threads: int) -> Iterator[tuple[tuple[int, int], list[int]]]:
        """Run all paths; yield slices of them, each with its exact sums, in any order."""
        unit = self.module.UNIT

        def run_slice(first: int, stop: int) -> list[int]:
            rows = np.empty((-(-(stop - first) // unit), inputs.width))
            real = inputs.matrices.dtype
            room = [
                width.zeros(n, t)
                for n, t in zip(self.module.ROOM, (real, f"u{real.itemsize}", "f8"), strict=True)
            ]
            self.module.kernel(
                *(
                    np.uint64(inputs.seed),
                    inputs.first_path + first,
                    stop - first,
                    inputs.t0,
                    inputs.tau,
                    inputs.n_steps,
                ),
                *(inputs.substeps, inputs.records, inputs.numbers, inputs.matrices, inputs.vectors),
                *(inputs.starts(first, stop), rows, inputs.finals[first:stop], *room),
            )
            return exact_sums(rows)

        per_unit = unit * inputs.n_steps * inputs.substeps * inputs.begin.shape[1]
        size = unit * max(1, min(64, SLICE_WORK // per_unit, SLICE_ROWS // inputs.width))
        yield from _map(run_slice, slices_of(inputs.n_paths, size), threads)


def slices_of(n_paths: int, size: int) -> list[tuple[int, int]]:
    """First path and last + 1 of the slices of a given size."""
    return [(first, min(first + size, n_paths)) for first in range(0, n_paths, size)]


def _map(
    function: Callable[..., Any], slices: list[tuple[int, int]], threads: int
) -> Iterator[tuple[tuple[int, int], Any]]:
    """The slices with their results, as they come. Kernels run without the interpreter's lock."""
    if min(threads, len(slices)) == 1:
        for piece in slices:
            yield piece, function(*piece)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        futures = {pool.submit(function, *piece): piece for piece in slices}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
