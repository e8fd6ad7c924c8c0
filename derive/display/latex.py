"""Equations in LaTeX, as a researcher writes them: vectors, ``\\odot``, matrices applied to vectors; sums
only where needed.
"""

from collections.abc import Mapping, Sequence

from sympy import Expr, Integer, Integral, Lambda, Mul, Pow, Rational, Symbol, erf, factor

from ..errors import DerivationRefused
from ..notation.contraction import readable
from ..notation.indices import FREE, components
from ..notation.latex_names import latex_block
from ..notation.symbols import Field, latex_function, square_factor
from .latex_vectors import Printer, in_front, latex_vector, size_of, with_numbers
from .protocols import ShownEquation, ShownPart


def latex_equation(equation: ShownEquation) -> str:
    """Return the stochastic differential equation with the definitions of its functions, as an ``aligned``
    environment.

    Where the covariance has no factor in closed form it stands below the drift in index notation.
    """
    try:
        diffusion, covariance = _diffusion(equation), []
    except DerivationRefused:
        diffusion, covariance = (), _covariance_lines(equation)
    lines = []
    for block in (b.name for b in equation.chain.blocks):
        drift = [
            (Integer(n), latex_vector(part[block]))
            for n, part in enumerate(equation.drift)
            if part[block] != 0
        ]
        noise = [
            (Rational(n, 2), latex_vector(part[block]))
            for n, part in enumerate(diffusion)
            if part[block] != 0
        ]
        pieces = ([rf"\Big[ {_series(drift)} \Big]\,dt"] if drift else []) + (
            [_series(noise)] if noise else []
        )
        lines.append(rf"d{latex_block(block)} &= {_joined(pieces)}")
    if equation.remembers_noise:
        lines.append(r"\Delta W &= W_t - W_{t_k}, \qquad t_k = k\,\tau \le t < t_{k+1}")
    lines += covariance + [latex_definition(name, d) for name, d in equation.definitions.items()]
    return aligned(lines)


def _diffusion(equation: ShownEquation) -> tuple[Mapping[str, Expr], ...]:
    """Return the diffusion with another name for the factor of ``Cov(xi**2)`` where that is not
    ``2 S**2``.
    """
    law, parts = equation.chain.noise, equation.diffusion.coefficients
    if law.square_covariance("i", "j") == 2 * law.cumulant_field(2)("i", "j") ** 2:
        return parts
    squares = {c for part in parts for e in part.values() for c in components(e) if c.field == square_factor}
    names = {c: Field("CovXi2", rank=2)(*c.indices) for c in squares}
    return tuple({block: e.xreplace(names) for block, e in part.items()} for part in parts)


def latex_coefficients(parts: Sequence[ShownPart]) -> str:
    """Return coefficients of an operator in index notation, a line for each kind of derivative."""
    lines = []
    for o in parts:
        free = FREE[: len(o.blocks)]
        place = " ".join(f"{latex_block(b)}_{i}" for b, i in zip(o.blocks, free, strict=True))
        lines.append(rf"c_{{{place}}} &= {latex_indices(o.expression, free)}")
    return aligned(lines)


def latex_definition(name: str, definition: Lambda) -> str:
    """Return ``P(v) &= 1/(sqrt(v) + eps)`` in LaTeX."""
    arguments = ", ".join(Printer().doprint(v) for v in definition.variables)
    # the closed forms of Gaussian moments lose their shape when factored
    forms = (
        [definition.expr]
        if definition.expr.has(erf, Integral)
        else [factor(definition.expr), definition.expr]
    )
    return rf"{latex_function(name)}({arguments}) &= {min(map(Printer().doprint, forms), key=len)}"


def latex_indices(expression: Expr, free: tuple[str, ...]) -> str:
    """Return an expression in index notation with its sums."""
    pieces = []
    for summed, term in readable(with_numbers(expression), free):
        number, rest = term.as_coeff_Mul()
        front = size_of(number, (f for f in Mul.make_args(rest) if not components(f)))
        body = Mul(*(f for f in Mul.make_args(rest) if components(f)))
        size = "" if front == 1 and body != 1 else in_front(front, Printer()) + (r"\," if body != 1 else "")
        sums = rf"\sum_{{{','.join(summed)}}} " if summed else ""
        pieces.append(
            ("-" if number < 0 else "") + size + sums + ("" if body == 1 else Printer().doprint(body))
        )
    return _joined(pieces)


def _covariance_lines(equation: ShownEquation) -> list[str]:
    lines = []
    covariance = equation.covariance or ({},)
    for a, b in covariance[0]:
        parts = [
            (Integer(n), latex_indices(part[a, b], ("i", "j")))
            for n, part in enumerate(covariance)
            if part[a, b] != 0
        ]
        if parts:
            left = rf"\tfrac{{d}}{{dt}} \langle {latex_block(a)}_i, {latex_block(b)}_j \rangle"
            lines.append(rf"{left} &= {_series(parts)}")
    return lines


def _series(parts: list[tuple[Expr, str]]) -> str:
    """Join coefficients with their powers of tau."""
    pieces = []
    for power, text in parts:
        tau = Printer().doprint(Pow(Symbol("tau"), power))
        single = " + " not in text and " - " not in text
        sign, body = ("-", text[1:]) if single and text.startswith("-") else ("", text)
        pieces.append(
            text if power == 0 else rf"{sign}{tau}\,{body}" if single else rf"{tau}\,\Big( {text} \Big)"
        )
    return _joined(pieces)


def _joined(pieces: list[str]) -> str:
    return " + ".join(pieces).replace("+ -", "- ") or "0"


def aligned(lines: list[str]) -> str:
    """Return lines as an ``aligned`` environment."""
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
