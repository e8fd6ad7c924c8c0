"""Regularisation ``phi(v)`` of the second moment inside an equation's non-linearities.

An optimizer keeps ``v >= 0``; its equation does not, so the square root needs a substitute below a small
``u``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Expr, Heaviside, Integer, Max, Min, Rational

from ...derive.notation.symbols import tau


@dataclass(frozen=True)
class Regularisation:
    """``P(v)`` is simulated as ``P(phi(v))``.

    Attributes
    ----------
    name : str
        Stands in every output.
    derivatives : tuple of callable
        From the SymPy expression of ``v``, of either sign, to ``phi(v)``, ``phi'(v)``, ... as far as they
        exist, without Dirac's delta.
    """

    name: str
    derivatives: tuple[Callable[[Expr], Expr], ...]

    def phi(self, v: Expr, order: int = 0) -> Expr:
        """Return ``phi(v)``, or a derivative.

        Raises
        ------
        ValueError
            It is not so often differentiable.
        """
        if order >= len(self.derivatives):
            raise ValueError(
                f"phi = {self.name} differentiated {order} times; expected at most "
                f"{len(self.derivatives) - 1}: take smooth, "
                "or an equation of a lower order"
            )
        return self.derivatives[order](v)

    @property
    def parameters(self) -> set[str]:
        """Names of the symbols in ``phi`` besides tau; their values are given with the hyperparameters."""
        return {str(symbol) for symbol in self.phi(Integer(1)).free_symbols - {tau}}


def unregularised() -> Regularisation:
    """Return ``phi(v) = v``; paths that reach ``v < 0`` become non-finite and are counted."""
    return Regularisation("none", (lambda v: v, lambda v: Integer(1), *(lambda v: Integer(0),) * 4))


def floor(u: Expr = tau) -> Regularisation:
    """Return ``phi(v) = max(v, u)``, of Callisti, Romito, Triggiano (arXiv 2509.21614) with ``u = tau``."""
    return Regularisation(f"max(v, {u})", (lambda v: Max(v, u), lambda v: Heaviside(v - u)))


def smooth(u: Expr = tau) -> Regularisation:
    """Return the twice differentiable ``phi`` with ``phi(v) = v`` for ``v >= u`` and ``u/2`` for ``v <= 0``.

    Between, with ``s = v/u``, it is ``u (1/2 + s**3 - s**4/2)``.
    """

    def share(v: Expr) -> Expr:
        return Min(1, Max(0, v / u))

    return Regularisation(f"smooth below {u}", (
        lambda v: u * (Rational(1, 2) + share(v) ** 3 - share(v) ** 4 / 2) + Max(v - u, 0),
        lambda v: share(v) ** 2 * (3 - 2 * share(v)),  # right outside of 0 ... u as well
        lambda v: 6 * share(v) * (1 - share(v)) / u,
    ))  # fmt: skip
