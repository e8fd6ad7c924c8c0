"""What is shown, simulated and measured: drift and noise in index notation, and the optimizer that they
follow.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from sympy import Expr, Lambda

from ..display.latex import latex_equation
from ..display.text import equation_json, equation_text
from ..errors import DerivationRefused
from ..noise.model import NoiseModel
from ..optimizers.rule import Block, UpdateRule
from ..regimes import Regime
from .certificate import Certificate, LeadingError
from .noise_terms import Diffusion


class Followed(Protocol):
    """An optimizer in a regime with its noise."""

    @property
    def name(self) -> str: ...

    @property
    def rule(self) -> UpdateRule: ...

    @property
    def regime(self) -> Regime: ...

    @property
    def noise(self) -> NoiseModel: ...

    @property
    def blocks(self) -> tuple[Block, ...]: ...


class Equation(ABC):
    """``dX = drift dt + noise`` for every dimension; a derived diffusion, a synchronised or a published
    equation.

    Attributes
    ----------
    chain : OptimizerChain
        What the equation follows.
    order : int
        The weak order asked for.
    form : str
    definitions : mapping of str to Lambda
        The functions kept abstract, such as ``P``.
    remembers_noise : bool
        Whether the noise since the start of the optimizer's step, ``omega1``, stands in the noise terms.
    """

    chain: Any
    order: int
    form: str
    definitions: Mapping[str, Lambda]
    remembers_noise: ClassVar[bool] = False

    @property
    @abstractmethod
    def name(self) -> str:
        """For people."""

    @property
    @abstractmethod
    def drift(self) -> tuple[Mapping[str, Expr], ...]:
        """By power of tau: for each block its drift at coordinate i."""

    @property
    @abstractmethod
    def covariance(self) -> tuple[Mapping[tuple[str, str], Expr], ...] | None:
        """By power of tau: for each pair of blocks their covariance at coordinates i and j; None where it is
        not known.
        """

    @property
    @abstractmethod
    def diffusion(self) -> Diffusion:
        """The noise by powers of ``sqrt(tau)``.

        Raises
        ------
        ValueError
            It has no closed form.
        """

    @property
    @abstractmethod
    def certificate(self) -> Certificate:
        """The weak order reached and, where it is less than the one asked for, why."""

    @abstractmethod
    def with_constant_noise(self) -> "Equation":
        """Return the equation for noise whose law does not depend on theta.

        Raises
        ------
        ValueError
            It is not known.
        """

    @property
    def leading_error(self) -> LeadingError:
        """What the equation lacks first.

        Raises
        ------
        ValueError
            It has no generator on functions of the state alone, or that is not known.
        """
        raise DerivationRefused(
            f"leading error of {self.name}; expected a derived diffusion, a fluctuation or an ode"
        )

    @property
    def noiseless(self) -> bool:
        """Whether it is an ordinary differential equation."""
        return False

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.name}>"

    def __str__(self) -> str:
        return equation_text(self)

    def latex(self) -> str:
        """Return the equation with the definitions of its functions, as an ``aligned`` environment."""
        return latex_equation(self)

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def to_json(self) -> dict[str, Any]:
        """Return the equation as data; lists go by power of tau."""
        return equation_json(self)
