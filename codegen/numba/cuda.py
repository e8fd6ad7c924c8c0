"""From a `Kernel` to the source text of a CUDA kernel: a thread takes one path through the same steps as a
CPU's lane does.

What all paths share, tables of what changes with time included, is computed once on the host
(`optsde.codegen.numba.cuda_arguments`). A thread leaves the values of its path behind, one per record and
contrast; they are added up afterwards in an order that the launch configuration cannot change
(`optsde.runtime.kernels.device`).
"""

from ...derive.errors import KernelRefused
from ..program.shapes import matrix_shapes
from ..program.statements import Kernel
from .cpu import (
    FUNCTION,
    Form,
    Shape,
    draws,
    formed,
    usual_shape,
    write_contrasts,
    write_finals,
    write_header,
    write_observables,
    write_start,
    write_steps,
)
from .cuda_arguments import Shared
from .looped import Looped
from .memory import LARGEST_UNIT, Layout, Source
from .uniform import write_setups

MOST_NUMBERS = 4096
"""Of a path's numbers that a thread may hold: as many lie in local memory for every thread that is
resident.
"""
MOST_SHARED = 400
"""Numbers that a kernel with coordinates written out is given as arguments: of their 4096 bytes arrays take
some hundreds.
"""
MOST_ENTRIES = 250
"""Of them, of matrices, in a kernel that is written out unless the caller asks for loops."""
UNROLLED_UP_TO = 24
"""Numbers of a path's state per track up to which a thread holds them in registers; loops need local
memory.
"""


def usual_cuda_shape(kernel: Kernel) -> Shape:
    """The faster shape for the kernel's dimension."""
    entries = sum(rows * columns for rows, columns in matrix_shapes(kernel).values())
    return usual_shape(kernel, UNROLLED_UP_TO if entries <= MOST_ENTRIES else 0)


def emit_cuda(kernel: Kernel, signature: str, shape: Shape) -> str:
    """Source of a module with ``shared`` for the host and ``kernel`` for the device.

    Parameters
    ----------
    kernel : Kernel
    signature : str
        Stands in the header.
    shape : {"unrolled", "looped"}
        With its coordinates written out a path lives in registers; loops need local memory.

    Raises
    ------
    ValueError
        As in `emit`, a path has more numbers than a thread should hold, or a kernel more arguments than it
        may have.
    """
    bits = 64 if kernel.dtype == "float64" else 32
    form = formed(kernel, shape, 1, LARGEST_UNIT)
    layout, shared, out = form.layout, Shared(form), Source()
    if layout.rows > MOST_NUMBERS:
        raise KernelRefused(
            f"dimension {layout.d}: a CUDA thread would hold {layout.rows} numbers of its path; expected at "
            "most "
            f"{MOST_NUMBERS}: take a smaller dimension or the CPU"
        )
    if shared.numbers > MOST_SHARED:
        raise KernelRefused(
            f"dimension {layout.d}: the paths of a CUDA kernel would share {shared.numbers} numbers; "
            "expected at most "
            f"{MOST_SHARED}: take the shape 'looped', a smaller dimension or the CPU"
        )
    write_header(out, form, signature, "CUDA, one path per thread")
    out("from numba import cuda, njit", "")
    out(
        *(
            f"from optsde.runtime.kernels.device_functions import {line}"
            for line in (*draws(layout, bits), f"stream{bits} as stream")
        )
    )
    out("", "single = np.float32")
    write_setups(out, layout, FUNCTION)
    shared.write_host(out)
    form.write_functions(out, *["@cuda.jit(device=True)"] * 2)
    _write_decorator(out, kernel, shared)
    arguments = ["start", "values", "finals", *shared.types]
    with out.under(
        f"def kernel(seed, first_path, n_paths, n_steps, substeps, record_steps, {', '.join(arguments)}):"
    ):
        _write_thread(out, form, bits)
    return "\n".join([*out.lines, ""])


def _write_decorator(out: Source, kernel: Kernel, shared: Shared) -> None:
    real = kernel.dtype
    arrays = [f"{real}[:, ::1]", "float64[:, ::1]", f"{real}[:, ::1]", *shared.types.values()]
    out("", '@cuda.jit("void(uint64, int64, int64, int64, int64, int64[::1], "')
    out(f'          "{", ".join(arrays)})", cache=True)')


def _write_thread(out: Source, form: Form, bits: int) -> None:
    layout = form.layout
    out("first = cuda.grid(1)  # this thread's path")
    with out.under("if first >= n_paths:"):
        out("return")
    out("n_records = record_steps.size")
    out(f"X = cuda.local.array({max(layout.rows, 1)}, np.float{bits})")
    out(f"R = cuda.local.array(4, np.uint{bits})")
    out(f"S = cuda.local.array({layout.value_rows}, np.float64)")
    if isinstance(form, Looped):
        form.write_constants(out)
    write_start(out, layout)
    out("record = 0")
    with out.under("for k in range(n_steps):"):
        write_steps(out, layout, form)
        with out.under("if record < n_records and record_steps[record] == k + 1:"):
            _write_record(out, form)
            out("record += 1")
    _write_end(out, layout)


def _write_record(out: Source, form: Form) -> None:
    layout = form.layout
    write_observables(out, layout, form)
    width = 1 + (layout.record_width - 1) // 2
    out("# whether the path is finite on all tracks, and the contrasts", f"place = record*{width}")
    for n in write_contrasts(out, layout):
        out(f"values[place + {n + 1}, first] = value")
    out("values[place, first] = good")


def _write_end(out: Source, layout: Layout) -> None:
    tracks = layout.kernel.tracks
    out("# whether the path is no longer finite, and whether it became negative")
    out(f"place = n_records*{1 + (layout.record_width - 1) // 2}")
    for n, track in enumerate(tracks):
        out(f"values[place + {n}, first] = 1.0 - {layout.at(layout.flags[track.name], 'S')}")
        low = layout.at(layout.low[track.name]) if track.name in layout.low else layout.literal(0.0)
        out(f"values[place + {len(tracks) + n}, first] = 1.0 if {low} < {layout.literal(0.0)} else 0.0")
    write_finals(out, layout)
