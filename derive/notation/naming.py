"""Names that people type: found in a catalogue, or refused with the name that was probably meant."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from ..errors import BadInput

Item = TypeVar("Item")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean sqrt? `` for a name like a known one, and nothing for others."""
    close = get_close_matches(name, sorted(known), 1)
    return f"did you mean {close[0]}? " if close else ""


def advice(name: str, known: Iterable[str]) -> str:
    """Say what was expected instead of a name.

    Examples
    --------
    >>> advice("lamda", ["lr", "lambda"])
    'did you mean lambda? expected one of lr, lambda'
    """
    names = list(known)
    return f"{did_you_mean(name, names)}expected one of {', '.join(names)}"


def named(kind: str, text: str, known: Mapping[str, Item], otherwise: str = "") -> Item:
    """Return what a name stands for. Capitals do not matter; hyphens, underscores and spaces are the same.

    Parameters
    ----------
    kind : str
        What is looked for, for the message: "optimizer", "regime", ...
    text : str
    known : mapping of str to object
    otherwise : str
        What else would have been accepted, for the message.

    Raises
    ------
    BadInput
        The name is unknown; the message has a known one that is like it, and all others.

    Examples
    --------
    >>> named("regime", "Batch_Equivalent", {"ballistic": 1, "batch-equivalent": 2})
    2
    >>> named("law", "gausian", {"gaussian": 1})
    Traceback (most recent call last):
        ...
    optsde.derive.errors.BadInput: unknown law 'gausian'; did you mean gaussian? expected one of gaussian
    """
    spelled = {_spelled(name): name for name in known}
    name = spelled.get(_spelled(text))
    if name is None:
        like = did_you_mean(_spelled(text), spelled)
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise BadInput(f"unknown {kind} {shown!r}; {like}expected one of {', '.join(known)}{otherwise}")
    return known[name]


def _spelled(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def split_at_commas(text: str) -> list[str]:
    """Split at the commas outside all brackets.

    Examples
    --------
    >>> split_at_commas("max(x, y),theta[0]")
    ['max(x, y)', 'theta[0]']
    """
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
