"""From a `Kernel` to the source text of a Numba function."""

from collections.abc import Iterator
from typing import Literal

from ...derive.errors import KernelRefused
from ..program.check import check
from ..program.statements import SUBSTEPS, Kernel, Number, Stack
from .looped import Looped
from .memory import LARGEST_UNIT, Layout, Source, in_lane, in_row, remark
from .uniform import write_scalars, write_setups
from .unrolled import Unrolled

Shape = Literal["unrolled", "looped"]
Form = Unrolled | Looped

ARITHMETIC = 'error_model="numpy", fastmath={"contract", "nsz", "arcp"}'
FUNCTION = f"@njit({ARITHMETIC})"
INLINED = f"@njit({ARITHMETIC}, forceinline=True)"

LANE_BYTES = 256
"""Size of a block of paths: four vectors of 512 bits. LLVM unrolls loops over fewer vectors before it
vectorises them.
"""

LONGEST_UNIT = 1 << 17
"""Coordinates of all paths of a unit, about, in loops over coordinates."""

UNROLLED_UP_TO = 16
"""Numbers of a path's state per track up to which its coordinates are written out one by one."""


def usual_shape(kernel: Kernel, most: int = UNROLLED_UP_TO) -> Shape:
    """The faster shape for the kernel's dimension, or what a path's state per track with more than `most`
    numbers has.
    """
    if _one_by_one(kernel):
        return "unrolled"
    numbers = max((len(track.step.state) for track in kernel.tracks), default=0) * kernel.dimension
    return "unrolled" if numbers <= most else "looped"


def _one_by_one(kernel: Kernel) -> bool:
    """Tell whether some coordinates have formulas of their own."""
    return any(isinstance(s, Number | Stack) for track in kernel.tracks for s in track.step.statements)


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
    out("from numba import njit", "")
    out(
        *(
            f"from optsde.runtime.kernels.rng import {line}"
            for line in (*draws(layout, bits), "plus", f"stream{bits} as stream")
        )
    )
    out("from optsde.runtime.kernels.llvm_hints import apart, part, widest", "")
    room = layout.rows * lanes, 4 * lanes, layout.value_rows * lanes
    out(
        f"UNIT = {layout.unit}",
        f"ROOM = {', '.join(map(str, room))}  # in X, R and S",
        "single = np.float32",
        "",
    )
    write_setups(out, layout, FUNCTION)
    form.write_functions(out, FUNCTION, INLINED)
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


def draws(layout: Layout, bits: int) -> list[str]:
    """What to import for the draws of the noise and of signs."""
    drawn = {"gaussian": "draw", "three-point": "threes", "two-point": "signs"}[layout.law]
    return [f"{drawn}{bits} as draw", *([f"signs{bits} as draw_signs"] if layout.signs else [])]


def _looped_unit(dimension: int, lanes: int) -> int:
    """Paths that a call of a kernel takes at least, the fewer the more coordinates: a call should not last
    for long.
    """
    unit = LARGEST_UNIT // 4
    while unit > lanes and unit * dimension > LONGEST_UNIT:
        unit //= 2
    return unit


def formed(kernel: Kernel, shape: Shape, lanes: int, unit: int) -> Form:
    """Check a kernel and lay it out.

    Raises
    ------
    ValueError
        As in `emit`.
    """
    check(kernel)
    if _one_by_one(kernel) and shape != "unrolled":
        raise KernelRefused(
            f"shape {shape!r} for a step with a formula for each coordinate; expected the shape 'unrolled'"
        )
    layout = Layout(kernel, lanes, unit)
    return Unrolled(layout) if shape == "unrolled" else Looped(layout)


def write_header(out: Source, form: Form, signature: str, division: str) -> None:
    """Say what the kernel is and how its paths are divided up; import what every kernel needs."""
    layout, kernel = form.layout, form.layout.kernel

    def listed(names: list[str] | tuple[str, ...]) -> str:
        return ", ".join(names) if names else "none"

    out(f'"""optsde kernel {signature}', "")
    out(f"dimension {kernel.dimension}, {kernel.dtype}, {form.name}, {division}", "")
    for track in kernel.tracks:
        every = f"every {SUBSTEPS[track.pace]} substeps" if track.pace in SUBSTEPS else "once per tau"
        out(f"track {track.name}, {every}{', mirrored' if track.mirrored else ''}: {remark(track.step.name)}")
        step = track.step
        law = "" if step.law == "gaussian" else f" ({step.law})"
        noise = f"{listed(step.noise)}{law}{''.join(f', {name}' for name in step.signs)}"
        out(f"    state {listed(step.state)}; noise {noise}; parameters {listed(step.parameters)}")
    matrices = [f"{name} ({rows} x {columns})" for name, (rows, columns) in layout.shapes.items()]
    out(f"matrices: {listed(matrices)}; vectors: {listed(layout.vectors)}")
    out(f"observables: {listed([remark(o.name) for o in kernel.observables])}")
    out(f"contrasts: {listed([str(list(c)) for c in kernel.contrasts])}", '"""', "")
    out("import math", "", "import numpy as np")


