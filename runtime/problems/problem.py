"""What the front doors ask of a problem."""

from collections.abc import Mapping
from typing import Protocol

from ...codegen.objectives.protocol import Fields
from .matrices import (
    Array,
)


class Problem(Protocol):
    """An objective with its noise, as `simulate` and `weak_error` take it: a form for kernels, and numbers to
    run them on.
    """

    @property
    def dimension(self) -> int:
        """The number d of coordinates."""
        ...

    @property
    def fields(self) -> Fields:
        """What kernels need to know of the objective's form."""
        ...

    @property
    def matrices(self) -> Mapping[str, Array]:
        """The matrices that its kernels read, by name."""
        ...

    @property
    def vectors(self) -> Mapping[str, Array]:
        """The constant vectors that its kernels read, by name."""
        ...

    @property
    def numbers(self) -> Mapping[str, float]:
        """The numbers that its kernels read, by name."""
        ...

    @property
    def noiseless(self) -> "Problem":
        """The same objective without noise."""
        ...

    @property
    def description(self) -> Mapping[str, object]:
        """The problem as data, for records."""
        ...
