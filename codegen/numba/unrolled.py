"""The kernel's shape for few coordinates: a step is straight-line code on one path, in one lane loop."""

from collections.abc import Iterable

from ..program.shapes import length_of
from ..program.statements import (
    Entry,
    MatVec,
    Number,
    Observable,
    Scalar,
    Stack,
    Statement,
    Total,
    Track,
    Vector,
)
from .memory import Layout, Source, listed, remark
from .printer import double, text
from .uniform import write_shared, write_times


class Unrolled:
    """Writes the parts of a kernel that depend on its shape."""

    name = "unrolled"

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.coordinates = range(layout.d)
        self.latest = layout.take(
            len(layout.sign_entries) if layout.coarser else 0
        )  # signs, for the coarser tracks

    def variable(self, name: str, i: int) -> str:
        return self.layout.names(("vector", name, i), f"{name}_{i}")

    def noise(self, name: str, i: int) -> str:
        return self.layout.names(("noise", name, i), f"{name}_{i}")

    def entry(self, matrix: str, i: int, j: int) -> str:
        return self.layout.names(("matrix", matrix, i, j), f"{matrix}_{i}_{j}")

    def constant(self, vector: str, i: int) -> str:
        return self.layout.names(("constant", vector, i), f"{vector}_{i}")

    def lane_variables(
        self, track: Track, lengths: dict[str, int], observable: str = ""
    ) -> list[dict[str, str]]:
        """For each coordinate the variables of the inputs of a step, or of an observable."""
        step, uniform = self.layout.steps[track.name], self.layout.uniform_variables(track, observable)
        kinds = dict.fromkeys((*step.noise, *step.signs), self.noise) | dict.fromkeys(
            step.vectors, self.constant
        )
        return [
            uniform
            | {name: kinds.get(name, self.variable)(name, i) for name in step.inputs if i < lengths[name]}
            for i in range(max(lengths.values()))
        ]

    def matrix(self, name: str) -> str:
        """The tuple of a matrix' entries."""
        return self.layout.names(("matrix", name), name)

    def vector(self, name: str) -> str:
        """The tuple of a constant vector's entries."""
        return self.layout.names(("constant", name), name)

    def write_functions(self, out: Source, decorator: str, inlined: str) -> None:
        """A function for each step and for the observables on each kind of state, of one path."""
        for track in self.layout.steppers:
            out("", inlined)
            with out.under(
                f"def {self.layout.function(track, 'step')}({', '.join(self.step_arguments(track))}):"
            ):
                self.write_step(out, track)
        for track in self.layout.observers:
            out("", inlined)
            with out.under(
                f"def {self.layout.function(track, 'observe')}({', '.join(self.observe_arguments(track))}):"
            ):
                self.write_values(out, track)

    def state(self, track: Track) -> dict[str, str]:
        """For each number of a track's state its variable in functions, and its place."""
        return {
            self.variable(block, i): self.layout.at(self.layout.state[track.name, block] + i)
            for block in track.step.state
            for i in self.coordinates
        }

    def step_arguments(self, track: Track) -> dict[str, str]:
        """The arguments of the function that takes a track's step, and what the track gives for them."""
        layout, step = self.layout, track.step
        given = self.state(track)
        for name in (*step.noise, *step.signs):
            given |= {
                self.noise(name, i): self.noise(name, i) for i in range(layout.inputs[track.name][name])
            }
        for name in step.past:
            first = layout.past[track.pace] + layout.noise_entries.index((name, 0))
            sign = "-" if track.mirrored else ""
            for i in range(layout.inputs[track.name][name]):
                given[self.variable(f"past_{name}", i)] = f"{sign}{layout.at(first + i)}"
        if step.nonnegative:
            given["low"] = layout.at(layout.low[track.name])
        return given | layout.shared(track) | self.constants(step.statements, step.vectors)

    def observe_arguments(self, track: Track) -> dict[str, str]:
        """The same for the observables on a track."""
        statements = [s for observable in self.layout.kernel.observables for s in observable.statements]
        given = self.state(track) | {"flag": self.layout.at(self.layout.flags[track.name], "S")}
        return (
            given
            | self.layout.observed_shared(track)
            | self.constants(statements, self.layout.observed_vectors)
        )

    def constants(self, statements: Iterable[Statement], vectors: Iterable[str]) -> dict[str, str]:
        """Matrices and constant vectors among the arguments of a function."""
        matrices = sorted({s.matrix for s in statements if isinstance(s, MatVec)})
        names = [*(self.matrix(name) for name in matrices), *(self.vector(name) for name in vectors)]
        return dict(zip(names, names, strict=True))

    def write_constants_named(
        self, out: Source, statements: Iterable[Statement], vectors: Iterable[str]
    ) -> None:
        """In a function: name the entries of matrices and constant vectors."""
        for name in sorted({s.matrix for s in statements if isinstance(s, MatVec)}):
            rows, columns = self.layout.shapes[name]
            out(
                f"{listed([self.entry(name, i, j) for i in range(rows) for j in range(columns)])} = "
                f"{self.matrix(name)}"
            )
        for name in vectors:
            out(f"{listed([self.constant(name, i) for i in self.coordinates])} = {self.vector(name)}")

    def constant_tuples(self) -> dict[str, list[str]]:
        """For each matrix and constant vector the places of its entries."""
        found, place = {}, 0
        for matrix, (rows, columns) in self.layout.shapes.items():
            found[self.matrix(matrix)] = [f"matrices[{place + n}]" for n in range(rows * columns)]
            place += rows * columns
        for n, vector in enumerate(self.layout.vectors):
            found[self.vector(vector)] = [f"vectors[{n}, {i}]" for i in self.coordinates]
        return found

    def write_constants(self, out: Source) -> None:
        out("# matrices and constant vectors")
        out(*(f"{name} = ({listed(entries)})" for name, entries in self.constant_tuples().items()))

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
            write_times(out, self.layout, track)

    def write_tracks(self, out: Source, pace: str) -> None:
        """Step the tracks of a pace, the mirrored ones between two changes of the noise's sign, and add it to
        their past.
        """
        slots = [self.noise(name, i) for name, i in self.layout.noise_entries]
        for track in self.layout.tracks(pace):
            self.write_call(out, track)
        if mirrored := self.layout.tracks(pace, mirrored=True):
            out("# the noise of the mirrored tracks", *(f"{slot} = -{slot}" for slot in slots))
            for track in mirrored:
                self.write_call(out, track)
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
            out(
                *(
                    f"{self.noise(*entry)} = {layout.at(self.latest + n)}"
                    for n, entry in enumerate(layout.sign_entries)
                )
            )
            self.write_tracks(out, pace)

    def write_call(self, out: Source, track: Track) -> None:
        """Let a track take its step."""
        layout, step = self.layout, track.step
        out(f"# {track.name}")
        after = list(self.state(track).values()) + (
            [layout.at(layout.low[track.name])] if step.nonnegative else []
        )
        name = layout.function(layout.owner(track), "step")
        out(f"{listed(after)} = {name}({', '.join(self.step_arguments(track).values())})")

    def write_step(self, out: Source, track: Track) -> None:
        layout, step = self.layout, self.layout.steps[track.name]
        out(f"# {remark(step.name)}")
        write_shared(out, layout, track)
        self.write_constants_named(out, step.statements, step.vectors)
        lengths = layout.lengths(track, step.statements)
        variables = self.lane_variables(track, lengths)
        for statement in step.statements:
            self.write_statement(out, statement, variables, lengths)
        results = {
            block: [variables[i][result] for i in self.coordinates]
            for block, result in zip(step.state, step.result, strict=True)
        }
        out(*(f"low = {x} if {x} < low else low" for block in step.nonnegative for x in results[block]))
        after = [x for block in step.state for x in results[block]] + (["low"] if step.nonnegative else [])
        out(f"return {listed(after)}")

    def write_statement(
        self, out: Source, statement: Statement, variables: list[dict[str, str]], lengths: dict[str, int]
    ) -> None:
        """One statement for all coordinates; adds its target to `variables`."""
        literal, target, values = self.layout.literal, statement.target, []
        names = (
            [self.variable(target, i) for i in range(lengths[target])]
            if isinstance(statement, Vector | MatVec)
            else []
        )
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
                    " + ".join(
                        f"{self.entry(matrix, i, j)}*{variables[j][operand]}" for j in range(lengths[operand])
                    )
                    for i in range(len(names))
                ]
        if isinstance(statement, Number | Total):
            names = [self.layout.names(("lane", target), target)] * len(variables)
        out(*(f"{name} = {value}" for name, value in zip(names, values, strict=False)))
        for known, name in zip(variables, names, strict=False):
            known[target] = name

    def write_observed(self, out: Source, track: Track) -> None:
        """Evaluate the observables on a track."""
        layout = self.layout
        with out.under(layout.lane_loop()):
            places = [layout.values[track.name, observable] for observable in layout.kernel.observables]
            after = [layout.at(place, "S") for place in (*places, layout.flags[track.name])]
            name = layout.function(layout.observer(track), "observe")
            out(f"{listed(after)} = {name}({', '.join(self.observe_arguments(track).values())})")

    def write_values(self, out: Source, track: Track) -> None:
        """The observables on a track; the flag becomes 0 where a path has ceased to be finite."""
        observables, zero = self.layout.kernel.observables, self.layout.literal(0.0)
        self.write_constants_named(
            out, [s for o in observables for s in o.statements], self.layout.observed_vectors
        )
        out(f"finite = {' + '.join(f'{zero}*{x}' for x in self.state(track))} == {zero}")
        values = [f"value{n}" for n in range(len(observables))]
        for value, observable in zip(values, observables, strict=True):
            out(f"# {remark(observable.name)}")
            self.write_observable(out, observable, track, value)
        out(f"return {listed([*values, 'flag if finite else 0.0'])}")

    def write_observable(self, out: Source, observable: Observable, track: Track, value: str) -> None:
        lengths = self.layout.lengths(track, observable.statements)
        variables = self.lane_variables(track, lengths, observable.name)
        for statement in observable.statements:
            self.write_statement(out, statement, variables, lengths)
        out(f"{value} = float({text(observable.expression, variables[0], self.layout.literal)})")
        out(f"finite &= abs({value}) < {double(1e140)}")
