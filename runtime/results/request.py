"""What results know of what was asked for."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

Progress = Callable[[str, int, int], None]
"""Called with a label, work done and work in all."""


class Request(Protocol):
    """Everything that is needed to do something again."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """As data for people: numbers, names and arrays."""
        ...

    def to_record(self) -> Mapping[str, Any]:
        """Return the same as data to read back."""
        ...

    def run(self, progress: Progress | None = None) -> Any:
        """Do it."""
        ...
