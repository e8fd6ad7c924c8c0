"""Results on disk: one JSON file per record, nothing lost, never half written.

A record is a mapping of strings to None, booleans, integers, floats, strings, sequences, mappings and NumPy
arrays. What JSON has no word for stands under a key that begins with ``$``::

    {"$float": "nan"}                                                     nan, inf or -inf
    {"$array": "float64", "shape": [2, 1], "values": [[0.5], ["nan"]]}    an array

Floats are written with the shortest digits that read back to the same bits. Tuples come back as lists and
NumPy scalars as Python numbers.
"""

from __future__ import annotations

import json
import math
import os
import platform
import secrets
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ...derive.errors import BadInput

FORMAT = "optsde record"
VERSION = 1
# Plain numbers: no pickled objects, and nothing wider than a Python float.
_DTYPES = frozenset({"bool", "float16", "float32", "float64"}) | {
    f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)
}


def save_record(path: str | os.PathLike[str], record: Mapping[str, Any]) -> None:
    """Write `record` to `path`, replacing what is there in one step.

    A reader sees the old file or the new one, whenever the writer is killed.

    Raises
    ------
    ValueError
        If `record` holds something the format has no form for, or `path` cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_record(f"{folder}/study.json", {"taus": np.array([0.5, 0.25]), "floor": float("inf")})
    ...     load_record(f"{folder}/study.json")
    {'taus': array([0.5 , 0.25]), 'floor': inf}
    """
    if not isinstance(record, Mapping):
        raise BadInput(f"record is a {type(record).__name__}, expected a mapping; name it: {{'name': ...}}")
    content = {"format": FORMAT, "version": VERSION, "content": _encode(record, "record")}
    write_atomically(path, (_layout(content) + "\n").encode("ascii"))


def load_record(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read back what `save_record` wrote.

    Raises
    ------
    ValueError
        If the file cannot be read, is truncated or otherwise not JSON, or is not a record of this version.
    """
    try:
        file = json.loads(Path(path).read_bytes(), parse_constant=_refuse_constant)
    except OSError as error:
        raise BadInput(
            f"cannot read {path}: {error.strerror}; give the path of a record that optsde wrote"
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is damaged or no record ({error}), expected JSON; write it again") from error
    if (
        not isinstance(file, dict)
        or file.get("format") != FORMAT
        or not isinstance(file.get("content"), dict)
    ):
        raise BadInput(
            f"{path} is JSON but no record, expected the format {FORMAT!r}; give a file that optsde wrote"
        )
    if file.get("version") != VERSION:
        raise BadInput(
            f"{path} has format version {file.get('version')!r}, expected {VERSION}; use the optsde that "
            "wrote it"
        )
    try:
        return _decode(file["content"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise BadInput(
            f"{path} holds a malformed value ({error}), expected a record; write it again"
        ) from error


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to a temporary file beside `path`, flush it to the disk and rename it to `path`.

    A writer killed in between leaves a file ``.NAME.*.tmp``, safe to delete. A symbolic link is followed.

    Raises
    ------
    ValueError
        If the folder does not exist or cannot be written to, or the disk is full.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise BadInput(
            f"cannot write {path}: it is no regular file; expected a file name in an existing folder"
        )
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInput(
            f"cannot write {path}: {reason}; expected a file name in an existing folder that you may write to"
        ) from error


def provenance() -> dict[str, Any]:
    """Where a result comes from: versions, platform, number of CPUs, UTC time, command line.

    Absolute paths in the command line are cut to their last part, so that a record can be published.
    """
    packages = ("optsde", "numpy", "sympy", "numba")
    return {
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [_without_folder(argument) for argument in sys.argv],
    }


def _without_folder(argument: str) -> str:
    option, equals, value = argument.partition("=")
    if Path(option).is_absolute():
        return Path(argument).name
    return option + equals + (Path(value).name if Path(value).is_absolute() else value)


def _encode(value: Any, place: str) -> Any:
    match value:
        case np.generic() if value.dtype.name in _DTYPES:
            return _encode(value.item(), place)
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else {"$float": repr(value)}
        case np.ndarray() if type(value) is np.ndarray and value.dtype.name in _DTYPES:
            values = _map_leaves(lambda v: v if math.isfinite(v) else repr(v), value.tolist())
            return {"$array": value.dtype.name, "shape": list(value.shape), "values": values}
        case Mapping():
            for key in value:
                if not isinstance(key, str) or key.startswith("$"):
                    raise BadInput(
                        f"{place} has the key {key!r}, expected a string not beginning with $; rename it"
                    )
            return {key: _encode(entry, f"{place}.{key}") for key, entry in value.items()}
        case list() | tuple():
            return [_encode(entry, f"{place}[{i}]") for i, entry in enumerate(value)]
    kind = (
        f"{type(value).__name__} of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    )
    raise BadInput(
        f"{place} is a {kind}, expected numbers, strings, sequences, mappings or numeric arrays; convert it "
        "first"
    )


def _decode(value: Any) -> Any:
    match value:
        case {"$float": "nan" | "inf" | "-inf" as text}:
            return float(text)
        case {"$array": str(dtype), "shape": shape, "values": values} if dtype in _DTYPES:
            return np.array(_map_leaves(_number, values), dtype=dtype).reshape(shape)
        case dict():
            if unknown := [key for key in value if key.startswith("$")]:
                raise BadInput(f"unknown form {unknown[0]}")
            return {key: _decode(entry) for key, entry in value.items()}
        case list():
            return [_decode(entry) for entry in value]
    return value


def _number(value: Any) -> Any:
    if isinstance(value, (bool, int, float)) or value in ("nan", "inf", "-inf"):
        return float(value) if isinstance(value, str) else value
    raise BadInput(f"{value!r} in an array")


def _map_leaves(function: Callable[[Any], Any], values: Any) -> Any:
    return [_map_leaves(function, v) for v in values] if isinstance(values, list) else function(values)


def _refuse_constant(name: str) -> None:
    raise BadInput(f"bare {name}")


def _layout(value: Any, margin: str = "") -> str:
    """JSON with one line for each entry of a mapping; lists of plain values and arrays stay on one line."""
    inner = margin + "  "
    match value:
        case {"$array": _} | {"$float": _}:
            return json.dumps(value, allow_nan=False)
        case dict() if value:
            lines = [f"{inner}{json.dumps(key)}: {_layout(entry, inner)}" for key, entry in value.items()]
            return "{\n" + ",\n".join(lines) + f"\n{margin}}}"
        case list() if any(isinstance(entry, dict | list) for entry in value):
            return "[\n" + ",\n".join(inner + _layout(entry, inner) for entry in value) + f"\n{margin}]"
    return json.dumps(value, allow_nan=False)
