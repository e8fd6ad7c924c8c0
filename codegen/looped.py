"""The kernel's shape for many coordinates: loops over coordinates i with the paths of a block innermost."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .check import symbols
from .layout import Layout, Source, in_lane, in_row, remark
from .lengths import length_of
from .levels import Level, levels
from .printer import double, text
from .product import blocks, write_product
from .program import MatVec, Total, Track, Vector

TOGETHER = 10
"""Coordinates that are added up in one pass."""


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
        operands = {s.operand for step in layout.steps.values() for s in step.statements if isinstance(s, MatVec)}
        operands |= {s.operand for o in layout.kernel.observables for s in o.statements if isinstance(s, MatVec)}
        self.constants = {name: layout.take(layout.d) for name in layout.vectors if name in operands}
        self.check = layout.take(1)
        self.levels: dict[tuple[str, str], list[Level]] = {}
        self.scratch: dict[tuple[str, str, str], int] = {}
        self.numbers: set[tuple[str, str, str]] = set()  # keys of `scratch` that are one number per path
        self.lengths: dict[tuple[str, str], dict[str, int]] = {}
        base = layout.rows
        sizes = [0]
        for track in layout.kernel.tracks:
            step = layout.steps[track.name]
            parts = [("", step.statements, step.result), *((o.name, o.statements, ()) for o in layout.kernel.observables)]
            for part, statements, results in parts:
                self.lengths[track.name, part] = layout.lengths(track, statements)
                sizes.append(self._plan(track, part, levels(statements, results), base))
        layout.take(max(sizes))  # tracks and observables take turns in the same rows

    def _plan(self, track: Track, part: str, found: list[Level], row: int) -> int:
        """Give rows of memory to what must outlive a loop; return how many."""
        base = row
        for level in found:
            totals = [s.target for s in level.loop if isinstance(s, Total)]
            for name in (*(s.target for s in level.products), *level.stored):
                self.scratch[track.name, part, name] = row
                row += self.lengths[track.name, part][name]
            for name in (*(s.target for s in level.entries), *totals):
                self.numbers.add((track.name, part, name))
                self.scratch[track.name, part, name] = row
                row += 1
        self.levels[track.name, part] = found
        return row - base

    # where a name is to be found

    def row(self, track: Track, part: str, name: str) -> int | None:
        """First row of a vector that is in memory, or row of a number per path."""
        if (track.name, part, name) in self.scratch:
            return self.scratch[track.name, part, name]
        if (track.name, name) in self.layout.state:
            return self.layout.state[track.name, name]
        if name.startswith("past_") and name.removeprefix("past_") in track.step.past:
            return self.layout.past[track.pace] + self.layout.noise_entries.index((name.removeprefix("past_"), 0))
        return self.noise.get(name) if name in (*track.step.noise, *track.step.signs) else self.constants.get(name)

    def local(self, name: str, c: int) -> str:
        return self.layout.names(("vector", name, c), f"{name}_i{c or ''}")

    # the parts

    def write_functions(self, out: Source, decorator: str) -> None:
        for shape in dict.fromkeys(self.layout.shapes.values()):
            write_product(out, self.product_name(shape), shape, self.layout.lanes, decorator)

    def product_name(self, shape: tuple[int, int]) -> str:
        """The function that multiplies by matrices of a shape."""
        rows, columns = shape
        square = shape == (self.layout.d, self.layout.d)
        return "product" if square else self.layout.names(("product", shape), f"product_{rows}_{columns}")

    def write_constants(self, out: Source) -> None:
        out("# matrices")
        place = 0
        for matrix, (rows, columns) in self.layout.shapes.items():
            out(f"{self.layout.names(('matrix', matrix), matrix)} = matrices[{place}:{place + rows * columns}]")
            place += rows * columns
        for name, row in self.constants.items():
            with out.under(f"for i in range({self.layout.d}):"), self.lanes(out):
                out(f"{self.entry(row)} = vectors[{self.layout.vectors.index(name)}, i]")

    def write_finest(self, out: Source) -> None:
        layout, lanes = self.layout, self.layout.lanes
        first = min(self.noise.values(), default=0) * lanes
        out("# draw")
        words = ", ".join(layout.at(w, "R") for w in range(4))
        signs = self.first_sign * lanes
        for draw, start, count in (("draw", first, layout.slots), ("draw_signs", signs, len(layout.sign_entries))):
            if count:
                stop = start + count * lanes
                with out.under(f"for i in range({start}, {stop}, {2 * lanes}):"), out.under(layout.lane_loop()):
                    out(f"X[{in_lane('i', lanes)}], X[{in_lane(f'i + {lanes}', lanes)}], {words} = {draw}({words})")
        for pace in layout.coarser:
            out(f"# for the tracks that go by the {pace}")
            with out.under(f"for i in range({layout.slots * lanes}):"):
                out(f"X[{layout.sums[pace] * lanes} + i] += X[{first} + i]")
        self.write_tracks(out, layout.finest)

    def write_tracks(self, out: Source, pace: str) -> None:
        """Step the tracks of a pace, the mirrored ones between two changes of the noise's sign, and add it to their past."""
        layout, lanes = self.layout, self.layout.lanes
        first, past = min(self.noise.values(), default=0) * lanes, layout.past.get(pace)
        for track in layout.tracks(pace):
            self.write_step(out, track)
        if mirrored := layout.tracks(pace, mirrored=True):
            self.write_mirror(out, first, past)
            for track in mirrored:
                self.write_step(out, track)
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

    def write_step(self, out: Source, track: Track) -> None:
        layout, step = self.layout, self.layout.steps[track.name]
        out(f"# {track.name}: {remark(step.name)}")
        layout.write_times(out, track)
        found = self.levels[track.name, ""]
        for level in found[:-1]:
            self.write_level(out, track, "", level)
        self.write_level(out, track, "", found[-1], tuple(zip(step.state, step.result, strict=True)))

    def entry(self, row: int, place: str = "at") -> str:
        """Entry i of the vector that starts at a row, in the current lane; ``at`` is i L + lane."""
        return f"X[{row * self.layout.lanes} + {place}]"

    @contextmanager
    def lanes(self, out: Source) -> Iterator[None]:
        """The loop over lanes, in a loop over coordinates."""
        with out.under(self.layout.lane_loop()):
            out(f"at = {in_row('i', self.layout.lanes)}")
            yield

    def write_level(self, out: Source, track: Track, part: str, level: Level, results: Sequence[tuple[str, str]] = ()) -> None:
        layout = self.layout
        for product in level.products:
            self.write_product(out, track, part, product)
        totals = [s.target for s in level.loop if isinstance(s, Total)]
        if level.entries or totals:
            with out.under(layout.lane_loop()):
                for s in level.entries:
                    row = self.row(track, part, s.vector)
                    value = f"vectors[{layout.vectors.index(s.vector)}, {s.index}]" if row is None else layout.at(row + s.index)
                    out(f"{layout.at(self.scratch[track.name, part, s.target])} = {value}  # {s.target}")
                out(*(f"{layout.at(self.scratch[track.name, part, t])} = {layout.literal(0.0)}" for t in totals))
        # loops that only add up take several coordinates at a time, to read and write the totals less often
        known = self.lengths[track.name, part]
        loops: dict[int, list[Vector | Total]] = {layout.d: []} if results else {}
        for s in level.loop:
            loops.setdefault(length_of(s.expression, known, layout.d), []).append(s)
        for length, loop in sorted(loops.items()):
            width = TOGETHER if loop and all(isinstance(s, Total) for s in loop) else 1
            for start, stop, size in blocks(length, width):
                with out.under(f"for i in range({start}, {stop}, {size}):"):
                    self.write_loop(out, track, part, loop, level.stored, results if length == layout.d else (), size)

    def write_loop(
        self,
        out: Source,
        track: Track,
        part: str,
        loop: Sequence[Vector | Total],
        stored: Sequence[str],
        results: Sequence[tuple[str, str]],
        size: int,
    ) -> None:
        """Coordinates i ... i + size - 1 of a loop, for all lanes."""
        layout = self.layout
        computed = [s.target for s in loop]
        read = sorted({n for s in loop for n in symbols(s.expression)} | {result for _, result in results})
        constants = [name for name in read if name in track.step.vectors]
        variables = [layout.uniform_variables(track, part) for _ in range(size)]
        for c, known in enumerate(variables):
            known |= {name: self.local(name, c) for name in (*read, *computed) if name not in known}
            out(*(f"{known[name]} = vectors[{layout.vectors.index(name)}, i + {c}]" for name in constants))
        with self.lanes(out):
            for name in read:
                row = None if name in (*computed, *constants) else self.row(track, part, name)
                if row is not None:
                    per_path = (track.name, part, name) in self.numbers
                    places = [layout.at(row) if per_path else self.entry(row + c) for c in range(size)]
                    out(*(f"{known[name]} = {place}" for known, place in zip(variables, places, strict=True)))
            for s in loop:
                values = [text(s.expression, known, layout.literal) for known in variables]
                if isinstance(s, Total):
                    out(f"{layout.at(self.scratch[track.name, part, s.target])} += {' + '.join(values)}")
                    continue
                out(f"{variables[0][s.target]} = {values[0]}")
                if s.target in stored:
                    out(f"{self.entry(self.scratch[track.name, part, s.target])} = {variables[0][s.target]}")
            for block, result in results:
                value = variables[0][result]
                out(f"{self.entry(layout.state[track.name, block])} = {value}")
                if block in track.step.nonnegative:
                    low = layout.at(layout.low[track.name])
                    out(f"{low} = {value} if {value} < {low} else {low}")

    def write_product(self, out: Source, track: Track, part: str, product: MatVec) -> None:
        """target = matrix operand."""
        operand = self.row(track, part, product.operand)
        assert operand is not None
        matrix = self.layout.names(("matrix", product.matrix), product.matrix)
        shape = self.layout.shapes[product.matrix]
        x, y = self.rows(operand, shape[1]), self.rows(self.scratch[track.name, part, product.target], shape[0])
        out(f"{self.product_name(shape)}({matrix}, {x}, {y})  # {product.target} = {product.matrix} {product.operand}")

    def rows(self, row: int, length: int) -> str:
        """The rows of a whole vector."""
        lanes = self.layout.lanes
        return f"X[{row * lanes}:{(row + length) * lanes}]"

    def write_values(self, out: Source, track: Track) -> None:
        """Evaluate the observables on a track; note where a path has ceased to be finite."""
        layout = self.layout
        flag, zero, check = layout.at(layout.flags[track.name], "S"), layout.literal(0.0), layout.at(self.check)
        with out.under(layout.lane_loop()):
            out(f"{check} = {zero}")
        # 0 x is 0 unless x is infinite or not a number; the blocks of a track lie one behind the other
        first = layout.state[track.name, track.step.state[0]]
        for start, stop, size in blocks(len(track.step.state) * layout.d, TOGETHER):
            with out.under(f"for i in range({start}, {stop}, {size}):"), self.lanes(out):
                terms = (f"{zero}*{self.entry(first + n)}" for n in range(size))
                out(f"{check} += {' + '.join(terms)}")
        for observable in layout.kernel.observables:
            out(f"# {remark(observable.name)}")
            for level in self.levels[track.name, observable.name]:
                self.write_level(out, track, observable.name, level)
            with out.under(layout.lane_loop()):
                variables = layout.uniform_variables(track, observable.name)
                for name in symbols(observable.expression):
                    row = self.scratch.get((track.name, observable.name, name))
                    if row is not None:
                        variables[name] = layout.at(row)
                out(f"value = float({text(observable.expression, variables, layout.literal)})")
                out(f"{layout.at(layout.values[track.name, observable], 'S')} = value")
                out(f"{check} = {check} if abs(value) < {double(1e140)} else {layout.literal(1.0)}")
        with out.under(layout.lane_loop()):
            out(f"{flag} = {flag} if {check} == {zero} else 0.0")
