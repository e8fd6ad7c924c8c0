"""Expressions and frozen data as JSON, and back, exactly.

An expression becomes a table of nodes, each distinct subexpression once, arguments as places in the table.
Only the kinds of nodes listed here are written and read: reading makes SymPy objects of known classes and
runs nothing that stands in the data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from sympy import (
    Add,
    Basic,
    E,
    Function,
    Heaviside,
    Integer,
    Lambda,
    Mul,
    Pow,
    Rational,
    Symbol,
    pi,
)
from sympy.core.function import AppliedUndef

from ..notation.functions import KNOWN_FUNCTIONS
from ..notation.symbols import Component, ElementFunction, Field, TotalField, element_function
from ..optimizers.reductions import total

_APPLIED: Mapping[str, Any] = {
    f.__name__: f for f in (Add, Mul, Pow, Heaviside, total, *(known.function for known in KNOWN_FUNCTIONS))
}
_CONSTANTS: Mapping[str, Basic] = {"pi": pi, "E": E}
_PACKAGE = __name__.removesuffix("storage.encoding")
"""Dataclasses of this layer alone are written."""


class NotEncodable(ValueError):
    """A value of a kind that has no code."""


def encode(value: object) -> dict[str, Any]:
    """Write numbers, strings, expressions, tuples, mappings and frozen dataclasses of this package as JSON
    data.

    The result depends on the value alone, not on the order of hashes.

    Raises
    ------
    NotEncodable
        A part is of another kind.
    """
    writer = _Writer()
    written = writer.value(value)
    return {"nodes": writer.nodes, "value": written}


def decode(data: Mapping[str, Any], types: Sequence[type] = ()) -> Any:
    """Read what `encode` wrote; `types` are the dataclasses that may occur.

    Raises
    ------
    ValueError, TypeError, LookupError
        The data are none that `encode` writes.
    """
    reader = _Reader({t.__name__: t for t in (Field, TotalField, *types)})
    for node in data["nodes"]:
        reader.read.append(reader.node(*node))
    value = reader.value(data["value"])
    if encode(value) != data:
        raise ValueError("data that read back differently; expected what encode writes")
    return value


class _Writer:
    def __init__(self) -> None:
        self.nodes: list[list[Any]] = []
        self.places: dict[Basic, int] = {}

    def value(self, value: object) -> Any:
        match value:
            case None | bool() | int() | float() | str():
                return value
            case Basic():
                return {"node": self.place(value)}
            case tuple():
                return [self.value(item) for item in value]
            case Mapping():
                return {"mapping": [[self.value(key), self.value(item)] for key, item in value.items()]}
        kind = type(value)
        if not is_dataclass(kind) or not kind.__module__.startswith(_PACKAGE):
            raise NotEncodable(f"{kind.__name__}; expected an expression or a dataclass of this package")
        return {kind.__name__: [[f.name, self.value(getattr(value, f.name))] for f in fields(kind)]}

    def place(self, expression: Basic) -> int:
        if expression not in self.places:
            node = self.node(expression)
            self.places[expression] = len(self.nodes)
            self.nodes.append(node)
        return self.places[expression]

    def node(self, e: Basic) -> list[Any]:
        kind = type(e)
        if kind is Component:
            return ["Component", self.value(e.field), *e.indices]
        if kind is Symbol:
            # the assumptions it was made with; those that follow from them stand in e.assumptions0
            return ["Symbol", e.name, [[key, on] for key, on in sorted(e.__getnewargs_ex__()[1].items())]]
        if isinstance(e, Integer):
            return ["Integer", int(e)]
        if isinstance(e, Rational):
            return ["Rational", int(e.p), int(e.q)]
        if e in _CONSTANTS.values():
            return ["Constant", str(e)]
        if isinstance(e, Lambda):
            return ["Lambda", [self.place(x) for x in e.variables], self.place(e.expr)]
        arguments = [self.place(argument) for argument in e.args]
        if isinstance(e, ElementFunction) and kind is element_function(e.base, e.orders):
            return ["ElementFunction", e.base, list(e.orders), *arguments]
        if isinstance(e, AppliedUndef) and kind == Function(kind.__name__):
            return ["Function", kind.__name__, *arguments]
        if _APPLIED.get(kind.__name__) is not kind:
            raise NotEncodable(f"{e} ({kind.__name__}); expected one of {', '.join(_APPLIED)}")
        return [kind.__name__, *arguments]


class _Reader:
    def __init__(self, types: Mapping[str, type]) -> None:
        self.types = types
        self.read: list[Any] = []

    def value(self, data: Any) -> Any:
        match data:
            case None | bool() | int() | float() | str():
                return data
            case list():
                return tuple(self.value(item) for item in data)
            case {"node": place}:
                return self.at(place)
            case {"mapping": items}:
                return {self.value(key): self.value(item) for key, item in items}
        ((name, items),) = data.items()
        return self.types[name](**{field: self.value(item) for field, item in items})

    def at(self, place: int) -> Any:
        if not isinstance(place, int) or place < 0:
            raise ValueError(f"node {place!r}; expected a place in the table")
        return self.read[place]

    def node(self, kind: str, *rest: Any) -> Basic:
        match kind, rest:
            case "Component", (family, *indices):
                return self.value(family)(*map(_name, indices))
            case "Symbol", (str(name), assumptions):
                return Symbol(name, **{key: bool(on) for key, on in assumptions})
            case "Integer", (int(number),):
                return Integer(number)
            case "Rational", (int(p), int(q)):
                return Rational(p, q)
            case "Constant", (str(name),):
                return _CONSTANTS[name]
            case "Lambda", (variables, body):
                return Lambda(tuple(self.at(x) for x in variables), self.at(body))
            case "ElementFunction", (str(name), orders, *arguments):
                # arguments stand as the writer found them: evaluated anew, some would change their form
                return element_function(name, tuple(map(int, orders)))(
                    *map(self.at, arguments), evaluate=False
                )
            case "Function", (str(name), *arguments):
                return Function(name)(*map(self.at, arguments), evaluate=False)
        return _APPLIED[kind](*map(self.at, rest), evaluate=False)


def _name(index: Any) -> str:
    if not isinstance(index, str):
        raise ValueError(f"index {index!r}; expected a name")
    return index
