"""What is shown needs no more than this to be shown: display knows no equation by its class."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from sympy import Expr, Lambda, Matrix, Symbol


class ShownPart(Protocol):
    """A coefficient of a differential operator: its power of tau, the blocks of the derivative, the
    expression.
    """

    @property
    def power(self) -> Expr: ...

    @property
    def blocks(self) -> tuple[str, ...]: ...

    @property
    def expression(self) -> Expr: ...


class ShownCertificate(Protocol):
    """The weak order reached, and what is in the way of more."""

    @property
    def weak_order(self) -> int: ...

    @property
    def asked(self) -> int: ...

    @property
    def exists(self) -> bool: ...

    @property
    def obstruction(self) -> Sequence[ShownPart]: ...


class ShownNoise(Protocol):
    """The noise by powers of ``sqrt(tau)``."""

    @property
    def coefficients(self) -> tuple[Mapping[str, Expr], ...]: ...


class ShownEquation(Protocol):
    """Drift, covariance, noise and certificate of an equation."""

    chain: Any
    order: int
    form: str
    definitions: Mapping[str, Lambda]
    remembers_noise: ClassVar[bool]

    @property
    def name(self) -> str: ...

    @property
    def drift(self) -> tuple[Mapping[str, Expr], ...]: ...

    @property
    def covariance(self) -> tuple[Mapping[tuple[str, str], Expr], ...] | None: ...

    @property
    def diffusion(self) -> ShownNoise: ...

    @property
    def certificate(self) -> ShownCertificate: ...


class ShownLeadingError(Protocol):
    """The operator behind a leading weak error."""

    @property
    def power(self) -> int: ...

    @property
    def operator(self) -> Sequence[ShownPart]: ...

    @property
    def definitions(self) -> Mapping[str, Lambda]: ...


class ShownComponents(Protocol):
    """An equation in numbered coordinates."""

    @property
    def state(self) -> tuple[Symbol, ...]: ...

    @property
    def drift(self) -> tuple[Matrix, ...]: ...

    @property
    def covariance(self) -> tuple[Matrix, ...]: ...

    @property
    def third(self) -> Mapping[tuple[Symbol, ...], Expr]: ...

    @property
    def fourth(self) -> Mapping[tuple[Symbol, ...], Expr]: ...
