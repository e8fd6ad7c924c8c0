"""The noise of an equation by powers of the square root of tau."""

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Add, Expr, Mul, Pow, Rational

from ..notation.frozen import FrozenMapping


@dataclass(frozen=True)
class Diffusion:
    """``dX_i = ... + sum_n tau**(n/2) coefficients[n][block]`` with ``zeta1[p]``, ``zeta2[p]`` read as
    ``dW1_p``, ``dW2_p``.

    Attributes
    ----------
    coefficients : tuple of mapping of str to Expr
        For each power n of ``sqrt(tau)`` and each block an expression at coordinate i, linear in the Brownian
        increments, with the covariance factors ``B`` and ``B2``.
    """

    coefficients: tuple[Mapping[str, Expr], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "coefficients", tuple(map(FrozenMapping, self.coefficients)))

    def total(self, block: str, tau: Expr) -> Expr:
        """Return the sum over the powers of ``sqrt(tau)``."""
        return Add(*(Mul(Pow(tau, Rational(n, 2)), part[block]) for n, part in enumerate(self.coefficients)))
