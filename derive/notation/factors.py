"""The factors of a product: which of them are components of a field, and which are noise."""

from __future__ import annotations

from sympy import Expr, Mul

from .symbols import Component, Field, NoiseField, noise


def indices_of(term: Expr, field: Field = noise) -> list[str]:
    """Return the indices of the components of a field in a product, repeated as often as they occur."""
    return [
        base.indices[0]
        for base, exponent in (f.as_base_exp() for f in Mul.make_args(term))
        if isinstance(base, Component) and base.field == field
        for _ in range(int(exponent))
    ]


def noises_of(term: Expr) -> list[Component]:
    """Return the noise in a product, of all samples and with its derivatives by theta, each as often as it
    occurs.
    """
    powers = (f.as_base_exp() for f in Mul.make_args(term))
    return [
        x
        for x, n in powers
        if isinstance(x, Component) and isinstance(x.field, NoiseField)
        for _ in range(int(n))
    ]


def without(term: Expr, field: Field) -> Expr:
    """Drop the components of a field from a product."""
    bases = [(f, f.as_base_exp()[0]) for f in Mul.make_args(term)]
    return Mul(*(f for f, base in bases if not (isinstance(base, Component) and base.field == field)))
