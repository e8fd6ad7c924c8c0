"""Equations as plain text and as data for JSON."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from sympy import Add, Expr, Lambda, Rational, Symbol

from ..errors import DerivationRefused
from ..notation.contraction import is_element_wise, readable, root_of, totals
from ..notation.indices import FREE, components
from ..notation.symbols import Component, body_of
from .meaning import MEANING
from .protocols import ShownCertificate, ShownComponents, ShownEquation, ShownLeadingError, ShownPart


def text(expression: Expr, free: tuple[str, ...] = ("i",)) -> str:
    """Return an expression in index notation on one line, sums written as ``sum_j(...)``, ``total(F*v)`` or
    ``norm(F)``.
    """
    numbers = {c: _number(c) for c in totals(expression)}
    shown = readable(expression.xreplace(numbers), free)
    pieces = [f"sum_{','.join(summed)}({term})" if summed else str(term) for summed, term in shown]
    return " + ".join(pieces).replace("+ -", "- ")


def preformatted(shown: str) -> str:
    """Return what stands in a terminal as HTML, for a notebook."""
    return f"<pre>{escape(shown)}</pre>"


def _number(total: Component) -> Expr:
    """Return a sum over all coordinates as a symbol with a readable name, or as a power of one."""
    body = body_of(total)
    if root := root_of(total):
        return Symbol(f"norm({_plain(root)})", positive=True) ** 2
    written = f"total({_plain(body)})" if is_element_wise(body) else text(body, ())
    return Symbol(
        f"({written})" if isinstance(body, Add) and not is_element_wise(body) else written, real=True
    )


def _plain(expression: Expr) -> Expr:
    """Drop the index of an element-wise expression."""
    numbers = {c: _number(c) for c in totals(expression)}
    return expression.xreplace(
        numbers | {c: Symbol(c.field.name, real=True) for c in components(expression) if c.indices}
    )


def equation_text(equation: ShownEquation) -> str:
    """Return the equation over several lines, for a terminal."""
    law = equation.chain.noise
    lines = [
        equation.name,
        f"with {', '.join(f'{name} = {value}' for name, value in _scales(equation).items())}",
    ]
    lines.append(f"noise: {law.name}, covariance S" + ("" if law.batch == 1 else " of one draw"))
    for power, part in enumerate(equation.drift):
        lines.append(f"drift, tau^{power}:")
        lines += [f"  {block}[i]: {text(expression)}" for block, expression in part.items()]
    if equation.remembers_noise or equation.covariance is None:
        lines += _noise_text(equation)
    else:
        lines += _covariance_text(equation.covariance)
    lines += _definitions_text(equation.definitions)
    return "\n".join([*lines, certificate_text(equation.certificate)])


def _covariance_text(covariance: Sequence[Mapping[tuple[str, str], Expr]]) -> list[str]:
    lines = []
    for power, part in enumerate(covariance):
        shown = {pair: expression for pair, expression in part.items() if expression != 0}
        lines.append(f"covariance, tau^{power}:" + ("" if shown else " 0"))
        lines += [f"  {a}[i], {b}[j]: {text(expression, ('i', 'j'))}" for (a, b), expression in shown.items()]
    return lines


def _scales(equation: ShownEquation) -> dict[str, str]:
    """Return what hyperparameters, noise and rescaled blocks are in the regime; a block in terms of the
    state.
    """
    chain = equation.chain
    scaling = chain.regime.scaling(chain.rule)
    found = {name: str(value) for name, value in scaling.hyperparameters.items()} | {
        "noise scale": str(scaling.noise)
    }
    return found | {f"the optimizer's {b}": str(u * Symbol(b)) for b, u in scaling.blocks.items() if u != 1}


def _definitions_text(definitions: Mapping[str, Lambda]) -> list[str]:
    lines = [f"{name}({', '.join(map(str, d.variables))}) = {d.expr}" for name, d in definitions.items()]
    return lines + [MEANING] * any(name.startswith(("E_u", "Cov_u")) for name in definitions)


def _noise_text(equation: ShownEquation) -> list[str]:
    lines = []
    for half, part in enumerate(equation.diffusion.coefficients):
        lines.append(f"noise, tau^{Rational(half, 2)}, with B B^T = S, zeta1 = dW, omega1 = W - W_(t_k):")
        lines += [
            f"  {block}[i]: {text(expression)}" for block, expression in part.items() if expression != 0
        ]
    return lines


def certificate_text(certificate: ShownCertificate) -> str:
    """Say which weak order is reached, and the obstruction term by term."""
    if certificate.exists:
        return f"certificate: weak order {certificate.weak_order}, no obstruction"
    lines = [
        f"certificate: no diffusion of weak order {certificate.asked} exists; weak order "
        f"{certificate.weak_order}. Obstruction, by the blocks of the derivative:"
    ]
    return "\n".join([*lines, *(f"  {part_text(part)}" for part in certificate.obstruction)])


def leading_error_text(missing: ShownLeadingError) -> str:
    """Say what an equation lacks first and what weak error that makes, term by term; then the functions in
    it.
    """
    p = missing.power
    head = f"leading weak error: -tau^{p} int_0^T E[(L_{p} - L~_{p}) u(s, X_s)] ds "
    head += "with u(s, x) = E[phi(X_T) | X_s = x]. "
    if not missing.operator:
        return f"{head}The operator is zero: the error is of higher order."
    lines = [
        f"{head}The operator, by the blocks of the derivative:",
        *(f"  {part_text(part)}" for part in missing.operator),
    ]
    return "\n".join([*lines, *_definitions_text(missing.definitions)])


def part_text(part: ShownPart) -> str:
    """Return a coefficient of an operator on a line, by the blocks of the derivative."""
    free = FREE[: len(part.blocks)]
    place = ", ".join(f"{block}[{index}]" for block, index in zip(part.blocks, free, strict=True))
    return f"tau^{part.power}  c{len(part.blocks)} at ({place}): {text(part.expression, free)}"


def _diffusion_json(equation: ShownEquation) -> list[dict[str, str]] | None:
    """Return the noise by half powers of tau, or None where it has no closed form."""
    try:
        parts = equation.diffusion.coefficients
    except DerivationRefused:
        return None
    return [{block: text(e) for block, e in part.items() if e != 0} for part in parts]


def components_text(form: ShownComponents) -> str:
    """Return the component form over several lines."""
    lines = []
    for power, (drift, covariance) in enumerate(zip(form.drift, form.covariance, strict=True)):
        lines.append(f"components at tau^{power}, drift:")
        lines += [f"  {symbol}: {entry}" for symbol, entry in zip(form.state, drift, strict=True)]
        lines.append(f"components at tau^{power}, covariance:")
        for row, a in enumerate(form.state):
            entries = ((b, covariance[row, row + n]) for n, b in enumerate(form.state[row:]))
            lines += [f"  {a}, {b}: {entry}" for b, entry in entries if entry != 0]
    for tensor in (form.third, form.fourth):
        lines += [f"obstruction at {', '.join(map(str, key))}: {value}" for key, value in tensor.items()]
    return "\n".join(lines)


def components_json(form: ShownComponents) -> dict[str, Any]:
    """Return the component form as JSON data; lists go by power of tau."""
    obstruction = {
        ", ".join(map(str, key)): str(value)
        for part in (form.third, form.fourth)
        for key, value in part.items()
    }
    return {
        "state": [str(symbol) for symbol in form.state],
        "drift": [[str(entry) for entry in column] for column in form.drift],
        "covariance": [
            [[str(entry) for entry in row] for row in matrix.tolist()] for matrix in form.covariance
        ],
        "obstruction": obstruction,
    }


def equation_json(equation: ShownEquation) -> dict[str, Any]:
    """Return the equation as JSON data; lists go by power of tau."""
    certificate = equation.certificate
    return {
        "rule": equation.chain.rule.name,
        "variant": equation.chain.rule.variant,
        "regime": equation.chain.regime.name,
        "scaling": _scales(equation),
        "noise": equation.chain.noise.name,
        "order": equation.order,
        "form": equation.form,
        "state": [block.name for block in equation.chain.blocks],
        "drift": [{block: text(e) for block, e in part.items()} for part in equation.drift],
        "covariance": None
        if equation.covariance is None
        else [
            {f"{a},{b}": text(e, ("i", "j")) for (a, b), e in part.items() if e != 0}
            for part in equation.covariance
        ],
        "diffusion": _diffusion_json(equation),
        "definitions": _definitions_json(equation.definitions),
        "certificate": {
            "weak_order": certificate.weak_order,
            "exists": certificate.exists,
            "obstruction": [part_json(part) for part in certificate.obstruction],
        },
    }


def leading_error_json(missing: ShownLeadingError) -> dict[str, Any]:
    """Return the operator behind the leading weak error as JSON data."""
    return {
        "power": missing.power,
        "operator": [part_json(part) for part in missing.operator],
        "definitions": _definitions_json(missing.definitions),
    }


def _definitions_json(definitions: Mapping[str, Lambda]) -> dict[str, Any]:
    return {
        name: {"arguments": [str(v) for v in d.variables], "expression": str(d.expr)}
        for name, d in definitions.items()
    }


def part_json(part: ShownPart) -> dict[str, Any]:
    """Return a coefficient of an operator as JSON data."""
    return {
        "power": float(part.power),
        "blocks": list(part.blocks),
        "expression": text(part.expression, FREE[: len(part.blocks)]),
    }
