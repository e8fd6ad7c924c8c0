"""Numbers that all paths of a CUDA kernel share: the host computes them, a thread gets them as arguments.

With coordinates written out these are tuples, which lie in constant memory: as operands there they cost
neither a register nor an instruction. Loops read matrices and constant vectors from arrays, as they read
tables of what changes with time.
"""

from itertools import count

from .frame import Form, write_numbers
from .lines import Source, listed
from .target import ARITHMETIC
from .unrolled import Unrolled


class Shared:
    """The arguments.

    Attributes
    ----------
    types : dict of str to str
        The type of each, by name.
    numbers : int
        How many there are, arrays apart.
    """

    def __init__(self, form: Form) -> None:
        layout = self.layout = form.layout
        real, place = layout.kernel.dtype, count()
        constants = {
            layout.constants(t): layout.lane_constants(layout.steps[t.name]) for t in layout.kernel.tracks
        }
        self.uniform = {
            name: [f"uniform[{next(place)}]" for _ in found] for name, found in constants.items() if found
        }
        self.scales = {f"{pace}_scale": f"uniform[{next(place)}]" for pace in layout.coarser}
        self.tables = [
            layout.table(t) for t in layout.kernel.tracks if layout.lane_timed(layout.steps[t.name])
        ]
        self.constants = form.constant_tuples() if isinstance(form, Unrolled) else {}
        arrays = (
            {} if isinstance(form, Unrolled) else {"matrices": f"{real}[::1]", "vectors": f"{real}[:, ::1]"}
        )
        tuples = self.uniform | self.constants
        self.types = {name: f"UniTuple({real}, {len(entries)})" for name, entries in tuples.items()}
        self.types |= (
            dict.fromkeys(self.scales, real) | arrays | dict.fromkeys(self.tables, f"{real}[:, ::1]")
        )
        self.numbers = sum(map(len, tuples.values())) + len(self.scales)

    def write_host(self, out: Source) -> None:
        """A function that computes what depends on parameters and time, and one that returns all
        arguments.
        """
        real = f"np.{self.layout.kernel.dtype}"
        places = {name: f"({listed(entries)})" for name, entries in self.uniform.items()} | self.scales
        out("", f"@njit(cache=True, {ARITHMETIC})")
        with out.under("def numbers(t0, tau, n_steps, substeps, parameters):"):
            write_numbers(out, self.layout)
            out(f"uniform = np.empty({sum(map(len, self.uniform.values())) + len(self.scales)}, {real})")
            out(*(f"{place} = {name}" for name, place in places.items()))
            tables = [f"{name}.astype({real})" for name in self.tables]
            out(f"return uniform, {f'({listed(tables)})' if tables else '()'}")
        out("")
        with out.under("def shared(t0, tau, n_steps, substeps, parameters, matrices, vectors):"):
            out(
                '"""The last arguments of the kernel."""',
                "uniform, tables = numbers(t0, tau, n_steps, substeps, parameters)",
            )
            places |= {name: f"({listed(entries)})" for name, entries in self.constants.items()}
            given = [places.get(name, name) for name in self.types if name not in self.tables]
            out(f"return {listed([*given, '*tables'])}")
        out("")
