"""Regularisation ``phi(v)`` of the second moment inside an equation's non-linearities.

An optimizer keeps ``v >= 0``; its equation does not, so the square root needs a substitute below a small ``u``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Expr, Integer, Max, Min, Rational

from .symbols import tau


@dataclass(frozen=True)
class Regularisation:
    """``P(v)`` is simulated as ``P(phi(v))``.

    Attributes
    ----------
    name : str
        Stands in every output.
    phi : callable
        From the SymPy expression of ``v`` to the one of ``phi(v)``.
    """

    name: str
    phi: Callable[[Expr], Expr]

    @property
    def parameters(self) -> set[str]:
        """Names of the symbols in ``phi`` besides tau; their values are given with the hyperparameters."""
        return {str(symbol) for symbol in self.phi(Integer(1)).free_symbols - {tau}}


def unregularised() -> Regularisation:
    """Return ``phi(v) = v``; paths that reach ``v < 0`` become non-finite and are counted."""
    return Regularisation("none", lambda v: v)


def floor(u: Expr = tau) -> Regularisation:
    """Return ``phi(v) = max(v, u)``, of Callisti, Romito, Triggiano (arXiv 2509.21614) with ``u = tau``."""
    return Regularisation(f"max(v, {u})", lambda v: Max(v, u))


def smooth(u: Expr = tau) -> Regularisation:
    """Return the twice differentiable ``phi`` with ``phi(v) = v`` for ``v >= u`` and ``u/2`` for ``v <= 0``.

    Between, with ``s = v/u``, it is ``u (1/2 + s**3 - s**4/2)``.
    """

    def phi(v: Expr) -> Expr:
        s = Min(1, Max(0, v / u))
        return u * (Rational(1, 2) + s**3 - s**4 / 2) + Max(v - u, 0)

    return Regularisation(f"smooth below {u}", phi)
