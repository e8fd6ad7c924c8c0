"""What an optimizer's kernel draws: the gradient noise of a step as a function of the standard normal vector ``zeta1``.

The same ``zeta1`` is the increment of the Brownian motion that drives the optimizer's equation, so both stay on one path.
"""

from math import comb
from statistics import NormalDist

from sympy import Add, Expr, Float, Heaviside, Integer, Symbol, sqrt

from ..derive.noise import NoiseModel
from .fields import Fields

ZETA = Symbol("zeta1", real=True)

MOST_SIGNS = 64
"""Of the signs in a batch: a step compares its normal number with a quantile for each."""


def drawn(law: NoiseModel, fields: Fields) -> Expr:
    """Return the noise of a step in units of ``B``: of one draw it has variance 1.

    Gaussian draws have a Gaussian mean. The mean of n signs takes the values ``2 k/n - 1``, k binomial, and is that step
    function of a normal number which has this law: it jumps at the normal quantiles of the binomial's probabilities.

    Raises
    ------
    ValueError
        The law is neither of them; or the noise is the mean of signs and has several dimensions, or the number of signs is a
        symbol or large.
    """
    if law.gaussian:
        return ZETA / sqrt(law.batch)
    if not law.sign:
        raise ValueError(
            f"kernel for an optimizer with {law.name} noise; expected Gaussian or two-point noise or independent draws of it, "
            "which kernels draw"
        )
    if fields.widths.get("zeta1") != 1:
        raise ValueError(
            f"kernel for an optimizer with {law.name} noise in several dimensions; expected one coordinate, or a noise factor of "
            "one column: it is +b or -b with a single vector b"
        )
    if not law.batch.is_Integer or law.batch > MOST_SIGNS:
        raise ValueError(f"kernel for an optimizer with {law.name} noise; expected the mean of a number of up to {MOST_SIGNS}")
    return mean_of_signs(int(law.batch))


def mean_of_signs(n: int) -> Expr:
    """Return the mean of n independent signs as a nondecreasing function of a normal number."""
    return 2 * Add(*(Heaviside(ZETA - q) for q in sign_quantiles(n))) / Integer(n) - 1


def sign_quantiles(n: int) -> list[Expr]:
    """Return the numbers below which a normal number lies with the probability of fewer than k pluses, k = 1, ..., n."""
    below, lower = 0, []
    for k in range((n + 1) // 2):  # those above the median by symmetry: close to 1 a probability has no digits left
        below += comb(n, k)
        lower.append(below / 2**n)
    quantiles = [Integer(0) if p == 0.5 else Float(NormalDist().inv_cdf(p)) for p in lower]
    return quantiles + [-q for q in reversed(quantiles[: n // 2])]
