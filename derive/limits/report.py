"""Scaling regimes as plain text, as LaTeX and as data for JSON.

Maps and cells are known here by their shape alone: they show themselves with these functions.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from sympy import Expr, Lambda, latex

from ..display.latex import aligned, latex_definition, latex_indices
from ..display.latex_vectors import latex_vector
from ..display.text import text
from ..notation.indices import components
from ..notation.latex_names import latex_block
from ..regimes import REGIMES
from .exponents import Form, Point
from .limit import Limit
from .slow_manifold import memory_equation, memory_text


def power(form: Form, axes: Sequence[str], tex: bool = False) -> str:
    """Return ``h^(1 + s)``, or the same in LaTeX."""
    if tex:
        return rf"h^{{{latex(form.expression(axes))}}}"
    exponent = str(form.expression(axes))
    return f"h^{exponent}" if exponent.isalnum() else f"h^({exponent})"


def region_text(cell: Any, axes: Sequence[str]) -> str:
    """Return the equations and inequalities of a cell, ``s = 1, 0 < b, b < 2``."""
    parts = []
    for form in cell.region.zero:
        pivot = next(n for n, a in enumerate(form.weights) if a)
        rest = Form(tuple(Fraction(0) if n == pivot else -a for n, a in enumerate(form.weights)))
        parts.append(f"{axes[pivot]} = {rest.expression(axes)}")
    between: dict[int, list[str]] = {}
    for form in cell.region.positive:
        right = Form(tuple(max(a, Fraction(0)) for a in form.weights))
        places = [n for n, a in enumerate(form.weights[:-1]) if a]
        if len(places) == 1:
            low, high = between.setdefault(places[0], ["", ""])
            bound = -form.weights[-1] / form.weights[places[0]]
            between[places[0]] = (
                [f"{bound} < ", high] if form.weights[places[0]] > 0 else [low, f" < {bound}"]
            )
        else:
            parts.append(f"{(right - form).expression(axes)} < {right.expression(axes)}")
    return (
        ", ".join([*(f"{low}{axes[n]}{high}" for n, (low, high) in sorted(between.items())), *parts])
        or "everywhere"
    )


def kind(limit: Limit) -> str:
    """Say what drives the limit: an ordinary equation, a stochastic one, or noise alone."""
    if not limit.covariance:
        return "deterministic"
    pulled = any(
        c.field.gradient or "g]" in c.field.name for e in limit.drift.values() for c in components(e)
    )
    return (
        "stochastic" if pulled or any("step of" in str(e) for e in limit.drift.values()) else "pure diffusion"
    )


def map_text(regimes: Any) -> str:
    """Return all cells over several lines, for a terminal."""
    rule, axes = regimes.model.rule, regimes.axes
    lines = [f"{rule.name} ({rule.variant}): {', '.join(scalings(regimes))}"]
    if any(b.nonnegative and b.name in regimes.model.rates for b in rule.blocks):
        start = "from zero" if regimes.start == "zero" else "with their stationary size"
        lines.append(f"second moments start {start}, other memories from zero")
    for number, cell in enumerate(regimes.cells, 1):
        lines.append(f"{number}. {region_text(cell, axes)}")
        lines += [
            f"   {line}"
            for line in (limit_lines(cell.limit, axes) if cell.limit else [f"no limit: {cell.refusal}"])
        ]
    return "\n".join([*lines, *_named_lines(regimes), *_memory_lines(regimes)])


def _memory_lines(regimes: Any) -> list[str]:
    """Return the next order of the full-batch equation where all memories are fixed."""
    if not regimes.model.memories:
        return []
    head = "memories fixed, full batch, time in units of h: "
    try:
        equation = memory_equation(regimes.model)
    except ValueError as error:
        return [f"{head}{error}"]
    return [
        head.strip(),
        *(f"  {line}" for line in [*memory_text(equation).splitlines(), *_defined(equation.definitions)]),
    ]


def scalings(regimes: Any) -> list[str]:
    """Say how each hyperparameter scales."""
    model = regimes.model
    found = []
    for h in model.rule.hyperparameters:
        exponent = model.exponents.get(h.name)
        match h.role:
            case "learning rate":
                found.append(f"{h.name} = h")
            case "memory":
                found.append(f"1 - {h.name} = {model.constants[h.name]} h^({exponent})")
            case _:
                found.append(
                    f"{h.name} ~ h^({exponent})" if exponent is not None else f"{h.name} in its natural unit"
                )
    return [*found, f"noise h^({model.exponents['noise']})"]


def limit_lines(limit: Limit, axes: Sequence[str]) -> list[str]:
    """Return the equation, what stands still and what is averaged out."""
    units = [f"{b} ~ {power(form, axes)}" for b, form in limit.sizes.items() if any(form.weights)]
    lines = [
        f"{kind(limit)}; time step {power(limit.time_step, axes)}" + "".join(f"; {unit}" for unit in units)
    ]
    for block, drift in limit.drift.items():
        lines.append(f"{block} is frozen" if block in limit.frozen else f"drift of {block}[i]: {text(drift)}")
    lines += [
        f"covariance of {a}[i], {b}[j]: {text(e, ('i', 'j'))}" for (a, b), e in limit.covariance.items()
    ]
    for block, value in limit.slaved.items():
        mean = (
            "E[.] is over its stationary law, theta fixed" if value is None else f"its mean is {text(value)}"
        )
        lines.append(f"{block}[i] is fast, {mean}")
    return lines + _defined(limit.definitions)


def _defined(definitions: Mapping[str, Lambda]) -> list[str]:
    return [f"{name}({', '.join(map(str, d.variables))}) = {d.expr}" for name, d in definitions.items()]


def _named(regimes: Any) -> dict[str, Point | None]:
    return {regime.name: regimes.place(regime) for regime in REGIMES}


def _named_lines(regimes: Any) -> list[str]:
    lines = []
    for name, point in _named(regimes).items():
        if point is None:
            lines.append(f"regime {name}: not on this map")
            continue
        at = ", ".join(f"{x} = {value}" for x, value in zip(regimes.axes, point, strict=True))
        lines.append(f"regime {name}: {at}, cell {_number(regimes, point)}")
    return lines


def _number(regimes: Any, point: Point) -> int:
    return next(n for n, cell in enumerate(regimes.cells, 1) if point in cell.region)


def latex_limit(limit: Limit) -> str:
    """Return the limiting equation as an ``aligned`` environment."""
    lines = []
    for block, drift in limit.drift.items():
        noise = rf" + d M^{{{latex_block(block)}}}" if (block, block) in limit.covariance else ""
        lines.append(rf"d{latex_block(block)} &= \Big[ {latex_vector(drift)} \Big]\,dt{noise}")
    for (a, b), e in limit.covariance.items():
        pair = rf"M^{{{latex_block(a)}}}_i, M^{{{latex_block(b)}}}_j"
        lines.append(rf"\tfrac{{d}}{{dt}} \langle {pair} \rangle &= {latex_indices(e, ('i', 'j'))}")
    lines += [rf"{b} &= {latex_vector(e)}" for b, e in limit.slaved.items() if e is not None]
    return aligned(lines + [latex_definition(name, d) for name, d in limit.definitions.items()])


def map_latex(regimes: Any) -> str:
    """Return the cells one after the other, each with its region as a comment."""
    pieces = []
    for cell in regimes.cells:
        region = f"% {region_text(cell, regimes.axes)}"
        pieces.append(
            f"{region}; time step {power(cell.limit.time_step, regimes.axes)}\n{latex_limit(cell.limit)}"
            if cell.limit
            else f"{region}: {cell.refusal}"
        )
    return "\n".join(pieces)


def map_json(regimes: Any) -> dict[str, Any]:
    """Return the partition as JSON data; exponents are expressions in the axes, points lists of fractions."""
    axes = regimes.axes
    try:
        memory = (
            [text(part) for part in memory_equation(regimes.model).drift] if regimes.model.memories else None
        )
    except ValueError:
        memory = None
    return {
        "rule": regimes.model.rule.name,
        "variant": regimes.model.rule.variant,
        "noise": regimes.noise.name,
        "start": regimes.start,
        "axes": list(axes),
        "scalings": scalings(regimes),
        "cells": [_cell_json(cell, axes) for cell in regimes.cells],
        "fixed_memories": memory,
        "named": {
            name: None
            if point is None
            else {"point": list(map(str, point)), "cell": _number(regimes, point) - 1}
            for name, point in _named(regimes).items()
        },
    }


def _cell_json(cell: Any, axes: Sequence[str]) -> dict[str, Any]:
    limit = cell.limit
    data: dict[str, Any] = {
        "region": region_text(cell, axes),
        "dimension": cell.region.dimension,
        "point": list(map(str, cell.region.centre)),
        "refusal": cell.refusal or None,
    }
    if limit is None:
        return data
    return data | {
        "kind": kind(limit),
        "time_step": str(limit.time_step.expression(axes)),
        "sizes": {b: str(form.expression(axes)) for b, form in limit.sizes.items()},
        "status": dict(limit.status),
        "frozen": list(limit.frozen),
        "drift": {b: text(e) for b, e in limit.drift.items()},
        "covariance": {f"{a},{b}": text(e, ("i", "j")) for (a, b), e in limit.covariance.items()},
        "slaved": {b: _maybe(e) for b, e in limit.slaved.items()},
        "definitions": _defined(limit.definitions),
    }


def _maybe(expression: Expr | None) -> str | None:
    return None if expression is None else text(expression)
