"""From a `Kernel` to the source text of a CUDA kernel: a thread takes one path through the same steps as a CPU's lane does.

What all paths share, tables of what changes with time included, is computed once on the host by the module's ``numbers``.
A thread leaves the values of its path behind, one per record and contrast; they are added up afterwards in an order that
the launch configuration cannot change (`smelt.runtime.device`).
"""

from itertools import count

from .emit import (
    ARITHMETIC,
    FUNCTION,
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
from .layout import LARGEST_UNIT, Layout, Source, listed
from .program import Kernel, Track
from .setups import write_setups

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
    write_setups(out, layout, FUNCTION)
    _write_host(out, layout)
    form.write_functions(out, *["@cuda.jit(device=True)"] * 2)
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


def _uniform(layout: Layout) -> dict[str, list[str]]:
    """Variables of the numbers that all paths share, each track's a tuple, and the places where the host leaves them."""
    counts = {layout.constants(t): len(layout.lane_constants(layout.steps[t.name])) for t in layout.kernel.tracks}
    counts |= {f"{pace}_scale": 1 for pace in layout.coarser}
    place = count()
    return {name: [f"uniform[{next(place)}]" for _ in range(number)] for name, number in counts.items() if number}


def _side(layout: Layout, name: str, entries: list[str]) -> str:
    """The side of an assignment that names the places of a number or a tuple."""
    return entries[0] if name in {f"{pace}_scale" for pace in layout.coarser} else f"({listed(entries)})"


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
        places = _uniform(layout)
        out("", f"uniform = np.empty({sum(map(len, places.values()))}, {real})")
        out(*(f"{_side(layout, name, entries)} = {name}" for name, entries in places.items()))
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
    out(*(f"{name} = {_side(layout, name, entries)}" for name, entries in _uniform(layout).items()))
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
