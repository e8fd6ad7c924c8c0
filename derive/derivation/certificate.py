"""What a derivation says about itself: the weak order reached, the obstruction, the leading error."""

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Lambda


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


@dataclass(frozen=True)
class Certificate:
    """How far the equation follows the chain.

    Attributes
    ----------
    weak_order : int
        The weak order reached, at most the order asked for.
    obstruction : tuple of Obstruction
        Empty exactly if a diffusion of the order asked for exists.
    """

    weak_order: int
    obstruction: tuple[Obstruction, ...]

    @property
    def exists(self) -> bool:
        """Whether an Ito diffusion with smooth coefficients has the order asked for."""
        return not self.obstruction


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
