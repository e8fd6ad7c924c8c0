"""Numbers that all paths share: a function for each step computes them, a tuple and a table for each track
hold them.
"""

from ..program.check import TIME
from ..program.kernel import SUBSTEPS, Track
from ..program.statements import Scalar
from .lines import Source, listed
from .memory import Layout
from .printer import text


def write_setups(out: Source, layout: Layout, decorator: str) -> None:
    """For each step the function that computes from parameters and time what the loop over paths needs."""
    for track in layout.steppers:
        step = layout.steps[track.name]
        columns, timed, constant = layout.lane_timed(step), layout.timed(step), layout.lane_constants(step)
        if not (constant or columns):
            continue
        variables = {n: layout.scalar(track.name, n) for n in (*timed, *step.parameters)}
        variables |= {
            s.target: layout.scalar(track.name, s.target) for s in step.statements if isinstance(s, Scalar)
        }
        scalars = [
            (s.target, text(s.expression, variables)) for s in step.statements if isinstance(s, Scalar)
        ]
        out("", decorator)
        with out.under(f"def {layout.function(track, 'setup')}(parameters, t0, tau, n_steps, per_step):"):
            out(*(f"{variables[name]} = parameters[{n}]" for n, name in enumerate(step.parameters)))
            out(*(f"{variables[name]} = {formula}" for name, formula in scalars if name not in timed))
            cast = "single({})" if layout.kernel.dtype == "float32" else "{}"
            found = [f"({listed([cast.format(variables[name]) for name in constant])})"] if constant else []
            if columns:
                out("# what changes with time, a row for each step")
                out(f"times = np.empty((n_steps*per_step, {len(columns)}))")
                with out.under("for n in range(n_steps*per_step):"):
                    out(f"{variables[TIME]} = t0 + n*tau/per_step")
                    out(*(f"{variables[name]} = {formula}" for name, formula in scalars if name in timed))
                    out(*(f"times[n, {c}] = {variables[name]}" for c, name in enumerate(columns)))
                found.append("times")
            out(f"return {', '.join(found)}")


def write_scalars(out: Source, layout: Layout) -> None:
    """The numbers of all tracks."""
    position = 0
    for track in layout.kernel.tracks:
        step, owner = layout.steps[track.name], layout.owner(track)
        names = [layout.constants(track)] if layout.lane_constants(step) else []
        names += [layout.table(track)] if layout.lane_timed(step) else []
        if names:
            given = f"parameters[{position}:{position + len(step.parameters)}], t0, tau, n_steps"
            out(
                f"{', '.join(names)} = {layout.function(owner, 'setup')}({given}, "
                f"{layout.per_step(track.pace)})"
            )
        position += len(step.parameters)


def write_times(out: Source, layout: Layout, track: Track) -> None:
    """Before a step: read its row of the table."""
    columns = layout.lane_timed(layout.steps[track.name])
    if columns:
        table = layout.table(track)
        within = SUBSTEPS.get(track.pace, 1) // SUBSTEPS.get(layout.finest, 1)
        row = "k" if track.pace == "step" else f"k*{layout.per_step(track.pace)} + q//{within}"
        cast = "single({})" if layout.kernel.dtype == "float32" else "{}"
        entries = [cast.format(f"{table}[n, {c}]") for c in range(len(columns))]
        out(f"n = {row}", f"{layout.now(track)} = ({listed(entries)})")


def write_shared(out: Source, layout: Layout, track: Track) -> None:
    """In a step's function: name the numbers."""
    step = layout.steps[track.name]
    known = {layout.constants(track): layout.lane_constants(step), layout.now(track): layout.lane_timed(step)}
    for argument in layout.shared(track):
        out(f"{listed([layout.lane_scalar(track.name, name) for name in known[argument]])} = {argument}")
