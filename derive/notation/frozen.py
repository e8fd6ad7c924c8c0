"""Mappings that do not change."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FrozenMapping(Mapping[K, V], Generic[K, V]):
    """A mapping in the order it was given, that cannot be assigned to, with a hash; equal to every mapping of
    the same items.

    Examples
    --------
    >>> update = FrozenMapping({"theta": 1})
    >>> update == {"theta": 1}, hash(update) == hash(FrozenMapping({"theta": 1}))
    (True, True)
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[K, V]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __or__(self, other: Mapping[K, V]) -> "FrozenMapping[K, V]":
        return FrozenMapping({**self._items, **other})

    def __ror__(self, other: Mapping[K, V]) -> "FrozenMapping[K, V]":
        return FrozenMapping({**other, **self._items})

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self):
        return FrozenMapping, (self._items,)
