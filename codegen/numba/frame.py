"""The frame of a kernel's text that all targets share: header, start, steps, observables, last states."""

from collections.abc import Iterator
from typing import Literal

from ...derive.errors import KernelRefused
from ..program.check import check
from ..program.kernel import SUBSTEPS, Kernel
from ..program.shapes import vector_lengths
from ..program.statement import Statement
from ..program.statements import Apply, Function
from .lines import Source, in_lane, in_row, remark
from .looped import Looped
from .memory import Layout
from .target import Target
from .uniform import write_scalars
from .unrolled import Unrolled

Shape = Literal["unrolled", "looped"]
Form = Unrolled | Looped

UNROLLED_UP_TO = 16
"""Numbers of a path's state per track up to which its coordinates are written out one by one."""
LONGEST_UNROLLED = 256
"""Entries of the longest noise or constant vector with which they are."""


def usual_shape(kernel: Kernel, most: int = UNROLLED_UP_TO) -> Shape:
    """The faster shape for the kernel's dimension, or what a path's state per track with more than `most`
    numbers has.
    """
    if _one_by_one(kernel):
        return "unrolled"
    numbers = max((len(track.step.state) for track in kernel.tracks), default=0) * kernel.dimension
    short = max(vector_lengths(kernel).values(), default=0) <= LONGEST_UNROLLED
    return "unrolled" if numbers <= most and short and not _by_rows(kernel) else "looped"


def _statements(kernel: Kernel) -> Iterator[Statement]:
    for part in (*(track.step for track in kernel.tracks), *kernel.observables):
        yield from part.statements


def _one_by_one(kernel: Kernel) -> bool:
    """Tell whether some coordinates have formulas of their own."""
    return any(s.one_by_one for s in _statements(kernel))


def _by_rows(kernel: Kernel) -> bool:
    """Tell whether functions of whole vectors are applied."""
    return any(isinstance(s, Apply) and isinstance(s.operator, Function) for s in _statements(kernel))


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
    if _by_rows(kernel) and shape != "looped":
        raise KernelRefused(
            f"shape {shape!r} for a step with functions of vectors; expected the shape 'looped'"
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


def write_imports(out: Source, layout: Layout, target: Target) -> None:
    """Import what the target has for kernels of this kind."""
    out(f"from numba import {target.compiler}", "")
    out(*target.imports(layout.law, 64 if layout.kernel.dtype == "float64" else 32, bool(layout.signs)), "")


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
