"""Polynomials of Gaussian noise sorted by chaos: ``xi_i = sum_p B_ip zeta_p``, ``B B^T = S``, ``zeta``
standard normal.
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Add, Expr, Integer, Mul, sqrt

from ..errors import DerivationRefused
from ..notation.factors import indices_of, noises_of, of_field, taken_out, without
from ..notation.indices import canonical, dummies, fresh, opened, reindex, terms
from ..notation.series import Series
from ..notation.symbols import Component, Field, constant_factor, factor, noise, square_factor, zeta1, zeta2
from ..smoothing.moments import has_noisy
from .chain import Chain


def polynomial_increments(chain: Chain) -> Mapping[str, Series]:
    """Return the steps of the blocks, polynomials of the noise of one sample at theta below ``tau**2``.

    Raises
    ------
    ValueError
        They are none: a function of the noise is not smooth, or the noise is that of several samples or of
        another point.
    """
    series = chain.increments(2).series
    if has_noisy(c for s in series.values() for c in s.coefficients.values()):
        raise DerivationRefused(
            f"noise of {chain.name}, which is not smooth in the gradient noise: its covariance has no factor "
            "in closed form; "
            "take the form ode, at order 1"
        )
    factors = (
        x
        for s in series.values()
        for n, c in s.coefficients.items()
        if n < 4
        for e in terms(c)
        for x in noises_of(e)
    )
    if others := sorted({x for x in factors if x.field != noise or len(x.indices) > 1}, key=str):
        raise DerivationRefused(
            f"noise of {chain.name}, which contains {others[0]}, of another sample or of a point away from "
            "theta: its "
            "covariance has no factor in closed form; take one sample and constant noise, or the form ode, "
            "at order 1"
        )
    return series


def linear_in_noise(series: Series) -> bool:
    """Tell whether the noise enters the leading noisy term of a block's step linearly: theta or m, not the
    squares in v.
    """
    for _, coefficient in sorted(series.coefficients.items()):
        degrees = [len(indices_of(term)) for term in terms(coefficient)]
        if max(degrees, default=0) > 0:
            return max(degrees) == 1
    return False


def first_chaos(expression: Expr, chain: Chain) -> Expr:
    """Project a polynomial of the noise on its first chaos (Stein): one noise stays, the expectation is taken
    of the others.
    """
    pieces = []
    for term in terms(expression):
        indices = indices_of(term)
        for n, kept in enumerate(indices):
            others = _spread(chain, len(indices)) * chain.noise.moment(indices[:n] + indices[n + 1 :])
            (p,) = fresh(dummies(term), 1)
            pieces.append(
                without(term, noise)
                * others
                * noise_factor(chain)(kept, p)
                * zeta1(p)
                * sqrt(chain.noise.variance)
            )
    return canonical(Add(*pieces))


def _spread(chain: Chain, degree: int) -> Expr:
    """Return the factor by which the projection of a cube on the noise exceeds the Gaussian one, for
    elliptical noise.
    """
    return chain.noise.spread if degree == 3 else Integer(1)


def noise_factor(chain: Chain) -> Field:
    """Return the field ``B`` of the chain's noise."""
    return constant_factor if chain.noise.constant else factor


def squares_as_independent(expression: Expr) -> Expr:
    """Replace the second chaos of a quadratic polynomial, ``xi_i**2 - S_ii``, by increments with covariance
    ``2 S_ij**2``.

    Raises
    ------
    ValueError
        A product of the noise at two coordinates occurs.
    """
    pieces = []
    for term in terms(expression):
        indices = indices_of(term)
        if len(indices) == 2:
            if indices[0] != indices[1]:
                raise DerivationRefused(
                    f"{term} mixes the noise of two coordinates; expected squares of the noise at one "
                    "coordinate"
                )
            (p,) = fresh(dummies(term), 1)
            pieces.append(without(term, noise) * square_factor(indices[0], p) * zeta2(p))
    return canonical(Add(*pieces))


def paired(expression: Expr, left: Field, right: Field) -> Expr:
    """Take the expectation over two increments of unit covariance in each term, of the fields `left` and
    `right`.
    """
    pieces = []
    for term in terms(expression):
        indices = (
            indices_of(term, left) if left == right else indices_of(term, left) + indices_of(term, right)
        )
        if len(indices) == 2:
            pieces.append(reindex(without(without(term, left), right), {indices[0]: indices[1]}))
    return Add(*pieces)


def in_factors(expression: Expr, chain: Chain) -> Expr:
    """Write covariances as products of factors, ``S_ij,k = B_ip,k B_jp + B_ip B_jp,k``, and pairs of `B2` as
    ``Cov(xi**2)``.
    """
    pieces = []
    for term in terms(opened(expression)):
        squares, rest = taken_out(term, of_field(square_factor))
        pairs: dict[str, list[str]] = {}
        for i, p in (b2.indices for b2 in squares):
            pairs.setdefault(p, []).append(i)
        for piece in terms(Mul(rest, *(chain.noise.square_covariance(i, j) for i, j in pairs.values()))):
            pieces.append(_expanded(piece, chain))
    return canonical(Add(*pieces))


def in_covariances(expression: Expr, chain: Chain) -> Expr:
    """Write pairs of undifferentiated factors as covariances, ``B_ip B_jp = S_ij``, and pairs of `B2` as
    ``Cov(xi**2)``.
    """
    law, root = chain.noise, noise_factor(chain)

    def is_factor(base: Expr) -> bool:
        fields = (root, square_factor)
        return isinstance(base, Component) and base.field in fields and len(base.indices) == 2

    pieces = []
    for term in terms(expression):
        pairs: dict[tuple[Field, str], list[str]] = {}
        for base in taken_out(term, is_factor)[0]:
            pairs.setdefault((base.field, base.indices[1]), []).append(base.indices[0])
        for (field, p), indices in pairs.items():
            if len(indices) == 2:
                i, j = indices
                covariance = (
                    law.square_covariance(i, j) if field == square_factor else law.cumulant_field(2)(i, j)
                )
                term = term / (field(i, p) * field(j, p)) * covariance
        pieces.append(term)
    return canonical(Add(*pieces))


def _expanded(term: Expr, chain: Chain) -> Expr:
    """Write the covariances in a product as sums of products of factors."""
    field = chain.noise.cumulant_field(2)
    covariances, rest = taken_out(term, of_field(field))
    names = fresh(dummies(term), len(covariances))
    root = noise_factor(chain)
    return Mul(rest, *(_as_factors(s, root, p) for s, p in zip(covariances, names, strict=True)))


def _as_factors(covariance: Component, field: Field, p: str) -> Expr:
    i, j, *derivatives = covariance.indices
    result = [(field(i, p), field(j, p))]
    for index in derivatives:
        result = [
            pair for a, b in result for pair in ((a.differentiated(index), b), (a, b.differentiated(index)))
        ]
    return Add(*(a * b for a, b in result))
