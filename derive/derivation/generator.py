"""The modified generator: ``exp(tau L) = P_tau`` solved for ``L = L0 + tau L1 + ...`` as a formal series.

`P_tau` is the one-step operator of a chain, ``(P_tau phi)(x) = E phi(x + Delta)``; its symbol is
``E exp(k . Delta)``. One logarithm gives every order; drift, covariance and obstruction are the parts of
``L_n`` of degree 1, 2 and more in the momenta. Where a rule itself brings half-integer powers of tau, as by
``rho = tau**(1/2)``, ``L_{n+1/2}`` is kept in ``L_n``, times ``tau**(1/2)``.
"""

from collections.abc import Mapping
from functools import reduce
from itertools import combinations_with_replacement
from math import factorial, prod

from sympy import Add, Dummy, Expr, Integer, Rational

from ..errors import DerivationRefused
from ..noise.derivatives import check_determined
from ..notation.indices import canonical, multiply, terms
from ..notation.operators import TIME, block_of, compose_series, contracted, momentum, split
from ..notation.symbols import tau
from .increments import Increments
from .one_step import OneStep


def modified_generator(chain: OneStep, order: int) -> tuple[Expr, ...]:
    """Return the symbols of ``L_0, ..., L_{order-1}``.

    Raises
    ------
    ValueError
        The chain has no diffusion limit with this noise in this regime; the message names the moment that
        spoils it.
    """
    return logarithm(one_step_operator(chain, order), order)


def logarithm(step: Mapping[Rational, Expr], order: int) -> tuple[Expr, ...]:
    """Return the symbols of ``L_0, ..., L_{order-1}`` with
    ``exp(tau L_0 + tau**2 L_1 + ...) = 1 + tau step[1] + ...``.
    """
    generator: list[Expr] = [Integer(0)] * order
    power: dict[Rational, Expr] = {Rational(0): Integer(1)}
    for exponent in range(1, order + 1):
        power = compose_series(step, power, order + Rational(1, 2))
        for n, symbol in power.items():
            whole = int(n)
            generator[whole - 1] += Rational((-1) ** (exponent + 1), exponent) * tau ** (n - whole) * symbol
    return tuple(canonical(symbol) for symbol in generator)


def one_step_operator(chain: OneStep, order: int) -> dict[Rational, Expr]:
    """Return the symbol of ``P_tau - 1`` by powers of tau from 1 to `order`, and ``order + 1/2`` where there
    are half powers.

    Checked for a diffusion limit.
    """
    increments = chain.increments(order + Rational(1, 2))
    half = chain.brings_half_powers(increments)
    last = 2 * order + half
    symbols = _symbols(chain, increments, last)
    _check_limit(chain, symbols, half)
    if not half and chain.leaves_half_powers(increments):
        # a half power just beyond the last whole one would be the first error of the equation
        _check_limit(chain, _symbols(chain, increments, last + 1), half)
    return {Rational(n, 2): symbols[n] for n in range(2, last + 1, 1 if half else 2)}


def one_step_symbols(chain: OneStep, order: int) -> dict[int, Expr]:
    """Return the symbol of ``P_tau - 1`` by powers of ``sqrt(tau)``, from 0 to ``2 order``."""
    return _symbols(chain, chain.increments(order), 2 * order)


def _symbols(chain: OneStep, increments: "Increments", last: int) -> dict[int, Expr]:
    exponent = _exponent(increments, last)
    symbol: dict[int, list[Expr]] = {n: [] for n in range(last + 1)}
    for degree in range(1, last + 1):
        for powers in combinations_with_replacement(sorted(exponent), degree):
            if sum(powers) <= last:
                arranged = prod(factorial(powers.count(n)) for n in set(powers))
                factor = chain.expectation(reduce(multiply, (exponent[n] for n in powers)))
                for n, part in enumerate(_by_powers(factor, last - sum(powers))):
                    symbol[sum(powers) + n].append(Rational(1, arranged) * part)
    found = {n: canonical(Add(*parts).xreplace(chain.absolute_values)) for n, parts in symbol.items()}
    check_determined(found.values(), chain.name)
    return found


def _exponent(increments: "Increments", last: int) -> dict[int, Expr]:
    """Return ``k . Delta`` by powers of ``sqrt(tau)``; time advances by tau exactly."""
    exponent: dict[int, list[Expr]] = {2: [momentum(TIME)()]}
    for name, series in increments.series.items():
        for power, coefficient in series.truncated(last + 1).coefficients.items():
            exponent.setdefault(power, []).append(contracted(coefficient, name))
    return {power: canonical(Add(*parts)) for power, parts in exponent.items()}


def _by_powers(expression: Expr, length: int) -> list[Expr]:
    """Expand the smoothed functions of tau in an expectation, through `length` powers of ``sqrt(tau)``."""
    if not expression.has(tau):
        return [expression]
    root = Dummy(positive=True)
    written = expression.xreplace({tau: root**2})
    return [canonical((written.diff(root, n) / factorial(n)).subs(root, 0)) for n in range(length + 1)]


def _check_limit(chain: OneStep, symbol: dict[int, Expr], half: bool) -> None:
    for power, expression in symbol.items():
        for term in terms(expression):
            coefficient, momenta = split(term)
            # a drift or covariance at tau**(3/2), and what follows from it, is a correction; a third moment
            # there is none
            if power % 2 and not (half and (power > 3 or (power == 3 and len(momenta) <= 2))):
                moment = "E[" + " ".join(f"step of {block_of(k)}[{k.indices[0]}]" for k in momenta) + "]"
                blocks = [block_of(k) for k in momenta]
                # the symbol holds E[step_a step_b ...]/r! for each of the orders of equal and of different
                # blocks
                coefficient *= prod(factorial(blocks.count(block)) for block in set(blocks))
                raise DerivationRefused(
                    f"{chain.name}, {chain.noise.name} noise: {moment} contains tau**({Rational(power, 2)}) "
                    "times "
                    f"{coefficient}; a diffusion limit needs whole powers of tau"
                )
