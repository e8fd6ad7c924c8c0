"""The functions of a kernel that loops over coordinates: a step, and the observables, for a block of
paths.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ..program.kernel import Track
from ..program.schedule import Level, levels
from ..program.statement import symbols
from ..program.statements import Apply, Matrix, Total, Vector
from .lines import Source, in_row, remark
from .matrix_product import blocks, write_product
from .memory import Layout
from .printer import double, text
from .uniform import write_shared

TOGETHER = 10
"""Coordinates that are added up in one pass."""

SHORTEST = 16
"""Operations in a pass over the lanes, about, at least: LLVM unrolls what is shorter before it vectorises
it.
"""


class Loops:
    """Writes functions whose arguments are the rows of a track, ``state`` and the like, and ``X`` with what
    all tracks share.

    Parameters
    ----------
    layout : Layout
    noise, constants : mapping of str to int
        First rows in ``X`` of the noise, and of those constant vectors that are there.
    """

    def __init__(self, layout: Layout, noise: Mapping[str, int], constants: Mapping[str, int]) -> None:
        self.layout = layout
        self.noise, self.constants = noise, constants
        self.check = layout.take(1)
        self.levels: dict[tuple[str, str], list[Level]] = {}
        self.scratch: dict[tuple[str, str, str], int] = {}
        self.numbers: set[tuple[str, str, str]] = set()  # keys of `scratch` that are one number per path
        self.lengths: dict[tuple[str, str], dict[str, int]] = {}
        base = layout.rows
        sizes = [0]
        for track in layout.kernel.tracks:
            step = layout.steps[track.name]
            parts = [("", step.statements, step.result)] if track in layout.steppers else []
            parts += (
                [(o.name, o.statements, ()) for o in layout.kernel.observables]
                if track in layout.observers
                else []
            )
            for part, statements, results in parts:
                self.lengths[track.name, part] = layout.lengths(track, statements, observed=part != "")
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

    def place(self, track: Track, part: str, name: str) -> tuple[str, int] | None:
        """Array and first row of a vector that is in memory, or row of a number per path."""
        if (track.name, part, name) in self.scratch:
            return "X", self.scratch[track.name, part, name]
        if name in track.step.state:
            return "state", track.step.state.index(name) * self.layout.d
        if name.startswith("past_") and name.removeprefix("past_") in track.step.past:
            return "past", self.layout.noise_entries.index((name.removeprefix("past_"), 0))
        row = (
            self.noise.get(name)
            if name in (*track.step.noise, *track.step.signs)
            else self.constants.get(name)
        )
        return None if row is None else ("X", row)

    def local(self, name: str, c: int) -> str:
        return self.layout.names(("vector", name, c), f"{name}_i{c or ''}")

    # the functions

    def write_products(self, out: Source, decorator: str) -> None:
        parts = (*self.layout.steps.values(), *self.layout.kernel.observables)
        used = {s.operator for part in parts for s in part.statements if isinstance(s, Apply)}
        operators = [
            operator
            for name in self.layout.shapes
            for operator in (Matrix(name), Matrix(name, transposed=True))
            if operator in used
        ]
        written = {self.product_name(operator): operator for operator in reversed(operators)}
        for name, operator in reversed(written.items()):
            write_product(
                out, name, self.product_shape(operator), self.layout.lanes, decorator, operator.transposed
            )

    @contextmanager
    def function(self, out: Source, decorator: str, name: str, arguments: Iterable[str]) -> Iterator[None]:
        out("", decorator)
        with out.under(f"def {name}({', '.join(arguments)}):"):
            if self.layout.lanes > 1:
                out("widest()", "apart()")
            yield

    def product_shape(self, operator: Matrix) -> tuple[int, int]:
        """The lengths of target and operand."""
        rows, columns = self.layout.shapes[operator.name]
        return (columns, rows) if operator.transposed else (rows, columns)

    def product_name(self, operator: Matrix) -> str:
        """The function that multiplies by matrices of a shape, or by their transposes."""
        shape = rows, columns = self.product_shape(operator)
        if shape == (self.layout.d, self.layout.d) and not operator.transposed:
            return "product"
        wish = f"{'transposed_' if operator.transposed else ''}product_{rows}_{columns}"
        return self.layout.names(("product", shape, operator.transposed), wish)

    def write_step(self, out: Source, track: Track) -> None:
        step = self.layout.steps[track.name]
        out(f"# {remark(step.name)}")
        write_shared(out, self.layout, track)
        found = self.levels[track.name, ""]
        for level in found[:-1]:
            self.write_level(out, track, "", level)
        self.write_level(out, track, "", found[-1], tuple(zip(step.state, step.result, strict=True)))

    def write_values(self, out: Source, track: Track) -> None:
        """The observables on a track; note where a path has ceased to be finite."""
        layout = self.layout
        flag, zero, check = layout.at(0, "flag"), layout.literal(0.0), layout.at(self.check)
        with out.under(layout.lane_loop()):
            out(f"{check} = {zero}")
        # 0 x is 0 unless x is infinite or not a number; the blocks of a track lie one behind the other
        for start, stop, size in blocks(len(track.step.state) * layout.d, TOGETHER):
            with out.under(f"for i in range({start}, {stop}, {size}):"), self.lanes(out):
                terms = (f"{zero}*{self.entry(n, 'state')}" for n in range(size))
                out(f"{check} += {' + '.join(terms)}")
        for n, observable in enumerate(layout.kernel.observables):
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
                out(f"{layout.at(n, 'values')} = value")
                out(f"{check} = {check} if abs(value) < {double(1e140)} else {layout.literal(1.0)}")
        with out.under(layout.lane_loop()):
            out(f"{flag} = {flag} if {check} == {zero} else 0.0")

    def entry(self, row: int, array: str = "X") -> str:
        """Entry i of the vector that starts at a row, in the current lane; ``at`` is i L + lane."""
        return f"{array}[{row * self.layout.lanes} + at]" if row else f"{array}[at]"

    @contextmanager
    def lanes(self, out: Source) -> Iterator[None]:
        """The loop over lanes, in a loop over coordinates."""
        with out.under(self.layout.lane_loop()):
            out(f"at = {in_row('i', self.layout.lanes)}")
            yield

    def write_level(
        self, out: Source, track: Track, part: str, level: Level, results: Sequence[tuple[str, str]] = ()
    ) -> None:
        layout = self.layout
        for product in level.products:
            self.write_product(out, track, part, product)
        totals = [s.target for s in level.loop if isinstance(s, Total)]
        if level.entries or totals:
            with out.under(layout.lane_loop()):
                for s in level.entries:
                    value = (
                        f"vectors[{layout.vectors.index(s.vector)}, {s.index}]"
                        if s.vector in layout.vectors
                        else ""
                    )
                    if place := self.place(track, part, s.vector):
                        value = layout.at(place[1] + s.index, place[0])
                    out(f"{layout.at(self.scratch[track.name, part, s.target])} = {value}  # {s.target}")
                out(
                    *(
                        f"{layout.at(self.scratch[track.name, part, t])} = {layout.literal(0.0)}"
                        for t in totals
                    )
                )
        known = self.lengths[track.name, part]
        loops: dict[int, list[Vector | Total]] = {layout.d: []} if results else {}
        for s in level.loop:
            loops.setdefault(s.span(known, layout.d), []).append(s)
        for length, loop in sorted(loops.items()):
            last = results if length == layout.d else ()
            for start, stop, size in blocks(length, self.together(loop, last, length)):
                with out.under(f"for i in range({start}, {stop}, {size}):"):
                    self.write_loop(out, track, part, loop, level.stored, last, size)

    def together(
        self, loop: Sequence[Vector | Total], results: Sequence[tuple[str, str]], length: int
    ) -> int:
        """How many of a loop's coordinates go into one pass over the lanes."""
        if loop and all(isinstance(s, Total) for s in loop):
            return TOGETHER  # reads and writes the totals less often
        work = len(results) + sum(len(symbols(s.expression)) + s.expression.count_ops() for s in loop)
        least = min(-(-SHORTEST // max(work, 1)), length)
        return next(n for n in range(least, length + 1) if length % n == 0 or length % n >= least)

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
        vectors = layout.vectors if part else track.step.vectors
        constants = [name for name in read if name in vectors]
        variables = [layout.uniform_variables(track, part) for _ in range(size)]
        for c, known in enumerate(variables):
            known |= {name: self.local(name, c) for name in (*read, *computed) if name not in known}
            out(*(f"{known[name]} = vectors[{layout.vectors.index(name)}, i + {c}]" for name in constants))
        with self.lanes(out):
            for name in read:
                place = None if name in (*computed, *constants) else self.place(track, part, name)
                if place is not None:
                    array, row = place
                    per_path = (track.name, part, name) in self.numbers
                    places = [layout.at(row) if per_path else self.entry(row + c, array) for c in range(size)]
                    out(*(f"{known[name]} = {place}" for known, place in zip(variables, places, strict=True)))
            for s in loop:
                values = [text(s.expression, known, layout.literal) for known in variables]
                if isinstance(s, Total):
                    out(f"{layout.at(self.scratch[track.name, part, s.target])} += {' + '.join(values)}")
                    continue
                for c, (known, value) in enumerate(zip(variables, values, strict=True)):
                    out(f"{known[s.target]} = {value}")
                    if s.target in stored:
                        out(f"{self.entry(self.scratch[track.name, part, s.target] + c)} = {known[s.target]}")
            low = layout.at(0, "low")
            for block, result in results:
                for c, known in enumerate(variables):
                    out(
                        f"{self.entry(track.step.state.index(block) * layout.d + c, 'state')} = "
                        f"{known[result]}"
                    )
                    if block in track.step.nonnegative:
                        out(f"{low} = {known[result]} if {known[result]} < {low} else {low}")

    def write_product(self, out: Source, track: Track, part: str, product: Apply) -> None:
        """target = operator(operands)."""
        operands = []
        for name in product.operands:
            place = self.place(track, part, name)
            assert place is not None
            operands.append(self.rows(place[1], self.lengths[track.name, part][name], place[0]))
        length = self.lengths[track.name, part][product.target]
        operands.append(self.rows(self.scratch[track.name, part, product.target], length))
        match product.operator:
            case Matrix(name):
                call = f"{self.product_name(product.operator)}({self.layout.names(('matrix', name), name)}, "
                call += f"{', '.join(operands)})"
            case function:
                call = f"{self.layout.external(function)}({', '.join(operands)}, {self.layout.lanes})"
        out(f"{call}  # {product.target} = {product.operator} {' '.join(product.operands)}")

    def rows(self, row: int, length: int, array: str = "X") -> str:
        """The rows of a whole vector."""
        lanes = self.layout.lanes
        return self.layout.part(array, row * lanes, (row + length) * lanes)
