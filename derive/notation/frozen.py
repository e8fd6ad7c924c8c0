"""Mappings that cannot be assigned to, for dataclasses that promise to be frozen."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FrozenMap(Mapping[K, V]):
    """A mapping that keeps its order and never changes; it has a hash and can be pickled.

    It equals every mapping with the same items and prints as a dict does.

    Parameters
    ----------
    items : mapping
        They are copied.

    Examples
    --------
    >>> update = FrozenMap({"theta": 1})
    >>> update
    {'theta': 1}
    >>> update["theta"] = 0
    Traceback (most recent call last):
        ...
    TypeError: 'FrozenMap' object does not support item assignment
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[K, V] | None = None) -> None:
        object.__setattr__(self, "_items", dict(items or {}))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; expected no assignment to {name}")

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __or__(self, other: Mapping[K, V]) -> dict[K, V]:
        return {**self, **other}

    def __ror__(self, other: Mapping[K, V]) -> dict[K, V]:
        return {**other, **self}

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self) -> tuple[type["FrozenMap[K, V]"], tuple[dict[K, V]]]:
        return FrozenMap, (dict(self._items),)


def freeze(instance: object, *names: str) -> None:
    """Put frozen mappings in the place of the named fields of a frozen dataclass, in its `__post_init__`."""
    for name in names:
        object.__setattr__(instance, name, FrozenMap(getattr(instance, name)))
