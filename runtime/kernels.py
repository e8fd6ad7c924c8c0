"""Compiles kernels, keeps them, runs them."""

import inspect
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite
import numba
import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray

from ..codegen import check, emit, factor, layout, lengths, levels, looped, names, printer, product, unrolled
from ..codegen.emit import Shape
from ..codegen.layout import LARGEST_UNIT
from ..codegen.lengths import matrix_shapes
from ..codegen.program import SUBSTEPS, Kernel, Track
from ..codegen.signature import signature
from ..derive.private import cache_directory, store
from . import rng, width
from .cache import load
from .totals import Totals, exact_sums

SLICE_WORK = 1 << 25
"""Numbers updated per call of a kernel, about: some hundredths of a second, so that progress and interrupts get through."""
SLICE_ROWS = 1 << 22
"""Sums that one call may return."""

Progress = Callable[[int, int], None]


@cache
def _ingredients() -> tuple[str, ...]:
    """Versions and sources that decide what a kernel is compiled to."""
    modules = (check, emit, factor, layout, lengths, levels, looped, names, printer, product, unrolled, rng, width)
    versions = (sympy.__version__, numba.__version__, llvmlite.__version__, platform.python_version())
    return (*versions, *(inspect.getsource(module) for module in modules))


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
    shape = shape or emit.usual_shape(kernel)
    name = signature(kernel, shape, *_ingredients())
    path = cache_directory() / f"smelt_{name}.py"
    if not path.exists():
        store(path, emit.emit(kernel, name, shape))
    return CompiledKernel(kernel, name, path, path.read_text(encoding="ascii"), load(path))


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
            For each track the state all paths start from, shape (state blocks, d), or that of each path, shape
            (n_paths, state blocks, d).
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
            By default one for each processor that this process may use. The result is the same for any number.
        n_keep : int
            How many of the first paths' last states to return.
        progress : callable, optional
            Called now and then with the paths done and the paths to do.

        Raises
        ------
        ValueError
            If an input is missing, unknown, of wrong shape, not finite or out of range.
        """
        d, tracks, real = self.kernel.dimension, self.kernel.tracks, self.kernel.dtype
        _check_numbers(self.kernel, tau, n_steps, substeps, t0, n_paths, first_path, seed, record_steps, n_keep, threads)
        _same_names("parameters", parameters, {t.name for t in tracks})
        numbers = []
        for track in tracks:
            given = parameters[track.name]
            _same_names(f"parameters of track {track.name!r}", given, set(track.step.parameters))
            for name in track.step.parameters:
                numbers.append(float(_array(f"parameter {name!r} of track {track.name!r}", given[name], (), "float64")))
        shapes, names = matrix_shapes(self.kernel), sorted({name for track in tracks for name in track.step.vectors})
        _same_names("matrices", matrices, set(shapes))
        _same_names("vectors", vectors, set(names))
        flat = [_array(f"matrices: {name!r}", matrices[name], shape, real).ravel() for name, shape in shapes.items()]
        stack = [_array(f"vectors: {name!r}", vectors[name], (d,), real) for name in names]
        constants = (np.concatenate([np.zeros(0, real), *flat]), np.stack(stack) if stack else np.zeros((0, d), real))
        _same_names("start", start, {t.name for t in tracks})
        states = [_starts(t, start[t.name], n_paths, d, real) for t in tracks]
        rows_of_start = max(len(state) for state in states)
        begin = np.concatenate([np.broadcast_to(state, (rows_of_start, state.shape[1])) for state in states], axis=1)
        records = np.array(record_steps, dtype=np.int64)
        finals = np.zeros((min(n_keep, n_paths), begin.shape[1]), dtype=real)
        sizes = (len(records), len(self.kernel.observables), len(self.kernel.contrasts), len(tracks))
        width = sizes[0] * (1 + 2 * sizes[1] * sizes[2]) + 2 * sizes[3]

        unit = self.module.UNIT

        def run_slice(first: int, stop: int) -> list[int]:
            rows = np.empty((-(-(stop - first) // unit), width))
            self.module.kernel(
                *(np.uint64(seed), first_path + first, stop - first, t0, tau, n_steps, substeps, records),
                *(np.array(numbers, dtype=np.float64), *constants, begin[first:stop] if rows_of_start > 1 else begin),
                *(rows, finals[first:stop]),
            )
            return exact_sums(rows)

        per_unit = unit * n_steps * substeps * begin.shape[1]
        size = unit * max(1, min(64, SLICE_WORK // per_unit, SLICE_ROWS // width))
        slices = [(first, min(first + size, n_paths)) for first in range(0, n_paths, size)]
        exact, done = [0] * width, 0
        for (first, stop), sums in _map(run_slice, slices, threads or _processors()):
            exact = [a + b for a, b in zip(exact, sums, strict=True)]
            done += stop - first
            if progress is not None:
                progress(done, n_paths)
        ends = np.cumsum([state.shape[1] for state in states])[:-1]
        parts = zip(tracks, np.split(finals, ends, axis=1), strict=True)
        kept = {t.name: part.reshape(-1, len(t.step.state), d) for t, part in parts}
        return Totals(((first_path, first_path + n_paths),), sizes, tuple(exact), kept)


def _map(function: Callable[..., Any], slices: list[tuple[int, int]], threads: int) -> Iterator[tuple[tuple[int, int], Any]]:
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


def _same_names(what: str, given: Mapping[str, Any], expected: set[str]) -> None:
    if set(given) != expected:
        missing, unknown = sorted(expected - set(given)), sorted(set(given) - expected)
        raise ValueError(f"{what}: expected the names {sorted(expected)}; missing {missing}, unknown {unknown}")


def _array(what: str, value: ArrayLike, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    array = np.ascontiguousarray(value, dtype=dtype).reshape(np.shape(value))
    if array.shape != shape:
        raise ValueError(f"{what} has shape {array.shape}; expected {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} is not finite")
    return array


def _starts(track: Track, start: ArrayLike, n_paths: int, d: int, dtype: str) -> NDArray[Any]:
    """One row for all paths, or one for each."""
    shape = (len(track.step.state), d)
    each = (n_paths, *shape) if np.ndim(start) == 3 else shape
    return _array(f"start of track {track.name!r}", start, each, dtype).reshape(-1, shape[0] * d)


def _check_numbers(
    kernel: Kernel,
    tau: float,
    n_steps: int,
    substeps: int,
    t0: float,
    n_paths: int,
    first_path: int,
    seed: int,
    record_steps: Sequence[int],
    n_keep: int,
    threads: int | None,
) -> None:
    if not (np.isfinite(tau) and tau > 0):
        raise ValueError(f"tau is {tau}; expected a positive number")
    if not np.isfinite(t0):
        raise ValueError(f"t0 is {t0}; expected a finite number")
    for what, value, least in (
        ("n_steps", n_steps, 1),
        ("substeps", substeps, 1),
        ("n_paths", n_paths, 1),
        ("first_path", first_path, 0),
        ("n_keep", n_keep, 0),
        ("seed", seed, 0),
        ("threads", 1 if threads is None else threads, 1),
    ):
        if value != int(value) or value < least:
            raise ValueError(f"{what} is {value}; expected a whole number of at least {least}")
    if seed >= 2**64:
        raise ValueError(f"seed is {seed}; expected a number below 2**64")
    if first_path % LARGEST_UNIT and n_paths > 1:
        raise ValueError(f"first_path is {first_path}; expected a multiple of {LARGEST_UNIT}, or a single path")
    for track in kernel.tracks:
        if substeps % SUBSTEPS.get(track.pace, 1):
            raise ValueError(f"substeps is {substeps}; track {track.name!r} needs a multiple of {SUBSTEPS[track.pace]}")
    steps = list(record_steps)
    if any(s != int(s) or not 1 <= s <= n_steps for s in steps) or any(a >= b for a, b in pairwise(steps)):
        raise ValueError(f"record_steps are {steps}; expected increasing whole numbers in 1 ... {n_steps}")
