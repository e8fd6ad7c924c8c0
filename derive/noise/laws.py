"""Laws of the gradient noise, of one draw and of batches."""

from dataclasses import replace

from sympy import Expr, Integer, S, Symbol

from ..errors import DerivationRefused
from .model import NoiseModel


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
