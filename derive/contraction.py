"""Reading a term in index notation as vectors: a product at one coordinate, times matrices applied to other such products.

``P_i sum_j H_ij P_j F_j`` is the local factor ``P`` times the matrix ``H`` applied to the vector ``P F``. Both the printed
equation and the kernels read terms this way, because it is how one would write and how one should compute them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, Mul

from .indices import components, dummies, reindex, terms


@dataclass(frozen=True)
class Contraction:
    """``local_i * prod_e sum_j matrix_ij * child_j``, in components at the index ``i`` (``j`` in each child).

    Attributes
    ----------
    local : Expr
        Factors at this coordinate, parameters and numbers included at the root.
    links : tuple of (Expr, Contraction)
        Matrices, as components or products of components at ``i`` and ``j``, and what they are applied to.
    """

    local: Expr
    links: tuple[tuple[Expr, Contraction], ...]


def contract(term: Expr, index: str = "i") -> Contraction:
    """Read one term at a free index.

    Raises
    ------
    ValueError
        The term is no tree of matrices and vectors, as ``F_ijk`` applied to two different vectors.
    """
    factors = list(Mul.make_args(term))
    tree, left = _grow(index, factors, {index})
    if left:
        raise ValueError(f"{Mul(*left)} in {term} is not a product of matrices and vectors")
    return tree


def _grow(index: str, factors: list[Expr], seen: set[str]) -> tuple[Contraction, list[Expr]]:
    local = [f for f in factors if _indices(f) <= {index}]
    rest = [f for f in factors if not _indices(f) <= {index}]
    neighbours = sorted({next(iter(_indices(f) - {index})) for f in rest if index in _indices(f) and len(_indices(f)) == 2})
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
