"""What an objective provides to a kernel: its gradient, its noise, and contractions of their derivatives with
vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sympy import Expr

from ...derive.notation.symbols import Component
from ..program.statements import Statement


class Fields(Protocol):
    """Facts about the objective and its noise, and statements for them; it never sees what they are used for.

    An objective whose noise does not depend on theta says so; equations are then derived for constant noise.
    """

    @property
    def constant_noise(self) -> bool: ...

    @property
    def gradient_noise(self) -> bool:
        """Whether ``B(theta) zeta`` is a gradient in theta for every zeta, as derivations assume of the noise
        of a sample.
        """
        ...

    @property
    def constants(self) -> tuple[str, ...]:
        """The constant vectors that statements may read."""
        ...

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers that statements may read."""
        ...

    @property
    def widths(self) -> Mapping[str, int]:
        """The lengths of ``zeta1`` and ``zeta2`` where they are known: where they are not d, or d is 1."""
        ...

    def vanishes(self, component: Component) -> bool:
        """Tell whether the component is identically zero."""
        ...

    def gradient(self, at: str = "theta", target: str = "F") -> tuple[Statement, ...]:
        """Return statements that set the vector `target` to the gradient at the vector `at`."""
        ...

    def noisy_gradient(self, at: str, target: str, scale: Expr) -> tuple[Statement, ...]:
        """Return statements that set the vector `target` to a gradient at `at` with noise,
        ``F + scale B zeta1``.
        """
        ...