def _write_decorator(out: Source, kernel: Kernel) -> None:
    real = kernel.dtype
    arrays = f"int64[::1], float64[::1], {real}[::1], {real}[:, ::1], {real}[:, ::1], float64[:, ::1], "
    arrays += f"{real}[:, ::1], "
    arrays += f"{real}[::1], u{real.replace('float', 'int')}[::1], float64[::1]"
    out("", f'@njit("void(uint64, int64, int64, float64, float64, int64, int64, {arrays})",')
    out(f"      cache=True, nogil=True, {ARITHMETIC})")


def write_numbers(out: Source, layout: Layout) -> None:
    """What is the same for all paths."""
    write_scalars(out, layout)
    if layout.coarser:
        out("# how the summed noise of the coarser tracks is normalised")
    for pace in layout.coarser:
        cast = "single" if layout.kernel.dtype == "float32" else ""
        out(
            f"{pace}_scale = "
            f"{cast}(1.0/math.sqrt(float({layout.per_step(layout.finest)}//{layout.per_step(pace)})))"
        )


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


def write_start(out: Source, layout: Layout) -> None:
    """Open the streams of the paths that begin with the one of number `first`, and place them."""
    path = in_lane("first", layout.lanes)
    out(
        "# open the streams; put the paths at their start, of which there is one row for each path or one "
        "for all"
    )
    with out.under(layout.lane_loop()):
        words = ", ".join(layout.at(w, "R") for w in range(4))
        out(f"{words} = stream(seed, first_path + {path})")
        out(f"{layout.at(0, 'S')} = 1.0 if {path} < n_paths else 0.0")
        out(*(f"{layout.at(flag, 'S')} = 1.0" for flag in layout.flags.values()))
        out(*(f"{layout.at(row)} = {layout.literal(0.0)}" for row in layout.low.values()))
    numbers = len(layout.state) * layout.d
    with out.under(f"for i in range({numbers}):"), out.under(layout.lane_loop()):
        out(f"X[{in_row('i', layout.lanes)}] = start[min({path}, start.shape[0] - 1), i]")
    for pace, row in layout.sums.items():
        out(
            f"X[{row * layout.lanes}:{(row + layout.slots) * layout.lanes}] = {layout.literal(0.0)}  # noise "
            f"by the {pace}"
        )


def write_steps(out: Source, layout: Layout, form: Form) -> None:
    """All tracks over one tau."""
    for pace, row in layout.past.items():
        span = f"{row * layout.lanes}:{(row + layout.slots) * layout.lanes}"
        out(f"X[{span}] = {layout.literal(0.0)}  # past noise of the tracks that go by the {pace}")
    if layout.finest == "step":
        form.write_finest(out)
        return
    with out.under(f"for q in range({layout.per_step(layout.finest)}):"):
        form.write_finest(out)
        for pace in layout.coarser:
            if pace != "step":
                every = SUBSTEPS[pace] // SUBSTEPS[layout.finest]
                with out.under(f"if q % {every} == {every - 1}:"):
                    form.write_coarser(out, pace)
    if "step" in layout.coarser:
        form.write_coarser(out, "step")


def write_contrasts(out: Source, layout: Layout) -> Iterator[int]:
    """Write for each observable and contrast the value on a path, and let the caller do something with it."""
    tracks, flags = layout.kernel.tracks, (0, *layout.flags.values())
    out(f"good = {'*'.join(layout.at(flag, 'S') for flag in flags)}")
    columns = [(o, weights) for o in layout.kernel.observables for weights in layout.kernel.contrasts]
    for n, (observable, weights) in enumerate(columns):
        values = [layout.at(layout.values[track.name, observable], "S") for track in tracks]
        terms = [x if w == 1 else f"{float(w)!r}*{x}" for w, x in zip(weights, values, strict=True) if w]
        out(
            f"value = {' + '.join(terms) or '0.0'}  # {remark(observable.name)}",
            "value = value if good > 0.0 else 0.0",
        )
        yield n


def write_observables(out: Source, layout: Layout, form: Form) -> None:
    """All observables on all tracks."""
    for track in layout.kernel.tracks:
        out(f"# observables of {track.name}")
        form.write_observed(out, track)


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


def write_finals(out: Source, layout: Layout) -> None:
    """Keep the first states."""
    path = in_lane("first", layout.lanes)
    out("# keep the first states")
    with (
        out.under(layout.lane_loop()),
        out.under(f"if {path} < finals.shape[0]:"),
        out.under(f"for i in range({len(layout.state) * layout.d}):"),
    ):
        out(f"finals[{path}, i] = X[{in_row('i', layout.lanes)}]")
