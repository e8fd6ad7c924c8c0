"""The kernel's shape for many coordinates: loops over coordinates i with the paths of a block innermost."""

from collections.abc import Iterable

from ..program.kernel import Track
from ..program.statement import Statement
from ..program.statements import Apply
from .lines import Source, in_lane
from .looped_functions import Loops
from .memory import Layout
from .uniform import write_times


class Looped:
    """Writes the parts of a kernel that depend on its shape."""

    name = "looped"

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        first = layout.take(layout.even_slots)
        self.noise = {name: first + layout.noise_entries.index((name, 0)) for name in layout.noise}
        self.first_sign = layout.take(layout.even_signs)
        self.noise |= {name: self.first_sign + layout.sign_entries.index((name, 0)) for name in layout.signs}
        # only what a product reads must be in memory
        parts = (*layout.steps.values(), *layout.kernel.observables)
        operands = {x for part in parts for s in part.statements if isinstance(s, Apply) for x in s.operands}
        self.constants = {n: layout.take(layout.widths[n]) for n in layout.vectors if n in operands}
        self.loops = Loops(layout, self.noise, self.constants)

    # what functions are given

    def step_arguments(self, track: Track) -> dict[str, str]:
        """The arguments of the function that takes a track's step, and what the track gives for them."""
        step, given = track.step, {"X": "X", "state": self.view(track, "state")}
        if step.nonnegative:
            given["low"] = self.view(track, "low")
        if step.past:
            given["past"] = self.view(track, "past")
        given |= self.layout.shared(track) | {name: name for name in self.matrices(step.statements)}
        return given | ({"vectors": "vectors"} if step.vectors else {})

    def observe_arguments(self, track: Track) -> dict[str, str]:
        """The same for the observables on a track."""
        given = {"X": "X"} | {name: self.view(track, name) for name in ("state", "flag")}
        if self.layout.kernel.observables:
            given["values"] = self.view(track, "values")
        given |= self.layout.observed_shared(track)
        given |= {name: name for o in self.layout.kernel.observables for name in self.matrices(o.statements)}
        return given | ({"vectors": "vectors"} if self.layout.observed_vectors else {})

    def matrices(self, statements: Iterable[Statement]) -> list[str]:
        used = sorted({name for s in statements for name in s.matrices})
        return [self.layout.names(("matrix", name), name) for name in used]

    def view(self, track: Track, what: str) -> str:
        """A track's own part of an array."""
        return self.layout.names(("view", track.name, what), f"{track.name}_{what}")

    # the parts

    def write_functions(self, out: Source, decorator: str, inlined: str) -> None:
        """Products; a function for each step and for the observables on each kind of state, of a block of
        paths.
        """
        layout, loops = self.layout, self.loops
        loops.write_products(out, decorator)
        for track in layout.steppers:
            alone = sum(layout.owner(t) is track for t in layout.kernel.tracks) == 1
            name = layout.function(track, "step")
            with loops.function(out, inlined if alone else decorator, name, self.step_arguments(track)):
                loops.write_step(out, track)
        for track in layout.observers:
            with loops.function(
                out, decorator, layout.function(track, "observe"), self.observe_arguments(track)
            ):
                loops.write_values(out, track)

    def write_constants(self, out: Source) -> None:
        out("# matrices")
        place = 0
        for matrix, (rows, columns) in self.layout.shapes.items():
            entries = self.layout.part("matrices", place, place + rows * columns)
            out(f"{self.layout.names(('matrix', matrix), matrix)} = {entries}")
            place += rows * columns
        for name, row in self.constants.items():
            with out.under(f"for i in range({self.layout.widths[name]}):"), self.loops.lanes(out):
                out(f"{self.loops.entry(row)} = vectors[{self.layout.vectors.index(name)}, i]")
        out("# what belongs to each track")
        if self.layout.lanes > 1:
            out(f"X = {self.layout.part('X', 0, self.layout.rows * self.layout.lanes)}")
        for track in self.layout.kernel.tracks:
            self.write_views(out, track)

    def write_views(self, out: Source, track: Track) -> None:
        """Name the rows that belong to a track."""
        layout, step = self.layout, track.step
        first, numbers = layout.state[track.name, step.state[0]], len(step.state) * layout.d
        out(f"{self.view(track, 'state')} = {self.loops.rows(first, numbers)}")
        if step.nonnegative:
            out(f"{self.view(track, 'low')} = {self.loops.rows(layout.low[track.name], 1)}")
        if step.past:
            out(f"{self.view(track, 'past')} = {self.loops.rows(layout.past[track.pace], layout.slots)}")
        out(f"{self.view(track, 'flag')} = {self.loops.rows(layout.flags[track.name], 1, 'S')}")
        if layout.kernel.observables:
            first = layout.values[track.name, layout.kernel.observables[0]]
            out(
                f"{self.view(track, 'values')} = "
                f"{self.loops.rows(first, len(layout.kernel.observables), 'S')}"
            )

    def write_finest(self, out: Source) -> None:
        layout, lanes = self.layout, self.layout.lanes
        first = min(self.noise.values(), default=0) * lanes
        out("# draw")
        words = ", ".join(layout.at(w, "R") for w in range(4))
        signs = self.first_sign * lanes
        for draw, start, count in (
            ("draw", first, layout.slots),
            ("draw_signs", signs, len(layout.sign_entries)),
        ):
            if count:
                stop = start + count * lanes
                with (
                    out.under(f"for i in range({start}, {stop}, {2 * lanes}):"),
                    out.under(layout.lane_loop()),
                ):
                    out(
                        f"X[{in_lane('i', lanes)}], X[{in_lane(f'i + {lanes}', lanes)}], {words} = "
                        f"{draw}({words})"
                    )
        for pace in layout.coarser:
            out(f"# for the tracks that go by the {pace}")
            with out.under(f"for i in range({layout.slots * lanes}):"):
                out(f"X[{layout.sums[pace] * lanes} + i] += X[{first} + i]")
        self.write_tracks(out, layout.finest)

    def write_tracks(self, out: Source, pace: str) -> None:
        """Step the tracks of a pace, the mirrored ones between two changes of the noise's sign, and add it to
        their past.
        """
        layout, lanes = self.layout, self.layout.lanes
        first, past = min(self.noise.values(), default=0) * lanes, layout.past.get(pace)
        for track in layout.tracks(pace):
            self.write_call(out, track)
        if mirrored := layout.tracks(pace, mirrored=True):
            self.write_mirror(out, first, past)
            for track in mirrored:
                self.write_call(out, track)
            self.write_mirror(out, first, past)
        if past is not None:
            with out.under(f"for i in range({layout.slots * lanes}):"):
                out(f"X[{past * lanes} + i] += X[{first} + i]")

    def write_mirror(self, out: Source, first: int, past: int | None) -> None:
        """Change the sign of the noise, and of its past if it has one."""
        out("# the noise of the mirrored tracks")
        with out.under(f"for i in range({self.layout.slots * self.layout.lanes}):"):
            starts = [first] if past is None else [first, past * self.layout.lanes]
            out(*(f"X[{start} + i] = -X[{start} + i]" for start in starts))

    def write_coarser(self, out: Source, pace: str) -> None:
        layout, lanes = self.layout, self.layout.lanes
        first, sums = min(self.noise.values(), default=0) * lanes, layout.sums[pace] * lanes
        with out.under(f"for i in range({layout.slots * lanes}):"):
            out(f"X[{first} + i] = X[{sums} + i]*{pace}_scale", f"X[{sums} + i] = {layout.literal(0.0)}")
        self.write_tracks(out, pace)

    def write_call(self, out: Source, track: Track) -> None:
        """Let a track take its step."""
        write_times(out, self.layout, track)
        name = self.layout.function(self.layout.owner(track), "step")
        out(f"{name}({', '.join(self.step_arguments(track).values())})  # {track.name}")

    def write_observed(self, out: Source, track: Track) -> None:
        """Evaluate the observables on a track."""
        name = self.layout.function(self.layout.observer(track), "observe")
        out(f"{name}({', '.join(self.observe_arguments(track).values())})")
