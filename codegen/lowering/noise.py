"""What the law of the noise means for a kernel: what an optimizer draws, and how strong an equation's noise
of squares is.

Both have the same standard normal vector ``zeta1``, of which an optimizer's noise is a function, so they stay
on one path.
"""

from math import comb
from statistics import NormalDist

from sympy import Add, Expr, Float, Heaviside, Integer, Symbol, factor_terms, sqrt

from ...derive.equations.abstract import Equation
from ...derive.errors import KernelRefused
from ...derive.noise.model import NoiseModel
from ...derive.notation.indices import components, terms
from ...derive.notation.symbols import square_factor
from ..objectives.protocol import Fields

ZETA = Symbol("zeta1", real=True)

MOST_SIGNS = 64
"""Of the signs in a batch: a step compares its normal number with a quantile for each."""


def drawn_noise(law: NoiseModel, fields: Fields) -> Expr:
    """Return the noise of a step in units of ``B``: of one draw it has variance 1.

    Gaussian draws have a Gaussian mean. The mean of n signs takes the values ``2 k/n - 1``, k binomial, and
    is that step function of a normal number which has this law: it jumps at the normal quantiles of the
    binomial's probabilities.

    Raises
    ------
    ValueError
        The law is neither of them; or the noise is the mean of signs and has several dimensions, or the
        number of signs is a symbol or large.
    """
    if law.gaussian:
        return ZETA / sqrt(law.batch)
    if not law.sign:
        raise KernelRefused(
            f"kernel for an optimizer with {law.name} noise; expected Gaussian or two-point noise or "
            "independent draws of it, "
            "which kernels draw"
        )
    if fields.widths.get("zeta1") != 1:
        raise KernelRefused(
            f"kernel for an optimizer with {law.name} noise in several dimensions; expected one coordinate, "
            "or a noise factor "
            "of one column: it is +b or -b with a single vector b"
        )
    if not law.batch.is_Integer or law.batch > MOST_SIGNS:
        raise KernelRefused(
            f"kernel for an optimizer with {law.name} noise; expected a number of draws, at most "
            f"{MOST_SIGNS}: a step compares "
            "its normal number with a quantile for each"
        )
    return mean_of_signs(int(law.batch))


def mean_of_signs(n: int) -> Expr:
    """Return the mean of n independent signs as a nondecreasing function of a normal number."""
    return 2 * Add(*(Heaviside(ZETA - q) for q in sign_quantiles(n))) / Integer(n) - 1


def sign_quantiles(n: int) -> list[Expr]:
    """Return the numbers below which a normal number lies with the probability of fewer than k pluses, k = 1,
    ..., n.
    """
    below, lower = 0, []
    for k in range(
        (n + 1) // 2
    ):  # those above the median by symmetry: close to 1 a probability has no digits left
        below += comb(n, k)
        lower.append(below / 2**n)
    quantiles = [Integer(0) if p == 0.5 else Float(NormalDist().inv_cdf(p)) for p in lower]
    return quantiles + [-q for q in reversed(quantiles[: n // 2])]


def in_kernel_factors(noise: Expr, equation: Equation, fields: Fields) -> Expr:
    """Write the root ``B2`` of ``Cov(xi_i**2, xi_j**2)`` as a multiple of that of ``2 S_ij**2``, which
    kernels know.

    Raises
    ------
    ValueError
        It is none, as for laws other than Gaussian ones where the noise has several dimensions.
    """
    squares = {c for c in components(noise) if c.field == square_factor}
    if not squares:
        return noise
    law = equation.chain.noise
    covariance, found = law.cumulant_field(2), law.square_covariance("i", "j")
    if fields.widths.get("zeta1") == 1:  # S = b b^T: S_ii S_jj = S_ij**2
        found = found.xreplace({covariance(i, i): covariance("i", "j") for i in ("i", "j")})
    ratio = factor_terms(Add(*(term / (2 * covariance("i", "j") ** 2) for term in terms(found))))
    if components(ratio):
        raise KernelRefused(
            f"kernel for {equation.name} with {law.name} noise in several dimensions, whose squares have a "
            "covariance that is no multiple of S_ij**2; expected one coordinate, or a noise factor of one "
            "column"
        )
    return noise.xreplace({c: sqrt(ratio) * c for c in squares})
