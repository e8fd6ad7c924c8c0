"""Laws of the gradient noise, by their joint cumulants."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from sympy import Add, Expr, Integer, S, Symbol

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
    kurtosis : Expr, optional
        Excess kurtosis of an elliptical law: ``K4_ijkl = kurtosis/3 (S_ij S_kl + S_ik S_jl + S_il S_jk)``; the fourth cumulant
        stays an abstract tensor ``K4`` if it is not given.
    batch : Expr
        The noise is the mean of so many independent draws: the cumulant of order n is divided by ``batch**(n-1)``.
    """

    name: str
    orders: tuple[int, ...]
    constant: bool = False
    kurtosis: Expr | None = None
    batch: Expr = S.One

    def cumulant_field(self, order: int) -> Field:
        """Return the field of the joint cumulants of `order`: ``S`` for 2, ``K3``, ``K4``, ... above."""
        return Field("S" if order == 2 else f"K{order}", order, symmetric=True, varies=not self.constant)

    def cumulant(self, indices: Sequence[str]) -> Expr:
        """Return the joint cumulant of the noise at the given coordinates."""
        order = len(indices)
        if order == 4 and self.kurtosis is not None:
            pairs = _partitions(tuple(indices), (2,))
            value: Expr = self.kurtosis / 3 * Add(*(prod(self.cumulant_field(2)(*pair) for pair in two) for two in pairs))
        else:
            value = self.cumulant_field(order)(*indices)
        return value / self.batch ** (order - 1)

    def moment(self, indices: Sequence[str]) -> Expr:
        """Return ``E[xi_i xi_j ...]`` for the given indices, which may repeat, by its cumulants."""
        return Add(*(prod(map(self.cumulant, partition)) for partition in _partitions(tuple(indices), self.orders)))

    def square_covariance(self, i: str, j: str) -> Expr:
        """Return ``Cov(xi_i**2, xi_j**2)``: ``2 S_ij**2`` for Gaussian noise."""
        return (self.moment((i, i, j, j)) - self.moment((i, i)) * self.moment((j, j))).expand()


def gaussian(constant: bool = False) -> NoiseModel:
    """Return Gaussian noise with covariance ``S_ij(theta)``, or with one that does not depend on theta."""
    return NoiseModel("gaussian", (2,), constant)


def general(constant: bool = False) -> NoiseModel:
    """Return noise with abstract third and fourth cumulants ``K3_ijk``, ``K4_ijkl``; enough through weak order 2."""
    return NoiseModel("general", (2, 3, 4), constant)


def symmetric(kurtosis: Expr | None = None, constant: bool = False) -> NoiseModel:
    """Return elliptical noise with a given excess kurtosis, the symbol ``kappa`` by default; enough through weak order 2."""
    return NoiseModel("symmetric", (2, 4), constant, Symbol("kappa", real=True) if kurtosis is None else kurtosis)


def two_point(constant: bool = False) -> NoiseModel:
    """Return noise ``+b(theta)`` or ``-b(theta)`` with probability 1/2 each, ``S = b b^T``: its square does not fluctuate."""
    return NoiseModel("two-point", (2, 4), constant, Integer(-2))


def student_t(nu: Expr | None = None, constant: bool = False) -> NoiseModel:
    """Return multivariate Student noise with ``nu > 4`` degrees of freedom, the symbol ``nu`` by default, and covariance ``S``.

    Raises
    ------
    ValueError
        ``nu`` is at most 4: the fourth moment is infinite, and no equation of weak order 2 can be tested by it.
    """
    degrees = Symbol("nu", positive=True) if nu is None else nu
    if degrees.is_number and degrees <= 4:
        raise ValueError(f"Student noise with {degrees} degrees of freedom has no fourth moment; expected more than 4")
    return NoiseModel("student-t", (2, 4), constant, 6 / (degrees - 4))


def batch_mean(law: NoiseModel, size: Expr | None = None) -> NoiseModel:
    """Return the mean of independent draws from a law, ``batch`` of them by default; ``S`` stays that of one draw."""
    count = Symbol("batch", positive=True) if size is None else size
    return NoiseModel(f"mean of {count} {law.name}", law.orders, law.constant, law.kurtosis, law.batch * count)


NOISES = (gaussian, general, symmetric, two_point, student_t)
"""The noise models with a name, for the command line and for tests."""


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
