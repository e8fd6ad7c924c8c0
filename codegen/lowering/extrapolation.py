"""Extrapolation of a numerical scheme to step size zero (Talay, Tubaro, Stochastic Anal. Appl. 8 (1990)
483).
"""

from dataclasses import dataclass

from sympy import Rational


@dataclass(frozen=True)
class Extrapolation:
    """Weights of the results with steps h, 2h and 4h.

    Attributes
    ----------
    result : tuple of Rational
        The result extrapolated twice: errors of the orders p and p + 1 in h cancel.
    last_correction : tuple of Rational
        What the second extrapolation changes, an upper estimate of the error that is left.
    """

    result: tuple[Rational, ...]
    last_correction: tuple[Rational, ...]


def extrapolation(order: int) -> Extrapolation:
    """Return the weights for a scheme whose error has an expansion in powers of h from h^order on."""
    first, second = 2**order - 1, 2 ** (order + 1) - 1
    once = (Rational(first + 1, first), Rational(-1, first), Rational(0))
    # of the next order 2**(p+1) times as much is left on the coarser two grids
    coarser = (Rational(0), *once[:2])
    last = tuple((a - b) / second for a, b in zip(once, coarser, strict=True))
    return Extrapolation(tuple(a + b for a, b in zip(once, last, strict=True)), last)
