"""The random increments of numerical schemes: independent standard variables ``zeta_p`` and signs ``a_p``,
``J_pr = -J_rp``.

An index p names a Brownian motion. It is a dummy like those of coordinates: where it stands says over what it
runs, and only `expectation` identifies indices, those of the increments it takes the expectation of. So the
two kinds never meet.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import comb, prod
from typing import Literal

from sympy import Add, Expr, Symbol

from ..noise.batches import partitions
from ..notation.factors import taken_out
from ..notation.indices import canonical, dummies, reindex, terms
from ..notation.symbols import Component, Field

zeta = Field("zeta", formal=True)
"""Independent increments, centred and of variance 1."""
sign = Field("J", rank=2, formal=True)
"""Independent signs for ``p < r``, antisymmetric: ``J_pr = -J_rp``, ``J_pp = 0``."""
single_sign = Field("a", formal=True)
"""Independent signs, one for each Brownian motion."""
motions = Symbol("M", positive=True, integer=True)
"""The number of Brownian motions, for sums of ones over them."""


Law = Literal["gaussian", "three-point", "two-point"]


@dataclass(frozen=True)
class IncrementLaw:
    """A symmetric law with variance 1.

    Attributes
    ----------
    name : str
    moment : callable
        ``E zeta**n`` for even n > 0.
    """

    name: Law
    moment: Callable[[int], int]

    def cumulant(self, order: int) -> int:
        """Return the cumulant of `order`, from the moments."""
        return _cumulant(self.moment, order)


gaussian_increments = IncrementLaw(
    "gaussian", lambda n: n - 1 if n == 2 else (n - 1) * gaussian_increments.moment(n - 2)
)
"""Standard normal."""
three_point_increments = IncrementLaw("three-point", lambda n: 3 ** (n // 2 - 1))
"""0 with probability 2/3, ``+-sqrt(3)`` with 1/6 each: Gaussian moments through the fifth."""
two_point_increments = IncrementLaw("two-point", lambda n: 1)
"""+1 or -1: Gaussian moments through the third."""


@cache
def _cumulant(moment: Callable[[int], int], order: int) -> int:
    if order % 2:
        return 0
    lower = (comb(order - 1, n - 1) * _cumulant(moment, n) * moment(order - n) for n in range(2, order, 2))
    return moment(order) - sum(lower)


def expectation(expression: Expr, law: IncrementLaw) -> Expr:
    """Replace polynomials of ``zeta[.]`` with this law, and of the signs, by their moments."""
    laws = {zeta: law} | dict.fromkeys((sign, single_sign), two_point_increments)
    pieces = []
    for term in terms(expression):
        drawn, rest = taken_out(term, lambda base: isinstance(base, Component) and base.field in laws)
        indices = {i for c in drawn for i in c.indices}
        for chosen in product(
            *(_moments([c for c in drawn if c.field == field], law) for field, law in laws.items())
        ):
            equal = tuple(pair for _, pairs in chosen for pair in pairs)
            pieces.append(prod(weight for weight, _ in chosen) * _identified(rest, indices, equal))
    return canonical(Add(*pieces))


Equal = tuple[tuple[str, str], ...]
"""Pairs of indices that are the same: a product of Kronecker deltas."""


def _moments(drawn: Sequence[Component], law: IncrementLaw) -> Iterator[tuple[int, Equal]]:
    """Yield the terms of a joint moment, by its cumulants: numbers times Kronecker deltas."""
    sizes = [n for n in range(2, len(drawn) + 1) if law.cumulant(n) != 0]
    for partition in partitions(tuple(drawn), sizes):
        for chosen in product(*(_cumulants(part, law) for part in partition)):
            weight, equal = 1, ()
            for factor, pairs in chosen:
                weight, equal = weight * factor, equal + pairs
            yield weight, equal


def _cumulants(part: tuple[Component, ...], law: IncrementLaw) -> list[tuple[int, Equal]]:
    """A joint cumulant of independent variables: all are the same one, a sign perhaps the other way round."""
    first, *others = (c.indices for c in part)
    result: list[tuple[int, Equal]] = [(law.cumulant(len(part)), ())]
    for other in others:
        ways = [(1, tuple(zip(first, other, strict=True)))]
        if len(first) == 2:
            ways.append((-1, tuple(zip(first, other[::-1], strict=True))))
        result = [(a * b, equal + pairs) for a, equal in result for b, pairs in ways]
    return result


def _identified(rest: Expr, indices: set[str], equal: Equal) -> Expr:
    """Sum over Kronecker deltas; an index that is left in no factor runs over all Brownian motions."""
    name = {index: index for index in indices}
    for left, right in equal:
        old, new = name[left], name[right]
        name = {index: new if chosen == old else chosen for index, chosen in name.items()}
    renamed = reindex(rest, name)
    return renamed * motions ** len(set(name.values()) - dummies(renamed))
