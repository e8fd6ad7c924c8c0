"""The diffusion factor: one independent Brownian motion per chaos degree of the noise.

A step of the chain is a polynomial in the Gaussian noise. Its part of first chaos drives the equation by the optimizer's own
Brownian motion; the centred squares of the noise, of second chaos, are uncorrelated with it and get a Brownian motion of their
own with covariance ``2 S_ij**2`` between coordinates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sympy import Add, Expr, Integer, Mul, Pow, Rational

from .chain import Chain
from .indices import canonical, dummies, fresh, multiply, reindex, terms
from .operators import apply, contracted
from .series import Series
from .symbols import Component, Field, constant_factor, factor, noise, square_factor, zeta1, zeta2


@dataclass(frozen=True)
class Diffusion:
    """``dX_i = ... + sum_n tau**(n/2) coefficients[n][block]`` with ``zeta1[p]``, ``zeta2[p]`` read as ``dW1_p``, ``dW2_p``.

    Attributes
    ----------
    coefficients : tuple of mapping of str to Expr
        For each power n of ``sqrt(tau)`` and each block an expression at coordinate i, linear in the Brownian increments, with the
        covariance factors ``B`` and ``B2``.
    """

    coefficients: tuple[Mapping[str, Expr], ...]

    def total(self, block: str, tau: Expr) -> Expr:
        """Return the sum over the powers of ``sqrt(tau)``."""
        return Add(*(Mul(Pow(tau, Rational(n, 2)), part[block]) for n, part in enumerate(self.coefficients)))


def diffusion_factor(
    chain: Chain, generator: tuple[Expr, ...], form: Literal["diffusion", "fluctuation", "ode"]
) -> Diffusion:
    """Return the factor through the covariance of the highest power of tau in `generator`.

    The term of first chaos at ``tau`` beside the leading one is ``M3 - 1/2 (L0 M1 + M1 . d b0)``: the square of the factor must
    give ``a1 = m2 - b0 b0 - 1/2 L0 a0 - ...``.

    Raises
    ------
    ValueError
        The noise is not Gaussian, or its second chaos does not come from squares coordinate by coordinate.
    """
    if chain.noise.orders != (2,):
        raise ValueError(f"diffusion factor for {chain.noise.name} noise; expected Gaussian noise, whose chaos degrees are independent")
    increments = chain.increments(2).series
    first = {b: {n: _first_chaos(s[n], chain) for n in (1, 2, 3)} for b, s in increments.items()}
    none = dict.fromkeys(increments, Integer(0))
    if form == "ode":
        return Diffusion((none,))
    leading = {b: first[b][1] for b in increments}
    if form == "fluctuation":
        return Diffusion((leading, {b: first[b][2] if _linear_in_noise(s) else Integer(0) for b, s in increments.items()}))
    if len(generator) == 1:
        return Diffusion((leading,))
    if len(generator) > 2:
        raise ValueError(f"diffusion factor of order {len(generator)}; expected order 1 or 2")
    limit, second = generator[0], {b: _second_chaos(s[2]) for b, s in increments.items()}
    transport = Add(*(contracted(expression, b) for b, expression in leading.items()))
    drift = {b: apply(limit, Field(b)("i")) for b in increments}
    correction = {
        b: canonical(first[b][3] - (apply(limit, leading[b]) + apply(transport, drift[b])) / 2) for b in increments
    }
    middle = {b: canonical(first[b][2] + second[b]) for b in increments}
    return Diffusion((leading, middle, correction))


def check_factor(diffusion: Diffusion, covariance: tuple[Mapping[tuple[str, str], Expr], ...], chain: Chain) -> None:
    """Square the factor and compare it with the covariance.

    Raises
    ------
    ValueError
        They differ; the message gives the difference.
    """
    parts = diffusion.coefficients
    for power, wanted in enumerate(covariance):
        for (a, b), expression in wanted.items():
            square = Add(*(
                _paired(multiply(parts[n][a], reindex(parts[2 * power - n][b], {"i": "j"})))
                for n in range(2 * power + 1) if max(n, 2 * power - n) < len(parts)
            ))  # fmt: skip
            missing = canonical(_in_factors(expression, chain) - _in_factors(square, chain))
            if missing != 0:
                raise ValueError(
                    f"{chain.name}: the covariance of {a}[i] and {b}[j] at tau**{power} has no factor in closed form, "
                    f"{missing} is left over; take constant noise"
                )


def _linear_in_noise(series: Series) -> bool:
    """Tell whether the noise enters the leading noisy term of a block's step linearly: theta or m, not the squares in v."""
    for _, coefficient in sorted(series.coefficients.items()):
        degrees = [len(_noise_indices(term)) for term in terms(coefficient)]
        if max(degrees, default=0) > 0:
            return max(degrees) == 1
    return False


