"""Lines of Python with their indentation, and what stands in them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def remark(name: str) -> str:
    """A name as it may stand in a comment: on one line, and nothing that could end a string."""
    return "".join(c if c.isascii() and c.isprintable() and c not in "\"'\\" else "?" for c in name)


def listed(names: Sequence[str]) -> str:
    """The inside of a tuple."""
    return f"{names[0]}," if len(names) == 1 else ", ".join(names)


class Source:
    """Lines of Python with their indentation."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    def __call__(self, *lines: str) -> None:
        self.lines.extend("    " * self.depth + line if line else "" for line in lines)

    @contextmanager
    def under(self, head: str) -> Iterator[None]:
        """What follows is indented below the head; an empty one leaves no trace."""
        if not head:
            yield
            return
        self(head)
        self.depth += 1
        yield
        self.depth -= 1


def lane_loop(lanes: int) -> str:
    """The loop over the lanes; a single lane needs none."""
    return "" if lanes == 1 else f"for lane in range({lanes}):"


def in_lane(index: str, lanes: int) -> str:
    """An index, the current lane added."""
    return index if lanes == 1 else f"{index} + lane"


def in_row(row: str, lanes: int) -> str:
    """Index of the entry of a row in the current lane, for a row known at run time."""
    return row if lanes == 1 else f"{row}*{lanes} + lane"
