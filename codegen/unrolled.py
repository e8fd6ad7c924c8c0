"""The kernel's shape for few coordinates: a step is straight-line code on the coordinates of one path, in one lane loop."""

from .layout import Layout, Source, remark
from .lengths import length_of
from .printer import double, text
from .program import Entry, MatVec, Number, Observable, Scalar, Stack, Statement, Total, Track, Vector


class Unrolled:
    """Writes the parts of a kernel that depend on its shape."""

    name = "unrolled"

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.coordinates = range(layout.d)
        self.latest = layout.take(len(layout.sign_entries) if layout.coarser else 0)  # signs, for the coarser tracks

    def variable(self, name: str, i: int) -> str:
        return self.layout.names(("vector", name, i), f"{name}_{i}")

    def noise(self, name: str, i: int) -> str:
        return self.layout.names(("noise", name, i), f"{name}_{i}")

    def entry(self, matrix: str, i: int, j: int) -> str:
        return self.layout.names(("matrix", matrix, i, j), f"{matrix}_{i}_{j}")

    def constant(self, vector: str, i: int) -> str:
        return self.layout.names(("constant", vector, i), f"{vector}_{i}")

    def lane_variables(self, track: Track, lengths: dict[str, int], observable: str = "") -> list[dict[str, str]]:
        """For each coordinate the variables of the inputs of a step, or of an observable."""
        step, uniform = self.layout.steps[track.name], self.layout.uniform_variables(track, observable)
        kinds = dict.fromkeys((*step.noise, *step.signs), self.noise) | dict.fromkeys(step.vectors, self.constant)
        return [
            uniform | {name: kinds.get(name, self.variable)(name, i) for name in step.inputs if i < lengths[name]}
            for i in range(max(lengths.values()))
        ]

    def write_functions(self, out: Source, decorator: str) -> None:
        """None are needed."""

    def write_constants(self, out: Source) -> None:
        out("# matrices and constant vectors")
        place = 0
        for matrix, (rows, columns) in self.layout.shapes.items():
            for i in range(rows):
                out("; ".join(f"{self.entry(matrix, i, j)} = matrices[{place + j}]" for j in range(columns)))
                place += columns
        for n, vector in enumerate(self.layout.vectors):
            out("; ".join(f"{self.constant(vector, i)} = vectors[{n}, {i}]" for i in self.coordinates))

    def write_finest(self, out: Source) -> None:
        """Draw, add to the sums of the coarser tracks, and step the finest tracks."""
        layout = self.layout
        self.write_times(out, layout.finest)
        with out.under(layout.lane_loop()):
            out("# draw", *(f"s{w} = {layout.at(w, 'R')}" for w in range(4)))
            slots = [self.noise(name, i) for name, i in layout.noise_entries] + ["_"]
            for first in range(0, layout.slots, 2):
                out(f"{slots[first]}, {slots[first + 1]}, s0, s1, s2, s3 = draw(s0, s1, s2, s3)")
            signs = [self.noise(name, i) for name, i in layout.sign_entries] + ["_"]
            for first in range(0, len(layout.sign_entries), 2):
                out(f"{signs[first]}, {signs[first + 1]}, s0, s1, s2, s3 = draw_signs(s0, s1, s2, s3)")
            out(*(f"{layout.at(w, 'R')} = s{w}" for w in range(4)))
            if layout.coarser:
                out(*(f"{layout.at(self.latest + n)} = {sign}" for n, sign in enumerate(signs[:-1])))
            for pace in layout.coarser:
                out(f"# for the tracks that go by the {pace}")
                out(*(f"{layout.at(layout.sums[pace] + n)} += {slots[n]}" for n in range(layout.slots)))
            self.write_tracks(out, layout.finest)

    def write_times(self, out: Source, pace: str) -> None:
        for track in (*self.layout.tracks(pace), *self.layout.tracks(pace, mirrored=True)):
            self.layout.write_times(out, track)

    def write_tracks(self, out: Source, pace: str) -> None:
        """Step the tracks of a pace, the mirrored ones between two changes of the noise's sign, and add it to their past."""
        slots = [self.noise(name, i) for name, i in self.layout.noise_entries]
        for track in self.layout.tracks(pace):
            self.write_step(out, track)
        if mirrored := self.layout.tracks(pace, mirrored=True):
            out("# the noise of the mirrored tracks", *(f"{slot} = -{slot}" for slot in slots))
            for track in mirrored:
                self.write_step(out, track)
            out(*(f"{slot} = -{slot}" for slot in slots))
        if pace in self.layout.past:
            out(*(f"{self.layout.at(self.layout.past[pace] + n)} += {slot}" for n, slot in enumerate(slots)))

    def write_coarser(self, out: Source, pace: str) -> None:
        """Normalise the summed noise and step the tracks of this pace."""
        layout = self.layout
        self.write_times(out, pace)
        with out.under(layout.lane_loop()):
            for n, (name, i) in enumerate(layout.noise_entries):
                place = layout.at(layout.sums[pace] + n)
                out(f"{self.noise(name, i)} = {place}*{pace}_scale; {place} = {layout.literal(0.0)}")
            out(*(f"{self.noise(*entry)} = {layout.at(self.latest + n)}" for n, entry in enumerate(layout.sign_entries)))
            self.write_tracks(out, pace)

    def load_state(self, out: Source, track: Track) -> None:
        for block in track.step.state:
            row = self.layout.state[track.name, block]
            out("; ".join(f"{self.variable(block, i)} = {self.layout.at(row + i)}" for i in self.coordinates))

    def write_step(self, out: Source, track: Track) -> None:
        layout, step = self.layout, self.layout.steps[track.name]
        out(f"# {track.name}: {remark(step.name)}")
        self.load_state(out, track)
        for name in step.past:
            first, length = layout.past[track.pace] + layout.noise_entries.index((name, 0)), layout.inputs[track.name][name]
            sign = "-" if track.mirrored else ""
            out("; ".join(f"{self.variable(f'past_{name}', i)} = {sign}{layout.at(first + i)}" for i in range(length)))
        lengths = layout.lengths(track, step.statements)
        variables = self.lane_variables(track, lengths)
        for statement in step.statements:
            self.write_statement(out, statement, variables, lengths)
        for block, result in zip(step.state, step.result, strict=True):
            row = layout.state[track.name, block]
            out("; ".join(f"{layout.at(row + i)} = {variables[i][result]}" for i in self.coordinates))
        if step.nonnegative:
            low = layout.at(layout.low[track.name])
            out(f"low = {low}")
            for block, result in zip(step.state, step.result, strict=True):
                if block in step.nonnegative:
                    out(*(f"low = {x} if {x} < low else low" for x in (variables[i][result] for i in self.coordinates)))
            out(f"{low} = low")

    def write_statement(
        self, out: Source, statement: Statement, variables: list[dict[str, str]], lengths: dict[str, int]
    ) -> None:
        """One statement for all coordinates; adds its target to `variables`."""
        literal, target, values = self.layout.literal, statement.target, []
        names = [self.variable(target, i) for i in range(lengths[target])] if isinstance(statement, Vector | MatVec) else []
        match statement:
            case Scalar():
                return
            case Entry(_, vector, index):  # another name for a variable, as with Stack
                names = [variables[index][vector]] * len(variables)
            case Stack(_, entries):
                names = [variables[0][entry] for entry in entries]
            case Number(_, expression):
                values = [text(expression, variables[0], literal)]
            case Total(_, expression):
                count = length_of(expression, lengths, self.layout.d)
                values = [" + ".join(f"({text(expression, v, literal)})" for v in variables[:count])]
            case Vector(_, expression):
                values = [text(expression, v, literal) for v in variables[: len(names)]]
            case MatVec(_, matrix, operand):
                values = [
                    " + ".join(f"{self.entry(matrix, i, j)}*{variables[j][operand]}" for j in range(lengths[operand]))
                    for i in range(len(names))
                ]
        if isinstance(statement, Number | Total):
            names = [self.layout.names(("lane", target), target)] * len(variables)
        out(*(f"{name} = {value}" for name, value in zip(names, values, strict=False)))
        for known, name in zip(variables, names, strict=False):
            known[target] = name

    def write_values(self, out: Source, track: Track) -> None:
        """Evaluate the observables on a track; note where a path has ceased to be finite."""
        layout = self.layout
        with out.under(layout.lane_loop()):
            self.load_state(out, track)
            states = [self.variable(block, i) for block in track.step.state for i in self.coordinates]
            zero = " + ".join(f"{layout.literal(0.0)}*{x}" for x in states)
            out(f"finite = {zero} == {layout.literal(0.0)}")
            for observable in layout.kernel.observables:
                self.write_observable(out, observable, track)
            flag = layout.at(layout.flags[track.name], "S")
            out(f"{flag} = {flag} if finite else 0.0")

    def write_observable(self, out: Source, observable: Observable, track: Track) -> None:
        lengths = self.layout.lengths(track, observable.statements)
        variables = self.lane_variables(track, lengths, observable.name)
        for statement in observable.statements:
            self.write_statement(out, statement, variables, lengths)
        value = f"float({text(observable.expression, variables[0], self.layout.literal)})"
        out(f"value = {value}")
        out(f"{self.layout.at(self.layout.values[track.name, observable], 'S')} = value")
        out(f"finite &= abs(value) < {double(1e140)}")
