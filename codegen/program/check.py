"""What a `Kernel` must satisfy before it is turned into text."""

import keyword
from collections.abc import Iterable

from sympy import Expr, Symbol

from ...derive.errors import KernelRefused
from .shapes import input_lengths, lengths, matrix_shapes
from .statements import PACES, Entry, Kernel, MatVec, Number, Scalar, Stack, Statement, Step, Total, Vector

TIME = "t"
LARGEST_WEIGHT = 1e6
"""Of a contrast: the sums of squares must stay finite."""


def symbols(expression: Expr) -> list[str]:
    """Names of the symbols of an expression, sorted."""
    return sorted({s.name for s in expression.atoms(Symbol)})


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


def _check_statements(
    statements: tuple[Statement, ...],
    scalars: set[str],
    given: dict[str, int],
    matrices: set[str],
    dimension: int,
    where: str,
) -> tuple[set[str], dict[str, int]]:
    """Check uses against definitions; return the numbers per path, and the vectors with their lengths, at the
    end.
    """
    uniform, lane, vectors = set(scalars), set(), set(given)
    try:
        length = lengths(statements, given, dimension)
    except ValueError as error:
        raise KernelRefused(f"{where}: {error}") from error
    for statement in statements:
        match statement:
            case Scalar(target, expression):
                _defined(expression, uniform, f"{where}, scalar {target!r}")
                uniform.add(target)
            case Vector(target, expression):
                _defined(expression, uniform | lane | vectors, f"{where}, vector {target!r}")
                vectors.add(target)
            case Total(target, expression):
                _defined(expression, uniform | lane | vectors, f"{where}, total {target!r}")
                lane.add(target)
            case Number(target, expression):
                _defined(expression, uniform | lane, f"{where}, number {target!r}")
                lane.add(target)
            case MatVec(target, matrix, operand):
                if matrix not in matrices:
                    raise KernelRefused(
                        f"{where}, product {target!r}: {matrix!r} is none of the matrices {sorted(matrices)}"
                    )
                if operand not in vectors:
                    raise KernelRefused(f"{where}, product {target!r}: {operand!r} is no earlier vector")
                vectors.add(target)
            case Entry(target, vector, index):
                if vector not in vectors:
                    raise KernelRefused(f"{where}, entry {target!r}: {vector!r} is no earlier vector")
                if not 0 <= index < length[vector]:
                    raise KernelRefused(
                        f"{where}, entry {target!r}: index {index} is outside 0 ... {length[vector] - 1}"
                    )
                lane.add(target)
            case Stack(target, entries):
                if len(entries) != dimension or not lane.issuperset(entries):
                    raise KernelRefused(
                        f"{where}, stack {target!r}: {entries} are not {dimension} earlier numbers per path"
                    )
                vectors.add(target)
    return uniform | lane, length


def _defined(expression: Expr, known: set[str], where: str) -> None:
    for name in symbols(expression):
        if name not in known:
            raise KernelRefused(f"{where}: {name!r} is not defined there; define it in an earlier statement")


def _check_step(step: Step, dimension: int) -> None:
    where = f"step {step.name!r}"
    targets = [statement.target for statement in step.statements]
    _one_of_each((*step.inputs, *step.parameters, *step.matrices, *targets), where)
    if not set(step.past) <= set(step.noise):
        raise KernelRefused(f"{where}: the past of {step.past} is wanted; its noise is {step.noise}")
    drawn = (*step.noise, *step.signs)
    for name, width in step.widths:
        if name not in drawn or width < 1:
            raise KernelRefused(
                f"{where}: the width {width} of {name!r}; expected at least 1, of one of the noise {drawn}"
            )
    scalars, given = {TIME, *step.parameters}, input_lengths(step, dimension)
    _, vectors = _check_statements(step.statements, scalars, given, set(step.matrices), dimension, where)
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
    for name in sorted({name for track in kernel.tracks for name in (*track.step.noise, *track.step.signs)}):
        steps = [t.step for t in kernel.tracks if name in (*t.step.noise, *t.step.signs)]
        widths = {input_lengths(step, kernel.dimension)[name] for step in steps}
        if len(widths) > 1:
            raise KernelRefused(
                f"noise {name!r} has the lengths {sorted(widths)} on several tracks; expected one"
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
            inputs = (*step.state, *step.parameters, *step.matrices, *step.vectors)
            _one_of_each((*inputs, *(statement.target for statement in observable.statements)), where)
            if any(isinstance(statement, Scalar) for statement in observable.statements):
                raise KernelRefused(
                    f"{where}: it has a Scalar statement; put that expression where it is used"
                )
            scalars, _ = _check_statements(
                observable.statements,
                set(step.parameters),
                dict.fromkeys((*step.state, *step.vectors), kernel.dimension),
                set(step.matrices),
                kernel.dimension,
                where,
            )
            _defined(observable.expression, scalars, where)
    matrix_shapes(kernel)
