"""Proof of the weak order by another route than the derivation: the equation's own step against the chain's.

The derivation takes a logarithm of the chain's one-step operator. Here the equation's coefficients, whoever
wrote them, make a generator; its exponential is compared with the one-step operator, power by power of tau.
Nothing is shared with the derivation but the composition of operators.
"""

from collections.abc import Mapping, Sequence

from sympy import Add, Expr, Integer, Rational

from ..notation.indices import canonical, fresh, multiply, reindex, terms
from ..notation.operators import TIME, compose_series, contracted, momentum
from ..notation.series import by_powers_of_tau
from .generator import one_step_operator
from .one_step import OneStep


def generator_of(
    drift: Sequence[Mapping[str, Expr]], covariance: Sequence[Mapping[tuple[str, str], Expr]]
) -> dict[Rational, Expr]:
    """Return the symbol of an Ito diffusion's generator by powers of tau, those inside the coefficients
    included.

    Parameters
    ----------
    drift : sequence of mapping of str to Expr
        By power of tau, for each block the drift at coordinate i.
    covariance : sequence of mapping of (str, str) to Expr
        By power of tau, for each pair of blocks in state order the covariance at coordinates i and j.
    """
    symbols: dict[Rational, list[Expr]] = {Rational(0): [momentum(TIME)()]}
    for power, part in enumerate(drift):
        symbols.setdefault(Rational(power), []).extend(contracted(e, block) for block, e in part.items())
    for power, part in enumerate(covariance):
        for (a, b), expression in part.items():
            weight = Rational(1, 2) if a == b else Integer(1)
            symbols.setdefault(Rational(power), []).append(weight * _twice_contracted(expression, a, b))
    powers: dict[Rational, list[Expr]] = {}
    for power, parts in symbols.items():
        for more, part in by_powers_of_tau(Add(*parts)).items():
            powers.setdefault(power + more, []).append(part)
    return {power: canonical(Add(*parts)) for power, parts in powers.items()}


def defect(chain: OneStep, generator: Mapping[Rational, Expr], order: int) -> dict[Rational, Expr]:
    """Return the symbol of ``exp(tau L) - P_tau`` by powers of tau below ``order + 1``, powers without
    difference left out.

    The smallest power p in it means weak order ``p - 1``; an empty result means at least `order`.
    """
    wanted = one_step_operator(chain, order)
    return difference(exponential(generator, order), {Rational(n): symbol for n, symbol in wanted.items()})


def exponential(generator: Mapping[Rational, Expr], order: int) -> dict[Rational, Expr]:
    """Return the symbol of ``exp(tau L) - 1`` by powers of tau below ``order + 1``."""
    once = {p + 1: symbol for p, symbol in generator.items()}
    step: dict[Rational, Expr] = {}
    power: dict[Rational, Expr] = {Rational(0): Integer(1)}
    for n in range(1, order + 1):
        power = {p: symbol / n for p, symbol in compose_series(once, power, order + Rational(1, 2)).items()}
        for p, symbol in power.items():
            step[p] = step.get(p, Integer(0)) + symbol
    return step


def difference(left: Mapping[Rational, Expr], right: Mapping[Rational, Expr]) -> dict[Rational, Expr]:
    """Return the difference of two operators given by powers of tau, powers without difference left out."""
    differences = {
        p: canonical(left.get(p, Integer(0)) - right.get(p, Integer(0))) for p in sorted({*left, *right})
    }
    return {p: symbol for p, symbol in differences.items() if symbol != 0}


def _twice_contracted(expression: Expr, a: str, b: str) -> Expr:
    pieces = []
    for term in terms(expression):
        piece = multiply(term, momentum(a)("i") * momentum(b)("j"))
        taken = {index for c in piece.atoms() if hasattr(c, "indices") for index in c.indices}
        first, second = fresh(taken, 2)
        pieces.append(reindex(piece, {"i": first, "j": second}))
    return Add(*pieces)
