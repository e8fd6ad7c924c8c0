"""Laws of the gradient noise, by their joint cumulants."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from sympy import Expr

from .symbols import Field


@dataclass(frozen=True)
class NoiseModel:
    """A centred law with covariance ``S_ij(theta)`` and third, fourth, ... joint cumulants.

    Attributes
    ----------
    name : str
    orders : tuple of int
        The orders of the cumulants that do not vanish.
    constant : bool
        Whether the law is the same at every theta.
    """

    name: str
    orders: tuple[int, ...]
    constant: bool = False

    def cumulant_field(self, order: int) -> Field:
        """Return the field of the joint cumulants of `order`: ``S`` for 2, ``K3``, ``K4``, ... above."""
        return Field("S" if order == 2 else f"K{order}", order, symmetric=True, varies=not self.constant)

    def moment(self, indices: Sequence[str]) -> Expr:
        """Return ``E[xi_i xi_j ...]`` for the given indices, which may repeat, by its cumulants."""
        expression: Expr = sum(  # type: ignore[assignment]
            prod(self.cumulant_field(len(part))(*part) for part in partition)
            for partition in _partitions(tuple(indices), self.orders)
        )
        return expression


def gaussian(constant: bool = False) -> NoiseModel:
    """Return Gaussian noise with covariance ``S_ij(theta)``, or with one that does not depend on theta."""
    return NoiseModel("gaussian", (2,), constant)


def _partitions(items: tuple[str, ...], sizes: tuple[int, ...]) -> Iterator[list[tuple[str, ...]]]:
    """Yield the partitions of a sequence into parts of the given sizes; equal items count as different ones."""
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for chosen, left in _splits(rest):
        if len(chosen) + 1 in sizes:
            for partition in _partitions(left, sizes):
                yield [(first, *chosen), *partition]


def _splits(items: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    for mask in range(2 ** len(items)):
        chosen = tuple(item for n, item in enumerate(items) if mask >> n & 1)
        yield chosen, tuple(item for n, item in enumerate(items) if not mask >> n & 1)
