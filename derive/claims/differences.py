"""Coefficients as published and as derived, and what is wrong with them."""

from dataclasses import dataclass

from sympy import Expr, Rational

from .witness import Witness


@dataclass(frozen=True)
class Difference:
    """What is wrong with one coefficient, or the part of it that becomes right under an assumption.

    Attributes
    ----------
    power : Rational
        Of tau, in the generator.
    blocks : tuple of str
        One for a drift, two for a covariance, more for an obstruction.
    excess : Expr
        The published coefficient minus the derived one, simplified, with its functions written out;
        ``gamma_c`` stands for ``1 - exp(-c t)``.
    assumptions : tuple of str
        The fewest of `optsde.derive.claims.assumptions.ASSUMPTIONS` under which this vanishes; empty if none
        do.
    witness : Witness
    """

    power: Rational
    blocks: tuple[str, ...]
    excess: Expr
    assumptions: tuple[str, ...]
    witness: Witness


@dataclass(frozen=True)
class Row:
    """One coefficient: as published and as derived, both written out and simplified."""

    power: Rational
    blocks: tuple[str, ...]
    published: Expr
    derived: Expr


def place(power: Expr, blocks: tuple[str, ...]) -> str:
    """Return ``drift[theta] tau^1``, ``covariance[theta,v] tau^1`` or ``c3[theta,theta,v] tau^1``."""
    kind = {1: "drift", 2: "covariance"}.get(len(blocks), f"c{len(blocks)}")
    return f"{kind}[{','.join(blocks)}] tau^{power}"
