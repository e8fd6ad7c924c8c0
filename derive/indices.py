"""Index notation: implicit sums, products with dummy indices kept apart, and one canonical form.

A term is a product; each of its dummy indices (``_1``, ``_2``, ...) is summed over the coordinates. Two terms are equal
if they differ by the names of dummies only; `canonical` gives both the same names, so SymPy adds them up.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import permutations, product

from sympy import Add, Expr, Mul, Pow

from .symbols import Component


def components(expression: Expr) -> set[Component]:
    """Return the components in `expression`."""
    return expression.atoms(Component)  # type: ignore[return-value]


def is_dummy(index: str) -> bool:
    """Tell whether `index` is summed over."""
    return index.startswith("_")


def dummies(expression: Expr) -> set[str]:
    """Return the dummy indices in `expression`."""
    return {index for c in components(expression) for index in c.indices if is_dummy(index)}


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
    """Return the sum of terms with dummies named ``_1``, ``_2``, ... in an order that does not depend on their names."""
    return Add(*(_canonical_term(term) for term in terms(expression)))


@cache
def _canonical_term(term: Expr) -> Expr:
    names = sorted(dummies(term))
    if not names:
        return term
    factors = [factor for factor in Mul.make_args(term) if dummies(factor)]
    groups = _refined(names, factors)
    candidates = (
        dict(zip((name for group in choice for name in group), fresh((), len(names)), strict=True))
        for choice in product(*(permutations(group) for group in groups))
    )
    best = min(candidates, key=lambda naming: sorted(str(reindex(factor, naming)) for factor in factors))
    return reindex(term, best)


def _refined(names: list[str], factors: list[Expr]) -> list[list[str]]:
    """Group dummies by the factors they stand in, then by their neighbours' groups, until nothing changes."""
    colour = dict.fromkeys(names, "_")
    while True:
        signature = {
            name: (colour[name], sorted(_seen_from(factor, name, colour) for factor in factors if name in dummies(factor)))
            for name in names
        }
        ranked = sorted({str(value) for value in signature.values()})
        refined = {name: f"_{ranked.index(str(signature[name]))}" for name in names}
        if len(set(refined.values())) == len(set(colour.values())):
            return [[name for name in names if refined[name] == f"_{rank}"] for rank in range(len(ranked))]
        colour = refined


def _seen_from(factor: Expr, name: str, colour: Mapping[str, str]) -> str:
    return str(reindex(factor, {**colour, name: "*"}))
