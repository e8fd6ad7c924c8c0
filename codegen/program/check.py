"""What a `Kernel` must satisfy before it is turned into text."""

import keyword
from collections.abc import Iterable

from ...derive.errors import KernelRefused
from .kernel import PACES, Kernel, Step
from .shapes import input_lengths, matrix_shapes, vector_lengths
from .statement import Scope, Statement, check_defined, symbols

TIME = "t"
LARGEST_WEIGHT = 1e6
"""Of a contrast: the sums of squares must stay finite."""


def check_name(name: str) -> None:
    """Refuse a name that is no plain Python identifier: names become variables of the generated source."""
    # beyond ASCII, Python identifies different spellings (NFKC)
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name) or name.startswith("__"):
        raise KernelRefused(f"name {name!r} is not a plain ASCII identifier; rename the symbol")


def _one_of_each(names: Iterable[str], where: str) -> None:
    seen: set[str] = {TIME}
    for name in names:
        check_name(name)
        if name in seen:
            raise KernelRefused(f"{where}: the name {name!r} is given twice or reserved; rename one")
        seen.add(name)


def _check_statements(statements: Iterable[Statement], scope: Scope, where: str) -> None:
    """Check uses against definitions; the scope knows the targets at the end."""
    for statement in statements:
        try:
            scope.add(statement)
        except ValueError as error:
            raise KernelRefused(f"{where}, {statement.label} {statement.target!r}: {error}") from error


def _check_step(step: Step, dimension: int) -> None:
    where = f"step {step.name!r}"
    targets = [statement.target for statement in step.statements]
    _one_of_each((*step.inputs, *step.parameters, *step.matrices, *targets), where)
    if not set(step.past) <= set(step.noise):
        raise KernelRefused(f"{where}: the past of {step.past} is wanted; its noise is {step.noise}")
    given = (*step.noise, *step.signs, *step.vectors)
    for name, width in step.widths:
        if name not in given or width < 1:
            raise KernelRefused(
                f"{where}: the width {width} of {name!r}; expected at least 1, of noise or a "
                f"constant vector, one of {given}"
            )
    scope = Scope(dimension, {TIME, *step.parameters}, input_lengths(step, dimension), set(step.matrices))
    _check_statements(step.statements, scope, where)
    vectors = scope.vectors
    if not step.state or len(step.result) != len(step.state):
        raise KernelRefused(
            f"{where}: {len(step.result)} results for {len(step.state)} state blocks; give one for each"
        )
    for name in step.result:
        if name not in vectors:
            raise KernelRefused(f"{where}: the result {name!r} is no vector; give a state block or a Vector")
        if vectors[name] != dimension:
            raise KernelRefused(
                f"{where}: the result {name!r} has {vectors[name]} entries; expected {dimension}"
            )
    for name in step.nonnegative:
        if name not in step.state:
            raise KernelRefused(
                f"{where}: the nonnegative block {name!r} is none of the state's {step.state}"
            )


def check(kernel: Kernel) -> None:
    """Check names, definitions before use, kinds and shapes.

    Raises
    ------
    ValueError
        With one line that names the step or observable and what is wrong.
    """
    if kernel.dimension < 1:
        raise KernelRefused(f"dimension {kernel.dimension}: a kernel needs at least 1")
    if kernel.dtype not in ("float64", "float32"):
        raise KernelRefused(f"dtype {kernel.dtype!r}: expected 'float64' or 'float32'")
    if not kernel.tracks:
        raise KernelRefused("a kernel needs at least one track")
    _one_of_each((track.name for track in kernel.tracks), "tracks")
    for track in kernel.tracks:
        if track.pace not in PACES:
            raise KernelRefused(
                f"track {track.name!r}: pace {track.pace!r}; expected one of {', '.join(PACES)}"
            )
        _check_step(track.step, kernel.dimension)
    laws = {track.step.law for track in kernel.tracks if track.step.noise}
    if len(laws) > 1 or (laws and laws != {"gaussian"} and len({track.pace for track in kernel.tracks}) > 1):
        found = " and ".join(sorted(laws))
        raise KernelRefused(
            f"{found} increments on several tracks; expected gaussian ones, whose sums are gaussian again"
        )
    for track in kernel.tracks:
        for name, length in input_lengths(track.step, kernel.dimension).items():
            if length != vector_lengths(kernel).get(name, length):
                raise KernelRefused(
                    f"{name!r} has the lengths {sorted({length, vector_lengths(kernel)[name]})} on several "
                    "tracks; expected one"
                )
    for weights in kernel.contrasts:
        if len(weights) != len(kernel.tracks):
            raise KernelRefused(f"contrast {weights}: {len(weights)} weights for {len(kernel.tracks)} tracks")
        if not all(abs(weight) <= LARGEST_WEIGHT for weight in weights):
            raise KernelRefused(f"contrast {weights}: expected weights of at most {LARGEST_WEIGHT:g} in size")
    for observable in kernel.observables:
        where = f"observable {observable.name!r}"
        for track in kernel.tracks:
            step = track.step
            inputs = (*step.state, *step.parameters, *kernel.matrices, *kernel.vectors)
            _one_of_each((*inputs, *(statement.target for statement in observable.statements)), where)
            if any(statement.kind == "uniform" for statement in observable.statements):
                raise KernelRefused(
                    f"{where}: it has a Scalar statement; put that expression where it is used"
                )
            lengths = vector_lengths(kernel)
            known = {name: lengths.get(name, kernel.dimension) for name in (*step.state, *kernel.vectors)}
            scope = Scope(kernel.dimension, set(step.parameters), known, set(kernel.matrices))
            _check_statements(observable.statements, scope, where)
            try:
                check_defined(symbols(observable.expression), scope.uniform, scope.numbers)
            except ValueError as error:
                raise KernelRefused(f"{where}: {error}") from error
    matrix_shapes(kernel)
