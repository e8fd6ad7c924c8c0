"""A point in numbers at which two expressions in index notation differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from sympy import Add, Expr, Rational, Symbol, prime

from ..errors import BadInput
from ..notation.indices import FREE, components, dummies, reindex, terms
from ..notation.symbols import Component


@dataclass(frozen=True)
class Witness:
    """A point at which a published coefficient has another value than the derived one.

    Attributes
    ----------
    values : mapping of str to Rational
        State, tensors and constants; in more than one dimension with the numbers of their coordinates.
    indices : mapping of str to int
        The coordinate that each free index stands for.
    published, derived : float
    """

    values: Mapping[str, Rational]
    indices: Mapping[str, int]
    published: float
    derived: float


def find_witness(published: Expr, derived: Expr, rank: int) -> Witness:
    """Find numbers at which two coefficients differ, in as few dimensions as it takes.

    Parameters
    ----------
    published, derived : Expr
        In index notation, with their functions written out.
    rank : int
        The number of free indices.

    Raises
    ------
    ValueError
        They are equal at all points tried.
    """
    for dimension, shift in product((1, 2, 3), range(3)):
        for free in _placements(rank, dimension):
            values: dict[Symbol, Rational] = {}
            at = [_summed(e, free, dimension) for e in (published, derived)]
            # primes, because numbers in arithmetic progression are zeros of determinants
            for n, symbol in enumerate(sorted(at[0].free_symbols | at[1].free_symbols, key=str)):
                values[symbol] = Rational(prime(n + 1 + shift), 4)
            left, right = (float(e.xreplace(values)) for e in at)
            if abs(left - right) > 1e-9 * max(1, abs(left), abs(right)):
                return Witness({_numbered(s, dimension): v for s, v in values.items()}, free, left, right)
    raise BadInput(
        f"{published} and {derived} are equal at all points tried; expected different coefficients"
    )


def _placements(rank: int, dimension: int) -> Iterator[dict[str, int]]:
    for numbers in product(range(1, dimension + 1), repeat=rank):
        yield dict(zip(FREE[:rank], numbers, strict=True))


def _summed(expression: Expr, free: Mapping[str, int], dimension: int) -> Expr:
    pieces = []
    for term in terms(expression):
        names = sorted(dummies(term))
        for numbers in product(range(1, dimension + 1), repeat=len(names)):
            at = {**free, **dict(zip(names, numbers, strict=True))}
            pieces.append(
                reindex(term, {index: str(at[index]) for c in components(term) for index in c.indices})
            )
    return Add(*pieces)


def _numbered(symbol: Symbol, dimension: int) -> str:
    """Return ``F[1,2]``, or in one dimension what it is there: ``f'``, ``f''``, ``S``, ``S'``, ``v``."""
    if not isinstance(symbol, Component) or dimension > 1:
        return str(symbol)
    if symbol.field.gradient:
        return "f" + "'" * len(symbol.indices)
    return symbol.field.name + "'" * (len(symbol.indices) - symbol.field.rank)
