"""Rules of a user's own, in TOML or as the same tables in Python.

    name = "rmsprop_own"

    [state]                          # beside theta
    v = {noise_units = 2, nonnegative = true}

    [hyperparameters]
    lr = {role = "learning rate", noise_units = 1}
    alpha = {role = "memory", default = 0.5}
    eps = {role = "constant", noise_units = 1, default = 1e-8}

    [auxiliary]                      # element-wise non-linearities
    "P(v)" = "1/(sqrt(v) + eps)"

    [update]                         # one line after the other
    v = "alpha*v + (1 - alpha)*g**2"
    theta = "theta - lr*g*P(v)"

The lines of ``[update]`` are done in order: on the right a name means the newest value assigned to it so far,
and ``old(v)`` the value at the start of the step. A line may also name an intermediate result, or change the
gradient ``g``. ``[gradient]`` says where gradients are taken, as in ``g = "theta + lr*v"``; without it there
is one, ``g`` at theta. They share one sample, unless ``[sample]`` numbers them: ``g2 = 2`` draws another one
for ``g2``. ``k`` is the number of steps done before. In the tables of gradients and of the update
``total(x)`` is the sum of x over all coordinates of theta, ``dot(x, y)`` that of ``x*y`` and ``norm(x)`` the
root of that of ``x**2``; theta is one layer. What the keys of state and hyperparameters mean stands in
`Block` and `Hyperparameter`. An auxiliary keeps a derivation short; in simulations of an equation its
argument is regularised where it bears the name of a nonnegative block.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, get_args, get_type_hints

from sympy import Expr, Function, Symbol

from ..errors import BadInput
from ..notation.functions import FUNCTIONS
from ..notation.naming import advice
from ..notation.symbols import g, k
from .reductions import REDUCTIONS, old
from .rule import THETA, Auxiliary, Block, Hyperparameter, UpdateRule, in_order
from .toml_checks import (
    NAME,
    Functions,
    check_name,
    check_sizes,
    expression,
    known_keys,
    label,
    line,
    table,
    unit,
    whole,
)

MAX_BYTES = 100_000
_CALL = re.compile(r"([A-Za-z][A-Za-z0-9]*)\(([A-Za-z0-9_, ]*)\)")
_TABLES = (
    "name",
    "variant",
    "reference",
    "state",
    "hyperparameters",
    "auxiliary",
    "gradient",
    "sample",
    "update",
)
_ROLES = get_args(get_type_hints(Hyperparameter)["role"])


def load_rule(path: str | Path) -> UpdateRule:
    """Read a rule from a TOML file.

    Raises
    ------
    ValueError
        The file cannot be read, is no TOML, or is no rule; the message says what was expected.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read the rule {path}: {error.strerror}; expected a TOML file") from error
    if len(data) > MAX_BYTES:
        raise BadInput(f"{path} has {len(data)} bytes; expected a rule of at most {MAX_BYTES}")
    try:
        return read_rule(tomllib.loads(data.decode("utf-8")))
    except RecursionError:
        raise BadInput(f"{path}: nested too deeply; expected a rule in TOML") from None
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from error


def read_rule(tables: Mapping[str, Any]) -> UpdateRule:
    """Read a rule from the tables of a TOML file, or from the same written in Python.

    Examples
    --------
    >>> read_rule({"name": "gd", "hyperparameters": {"lr": {"role": "learning rate"}},
    ...            "update": {"theta": "theta - lr*g"}}).update
    {'theta': -g*lr + theta}

    Raises
    ------
    ValueError
        A table, a name or an expression is not as described above.
    """
    known_keys("the rule", tables, _TABLES)
    state, constants = table(tables, "state"), table(tables, "hyperparameters")
    points, update = table(tables, "gradient") or {g.name: THETA.name}, table(tables, "update")
    blocks = (Block("theta"), *(_block(name, entry) for name, entry in state.items()))
    hyperparameters = tuple(_hyperparameter(name, entry) for name, entry in constants.items())
    definitions = _signatures(table(tables, "auxiliary"))
    taken: set[str] = set()
    for name in ("theta", *state, *constants, *points, *definitions):
        check_name(name, taken)
        taken.add(name)
    symbols: dict[str, Expr] = {h.name: h.symbol for h in hyperparameters} | {k.name: k}
    auxiliaries, functions = _auxiliaries(definitions, symbols, {b.name: b for b in blocks})
    symbols |= {b.name: b.symbol for b in blocks}
    functions = {**functions, **REDUCTIONS}
    gradients: dict[str, Expr] = {}
    for name, text in points.items():
        gradients[name] = expression(f"gradient {name}", text, symbols, functions)
        symbols[name] = Symbol(name, real=True)
    functions = {**functions, old.__name__: _old({b.symbol for b in blocks})}
    lines = _lines(update, symbols, functions, blocks, set(gradients), taken)
    check_sizes(lines, {a.name: (a.arguments, a.expression) for a in auxiliaries})
    values = in_order(lines)
    return UpdateRule(
        label(tables, "name"),
        label(tables, "variant", "own"),
        blocks=blocks,
        hyperparameters=hyperparameters,
        auxiliaries=auxiliaries,
        update={b.name: values[b.name] for b in blocks},
        reference=line("reference", tables.get("reference", "")),
        gradients=gradients,
        samples=table(tables, "sample"),
    )


