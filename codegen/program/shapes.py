"""Lengths of vectors: d, but for noise of fewer or more dimensions, what is made of it, and what a wide
matrix makes.
"""

from collections.abc import Iterable, Mapping

from sympy import Expr, Symbol

from ...derive.errors import KernelRefused
from .statements import Kernel, MatVec, Stack, Statement, Step, Total, Vector


def length_of(expression: Expr, known: Mapping[str, int], dimension: int) -> int:
    """The length of an expression of vectors of known lengths; d if there are none.

    Raises
    ------
    ValueError
        The vectors have several lengths.
    """
    found = {s.name: known[s.name] for s in expression.atoms(Symbol) if s.name in known}
    if len(set(found.values())) > 1:
        shown = ", ".join(f"{name} of {length}" for name, length in sorted(found.items()))
        raise KernelRefused(
            f"{expression} has vectors of several lengths: {shown}; multiply by a matrix first"
        )
    return next(iter(found.values()), dimension)


def lengths(statements: Iterable[Statement], known: Mapping[str, int], dimension: int) -> dict[str, int]:
    """The lengths of all vectors: those known, and those that the statements make.

    Raises
    ------
    ValueError
        A statement mixes several lengths.
    """
    found = dict(known)
    for statement in statements:
        match statement:
            case MatVec(target, _, _, rows):
                found[target] = rows or dimension
            case Vector(target, expression):
                found[target] = length_of(expression, found, dimension)
            case Total(_, expression):
                length_of(expression, found, dimension)
            case Stack(target, _):
                found[target] = dimension
    return found


def input_lengths(step: Step, dimension: int) -> dict[str, int]:
    """The lengths of what a step starts from."""
    widths = dict(step.widths)
    return {name: widths.get(name.removeprefix("past_"), dimension) for name in step.inputs}


def matrix_shapes(kernel: Kernel) -> dict[str, tuple[int, int]]:
    """Rows and columns of the matrices of a kernel, sorted by name.

    Raises
    ------
    ValueError
        Two products need different shapes of the same matrix.
    """
    d, found = kernel.dimension, {}
    for track in kernel.tracks:
        known = input_lengths(track.step, d)
        state = {name: known[name] for name in (*track.step.state, *track.step.vectors)}
        for statements, given in (
            (track.step.statements, known),
            *((o.statements, state) for o in kernel.observables),
        ):
            length = lengths(statements, given, d)
            for s in statements:
                if isinstance(s, MatVec):
                    shape = (length[s.target], length[s.operand])
                    if found.setdefault(s.matrix, shape) != shape:
                        raise KernelRefused(
                            f"matrix {s.matrix!r} is used with the shapes {found[s.matrix]} and {shape}"
                        )
    # what no product reads is square
    return {
        name: found.get(name, (d, d))
        for name in sorted({m for track in kernel.tracks for m in track.step.matrices})
    }
