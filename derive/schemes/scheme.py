"""What a numerical scheme for ``dX = A(X) dt + sum_p G_p(X) dW^p`` is, and what it may use.

A scheme is written once, in the words of its source, as a function ``step(sde, x, h)`` that returns the next
state. It adds states, multiplies them by numbers and takes whatever else it needs from an `Sde`; so the same
function can be read as a series in index notation (`scheme_order`), in explicit components, or into code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self, TypeVar

from sympy import Expr, Rational

from .increment_laws import IncrementLaw, gaussian_increments


class State(Protocol):
    """A vector: states are added and multiplied by numbers, which are SymPy expressions in h and in the
    random variables.
    """

    def __add__(self, other: Self, /) -> Self: ...

    def __sub__(self, other: Self, /) -> Self: ...

    def __rmul__(self, scalar: Expr, /) -> Self: ...


X = TypeVar("X", bound=State)


class Sde(Protocol[X]):
    """The equation, and the random variables of one step of duration h.

    A Brownian motion is named by an index that the reader of the scheme chooses; the scheme only hands it on.
    """

    def drift(self, x: X) -> X:
        """Return ``A(x)``."""
        ...

    def column(self, x: X, p: str) -> X:
        """Return ``G_p(x)``."""
        ...

    def diffusion(self, x: X) -> X:
        """Return ``sum_p G_p(x) dW^p``."""
        ...

    def signed(self, x: X) -> X:
        """Return ``sum_p G_p(x) a_p``, with signs independent of each other and of the increments."""
        ...

    def correction(self, x: X) -> X:
        """Return ``sum_p G_p'(x) G_p(x)``: half of it is the drift that Stratonovich's reading of the noise
        adds.
        """
        ...

    def increment(self, p: str) -> Expr:
        """Return ``dW^p``, of variance h."""
        ...

    def sign(self, p: str, r: str) -> Expr:
        """Return ``J_pr = -J_rp``: signs, one for each pair, independent of each other and of the
        increments.
        """
        ...

    def total(self, summand: Callable[[str], X], without: str | None = None) -> X:
        """Return the sum over the Brownian motions, perhaps without one of them."""
        ...


@dataclass(frozen=True)
class Scheme:
    """A numerical scheme and what is claimed of it.

    Attributes
    ----------
    name : str
    weak_order : int
        The claim that `scheme_order.scheme_defect` proves.
    step : callable
        ``step(sde, x, h)``, the next state.
    reference : str
    increments : IncrementLaw
    calculus : str
        How ``G dW`` is read in the equation that the scheme solves.
    noise : str
        "general", "additive" where G is constant, or "none" for an ordinary differential equation.
    extrapolation : tuple of (int, Rational)
        For each ``(n, w)`` expectations after n steps of size ``h/n`` are added with the weight w.
    """

    name: str
    weak_order: int
    step: Callable[[Sde[Any], Any, Expr], Any]
    reference: str
    increments: IncrementLaw = gaussian_increments
    calculus: Literal["Ito", "Stratonovich"] = "Ito"
    noise: Literal["general", "additive", "none"] = "general"
    extrapolation: tuple[tuple[int, Rational], ...] = ((1, Rational(1)),)
