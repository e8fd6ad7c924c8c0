"""Where everything lives while a kernel runs, and the names of its variables.

The numbers of a block of paths lie in rows of L lanes, one lane per path, in one flat array per type (several
arrays would have to be proved distinct before LLVM vectorises): ``X`` holds states and noise in the kernel's
dtype, ``R`` the words of the streams, ``S`` flags, values and sums in float64.
"""

from collections.abc import Sequence

from ...derive.schemes.increment_laws import Law
from ..program.check import TIME
from ..program.kernel import PACES, SUBSTEPS, Kernel, Step, Track
from ..program.shapes import input_lengths, lengths, matrix_shapes, vector_lengths
from ..program.simplify import factor
from ..program.statement import Statement, symbols
from ..program.statements import Apply, Function, Scalar
from .identifiers import Names
from .lines import lane_loop
from .printer import double, single

LARGEST_UNIT = 1024
"""Runs start at multiples of this number of paths."""


class Layout:
    """Row numbers, variable names and factored steps of one kernel."""

    def __init__(self, kernel: Kernel, lanes: int, unit: int) -> None:
        self.kernel = kernel
        self.lanes = lanes
        self.unit = unit
        self.d = kernel.dimension
        self.names = Names()
        self.literal = double if kernel.dtype == "float64" else single
        self.steppers = [t for t in kernel.tracks if self.owner(t) is t]
        factored = {track.name: factor(track.step) for track in self.steppers}
        self.steps = {track.name: factored[self.owner(track).name] for track in kernel.tracks}
        self.observers = [t for t in kernel.tracks if self.observer(t) is t]
        self.shapes = matrix_shapes(kernel)
        self.vectors, self.widths = kernel.vectors, vector_lengths(kernel)
        self.noise = sorted({name for track in kernel.tracks for name in track.step.noise})
        self.inputs = {track.name: input_lengths(track.step, self.d) for track in kernel.tracks}
        self.signs = sorted({name for track in kernel.tracks for name in track.step.signs})
        self.noise_entries = [(name, i) for name in self.noise for i in range(self.widths[name])]
        self.sign_entries = [(name, i) for name in self.signs for i in range(self.widths[name])]
        self.slots = len(self.noise_entries)
        self.even_slots, self.even_signs = (n + n % 2 for n in (self.slots, len(self.sign_entries)))
        laws: list[Law] = [track.step.law for track in kernel.tracks if track.step.noise]
        self.law: Law = laws[0] if laws else "gaussian"
        present = [pace for pace in PACES if any(track.pace == pace for track in kernel.tracks)]
        self.finest, self.coarser = present[0], present[1:]
        observables = kernel.observables
        self._observed = {name for o in observables for s in o.statements for name in s.reads}
        self._observed |= {name for o in observables for name in symbols(o.expression)}
        self._place_rows()

    def _place_rows(self) -> None:
        self.rows = 0
        self.state = {(t.name, b): self.take(self.d) for t in self.kernel.tracks for b in t.step.state}
        self.low = {t.name: self.take(1) for t in self.kernel.tracks if t.step.nonnegative}
        self.sums = {pace: self.take(self.slots) for pace in self.coarser}
        remembering = {track.pace for track in self.kernel.tracks if track.step.past}
        self.past = {pace: self.take(self.slots) for pace in PACES if pace in remembering}
        tracks, observables = len(self.kernel.tracks), len(self.kernel.observables)
        self.flags = {
            track.name: 1 + n for n, track in enumerate(self.kernel.tracks)
        }  # row 0 of S: counted paths
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

    def part(self, array: str, first: int, stop: int) -> str:
        """Some consecutive entries of an array."""
        return f"{array}[{first}:{stop}]" if self.lanes == 1 else f"part({array}, {first}, {stop})"

    def lengths(
        self, track: Track, statements: Sequence[Statement], observed: bool = False
    ) -> dict[str, int]:
        """The lengths of the vectors of a track's step, or of an observable on it."""
        constants = {name: self.widths[name] for name in self.vectors} if observed else {}
        return lengths(statements, self.inputs[track.name] | constants, self.d)

    @property
    def externals(self) -> dict[Function, str]:
        """The functions that statements apply, and their names in the text."""
        parts = (*(self.steps[t.name] for t in self.steppers), *self.kernel.observables)
        applied = [s.operator for part in parts for s in part.statements if isinstance(s, Apply)]
        return {f: self.external(f) for f in applied if isinstance(f, Function)}

    def external(self, function: Function) -> str:
        """The name of a function in the text."""
        return self.names(("external", function.call), function.name)

    def owner(self, track: Track) -> Track:
        """The first track that takes the same step: it gives its name to the function for both."""
        return next(t for t in self.kernel.tracks if t.step == track.step)

    def observer(self, track: Track) -> Track:
        """The first track with the same state: it gives its name to the function that evaluates the
        observables on both.
        """
        return next(t for t in self.kernel.tracks if t.step.state == track.step.state)

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
        used = {name for s in step.statements if s.kind != "uniform" for name in s.reads}
        return [name for name in self.timed(step) if name in used]

    def lane_constants(self, step: Step) -> list[str]:
        """Parameters and scalars that do not depend on time and that the loop over paths needs."""
        used = {name for s in step.statements if s.kind != "uniform" for name in s.reads}
        used |= set(self.observed_numbers)
        known = [*step.parameters, *(s.target for s in step.statements if isinstance(s, Scalar))]
        return [name for name in known if name in used and name not in self.timed(step)]

    @property
    def observed_numbers(self) -> list[str]:
        """The parameters that observables read."""
        return [name for name in self.kernel.tracks[0].step.parameters if name in self._observed]

    @property
    def observed_vectors(self) -> list[str]:
        """The constant vectors that observables read."""
        return [name for name in self.vectors if name in self._observed]

    def function(self, owner: Track, what: str) -> str:
        """A function that serves every track with the step, or the state, of this one."""
        return self.names(("function", owner.name, what), f"{owner.name}_{what}")

    def constants(self, track: Track) -> str:
        """The tuple of a track's numbers that do not change."""
        return self.names(("constants", track.name), f"{track.name}_numbers")

    def table(self, track: Track) -> str:
        """The table of a track's numbers that change with time."""
        return self.names(("times", track.name), f"{track.name}_times")

    def now(self, track: Track) -> str:
        """The tuple of those at the start of a step."""
        return self.names(("now", track.name), f"{track.name}_now")

    def shared(self, track: Track) -> dict[str, str]:
        """Arguments of a step's function: tuples of numbers that all paths share, and what a track gives for
        them.
        """
        step, owner = self.steps[track.name], self.owner(track)
        found = {self.constants(owner): self.constants(track)} if self.lane_constants(step) else {}
        return found | ({self.now(owner): self.now(track)} if self.lane_timed(step) else {})

    def observed_shared(self, track: Track) -> dict[str, str]:
        """Arguments of the observables' function: the parameters that they read."""
        constants, owner = self.lane_constants(self.steps[track.name]), self.observer(track)
        return {
            self.lane_scalar(owner.name, name): f"{self.constants(track)}[{constants.index(name)}]"
            for name in self.observed_numbers
        }

    def uniform_variables(self, track: Track, observable: str = "") -> dict[str, str]:
        """Names of a track's numbers inside the loop over paths; an observable knows the parameters only."""
        step = self.steps[track.name]
        scalars = [TIME, *(s.target for s in step.statements if isinstance(s, Scalar))]
        return {
            name: self.lane_scalar(track.name, name)
            for name in (*step.parameters, *([] if observable else scalars))
        }
