"""From a `Kernel` to the source text of a CUDA kernel: a thread takes one path through the same steps as a CPU's lane does.

What all paths share, tables of what changes with time included, is computed once on the host by the module's ``numbers``.
A thread leaves the values of its path behind, one per record and contrast; they are added up afterwards in an order that
the launch configuration cannot change (`smelt.runtime.device`).
"""

from .check import symbols
from .emit import (
    ARITHMETIC,
    Form,
    Shape,
    draws,
    formed,
    write_contrasts,
    write_finals,
    write_header,
    write_numbers,
    write_observables,
    write_start,
    write_steps,
)
from .layout import LARGEST_UNIT, Layout, Source
from .levels import operands
from .program import Kernel, Scalar, Track

MOST_NUMBERS = 4096
"""Of a path's numbers that a thread may hold: as many lie in local memory for every thread that is resident."""


def emit_cuda(kernel: Kernel, signature: str, shape: Shape) -> str:
    """Source of a module with ``numbers`` for the host and ``kernel`` for the device.

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
        As in `emit`, or a path has more numbers than a thread should hold.
    """
    bits = 64 if kernel.dtype == "float64" else 32
    form = formed(kernel, shape, 1, LARGEST_UNIT)
    layout, out = form.layout, Source()
    if layout.rows > MOST_NUMBERS:
        raise ValueError(
            f"dimension {layout.d}: a CUDA thread would hold {layout.rows} numbers of its path; expected at most "
            f"{MOST_NUMBERS}: take a smaller dimension or the CPU"
        )
    write_header(out, form, signature, "CUDA, one path per thread")
    out("from numba import cuda, njit", "")
    out(*(f"from smelt.runtime.device_functions import {line}" for line in (*draws(layout, bits), f"stream{bits} as stream")))
    out("", "single = np.float32")
    _write_host(out, layout)
    form.write_functions(out, "@cuda.jit(device=True)")
    tables = _tables(layout)
    _write_decorator(out, kernel, len(tables))
    arguments = ["finals", *(name for name, _ in tables)]
    with out.under(
        "def kernel(seed, first_path, n_paths, n_steps, substeps, record_steps, uniform, matrices, vectors, start, values, "
        f"{', '.join(arguments)}):"
    ):
        _write_thread(out, form, bits)
    return "\n".join([*out.lines, ""])


def _write_decorator(out: Source, kernel: Kernel, tables: int) -> None:
    real = kernel.dtype
    arrays = [*[f"{real}[::1]"] * 2, *[f"{real}[:, ::1]"] * 2, "float64[:, ::1]", *[f"{real}[:, ::1]"] * (1 + tables)]
    out("", '@cuda.jit("void(uint64, int64, int64, int64, int64, int64[::1], "')
    out(f'          "{", ".join(arrays)})", cache=True)')


def _constants(layout: Layout, track: Track) -> list[str]:
    """Parameters and scalars of a track that do not change with time and that a path reads."""
    step = layout.steps[track.name]
    used = {name for s in step.statements if not isinstance(s, Scalar) for name in operands(s)}
    for observable in layout.kernel.observables:
        used |= {name for s in observable.statements for name in operands(s)} | set(symbols(observable.expression))
    known = [*step.parameters, *(s.target for s in step.statements if isinstance(s, Scalar))]
    return [name for name in known if name in used and name not in layout.timed(step)]


def _uniform(layout: Layout) -> list[str]:
    """Variables of the numbers that all paths share, in the order in which the host passes them on."""
    constants = [layout.lane_scalar(t.name, name) for t in layout.kernel.tracks for name in _constants(layout, t)]
    return [*constants, *(f"{pace}_scale" for pace in layout.coarser)]


def _tables(layout: Layout) -> list[tuple[str, Track]]:
    """The tables of what changes with time."""
    tracks = [track for track in layout.kernel.tracks if layout.lane_timed(layout.steps[track.name])]
    return [(layout.table(track), track) for track in tracks]


def _write_host(out: Source, layout: Layout) -> None:
    real = f"np.{layout.kernel.dtype}"
    out("", f"@njit(cache=True, {ARITHMETIC})")
    with out.under("def numbers(t0, tau, n_steps, substeps, parameters):"):
        out('"""What all paths share."""')
        write_numbers(out, layout)
        names = _uniform(layout)
        out("", f"uniform = np.empty({len(names)}, {real})")
        out(*(f"uniform[{n}] = {name}" for n, name in enumerate(names)))
        tables = "".join(f"{name}.astype({real}), " for name, _ in _tables(layout))
        out(f"return uniform, ({tables})" if tables else "return uniform, ()")
    out("")


def _write_thread(out: Source, form: Form, bits: int) -> None:
    layout = form.layout
    out("first = cuda.grid(1)  # this thread's path")
    with out.under("if first >= n_paths:"):
        out("return")
    out("n_records = record_steps.size")
    out(f"X = cuda.local.array({max(layout.rows, 1)}, np.float{bits})")
    out(f"R = cuda.local.array(4, np.uint{bits})")
    out(f"S = cuda.local.array({layout.value_rows}, np.float64)")
    out("# numbers that all paths share")
    out(*(f"{name} = uniform[{n}]" for n, name in enumerate(_uniform(layout))))
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
