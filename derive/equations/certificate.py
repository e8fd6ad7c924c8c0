"""What a derivation says about itself: the weak order reached, the obstruction, the leading error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Lambda

from ..display.latex import latex_coefficients
from ..display.text import (
    certificate_text,
    leading_error_json,
    leading_error_text,
    part_json,
    part_text,
)
from ..notation.frozen import FrozenMapping


@dataclass(frozen=True)
class Obstruction:
    """A part of the modified generator that an equation lacks; in a certificate, one that no diffusion has.

    Attributes
    ----------
    power : Integer or Rational
        Its power of tau in the generator.
    blocks : tuple of str
        The blocks of the derivative, one for each of the free indices i, j, k, ... of `expression`.
    expression : Expr
        The coefficient ``c_ijk...``, symmetric in the indices of equal blocks (``c3``, ``c4``). The generator
        contains it summed over all indices and divided by ``r!`` for each block that occurs r times.
    """

    power: Expr
    blocks: tuple[str, ...]
    expression: Expr

    def __str__(self) -> str:
        return part_text(self)

    def latex(self) -> str:
        """Return the coefficient in index notation."""
        return latex_coefficients([self])

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def to_json(self) -> dict[str, Any]:
        """Return the coefficient as data."""
        return part_json(self)


@dataclass(frozen=True)
class Certificate:
    """How far the equation follows the chain.

    Attributes
    ----------
    weak_order : int
        The weak order reached, at most the order asked for.
    obstruction : tuple of Obstruction
        Empty exactly if a diffusion of the order asked for exists.
    asked : int
        The weak order asked for.
    """

    weak_order: int
    obstruction: tuple[Obstruction, ...]
    asked: int

    @property
    def exists(self) -> bool:
        """Whether an Ito diffusion with smooth coefficients has the order asked for."""
        return not self.obstruction

    def __str__(self) -> str:
        return certificate_text(self)

    def latex(self) -> str:
        """Return the obstruction in index notation, a line for each kind of derivative."""
        return latex_coefficients(self.obstruction)

    def _repr_latex_(self) -> str | None:
        return None if self.exists else f"$${self.latex()}$$"

    def to_json(self) -> dict[str, Any]:
        """Return the certificate as data."""
        obstruction = [part.to_json() for part in self.obstruction]
        return {"weak_order": self.weak_order, "exists": self.exists, "obstruction": obstruction}


@dataclass(frozen=True)
class LeadingError:
    """The operator ``L_p - L~_p`` behind the leading weak error of an equation with its own generator ``L~``.

    Attributes
    ----------
    power : int
        The weak order p of the equation.
    operator : tuple of Obstruction
        Drift, covariance and higher coefficients; empty where the weak error has no term at ``tau**p``.
    definitions : mapping of str to Lambda
        The functions kept abstract.
    """

    power: int
    operator: tuple[Obstruction, ...]
    definitions: Mapping[str, Lambda]

    def __post_init__(self) -> None:
        object.__setattr__(self, "definitions", FrozenMapping(self.definitions))

    def __str__(self) -> str:
        return leading_error_text(self)

    def latex(self) -> str:
        """Return the operator in index notation, a line for each kind of derivative."""
        return latex_coefficients(self.operator)

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def to_json(self) -> dict[str, Any]:
        """Return the operator as data."""
        return leading_error_json(self)
