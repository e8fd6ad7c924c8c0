"""Where everything lives while a kernel runs, and the text of what both shapes of kernel share.

The numbers of a block of paths lie in rows of L lanes, one lane per path, in one flat array per type (several arrays
would have to be proved distinct before LLVM vectorises): ``X`` holds states and noise in the kernel's dtype, ``R`` the
words of the streams, ``S`` flags, values and sums in float64.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .check import TIME, symbols
from .factor import factor
from .lengths import input_lengths, lengths, matrix_shapes
from .names import Names
from .printer import double, single, text
from .program import PACES, SUBSTEPS, Kernel, Number, Scalar, Statement, Step, Total, Track, Vector

LARGEST_UNIT = 1024
"""Runs start at multiples of this number of paths."""


def remark(name: str) -> str:
    """A name as it may stand in a comment: on one line, and nothing that could end a string."""
    return "".join(c if c.isascii() and c.isprintable() and c not in "\"'\\" else "?" for c in name)


class Source:
    """Lines of Python with their indentation."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    def __call__(self, *lines: str) -> None:
        self.lines.extend("    " * self.depth + line if line else "" for line in lines)

    @contextmanager
    def under(self, head: str) -> Iterator[None]:
        """What follows is indented below the head; an empty one leaves no trace."""
        if not head:
            yield
            return
        self(head)
        self.depth += 1
        yield
        self.depth -= 1


def lane_loop(lanes: int) -> str:
    """The loop over the lanes; a single lane needs none."""
    return "" if lanes == 1 else f"for lane in range({lanes}):"


def in_lane(index: str, lanes: int) -> str:
    """An index, the current lane added."""
    return index if lanes == 1 else f"{index} + lane"


def in_row(row: str, lanes: int) -> str:
    """Index of the entry of a row in the current lane, for a row known at run time."""
    return row if lanes == 1 else f"{row}*{lanes} + lane"


