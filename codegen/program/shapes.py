"""Lengths of vectors: d, but for noise of fewer or more dimensions, what is made of it, and what a wide
matrix makes.
"""

from collections.abc import Iterable, Mapping

from ...derive.errors import KernelRefused
from .kernel import Kernel, Step
from .statement import Statement
from .statements import Apply, Matrix


def lengths(statements: Iterable[Statement], known: Mapping[str, int], dimension: int) -> dict[str, int]:
    """The lengths of all vectors: those known, and those that the statements make.

    Raises
    ------
    ValueError
        A statement mixes several lengths.
    """
    found = dict(known)
    for statement in statements:
        statement.span(found, dimension)
        if statement.kind == "vector":
            found[statement.target] = statement.size(found, dimension)
    return found


def input_lengths(step: Step, dimension: int) -> dict[str, int]:
    """The lengths of what a step starts from."""
    widths = dict(step.widths)
    return {name: widths.get(name.removeprefix("past_"), dimension) for name in step.inputs}


def vector_lengths(kernel: Kernel) -> dict[str, int]:
    """The lengths of noise, signs and constant vectors, of which all tracks have the same."""
    found = dict.fromkeys(kernel.vectors, kernel.dimension)
    for track in kernel.tracks:
        drawn = (*track.step.noise, *track.step.signs, *track.step.vectors)
        found |= {n: size for n, size in input_lengths(track.step, kernel.dimension).items() if n in drawn}
    return found


def matrix_shapes(kernel: Kernel) -> dict[str, tuple[int, int]]:
    """Rows and columns of the matrices of a kernel, sorted by name.

    Raises
    ------
    ValueError
        Two products need different shapes of the same matrix.
    """
    d, given, found = kernel.dimension, vector_lengths(kernel), {}
    for track in kernel.tracks:
        known = input_lengths(track.step, d)
        state = {name: given.get(name, d) for name in (*track.step.state, *kernel.vectors)}
        parts = [(track.step.statements, known), *((o.statements, state) for o in kernel.observables)]
        for statements, inputs in parts:
            length = lengths(statements, inputs, d)
            for s in statements:
                if isinstance(s, Apply) and isinstance(s.operator, Matrix):
                    shape = (length[s.target], length[s.operands[0]])
                    shape = shape[::-1] if s.operator.transposed else shape
                    if found.setdefault(s.operator.name, shape) != shape:
                        known_shape = found[s.operator.name]
                        raise KernelRefused(
                            f"matrix {s.operator.name!r} is used with the shapes {known_shape} and {shape}"
                        )
    return {name: found.get(name, (d, d)) for name in kernel.matrices}  # what no product reads is square
