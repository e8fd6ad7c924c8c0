"""Orders a step's statements for the looped shape: products of matrices between as few loops over coordinates
as possible.

A product, a total or an entry can only be read in the loop after the one that fills its operand. So every
quantity has an earliest level; a vector is computed as late as its users allow, which keeps most of them out
of memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .statement import Statement
from .statements import Apply, Entry, Total, Vector


@dataclass(frozen=True)
class Level:
    """Products, then one loop over coordinates.

    Attributes
    ----------
    products : tuple of Apply
    entries : tuple of Entry
        Of vectors that are in memory before the loop.
    loop : tuple of Vector or Total
        In order.
    stored : tuple of str
        Vectors of the loop that a later level reads.
    """

    products: tuple[Apply, ...]
    entries: tuple[Entry, ...]
    loop: tuple[Vector | Total, ...]
    stored: tuple[str, ...]


def levels(statements: Sequence[Statement], results: Sequence[str]) -> list[Level]:
    """The levels of the statements other than Scalar; the last one computes the `results` unless they are
    needed before.
    """
    statements = [s for s in statements if s.kind != "uniform"]
    computed = {s.target: s for s in statements if isinstance(s, Vector)}
    available: dict[str, int] = {}  # the first level whose loop may read the name; absent: an input
    place: dict[str, int] = {}
    for s in statements:
        level = max((available.get(name, 0) for name in s.reads), default=0)
        # what is filled in a loop is complete only after it
        after_loop = isinstance(s, Total) or bool(s.whole and computed.keys() & set(s.reads))
        available[s.target] = level + after_loop
        place[s.target] = level if isinstance(s, Total) else available[s.target]
    last = max(place.values(), default=0)
    latest = dict.fromkeys(computed, last)
    for s in reversed(statements):
        here = latest.get(s.target, place[s.target])
        for name in s.reads:
            if name in computed:
                latest[name] = min(latest[name], here - s.whole)
    place |= latest
    found = []
    for level in range(last + 1):
        here = [s for s in statements if place[s.target] == level]
        loop = tuple(s for s in here if isinstance(s, Vector | Total))
        later = {name for s in statements for name in s.reads if place[s.target] > level}
        later |= set(results) if level < last else set()
        found.append(
            Level(
                tuple(s for s in here if isinstance(s, Apply)),
                tuple(s for s in here if isinstance(s, Entry)),
                loop,
                tuple(s.target for s in loop if isinstance(s, Vector) and s.target in later),
            )
        )
    return found
