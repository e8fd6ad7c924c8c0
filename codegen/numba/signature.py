"""The name of a kernel: a hash of everything that its machine code depends on, and of nothing else."""

import hashlib
from dataclasses import fields, is_dataclass
from typing import Any

from sympy import Basic, srepr

from ..program.kernel import Kernel


def canonical(value: Any) -> str:
    """Text of frozen data that is the same in every process: fields in order, expressions by `srepr`."""
    if isinstance(value, Basic):
        return srepr(value)
    if is_dataclass(value):
        inner = ", ".join(f"{f.name}={canonical(getattr(value, f.name))}" for f in fields(value))
        return f"{type(value).__name__}({inner})"
    if isinstance(value, tuple):
        return f"({', '.join(canonical(v) for v in value)})"
    if isinstance(value, str | int | float):
        return repr(value)
    raise ValueError(
        f"no canonical text for {type(value).__name__}; a kernel holds tuples, text, numbers and expressions"
    )


def signature(kernel: Kernel, *ingredients: str) -> str:
    """32 hexadecimal digits for a kernel and the texts (versions, sources) that its code depends on
    besides.
    """
    content = "\0".join([canonical(kernel), *ingredients])
    return hashlib.sha256(content.encode()).hexdigest()[:32]