class Layout:
    """Row numbers, variable names and factored steps of one kernel."""

    def __init__(self, kernel: Kernel, lanes: int, unit: int) -> None:
        self.kernel = kernel
        self.lanes = lanes
        self.unit = unit
        self.d = kernel.dimension
        self.names = Names()
        self.literal = double if kernel.dtype == "float64" else single
        self.steps = {track.name: factor(track.step) for track in kernel.tracks}
        self.shapes = matrix_shapes(kernel)
        self.vectors = sorted({name for track in kernel.tracks for name in track.step.vectors})
        self.noise = sorted({name for track in kernel.tracks for name in track.step.noise})
        self.inputs = {track.name: input_lengths(track.step, self.d) for track in kernel.tracks}
        self.signs = sorted({name for track in kernel.tracks for name in track.step.signs})
        widths = {name: length for known in self.inputs.values() for name, length in known.items()}
        self.noise_entries = [(name, i) for name in self.noise for i in range(widths[name])]
        self.sign_entries = [(name, i) for name in self.signs for i in range(widths[name])]
        self.slots = len(self.noise_entries)
        self.even_slots, self.even_signs = (n + n % 2 for n in (self.slots, len(self.sign_entries)))
        self.law = next((track.step.law for track in kernel.tracks if track.step.noise), "gaussian")
        present = [pace for pace in PACES if any(track.pace == pace for track in kernel.tracks)]
        self.finest, self.coarser = present[0], present[1:]
        self._place_rows()

    def _place_rows(self) -> None:
        self.rows = 0
        self.state = {(t.name, b): self.take(self.d) for t in self.kernel.tracks for b in t.step.state}
        self.low = {t.name: self.take(1) for t in self.kernel.tracks if t.step.nonnegative}
        self.sums = {pace: self.take(self.slots) for pace in self.coarser}
        remembering = {track.pace for track in self.kernel.tracks if track.step.past}
        self.past = {pace: self.take(self.slots) for pace in PACES if pace in remembering}
        tracks, observables = len(self.kernel.tracks), len(self.kernel.observables)
        self.flags = {track.name: 1 + n for n, track in enumerate(self.kernel.tracks)}  # row 0 of S: counted paths
        self.values = {
            (track.name, observable): 1 + tracks + t * observables + o
            for t, track in enumerate(self.kernel.tracks)
            for o, observable in enumerate(self.kernel.observables)
        }
        self.value_rows = 1 + tracks + tracks * observables
        self.record_width = 1 + 2 * observables * len(self.kernel.contrasts)

    def take(self, rows: int) -> int:
        """Reserve rows of X."""
        self.rows += rows
        return self.rows - rows

    def at(self, row: int, array: str = "X") -> str:
        """The entry of a row in the current lane."""
        if self.lanes == 1:
            return f"{array}[{row}]"
        return f"{array}[{row * self.lanes} + lane]" if row else f"{array}[lane]"

    def lengths(self, track: Track, statements: Sequence[Statement]) -> dict[str, int]:
        """The lengths of the vectors of a track's step, or of an observable on it."""
        return lengths(statements, self.inputs[track.name], self.d)

    def lane_loop(self) -> str:
        return lane_loop(self.lanes)

    def tracks(self, pace: str, mirrored: bool = False) -> list[Track]:
        return [track for track in self.kernel.tracks if track.pace == pace and track.mirrored == mirrored]

    def per_step(self, pace: str) -> str:
        """How many steps a track of this pace takes per tau."""
        return "1" if pace == "step" else f"(substeps//{SUBSTEPS[pace]})"

    # numbers that are the same for all paths

    def scalar(self, track: str, name: str) -> str:
        """The float64 variable of a parameter or scalar of a track."""
        return self.names(("scalar", track, name), f"{track}_{name}")

    def lane_scalar(self, track: str, name: str) -> str:
        """The same number in the kernel's dtype."""
        if self.kernel.dtype == "float64":
            return self.scalar(track, name)
        return self.names(("lane scalar", track, name), f"{track}_{name}_single")

    def timed(self, step: Step) -> list[str]:
        """Names of the scalars that depend on time, `t` first."""
        timed = [TIME]
        for s in step.statements:
            if isinstance(s, Scalar) and set(timed) & set(symbols(s.expression)):
                timed.append(s.target)
        return timed

    def lane_timed(self, step: Step) -> list[str]:
        """Those of them that the loop over paths needs."""
        used = {name for s in step.statements if isinstance(s, Vector | Total | Number) for name in symbols(s.expression)}
        return [name for name in self.timed(step) if name in used]

    def table(self, track: Track) -> str:
        """The table of a track's numbers that change with time."""
        return self.names(("times", track.name), f"{track.name}_times")

    def write_scalars(self, out: Source) -> None:
        """Parameters, what depends on them alone, and tables of what depends on time."""
        position = 0
        for track in self.kernel.tracks:
            step = self.steps[track.name]
            timed = self.timed(step)
            known = [*step.parameters, *(s.target for s in step.statements if isinstance(s, Scalar))]
            variables = {name: self.scalar(track.name, name) for name in [TIME, *known]}
            scalars = [(s.target, text(s.expression, variables)) for s in step.statements if isinstance(s, Scalar)]
            constant = [name for name in known if name not in timed]
            out("", f"# numbers of {track.name} that do not change")
            for name in step.parameters:
                out(f"{variables[name]} = parameters[{position}]")
                position += 1
            out(*(f"{variables[name]} = {formula}" for name, formula in scalars if name in constant))
            if self.kernel.dtype == "float32":
                out(*(f"{self.lane_scalar(track.name, name)} = single({variables[name]})" for name in constant))
            if columns := self.lane_timed(step):
                table = self.table(track)
                taken, fraction = f"*{self.per_step(track.pace)}", f"/{self.per_step(track.pace)}"
                out("", f"# numbers of {track.name} that change with time, a row for each of its steps")
                out(f"{table} = np.empty((n_steps{taken}, {len(columns)}))")
                with out.under(f"for n in range(n_steps{taken}):"):
                    out(f"{variables[TIME]} = t0 + n*tau{fraction}")
                    out(*(f"{variables[name]} = {formula}" for name, formula in scalars if name in timed))
                    out(*(f"{table}[n, {c}] = {variables[name]}" for c, name in enumerate(columns)))

    def write_times(self, out: Source, track: Track) -> None:
        """Before a step: read its row of the table."""
        columns = self.lane_timed(self.steps[track.name])
        if columns:
            table = self.table(track)
            within = SUBSTEPS.get(track.pace, 1) // SUBSTEPS.get(self.finest, 1)
            row = "k" if track.pace == "step" else f"k*{self.per_step(track.pace)} + q//{within}"
            cast = "single({})" if self.kernel.dtype == "float32" else "{}"
            for c, name in enumerate(columns):
                out(f"{self.lane_scalar(track.name, name)} = {cast.format(f'{table}[{row}, {c}]')}")

    def uniform_variables(self, track: Track, observable: str = "") -> dict[str, str]:
        """Names of a track's numbers inside the loop over paths; an observable knows the parameters only."""
        step = self.steps[track.name]
        scalars = [TIME, *(s.target for s in step.statements if isinstance(s, Scalar))]
        return {name: self.lane_scalar(track.name, name) for name in (*step.parameters, *([] if observable else scalars))}
