"""Index notation: implicit sums, products with dummy indices kept apart, and one canonical form.

A term is a product; each of its dummy indices (``_1``, ``_2``, ...) is summed over the coordinates. Two terms
are equal if they differ by the names of dummies only; `canonical` gives both the same names, so SymPy adds
them up. A factor whose indices are all summed, such as ``sum_j F_j F_j``, is a number: it becomes a component
without indices (`symbols.TotalField`).
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, reduce
from itertools import product

from sympy import Add, Expr, Mul, Pow

from .symbols import KEPT, Component, TotalField, one, total_of
from .zeros import without_zeros


def components(expression: Expr) -> set[Component]:
    """Return the components in `expression`."""
    return expression.atoms(Component)


def is_dummy(index: str) -> bool:
    """Tell whether `index` is summed over."""
    return index.startswith("_")


def dummies(expression: Expr) -> set[str]:
    """Return the dummy indices in `expression`."""
    return {index for c in components(expression) for index in c.indices if is_dummy(index)}


def free(expression: Expr) -> set[str]:
    """Return the indices in `expression` that are not summed over."""
    return {index for c in components(expression) for index in c.indices if not is_dummy(index)}


def reindex(expression: Expr, names: Mapping[str, str]) -> Expr:
    """Rename indices, all at once."""
    changed = {
        c: c.field(*(names.get(index, index) for index in c.indices))
        for c in components(expression)
        if any(index in names for index in c.indices)
    }
    return expression.xreplace(changed) if changed else expression


def fresh(taken: Iterable[str], count: int) -> list[str]:
    """Return `count` dummy names that are not in `taken`."""
    taken, names, number = set(taken), [], 1
    while len(names) < count:
        if f"_{number}" not in taken:
            names.append(f"_{number}")
        number += 1
    return names


def terms(expression: Expr) -> list[Expr]:
    """Multiply out products and positive integer powers of sums, nothing else."""
    if isinstance(expression, Add):
        return [term for arg in expression.args for term in terms(arg)]
    if isinstance(expression, Pow):
        base, exponent = expression.args
        if not (isinstance(base, Add) and exponent.is_Integer and exponent.is_positive):
            return [expression]
        return [Mul(*choice) for choice in product(terms(base), repeat=int(exponent))]
    if isinstance(expression, Mul):
        parts = [terms(arg) for arg in expression.args]
        if all(len(part) == 1 for part in parts):
            return [expression]
        return [Mul(*choice) for choice in product(*parts)]
    return [] if expression == 0 else [expression]


def multiply(left: Expr, right: Expr) -> Expr:
    """Multiply two sums of terms: no dummy of one is mistaken for a dummy of the other."""
    if not dummies(left) or not dummies(right):
        return Add(*(a * b for a in terms(left) for b in terms(right)))
    return Add(*(a * _apart(b, a) for a in terms(left) for b in terms(right)))


def _apart(term: Expr, other: Expr) -> Expr:
    taken, own = dummies(other), dummies(term)
    clashing = sorted(taken & own)
    return reindex(term, dict(zip(clashing, fresh(taken | own, len(clashing)), strict=True)))


def canonical(expression: Expr) -> Expr:
    """Return the sum of terms with dummies named ``_1``, ``_2``, ... in an order that does not depend on
    their names.

    Closed sums of functions of the state become totals; terms that add up to 0 are left out.
    """
    return without_zeros(Add(*(_canonical_term(term) for term in terms(expression))))


def whole(expression: Expr) -> Component:
    """Return terms whose indices are all dummies as one number, where `canonical` makes one of each term."""
    return total_of(Add(*(_named(term) for term in terms(expression))))


def opened(expression: Expr) -> Expr:
    """Write the totals that are factors of a term, and their natural powers, as sums over dummies again."""
    return Add(*(_opened_term(term) for term in terms(expression)))


def _opened_term(term: Expr) -> Expr:
    rest, bodies = [], []
    for factor in Mul.make_args(term):
        base, exponent = factor.as_base_exp()
        natural = exponent.is_Integer and exponent.is_positive
        if isinstance(base, Component) and isinstance(base.field, TotalField) and natural:
            bodies += [base.field.body] * int(exponent)
        else:
            rest.append(factor)
    return reduce(multiply, bodies, Mul(*rest))


@lru_cache(KEPT)
def _canonical_term(term: Expr) -> Expr:
    if not _dummies_of(term):
        return term
    closed, rest = [], []
    for factors in connected(_without_ones(Mul.make_args(term))):
        (closed if _is_closed(factors) else rest).append(Mul(*factors))
    return Mul(*(total_of(_named(body)) for body in closed), _named(Mul(*rest)))


def _without_ones(factors: Iterable[Expr]) -> list[Expr]:
    """Drop ones at indices that another factor has, and powers of ones."""
    kept, held = [], set()
    for factor in factors:
        if isinstance(base := factor.as_base_exp()[0], Component) and base.field == one:
            held.add(base.indices[0])
        else:
            kept.append(factor)
    if held:
        held -= {index for factor in kept for c in components(factor) for index in c.indices}
    return kept + [one(index) for index in sorted(held)]


def connected(factors: Iterable[Expr]) -> list[list[Expr]]:
    """Group the factors of a term that share dummies; a factor without any is a group of its own."""
    groups: list[tuple[set[str], list[Expr]]] = []
    for factor in factors:
        names, members = set(_dummies_of(factor)), [factor]
        for touching in [group for group in groups if group[0] & names]:
            groups.remove(touching)
            names, members = names | touching[0], touching[1] + members
        groups.append((names, members))
    return [members for _, members in groups]


def _is_closed(factors: list[Expr]) -> bool:
    """Tell whether a connected product is a number that depends on the state alone: all its indices are
    summed.
    """
    found = {c for factor in factors for c in components(factor)}
    indices = {index for c in found for index in c.indices}
    return bool(indices) and all(map(is_dummy, indices)) and not any(c.field.formal for c in found)


@lru_cache(KEPT)
def _named(term: Expr) -> Expr:
    """Give the dummies of a term their canonical names."""
    names = _dummies_of(term)
    if not names:
        return term
    factors = [factor for factor in Mul.make_args(term) if _dummies_of(factor)]
    orders = list(_orders(dict.fromkeys(names, 0), factors))
    namings = [dict(zip(order, fresh((), len(names)), strict=True)) for order in orders]
    return reindex(
        term, min(namings, key=lambda naming: sorted(_written(factor, naming) for factor in factors))
    )


def _orders(colour: dict[str, int], factors: list[Expr]) -> Iterator[list[str]]:
    """Yield orders of the dummies, the same up to names for equal terms: refine, single one out of a tie,
    refine again.
    """
    colour = _refined(colour, factors)
    ranked = sorted(colour, key=lambda name: colour[name])
    tied = [name for name in ranked if list(colour.values()).count(colour[name]) > 1]
    if not tied:
        yield ranked
        return
    for name in tied:
        if colour[name] == colour[tied[0]]:
            yield from _orders({other: 2 * c + (other == name) for other, c in colour.items()}, factors)


def _refined(colour: dict[str, int], factors: list[Expr]) -> dict[str, int]:
    """Colour dummies by the factors they stand in and by their neighbours' colours, until nothing changes."""
    while True:
        seen = {
            name: (
                colour[name],
                sorted(
                    _written(factor, {other: f"_{c}" for other, c in colour.items()} | {name: "*"})
                    for factor in factors
                    if name in _dummies_of(factor)
                ),
            )
            for name in colour
        }
        kinds = sorted(seen.values())
        refined = {name: kinds.index(seen[name]) for name in colour}
        if len(set(refined.values())) == len(set(colour.values())):
            return refined
        colour = refined


def _written(factor: Expr, naming: Mapping[str, str]) -> str:
    return _text(factor, tuple(naming[name] for name in _dummies_of(factor)))


@lru_cache(KEPT)
def _text(factor: Expr, names: tuple[str, ...]) -> str:
    return str(reindex(factor, dict(zip(_dummies_of(factor), names, strict=True))))


@lru_cache(KEPT)
def _dummies_of(expression: Expr) -> tuple[str, ...]:
    return tuple(sorted(dummies(expression)))


FREE = ("i", "j", "k", "l", "m", "n")
"""Names of free indices, in the order of the blocks they belong to."""
