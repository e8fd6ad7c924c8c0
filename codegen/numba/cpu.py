"""From a `Kernel` to the source text of a Numba function."""

from ..program.kernel import Kernel
from .frame import (
    Form,
    Shape,
    formed,
    write_contrasts,
    write_finals,
    write_header,
    write_imports,
    write_numbers,
    write_observables,
    write_start,
    write_steps,
)
from .lines import Source
from .memory import LARGEST_UNIT, Layout
from .target import ARITHMETIC, CPU, HOST
from .uniform import write_setups

LANE_BYTES = 256
"""Size of a block of paths: four vectors of 512 bits. LLVM unrolls loops over fewer vectors before it
vectorises them.
"""

LONGEST_UNIT = 1 << 17
"""Coordinates of all paths of a unit, about, in loops over coordinates."""


def emit(kernel: Kernel, signature: str, shape: Shape) -> str:
    """Source of a module with one function, ``kernel``.

    Parameters
    ----------
    kernel : Kernel
    signature : str
        Stands in the header.
    shape : {"unrolled", "looped"}

    Raises
    ------
    ValueError
        If the kernel does not satisfy `check`, an expression has a node without code, or coordinates with
        formulas of their own are to be looped over.
    """
    bits = 64 if kernel.dtype == "float64" else 32
    lanes = LANE_BYTES * 8 // bits
    form = formed(
        kernel, shape, lanes, LARGEST_UNIT if shape == "unrolled" else _looped_unit(kernel.dimension, lanes)
    )
    layout, out = form.layout, Source()
    write_header(out, form, signature, f"blocks of {layout.lanes} paths, units of {layout.unit}")
    write_imports(out, layout, CPU)
    for function, name in layout.externals.items():
        out(f"from {function.call.__module__} import {function.name} as {name}")
    room = layout.rows * lanes, 4 * lanes, layout.value_rows * lanes
    out(
        f"UNIT = {layout.unit}",
        f"ROOM = {', '.join(map(str, room))}  # in X, R and S",
        "single = np.float32",
        "",
    )
    write_setups(out, layout, HOST)
    form.write_functions(out, CPU.function, CPU.inlined)
    _write_decorator(out, kernel)
    with out.under(
        "def kernel(seed, first_path, n_paths, t0, tau, n_steps, substeps, record_steps, parameters, "
        "matrices, vectors, "
        "start, rows, finals, X, R, S):"
    ):
        out("widest()", "apart()")
        write_numbers(out, layout)
        _write_units(out, layout, form)
    return "\n".join([*out.lines, ""])


def _looped_unit(dimension: int, lanes: int) -> int:
    """Paths that a call of a kernel takes at least, the fewer the more coordinates: a call should not last
    for long.
    """
    unit = LARGEST_UNIT // 4
    while unit > lanes and unit * dimension > LONGEST_UNIT:
        unit //= 2
    return unit


def _write_decorator(out: Source, kernel: Kernel) -> None:
    real = kernel.dtype
    arrays = f"int64[::1], float64[::1], {real}[::1], {real}[:, ::1], {real}[:, ::1], float64[:, ::1], "
    arrays += f"{real}[:, ::1], "
    arrays += f"{real}[::1], u{real.replace('float', 'int')}[::1], float64[::1]"
    out("", f'@njit("void(uint64, int64, int64, float64, float64, int64, int64, {arrays})",')
    out(f"      cache=True, nogil=True, {ARITHMETIC})")


def _write_units(out: Source, layout: Layout, form: Form) -> None:
    lanes = layout.lanes
    out("", "n_records = record_steps.size")
    form.write_constants(out)
    out("# a row of the output: the sums over the paths of a unit")
    out("rows[:] = 0.0")
    with out.under(f"for first in range(0, n_paths, {lanes}):"):
        out("unit = first//UNIT")
        write_start(out, layout)
        out("record = 0")
        with out.under("for k in range(n_steps):"):
            write_steps(out, layout, form)
            with out.under("if record < n_records and record_steps[record] == k + 1:"):
                _write_record(out, layout, form)
                out("record += 1")
        _write_end(out, layout)


def _write_record(out: Source, layout: Layout, form: Form) -> None:
    write_observables(out, layout, form)
    out("# sums of the contrasts and of their squares over the paths that are finite on all tracks")
    columns = range((layout.record_width - 1) // 2)
    out("count = 0.0", *(f"sum{n} = square{n} = 0.0" for n in columns))
    with out.under(layout.lane_loop()):
        for n in write_contrasts(out, layout):
            out(f"sum{n} = plus(sum{n}, value)", f"square{n} = plus(square{n}, value*value)")
        out("count = plus(count, good)")
    out(f"place = record*{layout.record_width}", "rows[unit, place] += count")
    for n in columns:
        out(f"rows[unit, place + {2 * n + 1}] += sum{n}", f"rows[unit, place + {2 * n + 2}] += square{n}")


def _write_end(out: Source, layout: Layout) -> None:
    tracks = layout.kernel.tracks
    out("# count the paths that are no longer finite and those that became negative")
    out(f"place = n_records*{layout.record_width}")
    with out.under(layout.lane_loop()):
        for n, track in enumerate(tracks):
            out(
                f"rows[unit, place + {n}] += {layout.at(0, 'S')}*(1.0 - "
                f"{layout.at(layout.flags[track.name], 'S')})"
            )
            if track.name in layout.low:
                low = f"{layout.at(layout.low[track.name])} < {layout.literal(0.0)}"
                out(f"rows[unit, place + {len(tracks) + n}] += {layout.at(0, 'S')} if {low} else 0.0")
    write_finals(out, layout)
