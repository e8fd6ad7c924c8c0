"""Laws of the gradient noise, by their joint cumulants."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from sympy import Add, Expr, Integer, Mul, S, Symbol, factor

from ..errors import DerivationRefused
from ..notation.indices import terms
from ..notation.symbols import Component, Field, noise, sample_of
from .batches import inclusion, partitions
from .derivatives import second_moment


@dataclass(frozen=True)
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


def gaussian(constant: bool = False) -> NoiseModel:
    """Return Gaussian noise with covariance ``S_ij(theta)``, or with one that does not depend on theta."""
    return NoiseModel("gaussian", (2,), constant)


def general(constant: bool = False) -> NoiseModel:
    """Return noise with abstract third and fourth cumulants ``K3_ijk``, ``K4_ijkl``; enough through weak
    order 2.
    """
    return NoiseModel("general", (2, 3, 4), constant, known=4)


def symmetric(kurtosis: Expr | None = None, constant: bool = False) -> NoiseModel:
    """Return elliptical noise with a given excess kurtosis, the symbol ``kappa`` by default; enough through
    weak order 2.
    """
    return NoiseModel(
        "symmetric", (2, 4), constant, Symbol("kappa", real=True) if kurtosis is None else kurtosis, known=5
    )


def two_point(constant: bool = False) -> NoiseModel:
    """Return noise ``+b(theta)`` or ``-b(theta)`` with probability 1/2 each, ``S = b b^T``: its square does
    not fluctuate.
    """
    return NoiseModel("two-point", (2, 4), constant, Integer(-2), known=5)


def student_t(nu: Expr | None = None, constant: bool = False) -> NoiseModel:
    """Return multivariate Student noise with ``nu > 4`` degrees of freedom, the symbol ``nu`` by default, and
    covariance ``S``.

    Raises
    ------
    ValueError
        ``nu`` is at most 4: the fourth moment is infinite, and no equation of weak order 2 can be tested by
        it.
    """
    degrees = Symbol("nu", positive=True) if nu is None else nu
    if degrees.is_number and degrees <= 4:
        raise DerivationRefused(
            f"Student noise with {degrees} degrees of freedom has no fourth moment; expected more than 4"
        )
    return NoiseModel("student-t", (2, 4), constant, 6 / (degrees - 4), known=5)


def batch_mean(law: NoiseModel, size: Expr | None = None, population: Expr | None = None) -> NoiseModel:
    """Return the mean of a batch of draws from a law; ``S``, ``K3``, ``K4`` stay those of one draw.

    Parameters
    ----------
    law : NoiseModel
        For a finite sum over data, of one data point drawn uniformly.
    size : Expr, optional
        The number of draws, the symbol ``batch`` by default.
    population : Expr, optional
        The number of data points, if no point is drawn twice for one batch; without it draws are independent.

    Raises
    ------
    ValueError
        The numbers are no size of a batch, or the law is itself the mean of a batch and the result no batch
        of one kind.
    """
    count = Symbol("batch", positive=True) if size is None else size
    for what, number in (("batch", count), ("population", population)):
        if number is not None and number.is_number and not (number.is_Integer and number.is_positive):
            raise DerivationRefused(f"{what} {number}; expected a positive integer or a symbol")
    if population is None:
        if law.population is not None:
            raise DerivationRefused(
                f"a batch of {law.name}; expected the law of one draw: means of whole batches are not known"
            )
        return replace(law, name=f"mean of {count} {law.name}", batch=law.batch * count)
    if law.batch != 1 or law.population is not None:
        raise DerivationRefused(f"a batch of {law.name} without replacement; expected the law of one draw")
    if (population - count).is_negative:
        raise DerivationRefused(
            f"a batch of {count} out of {population} without replacement; expected at most {population}"
        )
    return replace(
        law, name=f"mean of {count} out of {population} {law.name}", batch=count, population=population
    )


def reshuffled(law: NoiseModel, population: Expr, size: Expr = S.One) -> NoiseModel:
    """Return the law of several batches in a step, drawn one after the other without putting any data point
    back.

    So is an epoch of random reshuffling. Where the batches are fixed and their order is random, a batch is
    the data point. Relations between the cumulants of few points, as ``K3 = 0`` for two, are not put in.

    Parameters
    ----------
    law : NoiseModel
        Of one data point drawn uniformly.
    population : Expr
        The number of data points.
    size : Expr
        The number of data points of a batch.

    Raises
    ------
    ValueError
        As in `batch_mean`.
    """
    batch = batch_mean(law, size, population)
    return replace(batch, name=f"{batch.name}, no point drawn twice", disjoint=True)


NOISES = (gaussian, general, symmetric, two_point, student_t)
"""The noise models with a name, for the command line and for tests."""


def _by_sample(part: tuple[Component, ...]) -> tuple[tuple[int, int], ...]:
    """Count the factors of a product by sample."""
    samples = [sample_of(x) for x in part]
    return tuple((s, samples.count(s)) for s in sorted(set(samples)))
