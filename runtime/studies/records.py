"""Requests as data for records: everything by its fields, equations and optimizers by what they are derived
from.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from sympy import Basic
from sympy.matrices import MatrixBase

from ...derive.derivation.chain import Chain
from ...derive.derivation.equation import DerivedEquation
from ...derive.errors import BadInput
from ...derive.schemes.scheme import Scheme
from ...derive.storage.encoding import encode

KIND = "object"
"""The key under which the name of a class stands."""


def encoded(value: Any) -> Any:
    """Return frozen data of this package as what a record holds: numbers, text, arrays, sequences and
    mappings.

    Raises
    ------
    ValueError
        A part is of another kind.
    """
    match value:
        case None | bool() | int() | float() | str() | np.ndarray() | np.generic():
            return value
        case Scheme():
            return {KIND: "Scheme", "name": value.name}
        case Chain():
            return {KIND: "Chain", "data": encode((value.rule, value.regime, value.noise))}
        case DerivedEquation():
            chain = encode((value.chain.rule, value.chain.regime, value.chain.noise))
            return {KIND: "Equation", "data": chain, "order": value.order, "form": value.form}
        case MatrixBase():
            return {KIND: "Matrix", "rows": [[encoded(entry) for entry in row] for row in value.tolist()]}
        case Basic():
            return {KIND: "Expr", "data": encode(value)}
        case tuple() | list():
            return [encoded(item) for item in value]
        case Mapping():
            return {str(key): encoded(item) for key, item in value.items()}
    if is_dataclass(value) and type(value).__module__.startswith(__name__.partition(".")[0]):
        return {KIND: type(value).__name__} | {f.name: encoded(getattr(value, f.name)) for f in fields(value)}
    raise BadInput(
        f"{type(value).__name__} in a record; expected numbers, text, arrays or objects of this package"
    )
