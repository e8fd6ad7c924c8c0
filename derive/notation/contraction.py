"""Reading a term in index notation as vectors: a product at one coordinate, times matrices applied to other
such products.

``P_i sum_j H_ij P_j F_j`` is the local factor ``P`` times the matrix ``H`` applied to the vector ``P F``.
Both the printed equation and the kernels read terms this way, because it is how one would write and how one
should compute them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from sympy import Expr, Integer, Mul, factor

from ..errors import DerivationRefused
from .indices import components, connected, dummies, is_dummy, reindex, terms
from .symbols import KEPT, Component, TotalField, body_of


@dataclass(frozen=True)
class Contraction:
    """``local_i * prod_e sum_j matrix_ij * child_j * prod_n sum_i number_i``, in components at ``i`` (``j``
    in each child).

    Attributes
    ----------
    local : Expr
        Factors at this coordinate, parameters and numbers included at the root.
    links : tuple of (Expr, Contraction)
        Matrices, as components or products of components at ``i`` and ``j``, and what they are applied to.
    numbers : tuple of Contraction
        Factors at the root of a term that share no index with it, to be summed over all coordinates.
    """

    local: Expr
    links: tuple[tuple[Expr, Contraction], ...]
    numbers: tuple[Contraction, ...] = ()


def contract(term: Expr, index: str = "i") -> Contraction:
    """Read one term at a free index.

    Raises
    ------
    ValueError
        The term is no tree of matrices and vectors, as ``F_ijk`` applied to two different vectors.
    """
    factors = list(Mul.make_args(term))
    seen = {index}
    tree, left = _grow(index, factors, seen)
    numbers = []
    for group in connected(left):
        indices = {name for f in group for name in _indices(f)}
        if indices & seen or not all(map(is_dummy, indices)):
            raise DerivationRefused(f"{Mul(*left)} in {term} is not a product of matrices and vectors")
        numbers.append(contract_closed(Mul(*group)))
    return replace(tree, numbers=tuple(numbers))


def contract_closed(term: Expr) -> Contraction:
    """Read one term whose indices are all summed, at the index that leaves the fewest matrices applied one
    after the other.

    Raises
    ------
    ValueError
        The term is no tree of matrices and vectors.
    """
    return min((contract(reindex(term, {index: "i"})) for index in sorted(dummies(term))), key=_depth)


def _depth(tree: Contraction) -> int:
    return max((1 + _depth(child) for _, child in tree.links), default=0)


def _grow(index: str, factors: list[Expr], seen: set[str]) -> tuple[Contraction, list[Expr]]:
    local = [f for f in factors if _indices(f) <= {index}]
    rest = [f for f in factors if not _indices(f) <= {index}]
    neighbours = sorted(
        {next(iter(_indices(f) - {index})) for f in rest if index in _indices(f) and len(_indices(f)) == 2}
    )
    links = []
    for other in neighbours:
        if other in seen:  # a cycle, as in H_ij H_ik S_jk: what closes it is left over
            continue
        seen.add(other)
        matrix = [f for f in rest if _indices(f) == {index, other}]
        child, rest = _grow(other, [f for f in rest if f not in matrix], seen)
        links.append((reindex(Mul(*matrix), {index: "i", other: "j"}), child))
    return Contraction(reindex(Mul(*local), {index: "i"}), tuple(links)), rest


def _indices(factor: Expr) -> set[str]:
    return {index for c in components(factor) for index in c.indices}


def readable(expression: Expr, free: tuple[str, ...]) -> list[tuple[list[str], Expr]]:
    """Return the terms with their dummies named by letters that are not free, and those letters."""
    result = []
    letters = [letter for letter in "jklmnpqrsuwxyzabcdefgh" if letter not in free]
    for term in terms(expression):
        names = sorted(dummies(term))
        letter = dict(zip(names, letters, strict=False))
        result.append((sorted(letter.values()), reindex(term, letter)))
    return result or [([], Integer(0))]


def totals(expression: Expr) -> list[Component]:
    """Return the numbers in an expression that are sums over all coordinates, in an order of their own."""
    return sorted((c for c in components(expression) if isinstance(c.field, TotalField)), key=str)


def is_element_wise(body: Expr) -> bool:
    """Tell whether the body of a sum has vectors at one index alone."""
    return all(len(c.indices) <= 1 for c in components(body)) and len(dummies(body)) == 1


@lru_cache(KEPT)
def root_of(total: Component) -> Expr | None:
    """Return x if a number is the sum of the squares of an element-wise x, at the dummy of its body."""
    body = body_of(total)
    if not is_element_wise(body):
        return None
    powers = [f.as_base_exp() for f in Mul.make_args(factor(body))]
    return (
        Mul(*(base ** (n / 2) for base, n in powers)) if all((n / 2).is_integer for _, n in powers) else None
    )
