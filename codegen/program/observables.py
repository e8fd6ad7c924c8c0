"""Observables: numbers per path, written as ``norm(theta)**2`` or ``theta[0]**2 * v[0]``."""

from sympy import Expr, Integer, Symbol, sqrt

from ...derive.errors import BadInput
from ...derive.notation.parser import parse_expression
from .statements import Entry, Observable, Statement, Total

REDUCTIONS = ("norm", "sum", "mean", "dot")
"""Functions that make a number of vectors."""


def observable(text: str, blocks: tuple[str, ...], dimension: int) -> Observable:
    """Read an observable.

    Parameters
    ----------
    text : str
        An expression in ``norm(x)``, ``sum(x)``, ``mean(x)``, ``dot(x, y)`` of element-wise expressions in
        the blocks, and in entries such as ``theta[0]``.
    blocks : tuple of str
    dimension : int

    Raises
    ------
    ValueError
        The text is no such expression.
    """
    reader = _Reader(blocks, dimension)
    entries = {f"{b}[{n}]": reader.entry(b, n) for b in blocks for n in range(dimension)}
    vectors = {b: Symbol(b, real=True) for b in blocks}
    functions = {name: getattr(reader, name) for name in REDUCTIONS}
    expression = parse_expression(text, vectors | entries, functions | {"sqrt": sqrt, "abs": abs})
    if loose := sorted(str(s) for s in expression.free_symbols if s in vectors.values()):
        raise BadInput(
            f"observable {text!r} is a vector in {', '.join(loose)}; expected a number: take {loose[0]}[0], "
            f"norm({loose[0]}) or mean({loose[0]})"
        )
    used = {str(s) for s in expression.free_symbols}
    return Observable(text, tuple(s for s in reader.statements if s.target in used), expression)


class _Reader:
    """Makes a statement and a symbol for each reduction and entry."""

    def __init__(self, blocks: tuple[str, ...], dimension: int) -> None:
        self.blocks, self.dimension = blocks, dimension
        self.statements: list[Statement] = []

    def entry(self, block: str, index: int) -> Symbol:
        target = f"{block}_at_{index}"
        self.statements.append(Entry(target, block, index))
        return Symbol(target, real=True)

    def sum(self, vector: Expr) -> Expr:
        if foreign := sorted(str(s) for s in vector.free_symbols if str(s) not in self.blocks):
            raise BadInput(f"{', '.join(foreign)} inside a sum; expected vectors: {', '.join(self.blocks)}")
        target = f"total_{sum(isinstance(s, Total) for s in self.statements) + 1}"
        self.statements.append(Total(target, vector))
        return Symbol(target, real=True)

    def mean(self, vector: Expr) -> Expr:
        return self.sum(vector) / Integer(self.dimension)

    def dot(self, left: Expr, right: Expr) -> Expr:
        return self.sum(left * right)

    def norm(self, vector: Expr) -> Expr:
        return sqrt(Symbol(str(self.sum(vector**2)), real=True))
