"""What a kernel is run with: checked, and packed into arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...codegen.numba.memory import LARGEST_UNIT
from ...codegen.program.shapes import matrix_shapes
from ...codegen.program.statements import SUBSTEPS, Kernel, Track
from ...derive.errors import BadInput
from .totals import Totals


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a kernel is run with, checked and packed.

    Attributes
    ----------
    records : ndarray of int64
    numbers : ndarray of float64
        The parameters of all tracks.
    matrices, vectors : ndarray, shape (entries,) and (vectors, d)
        The matrices row by row, one behind the other.
    begin, finals : ndarray, shape (paths, numbers of a path)
        One start for each path or one for all; where to put the states to keep.
    sizes : tuple of int
        Numbers of records, observables, contrasts and tracks.
    """

    seed: int
    first_path: int
    n_paths: int
    t0: float
    tau: float
    n_steps: int
    substeps: int
    records: NDArray[np.int64]
    numbers: NDArray[np.float64]
    matrices: NDArray[Any]
    vectors: NDArray[Any]
    begin: NDArray[Any]
    finals: NDArray[Any]
    sizes: tuple[int, int, int, int]

    @property
    def width(self) -> int:
        """How many sums there are."""
        records, observables, contrasts, tracks = self.sizes
        return records * (1 + 2 * observables * contrasts) + 2 * tracks

    def starts(self, first: int, stop: int) -> NDArray[Any]:
        """The starts of a slice of paths."""
        return self.begin[first:stop] if len(self.begin) > 1 else self.begin

    def totals(self, kernel: Kernel, exact: list[int]) -> Totals:
        """Return the result, from exact sums over all paths."""
        blocks, d = [len(track.step.state) for track in kernel.tracks], kernel.dimension
        parts = np.split(self.finals, np.cumsum(blocks)[:-1] * d, axis=1)
        kept = {
            t.name: part.reshape(-1, n, d) for t, part, n in zip(kernel.tracks, parts, blocks, strict=True)
        }
        return Totals(((self.first_path, self.first_path + self.n_paths),), self.sizes, tuple(exact), kept)


def checked(
    kernel: Kernel,
    parameters: Mapping[str, Mapping[str, float]],
    matrices: Mapping[str, ArrayLike],
    vectors: Mapping[str, ArrayLike],
    start: Mapping[str, ArrayLike],
    tau: float,
    n_steps: int,
    substeps: int,
    t0: float,
    n_paths: int,
    first_path: int,
    seed: int,
    record_steps: Sequence[int],
    threads: int | None,
    n_keep: int,
) -> Inputs:
    """Check and pack what `CompiledKernel.run` is given.

    Raises
    ------
    ValueError
        If an input is missing, unknown, of wrong shape, not finite or out of range.
    """
    d, tracks, real = kernel.dimension, kernel.tracks, kernel.dtype
    _check_numbers(
        kernel, tau, n_steps, substeps, t0, n_paths, first_path, seed, record_steps, n_keep, threads
    )
    _same_names("parameters", parameters, {t.name for t in tracks})
    numbers = []
    for track in tracks:
        given = parameters[track.name]
        _same_names(f"parameters of track {track.name!r}", given, set(track.step.parameters))
        for name in track.step.parameters:
            numbers.append(
                float(_array(f"parameter {name!r} of track {track.name!r}", given[name], (), "float64"))
            )
    shapes, names = matrix_shapes(kernel), sorted({name for track in tracks for name in track.step.vectors})
    _same_names("matrices", matrices, set(shapes))
    _same_names("vectors", vectors, set(names))
    flat = [
        _array(f"matrices: {name!r}", matrices[name], shape, real).ravel() for name, shape in shapes.items()
    ]
    stack = [_array(f"vectors: {name!r}", vectors[name], (d,), real) for name in names]
    _same_names("start", start, {t.name for t in tracks})
    states = [_starts(t, start[t.name], n_paths, d, real) for t in tracks]
    rows_of_start = max(len(state) for state in states)
    begin = np.concatenate(
        [np.broadcast_to(state, (rows_of_start, state.shape[1])) for state in states], axis=1
    )
    return Inputs(
        seed, first_path, n_paths, t0, tau, n_steps, substeps, np.array(record_steps, dtype=np.int64),
        np.array(numbers, dtype=np.float64), np.concatenate([np.zeros(0, real), *flat]),
        np.stack(stack) if stack else np.zeros((0, d), real), begin,
        np.zeros((min(n_keep, n_paths), begin.shape[1]), dtype=real),
        (len(record_steps), len(kernel.observables), len(kernel.contrasts), len(tracks)),
    )  # fmt: skip


def _same_names(what: str, given: Mapping[str, Any], expected: set[str]) -> None:
    if set(given) != expected:
        missing, unknown = sorted(expected - set(given)), sorted(set(given) - expected)
        raise BadInput(f"{what}: expected the names {sorted(expected)}; missing {missing}, unknown {unknown}")


def _array(what: str, value: ArrayLike, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    array = np.ascontiguousarray(value, dtype=dtype).reshape(np.shape(value))
    if array.shape != shape:
        raise BadInput(f"{what} has shape {array.shape}; expected {shape}")
    if not np.isfinite(array).all():
        raise BadInput(f"{what} is not finite")
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
        raise BadInput(f"tau is {tau}; expected a positive number")
    if not np.isfinite(t0):
        raise BadInput(f"t0 is {t0}; expected a finite number")
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
            raise BadInput(f"{what} is {value}; expected a whole number of at least {least}")
    if seed >= 2**64:
        raise BadInput(f"seed is {seed}; expected a number below 2**64")
    if first_path % LARGEST_UNIT and n_paths > 1:
        raise BadInput(f"first_path is {first_path}; expected a multiple of {LARGEST_UNIT}, or a single path")
    for track in kernel.tracks:
        if substeps % SUBSTEPS.get(track.pace, 1):
            raise BadInput(
                f"substeps is {substeps}; track {track.name!r} needs a multiple of {SUBSTEPS[track.pace]}"
            )
    steps = list(record_steps)
    if any(s != int(s) or not 1 <= s <= n_steps for s in steps) or any(a >= b for a, b in pairwise(steps)):
        raise BadInput(f"record_steps are {steps}; expected increasing whole numbers in 1 ... {n_steps}")
