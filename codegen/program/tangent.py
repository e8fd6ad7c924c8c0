"""Statements differentiated along directions: forward mode, on programs.

A program computes ``y(x)``. Its tangent along ``u`` computes ``dy_i = y_i,j u_j`` beside it: each statement
is followed by its derivative, in which the derivatives of what it reads stand in the place of ``u``. The
tangent of a tangent is ``y_i,jk u_j w_k``. A Hessian times a vector is the tangent of a gradient and costs
about twice the gradient, whatever the dimension.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Expr, Integer, Symbol

from ...derive.errors import KernelRefused
from .statement import Statement
from .statements import Vector


@dataclass
class Tangents:
    """Derivatives of the quantities of a program, found statement by statement.

    Attributes
    ----------
    form : str
        The name of the derivative of a quantity, with ``{}`` for the quantity's.
    slopes : dict
        The derivative of each name, a symbol or 0. A name that is not in it does not change.
    """

    form: str
    slopes: dict[str, Expr] = field(default_factory=dict)

    def of(self, statement: Statement) -> Sequence[Statement]:
        """Return the statements that set the derivative of a statement's target; none where it is zero."""
        if statement.kind == "uniform":
            return ()
        target = self.form.format(statement.target)
        found = statement.derivative(target, self.slopes)
        self.slopes[statement.target] = Symbol(target, real=True) if found else Integer(0)
        return found


def tangent(
    statements: Sequence[Statement], result: str, directions: Mapping[str, str], target: str
) -> tuple[Statement, ...]:
    """Return the statements that set `target` to the derivative of a vector along directions.

    Parameters
    ----------
    statements : sequence of Statement
        Set the vector `result`; they come before those returned.
    result : str
    directions : mapping of str to str
        For each input that moves the vector along which it does.
    target : str

    Raises
    ------
    ValueError
        A statement has no derivative; or the result does not change along the directions.
    """
    # f"{target}_of_{name}" is new wherever `target` is
    slopes: dict[str, Expr] = {name: Symbol(along, real=True) for name, along in directions.items()}
    tangents, found, vectors = Tangents(f"{target}_of_{{}}", slopes), [], {*directions.values()}
    for statement in statements:
        found += tangents.of(statement)
        match found[-1] if found else None:
            case Vector(name, Symbol() as same) if same.name in vectors and name not in vectors:
                found.pop()  # a copy of a vector needs no statement
                tangents.slopes[statement.target] = same
        vectors |= {s.target for s in found if s.kind == "vector"}
    if tangents.slopes.get(result, 0) == 0:
        raise KernelRefused(f"{result} does not change along {', '.join(directions.values())}")
    last = str(tangents.slopes[result])
    if last in directions.values() or not found:
        return (Vector(target, Symbol(last, real=True)),)
    return tuple(_retargeted(found, last, target))


def _retargeted(statements: list[Statement], name: str, target: str) -> list[Statement]:
    """Set `target` in the place of `name`."""
    new = {name: Symbol(target, real=True)}
    return [s.renamed(new).to(target if s.target == name else s.target) for s in statements]
