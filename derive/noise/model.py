"""What is known of the gradient noise: its joint cumulants."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from sympy import Add, Expr, Integer, Mul, S, Symbol, factor

from ..display.latex import aligned
from ..errors import DerivationRefused
from ..notation.indices import FREE, terms
from ..notation.symbols import Component, Field, latex_component, noise, sample_of
from .batches import inclusion, partitions
from .derivatives import second_moment


@dataclass(frozen=True, repr=False)
class NoiseModel:
    """A centred law with covariance ``S_ij(theta)`` and third, fourth, ... joint cumulants.

    The noise is a gradient, ``xi_i = d_i psi`` of a random function psi of theta, the loss of a sample less
    its mean. Where the law is known by few numbers, as the Gaussian and the elliptical ones, psi is a random
    function of that kind: the noise and its derivatives, the noise at two points, follow the law jointly.

    Attributes
    ----------
    name : str
    orders : tuple of int
        The orders of the cumulants that do not vanish.
    constant : bool
        Whether the law is the same at every theta.
    kurtosis : Expr, optional
        Excess kurtosis of an elliptical law: ``K4_ijkl = kurtosis/3 (S_ij S_kl + S_ik S_jl + S_il S_jk)``;
        the fourth cumulant stays an abstract tensor ``K4`` if it is not given.
    batch : Expr
        The noise is the mean of so many draws; if they are independent, the cumulant of order n is divided by
        ``batch**(n-1)``.
    population : Expr, optional
        The number of equally likely data points from which the draws are taken without replacement; cumulants
        and kurtosis are those of one draw.
    known : int, optional
        The order through which `orders` names all cumulants; all of them if it is not given.
    disjoint : bool
        Where a step takes several samples: whether all are drawn from the population without putting any
        point back, instead of independently of each other.
    """

    name: str
    orders: tuple[int, ...]
    constant: bool = False
    kurtosis: Expr | None = None
    batch: Expr = S.One
    population: Expr | None = None
    known: int | None = None
    disjoint: bool = False

    def __repr__(self) -> str:
        return f"<NoiseModel: {self}>"

    def __str__(self) -> str:
        cumulants = ", ".join(self.cumulant_field(n).name for n in self.orders) or "none"
        return f"{self.name} noise, cumulants {cumulants}" + (", constant" if self.constant else "")

    def latex(self) -> str:
        """Return the joint cumulants of one draw that do not vanish."""
        lines = []
        for order in self.orders:
            factors = ", ".join(rf"\xi_{i}" for i in FREE[:order])
            cumulant = latex_component(self.cumulant_field(order), FREE[:order])
            lines.append(rf"\kappa({factors}) &= {cumulant}")
        return aligned(lines or [r"\xi &= 0"])

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def to_json(self) -> dict[str, Any]:
        """Return the law as data; numbers that are expressions are text."""
        return {
            "name": self.name,
            "orders": list(self.orders),
            "constant": self.constant,
            "kurtosis": None if self.kurtosis is None else str(self.kurtosis),
            "batch": str(self.batch),
            "population": None if self.population is None else str(self.population),
            "disjoint": self.disjoint,
        }

    def cumulant_field(self, order: int) -> Field:
        """Return the field of the joint cumulants of `order`: ``S`` for 2, ``K3``, ``K4``, ... above."""
        return Field("S" if order == 2 else f"K{order}", order, symmetric=True, varies=not self.constant)

    def cumulant(self, factors: Sequence[Component]) -> Expr:
        """Return the joint cumulant of one draw of components of the noise, whatever their samples.

        Raises
        ------
        ValueError
            One is differentiated, and the law does not determine the cumulant.
        """
        order = len(factors)
        if order == 4 and self.kurtosis is not None:
            return (
                self.kurtosis
                / 3
                * Add(*(prod(map(self.cumulant, two)) for two in partitions(tuple(factors), (2,))))
            )
        if all(len(x.indices) == 1 for x in factors):
            return self.cumulant_field(order)(*(x.indices[0] for x in factors))
        if order == 2:
            return second_moment(self.cumulant_field(2), factors[0].indices, factors[1].indices)
        raise DerivationRefused(
            f"E[{' '.join(map(str, factors))}] of {self.name} noise, where more indices are derivatives by "
            "theta; cumulants at "
            "one theta do not determine it: take constant noise, a Gaussian or elliptical law, or a lower "
            "weak order"
        )

    def moment(self, indices: Sequence[str]) -> Expr:
        """Return ``E[xi_i xi_j ...]`` for the given indices, which may repeat, by its cumulants.

        Raises
        ------
        ValueError
            The moment is of an order whose cumulant is not known.
        """
        return self.joint_moment([noise(index) for index in indices])

    def joint_moment(self, factors: Sequence[Component]) -> Expr:
        """Return the mean of a product of noise, of one or several samples of a step, at theta or
        differentiated by it.

        Raises
        ------
        ValueError
            The moment is of an order whose cumulant is not known, or the law does not determine it.
        """
        samples = {sample_of(x): None for x in factors}
        groups = (
            [factors]
            if self.disjoint and factors
            else [[x for x in factors if sample_of(x) == s] for s in samples]
        )
        return Mul(*(self._moment(tuple(group)) for group in groups))

    def _moment(self, slots: tuple[Component, ...]) -> Expr:
        if self.known is not None and len(slots) > self.known:
            raise DerivationRefused(
                f"a moment of order {len(slots)} of {self.name} noise, known through order {self.known}; "
                "take a lower weak order, or a NoiseModel with more orders of cumulants"
            )
        if self.population is None:
            return Add(*(
                self.batch ** (len(parts) - len(slots)) * prod(map(self.cumulant, parts))
                for parts in partitions(slots, self.orders)
            ))  # fmt: skip
        one = replace(self, batch=S.One, population=None)
        return Add(
            *(
                inclusion(tuple(map(_by_sample, parts)), self.batch, self.population)
                * prod(map(one._moment, parts))
                for parts in partitions(slots, tuple(range(2, len(slots) + 1)))
            )
        )

    def square_covariance(self, i: str, j: str) -> Expr:
        """Return ``Cov(xi_i**2, xi_j**2)``: ``2 S_ij**2`` for Gaussian noise."""
        return Add(*terms(self.moment((i, i, j, j)) - self.moment((i, i)) * self.moment((j, j))))

    @property
    def gaussian(self) -> bool:
        """Whether the noise is Gaussian, the mean of independent draws too."""
        return self.orders == (2,) and self.population is None

    @property
    def sign(self) -> bool:
        """Whether a draw is ``+b`` or ``-b``, and draws are independent: of excess kurtosis -2 there is no
        other law.
        """
        return self.kurtosis == -2 and self.population is None

    @property
    def remark(self) -> str:
        """The law after the name of what is simulated with it; nothing for a single Gaussian draw."""
        return "" if self.gaussian and self.batch == 1 else f", noise: {self.name}"

    @property
    def symbols(self) -> set[Symbol]:
        """The constants of the law."""
        numbers = (self.batch, self.population or S.One, self.kurtosis or S.Zero)
        return {symbol for number in numbers for symbol in number.free_symbols}

    @property
    def variance(self) -> Expr:
        """The covariance of the noise in units of ``S``: ``1/batch`` for independent draws."""
        return (
            1 / self.batch
            if self.population is None
            else inclusion((((1, 2),),), self.batch, self.population)
        )

    @property
    def spread(self) -> Expr:
        """The fourth moments of elliptical noise in units of those of Gaussian noise with its covariance."""
        excess = self.kurtosis or Integer(0)
        if self.population is None:
            return 1 + excess / (3 * self.batch)
        if self.variance == 0:
            return Integer(1)
        whole, pair = (
            inclusion(sizes, self.batch, self.population) for sizes in ((((1, 4),),), (((1, 2),), ((1, 2),)))
        )
        return factor((whole * (1 + excess / 3) + pair) / self.variance**2)


def _by_sample(part: tuple[Component, ...]) -> tuple[tuple[int, int], ...]:
    """Count the factors of a product by sample."""
    samples = [sample_of(x) for x in part]
    return tuple((s, samples.count(s)) for s in sorted(set(samples)))
