"""What everything that takes random steps has in common."""

from collections.abc import Mapping
from typing import Protocol

from sympy import Expr, Rational

from .increments import Increments


class Named(Protocol):
    """Anything with a name for people."""

    @property
    def name(self) -> str:
        """For people."""
        ...


class OneStep(Named, Protocol):
    """What the one-step operator needs to know of a chain: an optimizer with its noise, or a numerical
    scheme.
    """

    @property
    def noise(self) -> Named:
        """The law of the noise."""
        ...

    def increments(self, order: int | Rational) -> Increments:
        """Return the increments through ``tau**order``, a whole number or a half more."""
        ...

    def brings_half_powers(self, increments: Increments) -> bool:
        """Tell whether the steps have half-integer powers of tau beside those that each factor of the noise
        brings.
        """
        ...

    def leaves_half_powers(self, increments: Increments) -> bool:
        """Tell whether the expectation may leave half-integer powers of tau that are no corrections of the
        rule's own.
        """
        ...

    def expectation(self, expression: Expr) -> Expr:
        """Return the expectation over the noise of one step."""
        ...

    @property
    def absolute_values(self) -> Mapping[Expr, Expr]:
        """Absolute values of constants whose sign is known, with what stands for them."""
        ...