def _noise_indices(term: Expr, field: Field = noise) -> list[str]:
    return [
        base.indices[0]
        for base, exponent in (f.as_base_exp() for f in Mul.make_args(term))
        if isinstance(base, Component) and base.field == field
        for _ in range(int(exponent))
    ]


def _without(term: Expr, field: Field) -> Expr:
    bases = [(f, f.as_base_exp()[0]) for f in Mul.make_args(term)]
    return Mul(*(f for f, base in bases if not (isinstance(base, Component) and base.field == field)))


def _first_chaos(expression: Expr, chain: Chain) -> Expr:
    """Project a polynomial of the noise on its first chaos (Stein): one noise stays, the expectation is taken of the others."""
    pieces = []
    for term in terms(expression):
        indices = _noise_indices(term)
        for n, kept in enumerate(indices):
            others = chain.noise.moment(indices[:n] + indices[n + 1 :])
            (p,) = fresh(dummies(term), 1)
            pieces.append(_without(term, noise) * others * _factor(chain)(kept, p) * zeta1(p))
    return canonical(Add(*pieces))


def _factor(chain: Chain) -> Field:
    return constant_factor if chain.noise.constant else factor


def _second_chaos(expression: Expr) -> Expr:
    pieces = []
    for term in terms(expression):
        indices = _noise_indices(term)
        if len(indices) == 2:
            if indices[0] != indices[1]:
                raise ValueError(f"{term} mixes the noise of two coordinates; expected squares of the noise at one coordinate")
            (p,) = fresh(dummies(term), 1)
            pieces.append(_without(term, noise) * square_factor(indices[0], p) * zeta2(p))
    return canonical(Add(*pieces))


def _paired(expression: Expr) -> Expr:
    """Take the expectation of a product of two Brownian increments of unit covariance."""
    pieces = []
    for term in terms(expression):
        for field in (zeta1, zeta2):
            indices = _noise_indices(term, field)
            if len(indices) == 2:
                pieces.append(reindex(_without(term, field), {indices[0]: indices[1]}))
    return Add(*pieces)


def _in_factors(expression: Expr, chain: Chain) -> Expr:
    """Write every covariance as a product of factors, ``S_ij,k = B_ip,k B_jp + B_ip B_jp,k``; pairs of `B2` as ``2 S_ij**2``."""
    pieces = []
    for term in terms(expression):
        pairs: dict[str, list[str]] = {}
        rest, covariances = [], []
        for f in Mul.make_args(term):
            base, exponent = f.as_base_exp()
            if isinstance(base, Component) and base.field == square_factor:
                pairs.setdefault(base.indices[1], []).extend([base.indices[0]] * int(exponent))
            elif isinstance(base, Component) and base.field == chain.noise.cumulant_field(2):
                covariances += [base] * int(exponent)
            else:
                rest.append(f)
        for i, j in pairs.values():
            rest.append(Integer(2))
            covariances += [chain.noise.cumulant_field(2)(i, j)] * 2
        names = fresh(dummies(term), len(covariances))
        expanded = (_expanded(s, _factor(chain), p) for s, p in zip(covariances, names, strict=True))
        pieces.append(Mul(*rest, *expanded))
    return canonical(Add(*pieces))


def _expanded(covariance: Component, field: Field, p: str) -> Expr:
    i, j, *derivatives = covariance.indices
    result = [(field(i, p), field(j, p))]
    for index in derivatives:
        result = [pair for a, b in result for pair in ((a.differentiated(index), b), (a, b.differentiated(index)))]
    return Add(*(a * b for a, b in result))
