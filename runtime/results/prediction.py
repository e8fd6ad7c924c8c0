"""The leading weak error as a number."""

from dataclasses import asdict, dataclass
from typing import Any

from .shown import Shown


@dataclass(frozen=True)
class Prediction(Shown):
    """``E phi(equation) - E phi(optimizer) = coefficient tau**power + o(tau**power)`` at the horizon.

    Attributes
    ----------
    observable : str
    power : int
        The weak order of the equation.
    coefficient : float
    standard_error : float
        Zero where the limit is an ODE.
    own_error : float
        The last corrections made in extrapolating to step zero, of the paths and of the integral over time:
        more than what is left of the discretisation's error.
    """

    observable: str
    power: int
    coefficient: float
    standard_error: float
    own_error: float

    def at(self, tau: float) -> float:
        """Return the leading weak error at a step of length tau."""
        return self.coefficient * tau**self.power

    def __str__(self) -> str:
        worth = f"coefficient +- {self.standard_error:.1e}, own error {self.own_error:.1e}"
        return f"predicted: {self.coefficient:.5e} tau^{self.power}; {worth}"

    def to_json(self) -> dict[str, Any]:
        """Return everything as data."""
        return asdict(self)
