"""Regularisation ``phi(v)`` of the second moment inside an equation's non-linearities.

An optimizer keeps ``v >= 0``; its equation does not, so the square root needs a substitute below a small
``u``.
"""

from dataclasses import dataclass
from typing import Literal

from sympy import Expr, Heaviside, Integer, Max, Min, Rational

from ...derive.errors import BadInput
from ...derive.notation.parser import parse_expression
from ...derive.notation.symbols import tau

Kind = Literal["none", "floor", "smooth"]


@dataclass(frozen=True)
class Regularisation:
    """``P(v)`` is simulated as ``P(phi(v))``.

    Attributes
    ----------
    kind : {"none", "floor", "smooth"}
        ``phi(v)`` is v; ``max(v, u)``; or twice differentiable, v above u and ``u/2`` below zero.
    u : Expr
        The size below which it acts, in tau and constants.
    """

    kind: Kind
    u: Expr = tau

    @property
    def name(self) -> str:
        """For people: stands in every output."""
        return {"none": "none", "floor": f"max(v, {self.u})", "smooth": f"smooth below {self.u}"}[self.kind]

    def __str__(self) -> str:
        return self.name

    def phi(self, v: Expr, order: int = 0) -> Expr:
        """Return ``phi(v)`` or a derivative, without Dirac's delta, for v of either sign.

        Raises
        ------
        ValueError
            It is not so often differentiable.
        """
        derivatives = self._derivatives(v)
        if order >= len(derivatives):
            raise BadInput(
                f"phi = {self.name} differentiated {order} times; expected at most {len(derivatives) - 1}: "
                "take smooth, "
                "or an equation of a lower order"
            )
        return derivatives[order]

    def _derivatives(self, v: Expr) -> tuple[Expr, ...]:
        u = self.u
        if self.kind == "none":
            return (v, Integer(1), *(Integer(0),) * 4)
        if self.kind == "floor":
            return Max(v, u), Heaviside(v - u)
        # with s = v/u between 0 and 1: phi = u (1/2 + s**3 - s**4/2), phi' = s**2 (3 - 2 s), phi'' = 6 s (1 -
        # s)/u,
        # and s held at 0 and 1 makes them right outside as well
        s = Min(1, Max(0, v / u))
        return u * (Rational(1, 2) + s**3 - s**4 / 2) + Max(v - u, 0), s**2 * (3 - 2 * s), 6 * s * (1 - s) / u

    @property
    def parameters(self) -> set[str]:
        """Names of the symbols in ``phi`` besides tau; their values are given with the constants."""
        return {str(symbol) for symbol in self.phi(Integer(1)).free_symbols - {tau}}


def unregularised() -> Regularisation:
    """Return ``phi(v) = v``; paths that reach ``v < 0`` become non-finite and are counted."""
    return Regularisation("none")


def floor(u: Expr = tau) -> Regularisation:
    """Return ``phi(v) = max(v, u)``, of Callisti, Romito, Triggiano (arXiv 2509.21614) with ``u = tau``."""
    return Regularisation("floor", u)


def smooth(u: Expr = tau) -> Regularisation:
    """Return the twice differentiable ``phi`` with ``phi(v) = v`` for ``v >= u`` and ``u/2`` for ``v <= 0``.

    Between, with ``s = v/u``, it is ``u (1/2 + s**3 - s**4/2)``.
    """
    return Regularisation("smooth", u)


def read_regularisation(text: str) -> Regularisation:
    """Read ``none``, ``floor``, ``smooth`` or one of the latter with ``:U``, U an expression in tau.

    Raises
    ------
    ValueError
        The text is none of them.

    Examples
    --------
    >>> read_regularisation("floor:tau/2").name
    'max(v, tau/2)'
    """
    kind, _, scale = text.partition(":")
    if kind == "none" and not scale:
        return unregularised()
    if kind not in ("floor", "smooth"):
        raise BadInput(f"unknown regularisation {text!r}; expected none, floor, smooth, floor:U or smooth:U")
    u = parse_expression(scale, {"tau": tau}) if scale else tau
    if u.is_positive is False:
        raise BadInput(f"regularisation {text!r} with U = {u}; expected a positive expression in tau")
    return Regularisation(kind, u)
