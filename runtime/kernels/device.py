"""Compiles kernels for CUDA and runs them: one path per thread, with the paths' own streams.

Threads leave the values of their paths in memory; a second kernel adds them up, always the same paths in the
same order, so that neither the size of a block of threads nor that of a slice of paths can change a bit.
There need not be a device: with NUMBA_ENABLE_CUDASIM=1, set before Numba is imported, Numba runs kernels in
its simulator: slowly, and with errors where a device goes on with a number that is none, as at the root of a
negative one.
"""

import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...codegen.numba import cuda as emission
from ...codegen.numba.cpu import Shape
from ...codegen.numba.memory import LARGEST_UNIT
from ...codegen.program.statements import Kernel
from .compiled import CompiledKernel, compile_kernel, slices_of, write_kernel
from .inputs import Inputs
from .modules import load
from .totals import exact_sums

Device = Literal["cpu", "cuda"]

THREADS = 128
"""In a block."""
MOST_PATHS = 1 << 20
"""Of a slice; some times more than the largest devices run at one time."""
MOST_VALUES = 1 << 26
"""Of the paths of a slice: numbers in the device's memory, 512 MB."""


@cache
def _cuda() -> Any:
    """Return `numba.cuda` where it finds a device.

    Raises
    ------
    ValueError
        There is none.
    """
    try:
        from numba import config, cuda

        # numba-cuda takes the place of the target that comes with Numba, which no longer compiles `min`
        if not getattr(config, "ENABLE_CUDASIM", False) and getattr(cuda, "implementation", "") == "Built-in":
            found = "the package numba-cuda is not installed"
        elif cuda.is_available():
            return cuda
        else:
            found = "there is none"
    except ImportError as error:
        found = f"Numba has no CUDA target: {error}"
    raise ValueError(
        f"device 'cuda': {found}; expected an NVIDIA GPU with its driver and pip install 'optsde[cuda]', or "
        "for trials "
        "NUMBA_ENABLE_CUDASIM=1 in the environment, Numba's simulator"
    )


def write_cuda_kernel(kernel: Kernel, shape: Shape | None = None) -> tuple[str, Path]:
    """Write a kernel's source for CUDA as `write_kernel` does for the CPU. It takes no device."""
    return write_kernel(kernel, shape or emission.usual_cuda_shape(kernel), emission.emit_cuda)


def compile_for(device: Device, kernel: Kernel) -> CompiledKernel:
    """Machine code of a kernel for a device, from the cache if it is there.

    Raises
    ------
    ValueError
        The device is unknown, or as in `compile_kernel` and `compile_cuda`.
    """
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device {device!r}; expected cpu or cuda")
    return compile_kernel(kernel) if device == "cpu" else compile_cuda(kernel)


def compile_cuda(kernel: Kernel, shape: Shape | None = None) -> "DeviceKernel":
    """Machine code of a kernel for a CUDA device, from the cache if it is there.

    Parameters
    ----------
    kernel : Kernel
    shape : {"unrolled", "looped"}, optional
        By default as on the CPU.

    Raises
    ------
    ValueError
        If there is no device, the kernel is not consistent, or a path has too many numbers for a thread.
    """
    _cuda()
    name, path = write_cuda_kernel(kernel, shape)
    return DeviceKernel(kernel, name, path, path.read_text(encoding="ascii"), load(path))


class DeviceKernel(CompiledKernel):
    """A kernel ready to run on a CUDA device; `run` means the same, but for `threads`, which it does not
    read.
    """

    def _sums(self, inputs: Inputs, threads: int) -> Iterator[tuple[tuple[int, int], list[int]]]:
        cuda = _cuda()
        found = self.module.shared(
            inputs.t0,
            inputs.tau,
            inputs.n_steps,
            inputs.substeps,
            inputs.numbers,
            inputs.matrices,
            inputs.vectors,
        )
        shared = [
            cuda.to_device(argument) if isinstance(argument, np.ndarray) else argument for argument in found
        ]
        record_steps = cuda.to_device(inputs.records)
        records, observables, contrasts, tracks = inputs.sizes
        n_values = records * (1 + observables * contrasts) + 2 * tracks
        size = LARGEST_UNIT * max(1, min(MOST_PATHS, MOST_VALUES // n_values) // LARGEST_UNIT)
        room = cuda.device_array(
            n_values * min(size, inputs.n_paths), np.float64
        )  # allocating takes as long as short kernels
        for first, stop in slices_of(inputs.n_paths, size):
            values = room[: n_values * (stop - first)].reshape(n_values, stop - first)
            start, finals = (
                cuda.to_device(inputs.starts(first, stop)),
                cuda.to_device(inputs.finals[first:stop]),
            )
            _launch(
                self.module.kernel,
                stop - first,
                np.uint64(inputs.seed),
                inputs.first_path + first,
                stop - first,
                inputs.n_steps,
                inputs.substeps,
                record_steps,
                start,
                values,
                finals,
                *shared,
            )
            inputs.finals[first:stop] = finals.copy_to_host()
            yield (first, stop), exact_sums(_arranged(_unit_sums(values), records, observables * contrasts))


def _launch(kernel: Any, threads: int, *arguments: Any) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*under-utilization")  # few paths are no mistake
        kernel[-(-threads // THREADS), THREADS](*arguments)


def _unit_sums(values: Any) -> NDArray[np.float64]:
    """Sums of the values and of their squares over the paths of each unit, shape (units, values, 2)."""
    from .device_functions import add_up

    n_values, paths = values.shape
    sums = _cuda().device_array((-(-paths // LARGEST_UNIT), n_values, 2), np.float64)
    _launch(add_up, sums.shape[0] * n_values, values, sums)
    return sums.copy_to_host()


def _arranged(sums: NDArray[np.float64], records: int, columns: int) -> NDArray[np.float64]:
    """Sums of values and squares as a kernel for the CPU leaves them: no squares of what is 0 or 1."""
    ends = records * (1 + columns)
    of_records = np.delete(sums[:, :ends].reshape(-1, records, 2 + 2 * columns), 1, axis=2)
    return np.concatenate([of_records.reshape(len(sums), -1), sums[:, ends:, 0]], axis=1)
