"""The synchronised equation: weak order 2 at grid times where no diffusion has it.

It is driven by the optimizer's own Brownian motion and remembers its increment since the start of the step,

    dX = (b0 + tau b1) dt + (sigma_p + tau Lambda_p) dW^p + nu_pq (W^q_t - W^q_{t_k}) dW^p,
    t_k <= t < t_{k+1}.

Sorting one step of the chain and one step of the equation by Wick degree gives
``nu_pq = 2 C2_pq - sigma_q . d sigma_p`` with the second chaos ``C2`` of the chain, and
``Lambda_p = M_p - 1/2 (L0 sigma_p + sigma_p . d b0 + sigma_q . d nu_pq)`` with its first chaos M at
``tau**(3/2)``. The certificate is independent of this: on the state extended by ``w = W_t - W_{t_k}`` the
equation is an Ito diffusion, and ``exp(tau L)`` of its generator must agree with the chain's own operator
through ``tau**2``.
"""

from sympy import Add, Expr, Integer, Rational

from ..equations.noise_terms import Diffusion
from ..errors import DerivationRefused
from ..notation.factors import indices_of, without
from ..notation.indices import canonical, dummies, fresh, multiply, terms
from ..notation.operators import TIME, apply, block_of, compose, contracted, momentum, split
from ..notation.symbols import Field, noise, omega1, tau, zeta1
from .chain import Chain
from .generator import one_step_operator
from .wiener_chaos import first_chaos, in_factors, noise_factor, paired, polynomial_increments


def synchronised_diffusion(chain: Chain, limit: Expr) -> Diffusion:
    """Return ``sigma + nu``, the first chaos at ``tau``, and ``Lambda``, by powers of ``sqrt(tau)``.

    Parameters
    ----------
    chain : Chain
        With Gaussian noise.
    limit : Expr
        The symbol of ``L0``.

    Raises
    ------
    ValueError
        The noise is not Gaussian, the steps are no polynomials of it, or the chain has half-integer powers of
        tau.
    """
    if chain.noise.orders != (2,) or chain.noise.population is not None:
        raise DerivationRefused(
            f"synchronised equation for {chain.noise.name} noise; expected Gaussian noise"
        )
    if limit.has(tau):
        raise DerivationRefused(
            f"synchronised equation for {chain.name}, which has half-integer powers of tau; expected whole "
            "ones"
        )
    increments = polynomial_increments(chain)
    first = {b: {n: first_chaos(s[n], chain) for n in (1, 2, 3)} for b, s in increments.items()}
    sigma = {b: first[b][1] for b in increments}
    along = Add(*(contracted(_renamed(expression, zeta1, omega1), b) for b, expression in sigma.items()))
    nu = {b: canonical(_polarised(s[2], chain) - apply(along, sigma[b])) for b, s in increments.items()}
    again = Add(*(contracted(_renamed(expression, zeta1, _ANOTHER), b) for b, expression in sigma.items()))
    transport = Add(*(contracted(expression, b) for b, expression in sigma.items()))
    correction = {}
    for b in increments:
        chained = paired(apply(again, nu[b]), omega1, _ANOTHER)
        drift = apply(limit, Field(b)("i"))
        correction[b] = canonical(
            first[b][3] - (apply(limit, sigma[b]) + apply(transport, drift) + chained) / 2
        )
    return Diffusion(
        ({b: canonical(sigma[b] + nu[b]) for b in sigma}, {b: first[b][2] for b in sigma}, correction)
    )


def synchronised_defect(
    chain: Chain, generator: tuple[Expr, ...], diffusion: Diffusion
) -> dict[Rational, Expr]:
    """Return what distinguishes the equation's step from the chain's, by powers of tau: nothing, if it has
    weak order 2.

    Parameters
    ----------
    chain : Chain
    generator : tuple of Expr
        ``L0`` and ``L1`` of the chain, for their drift.
    diffusion : Diffusion
    """
    wanted = one_step_operator(chain, 2)
    noise_parts = [Add(*(contracted(e, b) for b, e in part.items())) for part in diffusion.coefficients]
    noise_parts[0] += contracted(zeta1("i"), omega1.name)
    drift = [_first_order(symbol) for symbol in generator]
    operator = {
        Rational(0): drift[0] + momentum(TIME)() + _half_square(noise_parts[0], noise_parts[0]),
        Rational(1, 2): 2 * _half_square(noise_parts[0], noise_parts[1]),
        Rational(1): drift[1]
        + 2 * _half_square(noise_parts[0], noise_parts[2])
        + _half_square(noise_parts[1], noise_parts[1]),
    }
    step = {
        Rational(1): operator[Rational(0)],
        Rational(3, 2): operator[Rational(1, 2)],
        Rational(2): operator[Rational(1)] + compose(operator[Rational(0)], operator[Rational(0)]) / 2,
    }
    defect = {
        power: canonical(
            in_factors(_at_start(symbol), chain) - in_factors(wanted.get(power, Integer(0)), chain)
        )
        for power, symbol in step.items()
    }
    return {power: difference for power, difference in defect.items() if difference != 0}


_ANOTHER = Field("omega2", formal=True)


def _half_square(left: Expr, right: Expr) -> Expr:
    return canonical(paired(multiply(left, right), zeta1, zeta1) / 2)


def _at_start(symbol: Expr) -> Expr:
    """Set ``w = 0`` and let the operator act on functions that do not depend on w."""
    kept = []
    for term in terms(symbol):
        coefficient, momenta = split(term)
        if not indices_of(coefficient, omega1) and all(block_of(m) != omega1.name for m in momenta):
            kept.append(term)
    return Add(*kept)


def _first_order(symbol: Expr) -> Expr:
    return Add(*(t for t in terms(symbol) if len(split(t)[1]) == 1 and block_of(split(t)[1][0]) != TIME))


def _renamed(expression: Expr, old: Field, new: Field) -> Expr:
    return expression.xreplace({old(i): new(i) for term in terms(expression) for i in indices_of(term, old)})


def _polarised(expression: Expr, chain: Chain) -> Expr:
    """Return ``sum_pq 2 C2_pq omega_q zeta_p`` for a polynomial with the second chaos
    ``sum_pq C2_pq :zeta_p zeta_q:``.
    """
    pieces = []
    for term in terms(expression):
        indices = indices_of(term)
        if len(indices) == 2:
            p, q = fresh(dummies(term), 2)
            factor, rest = noise_factor(chain), without(term, noise) * chain.noise.variance
            for i, j in (indices, indices[::-1]):
                pieces.append(rest * factor(i, p) * zeta1(p) * factor(j, q) * omega1(q))
    return canonical(Add(*pieces))
