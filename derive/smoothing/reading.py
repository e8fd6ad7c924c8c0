"""Reading functions that are not smooth, as sign or a clip, where the noise smooths them; elsewhere the term
is refused.
"""

from collections.abc import Mapping

from sympy import Add, Expr, Heaviside, Lambda, Mul, Pow, Rational, Symbol, sign

from ..errors import DerivationRefused
from ..notation.indices import components, dummies
from ..notation.series import EXACT, Series
from ..notation.symbols import Component, NoiseField, tau
from .moments import Noisy, noisy_function
from .piecewise import NON_SMOOTH


def read_noisy(expression: Expr, leaves: Mapping[Expr, Series], name: str) -> tuple[Lambda, Series]:
    """Return the shape of a function that is not smooth, and its series.

    Parameters
    ----------
    expression : Expr
        In the rule's symbols.
    leaves : mapping of Expr to Series
        Its smooth parts.
    name : str
        For the function.

    Raises
    ------
    ValueError
        The noise does not smooth it: it depends on something else than one expression linear in the noise and
        constants, or the noise vanishes beside the rest as tau -> 0.
    """
    noisy = [leaf for leaf, series in leaves.items() if any(map(_noises, series.coefficients.values()))]
    if len(noisy) != 1:
        found = f"{' and '.join(map(str, noisy))} have noise" if noisy else "no noise enters it"
        raise DerivationRefused(
            f"{expression} is not smooth, and {found}; expected one argument with noise, which smooths it"
        )
    leaf, argument = noisy[0], leaves[noisy[0]]
    _check_argument(expression, leaf, argument)
    y, start = Symbol("y", real=True), argument.valuation
    parts: dict[Expr, Expr] = {leaf: y}
    for other, series in leaves.items():
        if other != leaf:
            if list(series.coefficients) != [start] or components(series[start]):
                raise DerivationRefused(
                    f"{expression} is not smooth, and {other} is no constant that scales as {leaf} does; "
                    "expected "
                    "constants beside the argument with noise"
                )
            parts[other] = series[start]
    shape = Lambda(y, _replaced(expression, parts))
    power = start * _degree(expression) if start else 0
    inside = Add(*(c * tau ** Rational(n - start, 2) for n, c in argument.coefficients.items()))
    precision = min(EXACT, min(series.precision for series in leaves.values()) - start + power)
    return shape, Series({power: noisy_function(name, shape)(inside)}, precision)


def _noises(expression: Expr) -> set[Component]:
    return {c for c in components(expression) if isinstance(c.field, NoiseField)}


def _check_argument(expression: Expr, leaf: Expr, argument: Series) -> None:
    drawn = {xi for coefficient in argument.coefficients.values() for xi in _noises(coefficient)}
    if len(drawn) > 1 and not any(map(dummies, drawn)):
        names = " and ".join(sorted(map(str, drawn)))
        raise DerivationRefused(
            f"{expression} is not smooth, and {leaf} contains {names}; expected the noise of one sample"
        )
    for coefficient in argument.coefficients.values():
        if coefficient.atoms(Noisy) or any(_noises(coefficient.expand().diff(xi)) for xi in drawn):
            raise DerivationRefused(
                f"{expression} is not smooth, and {leaf} is not linear in the noise; expected a linear "
                "dependence"
            )
        if dummies(coefficient):
            raise DerivationRefused(
                f"{expression} is not smooth, and {leaf} sums over coordinates; expected one coordinate"
            )
    leading = argument[argument.valuation]
    if not _noises(leading):
        raise DerivationRefused(
            f"{expression} is not smooth, and as tau -> 0 the noise in {leaf} vanishes beside {leading} and "
            "does not smooth "
            "it; expected a regime in which the noise keeps its weight"
        )


def smooth_parts(expression: Expr) -> list[Expr]:
    """Return the largest parts of an expression that are smooth, numbers left out."""
    if not expression.has(*NON_SMOOTH):
        return [] if expression.is_number else [expression]
    return [part for argument in expression.args for part in smooth_parts(argument)]


def _replaced(expression: Expr, parts: Mapping[Expr, Expr]) -> Expr:
    if expression in parts or expression.is_number:
        return parts.get(expression, expression)
    return expression.func(*(_replaced(argument, parts) for argument in expression.args))


def _degree(expression: Expr) -> int:
    """Return the degree of a positively homogeneous function of its smooth parts.

    Raises
    ------
    ValueError
        It is none: its parts have different degrees.
    """
    if expression.is_number or not expression.has(*NON_SMOOTH):
        return 0 if expression.is_number else 1
    degrees = [_degree(argument) for argument in expression.args]
    match expression:
        case Mul():
            return sum(degrees)
        case Pow():
            return degrees[0] * int(expression.exp)
    found = {n for n, argument in zip(degrees, expression.args, strict=True) if argument != 0}
    if len(found) > 1:
        raise DerivationRefused(
            f"{expression} is not smooth, and its parts scale differently; expected one power of tau"
        )
    return 0 if isinstance(expression, sign | Heaviside) else found.pop()
