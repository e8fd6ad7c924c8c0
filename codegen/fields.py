"""What an objective provides to a kernel: its gradient, Hessian and noise as vectors and matrices."""

from dataclasses import dataclass
from typing import Protocol

from sympy import Symbol

from ..derive.symbols import Component
from .program import MatVec, Statement, Vector


class Fields(Protocol):
    """Reads the components of the objective and of its noise.

    An objective whose noise does not depend on theta says so; equations are then derived for constant noise.
    """

    @property
    def constant_noise(self) -> bool: ...

    def vanishes(self, component: Component) -> bool:
        """Tell whether the component is identically zero."""
        ...

    def gradient(self, at: str = "theta", target: str = "F") -> tuple[Statement, ...]:
        """Return statements that set the vector `target` to the gradient at the vector `at`."""
        ...

    def vector(self, component: Component) -> str:
        """Return the constant vector behind a component with one distinct index, such as ``S[i,i]``."""
        ...

    def matrix(self, component: Component) -> str:
        """Return the constant matrix behind a component at i and j, such as ``F[i,j]``."""
        ...


@dataclass(frozen=True)
class QuadraticFields:
    """``f = 1/2 (theta - minimum)^T H (theta - minimum)`` with constant noise covariance ``S``."""

    @property
    def constant_noise(self) -> bool:
        return True

    def vanishes(self, component: Component) -> bool:
        field = component.field
        constant = field.rank if not field.gradient else 2
        return len(component.indices) > constant

    def gradient(self, at: str = "theta", target: str = "F") -> tuple[Statement, ...]:
        offset = Symbol(at, real=True) - Symbol("minimum", real=True)
        return (Vector(f"{target}_offset", offset), MatVec(target, "H", f"{target}_offset"))

    def vector(self, component: Component) -> str:
        if component.field.name == "S" and len(component.indices) == 2:
            return "S_diagonal"
        raise ValueError(f"{component} in a kernel for a quadratic; expected the diagonal of S")

    def matrix(self, component: Component) -> str:
        names = {"F": "H", "S": "S", "B": "B", "B2": "B2"}
        if component.field.name not in names or len(component.indices) != 2:
            raise ValueError(f"{component} in a kernel for a quadratic; expected H, S or a factor of the noise")
        return names[component.field.name]
