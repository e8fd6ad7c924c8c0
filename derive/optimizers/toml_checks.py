"""Checks of what stands in the tables of a rule file."""

import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sympy import Expr, Pow, Rational, Symbol, ceiling
from sympy.core.function import AppliedUndef

from ..errors import BadInput
from ..notation.functions import FUNCTIONS
from ..notation.naming import advice
from ..notation.parser import MAX_SIZE, parse_expression
from .reductions import REDUCTIONS

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _,.+-]{0,39}")
_FIELDS = (
    "F",
    "H",
    "S",
    "B",
    "B2",
    "K3",
    "K4",
    "xi",
    "delta",
    "zeta1",
    "zeta2",
    "omega1",
    "minimum",
    "batch",
)
_RESERVED = frozenset(("t", "dt", "tau", "k", "noise", "old", *_FIELDS, *FUNCTIONS, *REDUCTIONS))

Functions = Mapping[str, Callable[..., Expr]]


def expression(where: str, text: Any, symbols: Mapping[str, Expr], functions: Functions) -> Expr:
    """Read an expression; a refusal says where it stands."""
    try:
        return parse_expression(text, symbols, functions)
    except ValueError as error:
        raise BadInput(f"{where}: {error}") from error


def check_sizes(
    lines: Mapping[Symbol, Expr], auxiliaries: Mapping[str, tuple[tuple[Symbol, ...], Expr]]
) -> None:
    """Refuse assignments that become huge when each is put into the next, as ``((9**64)**64)**64``, before
    SymPy does so.
    """
    sizes: dict[Symbol, int] = {}

    def size(expression: Any, known: Mapping[Symbol, int]) -> int:
        match expression:
            case Symbol():
                return known.get(expression, 1)
            case Rational():
                return len(str(expression))
            case Pow(base=base, exp=Rational() as exponent):
                return size(base, known) * max(1, int(ceiling(abs(exponent))))
            case AppliedUndef() if (name := type(expression).__name__) in auxiliaries:
                arguments, body = auxiliaries[name]
                return size(
                    body, dict(zip(arguments, (size(a, known) for a in expression.args), strict=True))
                )
        return sum(size(argument, known) for argument in expression.args) or 1

    for target, value in lines.items():
        sizes[target] = size(value, dict(sizes))
        if sizes[target] > MAX_SIZE:
            raise BadInput(
                f"update of {target} has over {MAX_SIZE} digits and terms written out; write smaller powers"
            )


def unit(name: str, value: Any) -> Expr:
    """Read a rational number: an integer, or text such as ``"1/2"``."""
    if isinstance(value, int | str) and not isinstance(value, bool):
        number = expression(f"units of {name}", str(value), {}, {})
        if number.is_Rational and abs(number) <= 8:
            return number
    raise BadInput(f'{name} has the units {value!r}; expected a small whole number or a fraction as "1/2"')


def whole(name: str, value: Any) -> int:
    """Read a whole number of units."""
    number = unit(name, value)
    if not number.is_Integer:
        raise BadInput(f"{name} has the noise_units {value!r}; expected a whole number")
    return int(number)


def table(tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a table, empty if it is not there."""
    found = tables.get(name, {})
    if not isinstance(found, Mapping):
        raise BadInput(f"{name} is {type(found).__name__}; expected a table [{name}]")
    return found


def known_keys(where: str, table: Any, names: Iterable[str]) -> None:
    """Refuse what is no table, and keys that mean nothing."""
    if not isinstance(table, Mapping):
        raise BadInput(f"{where} is {table!r}; expected a table with {', '.join(names)}")
    for name in table:
        if name not in names:
            raise BadInput(f"{where} has {name!r}; {advice(str(name), names)}")


def check_name(name: str, taken: set[str]) -> None:
    """Refuse a name that is not plain, that optsde uses itself or that is taken: names reach kernels and
    LaTeX.
    """
    if not NAME.fullmatch(name) or len(name) > 40 or keyword.iskeyword(name):
        raise BadInput(
            f"the name {name[:40]!r}; expected letters and digits, in parts joined by single underscores"
        )
    if name in _RESERVED:
        raise BadInput(f"the name {name} has a meaning of its own; expected another")
    if name in taken:
        raise BadInput(f"the name {name} stands for two things; expected different names")


def label(tables: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """Read a name for people, which stands in the comments of kernels."""
    value = tables.get(key, default)
    if not isinstance(value, str) or not _LABEL.fullmatch(value):
        raise BadInput(f"{key} is {value!r}; expected up to 40 letters, digits, spaces and . , + - _")
    return value


def line(key: str, value: Any) -> str:
    """Read a line of text."""
    if not isinstance(value, str) or len(value) > 200 or not value.isprintable():
        raise BadInput(f"{key} is {value!r}; expected up to 200 printable characters on one line")
    return value
