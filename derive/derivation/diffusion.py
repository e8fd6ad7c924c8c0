"""The diffusion factor: one independent Brownian motion per chaos degree of the noise.

A step of the chain is a polynomial in the Gaussian noise. Its part of first chaos drives the equation by the
optimizer's own Brownian motion; the centred squares of the noise, of second chaos, are uncorrelated with it
and get a Brownian motion of their own with covariance ``2 S_ij**2`` between coordinates.
"""

from collections.abc import Mapping

from sympy import Add, Expr, Integer, Rational

from ..equations.noise_terms import Diffusion
from ..errors import DerivationRefused
from ..notation.indices import canonical, multiply, reindex, terms
from ..notation.operators import TIME, apply, block_of, contracted, split
from ..notation.series import by_powers_of_tau
from ..notation.symbols import Field, omega1, tau, zeta1, zeta2
from .chain import Chain
from .wiener_chaos import (
    first_chaos,
    in_covariances,
    in_factors,
    linear_in_noise,
    paired,
    polynomial_increments,
    squares_as_independent,
)


def no_factor(chain: Chain) -> Diffusion:
    """Return the factor of an equation without noise."""
    return Diffusion((dict.fromkeys((b.name for b in chain.blocks), Integer(0)),))


def fluctuation_factor(chain: Chain) -> Diffusion:
    """Return the leading noise of each block that is linear in the noise of the gradient: what fluctuates
    first around an ordinary differential equation.

    Raises
    ------
    DerivationRefused
        The noise is correlated with its square, or the steps are no polynomials of it.
    """
    _check_law(chain)
    increments = polynomial_increments(chain)
    first = {b: {n: first_chaos(s[n], chain) for n in (1, 2, 3)} for b, s in increments.items()}
    chosen = [b for b, s in increments.items() if linear_in_noise(s)]
    parts = [
        {b: first[b][1] for b in increments},
        *({b: first[b][n] if b in chosen else Integer(0) for b in increments} for n in (2, 3)),
    ]
    last = next((n for n, part in enumerate(parts) if any(e != 0 for e in part.values())), 1)
    return Diffusion(tuple(parts[: max(last, 1) + 1]))


def diffusion_factor(chain: Chain, generator: tuple[Expr, ...]) -> Diffusion:
    """Return the factor through the covariance of the highest power of tau in `generator`.

    Raises
    ------
    DerivationRefused
        The noise is correlated with its square, the steps are no polynomials of it, or their second chaos
        does not come from squares coordinate by coordinate.
    """
    if not any(_is_second(term) for symbol in generator for term in terms(symbol)):
        return no_factor(chain)
    _check_law(chain)
    increments = polynomial_increments(chain)
    # the parts of first chaos of one step, at tau**(1/2), tau, tau**(3/2): M1, M2, M3, linear in zeta1
    first = {b: {n: first_chaos(s[n], chain) for n in (1, 2, 3)} for b, s in increments.items()}
    leading = {b: first[b][1] for b in increments}
    limit, *corrections = generator
    if not corrections:
        return Diffusion((leading,))
    if len(corrections) > 1:
        raise DerivationRefused(f"diffusion factor of order {len(generator)}; expected order 1 or 2")
    # Beside the leading M1 there stand at tau**(1/2) M2 and the second chaos, xi_i**2 - S_ii, which gets a
    # Brownian motion of its own, and at tau the term M3 - 1/2 (L0 M1 + M1 . d b0): the square of the factor
    # must give a1 = m2 - b0 b0 - 1/2 L0 a0 - ..., where m2 is the second moment of a step at tau**2.
    second = {b: squares_as_independent(s[2]) for b, s in increments.items()}
    transport = Add(*(contracted(expression, b) for b, expression in leading.items()))
    drift = {b: apply(limit, Field(b)("i")) for b in increments}
    correction = {
        b: canonical(first[b][3] - (apply(limit, leading[b]) + apply(transport, drift[b])) / 2)
        for b in increments
    }
    middle = {b: canonical(first[b][2] + second[b]) for b in increments}
    return Diffusion((leading, middle, correction))


def _check_law(chain: Chain) -> None:
    """Refuse noise that is correlated with its square: its chaos degrees are no independent increments."""
    if 3 in chain.noise.orders or (4 in chain.noise.orders and chain.noise.kurtosis is None):
        raise DerivationRefused(
            f"diffusion factor for {chain.noise.name} noise; expected noise uncorrelated with its square"
        )


def ito_correction(diffusion: Diffusion, chain: Chain) -> Mapping[str, Expr]:
    """Return ``sum_p (G_p . d) G_p`` of each block: half of it is what Stratonovich's reading adds to the
    drift.

    The noise since the start of a step, of the synchronised form, is part of the state.
    """
    noise = {b.name: diffusion.total(b.name, tau) for b in chain.blocks}
    along = contracted(zeta1("i"), omega1.name) + Add(
        *(contracted(expression, b) for b, expression in noise.items())
    )
    products = {b: apply(along, expression) for b, expression in noise.items()}
    pairs = {
        b: Add(*(paired(product, field, field) for field in (zeta1, zeta2)))
        for b, product in products.items()
    }
    return {b: in_covariances(pair, chain) for b, pair in pairs.items()}


def _is_second(term: Expr) -> bool:
    """Tell whether a term of a generator is part of the covariance."""
    momenta = split(term)[1]
    return len(momenta) == 2 and all(block_of(m) != TIME for m in momenta)


def check_factor(
    diffusion: Diffusion, covariance: tuple[Mapping[tuple[str, str], Expr], ...], chain: Chain
) -> None:
    """Square the factor and compare it with the covariance.

    Raises
    ------
    ValueError
        They differ; the message gives the difference.
    """
    parts = diffusion.coefficients
    half_powers = any(expression.has(tau) for part in covariance for expression in part.values())
    for twice in range(0, 2 * len(covariance), 1 if half_powers else 2):
        for (a, b), expression in covariance[twice // 2].items():
            square = Add(*(
                paired(multiply(parts[n][a], reindex(parts[twice - n][b], {"i": "j"})), field, field)
                for field in (zeta1, zeta2) for n in range(twice + 1) if max(n, twice - n) < len(parts)
            ))  # fmt: skip
            wanted = by_powers_of_tau(expression).get(Rational(twice % 2, 2), Integer(0))
            missing = canonical(in_factors(wanted, chain) - in_factors(square, chain))
            if missing != 0:
                raise DerivationRefused(
                    f"{chain.name}: the covariance of {a}[i] and {b}[j] at tau**{Rational(twice, 2)} has no "
                    "factor in closed "
                    f"form, {missing} is left over; take constant noise"
                )
