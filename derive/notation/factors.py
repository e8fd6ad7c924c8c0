"""The factors of a product: which of them are components of a field, and which are noise."""

from collections.abc import Callable

from sympy import Expr, Mul

from .symbols import Component, Field, NoiseField, noise


def taken_out(term: Expr, chosen: Callable[[Expr], bool]) -> tuple[list[Expr], Expr]:
    """Split a product into the factors whose base is chosen, each as often as it occurs, and the rest.

    Parameters
    ----------
    term : Expr
        ``x_i**2 y_j`` has the factors x_i, x_i and y_j; the exponents of those chosen are natural numbers.
    chosen : callable
    """
    found, rest = [], []
    for factor in Mul.make_args(term):
        base, exponent = factor.as_base_exp()
        if chosen(base):
            found += [base] * int(exponent)
        else:
            rest.append(factor)
    return found, Mul(*rest)


def of_field(field: Field) -> Callable[[Expr], bool]:
    """Return what tells the components of a field from everything else."""
    return lambda base: isinstance(base, Component) and base.field == field


def is_noise(base: Expr) -> bool:
    """Tell whether an expression is the noise of some sample, or a derivative of it by theta."""
    return isinstance(base, Component) and isinstance(base.field, NoiseField)


def indices_of(term: Expr, field: Field = noise) -> list[str]:
    """Return the first indices of the components of a field in a product, repeated as often as they occur."""
    return [component.indices[0] for component in taken_out(term, of_field(field))[0]]


def noises_of(term: Expr) -> list[Component]:
    """Return the noise in a product, each factor as often as it occurs.

    The noise of all samples counts, and so do its derivatives by theta.
    """
    return taken_out(term, is_noise)[0]


def without(term: Expr, field: Field) -> Expr:
    """Drop the components of a field from a product."""
    return taken_out(term, of_field(field))[1]