def _block(name: str, entry: Any) -> Block:
    known_keys(f"state {name}", entry, ("noise_units", "nonnegative", "step_units"))
    nonnegative = entry.get("nonnegative", False)
    if not isinstance(nonnegative, bool):
        raise BadInput(f"state {name} has nonnegative = {nonnegative!r}; expected true or false")
    return Block(
        name, whole(name, entry.get("noise_units", 0)), nonnegative, unit(name, entry.get("step_units", 0))
    )


def _hyperparameter(name: str, entry: Any) -> Hyperparameter:
    known_keys(f"hyperparameter {name}", entry, ("role", "noise_units", "default", "step_units", "below_one"))
    role, default = entry.get("role"), entry.get("default", 1.0)
    if role not in _ROLES:
        raise BadInput(f"hyperparameter {name} has the role {role!r}; expected one of {', '.join(_ROLES)}")
    if isinstance(default, bool) or not isinstance(default, int | float) or not isfinite(default):
        raise BadInput(f"hyperparameter {name} has the default {default!r}; expected a finite number")
    if not isinstance(below_one := entry.get("below_one", False), bool):
        raise BadInput(f"hyperparameter {name} has below_one = {below_one!r}; expected true or false")
    noise_units, step_units = whole(name, entry.get("noise_units", 0)), unit(name, entry.get("step_units", 0))
    return Hyperparameter(
        name,
        role,
        noise_units=noise_units,
        default=float(default),
        step_units=step_units,
        below_one=below_one,
    )


def _signatures(table: Mapping[str, Any]) -> dict[str, tuple[list[str], Any]]:
    """Return the names of the auxiliaries with their arguments and texts."""
    result: dict[str, tuple[list[str], Any]] = {}
    for call, text in table.items():
        match = _CALL.fullmatch(call)
        arguments = [name.strip() for name in match[2].split(",")] if match else []
        if (
            match is None
            or not all(NAME.fullmatch(name) for name in arguments)
            or len(set(arguments)) < len(arguments)
        ):
            raise BadInput(
                f'auxiliary {call!r}; expected a function of different names, as "P(v)" = "1/(sqrt(v) + eps)"'
            )
        if match[1] in result:
            raise BadInput(f"auxiliary {match[1]} is defined twice; keep one of the two")
        result[match[1]] = arguments, text
    return result


def _auxiliaries(
    definitions: Mapping[str, tuple[list[str], Any]],
    constants: Mapping[str, Expr],
    blocks: Mapping[str, Block],
) -> tuple[tuple[Auxiliary, ...], Functions]:
    """Read the definitions. An argument named like a block has the block's sign."""
    found, functions = [], dict(FUNCTIONS)
    for name, (arguments, text) in definitions.items():
        symbols = tuple(
            Symbol(a, nonnegative=True) if a in blocks and blocks[a].nonnegative else Symbol(a, real=True)
            for a in arguments
        )
        if clash := sorted(set(arguments) & constants.keys()):
            raise BadInput(
                f"auxiliary {name} has the argument {clash[0]}, which is a constant; expected another name"
            )
        local = {**constants, **dict(zip(arguments, symbols, strict=True))}
        body = expression(f"auxiliary {name}", text, local, FUNCTIONS)
        found.append(Auxiliary(name, symbols, body))
        functions[name] = _abstract(name, len(symbols))
    return tuple(found), functions


def _abstract(name: str, arity: int) -> Callable[..., Expr]:
    def call(*arguments: Expr) -> Expr:
        if len(arguments) != arity:
            raise TypeError(f"{name} takes {arity} arguments")
        return Function(name)(*arguments)

    return call


def _old(blocks: set[Symbol]) -> Callable[[Expr], Expr]:
    def call(argument: Expr) -> Expr:
        if argument not in blocks:
            raise BadInput(
                f"old({argument}); expected a block of the state: {', '.join(sorted(map(str, blocks)))}"
            )
        return old(argument)

    return call


def _lines(
    update: Mapping[str, Any], symbols: Mapping[str, Expr], functions: Functions, blocks: tuple[Block, ...],
    gradients: set[str], taken: set[str],
) -> dict[Symbol, Expr]:  # fmt: skip
    """Read the assignments in order; a new name on the left is an intermediate result, which a later line
    must use.
    """
    targets = [b.name for b in blocks]
    known, lines, intermediate = dict(symbols), {}, []
    for name, text in update.items():
        if name not in targets and name not in gradients:
            check_name(name, taken)
            intermediate.append(name)
        value = expression(f"update of {name}", text, known, functions)
        known[name] = Symbol(name, real=True)
        lines[known[name]] = value
    used = {s.name for expression in lines.values() for s in expression.free_symbols}
    for name in intermediate:
        if name not in used:
            raise BadInput(
                f"update assigns {name}, which is neither state nor used later; {advice(name, targets)}"
            )
    if missing := [name for name in targets if name not in update]:
        raise BadInput(f"update has no line for {missing[0]}; expected one for each of {', '.join(targets)}")
    return lines
