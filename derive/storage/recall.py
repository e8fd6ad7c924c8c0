"""Derivations kept between runs, by their content.

The name of a file is a hash of all that its result depends on: the question as data, the sources of this
package, the version of SymPy. What cannot be read, or is not what was written, is derived anew.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import sympy

from .directory import cache_directory, store
from .encoding import decode, encode

T = TypeVar("T")

SWITCH = "OPTSDE_DERIVATION_CACHE"
"""The environment variable that turns this off with the value ``off``."""


def _version() -> list[str]:
    """Return what decides the answer to a question; nothing where the sources are no files."""
    folder = Path(__file__).parents[1]
    names = sorted(folder.rglob("*.py"))
    sources = hashlib.sha256(
        b"".join(bytes(path.relative_to(folder)) + b"\0" + path.read_bytes() for path in names)
    )
    return [sympy.__version__, sources.hexdigest()] if names else []


_VERSION = _version()
"""Taken when the sources are imported: they may be edited while this process runs the old ones."""


_FAILURES = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""Of reading what is no result of ours, and of writing what has no code."""


def recall(part: str, inputs: object, compute: Callable[[], T], types: Sequence[type] = ()) -> T:
    """Return the result for the inputs, computed now or by an earlier process.

    Parameters
    ----------
    part : str
        What is asked of the inputs.
    inputs : object
        All that the result depends on, as data.
    compute : callable
    types : sequence of type
        The dataclasses that occur in the result.

    Raises
    ------
    ValueError
        What `compute` raises; that is not stored.
    """
    path = _path(part, inputs)
    if path is None:
        return compute()
    found = _found(path, types)
    if found is not None:
        return found
    result = compute()
    try:
        content = encode(result)
        if decode(content, types) == result:
            store(path, _written(path.stem, content))
    except _FAILURES:
        pass  # a full disk, a result of another kind: it is derived each time
    return result


def _path(part: str, inputs: object) -> Path | None:
    """Return the file of a result, or None if results are not kept."""
    switch = os.environ.get(SWITCH, "on")
    if switch not in ("on", "off"):
        raise ValueError(f"{SWITCH} is {switch!r}; expected on or off")
    if switch == "off" or not _VERSION:
        return None
    try:
        question = _dump([part, *_VERSION, encode(inputs)])
        return cache_directory() / f"derivation_{hashlib.sha256(question.encode()).hexdigest()}.json"
    except (
        _FAILURES
    ):  # a rule with expressions of another kind, no private directory: it is derived each time
        return None


def _written(name: str, content: dict[str, Any]) -> str:
    return json.dumps({"name": name, "content": content, "sha256": _digest(name, content)})


def _found(path: Path, types: Sequence[type]) -> Any:
    """Return what a file holds, or None if there is none or it is not what was written."""
    try:
        data = json.loads(path.read_text(encoding="ascii"))
        if data["name"] == path.stem and data["sha256"] == _digest(data["name"], data["content"]):
            return decode(data["content"], types)
    except _FAILURES:
        pass
    return None


def _digest(name: str, content: dict[str, Any]) -> str:
    return hashlib.sha256(_dump([name, content]).encode()).hexdigest()


def _dump(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"))
