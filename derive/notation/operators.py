"""Differential operators by their symbols, in index notation, and their composition.

The operator ``b_a d_a + 1/2 a_ab d_a d_b`` is the expression ``b_a k_a + 1/2 a_ab k_a k_b``, where the
momenta ``k_a`` stand for derivatives to the right of all coefficients. All indices are dummies, so an
operator of any order, for every dimension, is one expression; composition is Leibniz' rule. A dummy that a
Kronecker delta leaves without a component stays on `one`, so a sum of ones is not lost.
"""

from collections.abc import Collection, Mapping
from functools import cache
from itertools import product

from sympy import Add, Expr, Integer, Mul, Rational

from .factors import taken_out
from .indices import canonical, components, dummies, fresh, is_dummy, reindex, terms
from .symbols import Component, Field, TotalField, one, t

TIME = "t"
"""The block that holds time; it has no index."""


@cache
def momentum(block: str) -> Field:
    """Return the field of derivatives by the entries of a block (by time for `TIME`)."""
    return Field(f"d/d{block}", rank=0 if block == TIME else 1, formal=True)


def is_momentum(component: Component) -> bool:
    """Tell whether a component stands for a derivative."""
    return component.field.name.startswith("d/d")


def block_of(component: Component) -> str:
    """Return the block by which a momentum differentiates."""
    return component.field.name.removeprefix("d/d")


def split(term: Expr) -> tuple[Expr, list[Component]]:
    """Split a term of a symbol into its coefficient and its momenta, repeated as often as they occur."""
    momenta, coefficient = taken_out(term, lambda base: isinstance(base, Component) and is_momentum(base))
    return coefficient, sorted(momenta, key=str)


def contracted(expression: Expr, block: str) -> Expr:
    """Return the symbol of ``sum_i expression_i d_i`` for the block's entries, `expression` having the free
    index i.
    """
    pieces = [(term * momentum(block)("i"), fresh(dummies(term), 1)[0]) for term in terms(expression)]
    return canonical(Add(*(reindex(piece, {"i": index}) for piece, index in pieces)))


def apply(operator: Expr, function: Expr) -> Expr:
    """Let an operator act on a function of the state, which may have one free index."""
    return Add(*(term for term in terms(compose(operator, function)) if not split(term)[1]))


def compose(left: Expr, right: Expr) -> Expr:
    """Return the symbol of the product of two operators, `right` applied first."""
    pieces = [
        piece for a in terms(left) for b in terms(right) for piece in _compose_terms(a, _renamed_apart(b, a))
    ]
    return canonical(Add(*pieces))


def compose_series(
    left: Mapping[Rational, Expr], right: Mapping[Rational, Expr], through: Expr | int
) -> dict[Rational, Expr]:
    """Return the product of two operators given by powers of tau, without the powers above `through`."""
    pieces: dict[Rational, list[Expr]] = {}
    for (n, a), (m, b) in product(left.items(), right.items()):
        if n + m <= through:
            pieces.setdefault(n + m, []).append(compose(a, b))
    return {n: canonical(Add(*parts)) for n, parts in pieces.items()}


def _renamed_apart(term: Expr, other: Expr, shared: Collection[str] = ()) -> Expr:
    """Rename the dummies of a term, if `other` has one of them that is not shared."""
    own, taken = sorted(dummies(term) - {*shared}), dummies(other)
    names = fresh(taken | {*own, *shared}, len(own))
    return reindex(term, dict(zip(own, names, strict=True))) if taken & {*own} else term


def _compose_terms(left: Expr, right: Expr) -> list[Expr]:
    coefficient, momenta = split(left)
    pieces: list[Expr] = []
    for acting in product((False, True), repeat=len(momenta)):
        passing = Mul(*(m for m, acts in zip(momenta, acting, strict=True) if not acts))
        chosen = [m for m, acts in zip(momenta, acting, strict=True) if acts]
        pieces += _differentiate(coefficient * passing, right, chosen)
    return pieces


def _differentiate(frozen: Expr, active: Expr, momenta: list[Component]) -> list[Expr]:
    """Let the momenta act on `active`; a Kronecker delta renames an index in everything, the waiting momenta
    included.
    """
    if active == 0:
        return []
    if not momenta:
        return [frozen * active]
    acting, waiting = momenta[0], momenta[1:]
    block, index = block_of(acting), next(iter(acting.indices), "")
    result = _differentiate(frozen, active.diff(t), waiting) if block == TIME else []
    for c in sorted((c for c in components(active) if not is_momentum(c)), key=str):
        if isinstance(c.field, TotalField):
            around = Mul(frozen, active, *momenta)
            for inner in _differentiate(Integer(1), _renamed_apart(c.field.body, around), [acting]):
                # sums inside the body have brought dummies of their own
                own = _renamed_apart(inner, Mul(frozen, active, *waiting), {index})
                result += _differentiate(frozen, active.diff(c) * own, waiting)
        elif c.field.name == block:
            names = {c.indices[0]: index} if is_dummy(c.indices[0]) else {index: c.indices[0]}
            renamed = [reindex(m, names) for m in waiting]
            derivative = reindex(active.diff(c), names)
            if is_dummy(c.indices[0]):
                derivative = Add(*(d if index in dummies(d) else d * one(index) for d in terms(derivative)))
            result += _differentiate(reindex(frozen, names), derivative, renamed)
        elif block == "theta" and c.field.varies:
            result += _differentiate(frozen, active.diff(c) * c.differentiated(index), waiting)
    return result
