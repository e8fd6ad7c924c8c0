"""The equation's own generator, and what it lacks of the chain's modified generator: the leading weak error.

An equation of weak order p with the generator ``L~`` misses ``L_p - L~_p`` first. With
``u(s, x) = E[phi(X_T) | X_s = x]``

    E phi(X_T) - E phi(x_T) = -tau**p int_0^T E[(L_p - L~_p) u(s, X_s)] ds + o(tau**p)

(Talay, Tubaro 1990, for schemes; Li, Tai, E 2019, for modified equations).
"""

from collections.abc import Mapping

from sympy import Add, Expr, Integer, Rational

from ..equations.noise_terms import Diffusion
from ..notation.indices import canonical, multiply
from ..notation.operators import contracted
from ..notation.symbols import zeta1, zeta2
from .chain import Chain
from .verification import defect
from .wiener_chaos import in_covariances, paired


def noise_generator(factor: Diffusion, chain: Chain, least: int) -> dict[Rational, Expr]:
    """Return the symbol of ``1/2 (b b^T):dd`` for a diffusion factor b, by powers of tau from `least` on."""
    parts = [Add(*(contracted(e, block) for block, e in part.items())) for part in factor.coefficients]
    found: dict[Rational, Expr] = {}
    for n, left in enumerate(parts):
        for m, right in enumerate(parts):
            if n + m >= 2 * least:
                product = multiply(left, right)
                square = Add(
                    *(in_covariances(paired(product, field, field) / 2, chain) for field in (zeta1, zeta2))
                )
                found[Rational(n + m, 2)] = found.get(Rational(n + m, 2), Integer(0)) + square
    return {power: canonical(symbol) for power, symbol in found.items()}


def missing_operator(chain: Chain, own: Mapping[Rational, Expr], order: int) -> Expr:
    """Return the symbol of ``L_p - L~_p`` for an equation of weak order p with its own generator by powers of
    tau.

    Read off the first power of tau at which the equation's step is not the chain's: ``exp(tau L~) - P_tau``
    begins with ``-tau**(p + 1) (L_p - L~_p)``.
    """
    return canonical(-defect(chain, own, order + 1).get(Rational(order + 1), Integer(0)))
