"""The definition of a modified equation, held against a chain's exact step: E phi(x') = exp(tau L) phi up to
O(tau**3), d = 1.

The expectation is taken by Gauss-Hermite quadrature in 60 digits, so nothing of the engine's expansion enters
on that side.
"""

from functools import cache
from itertools import combinations_with_replacement

import mpmath as mp
import numpy as np
import sympy as sp

from optsde.derive.derivation.chain import Chain
from optsde.derive.derivation.equation import ModifiedEquation
from optsde.derive.notation.symbols import k, t, tau
from optsde.derive.optimizers.reductions import total

DIGITS, NODES = 60, 30
THETA = sp.Symbol("theta", real=True)
OBJECTIVE = THETA**2 + THETA**3 / 3 - THETA**4 / 5
FACTOR = 1 + THETA / 3
STEP = mp.mpf(2) ** -20


@cache
def _quadrature() -> list[tuple[mp.mpf, mp.mpf]]:
    """Nodes and weights for a standard normal variable: Newton's iteration from double precision."""
    with mp.workdps(DIGITS):
        result = []
        for start in np.polynomial.hermite_e.hermegauss(NODES)[0]:
            x = mp.mpf(float(start))
            for _ in range(8):
                before, value = mp.mpf(1), x
                for n in range(1, NODES):
                    before, value = value, x * value - n * before
                x -= value / (NODES * before)
            before, value = mp.mpf(1), x
            for n in range(1, NODES):
                before, value = value, x * value - n * before
            result.append((x, mp.factorial(NODES) / (NODES * before) ** 2))
        return result


def _point(chain: Chain, constants: dict[str, float]) -> dict[str, mp.mpf]:
    """A place in state space, time included, away from zeros."""
    values = {"theta": mp.mpf(3) / 10, "t": mp.mpf(13) / 10}
    for n, block in enumerate(chain.blocks[1:]):
        values[block.name] = mp.mpf(7 + 4 * n) / (5 if block.nonnegative else 20)
    return values | {name: mp.mpf(str(x)) for name, x in constants.items()}


def constants(chain: Chain) -> dict[str, float]:
    """Different positive numbers for the constants of a chain."""
    scaled = chain.regime.scaling(chain.rule).hyperparameters.values()
    names = sorted({str(s) for expression in scaled for s in expression.free_symbols} - {"tau"})
    return {name: 0.4 + 0.17 * n for n, name in enumerate(names)}


def monomials(chain: Chain, degree: int) -> list[sp.Expr]:
    """All monomials of the state up to a degree."""
    state = [block.symbol for block in chain.blocks]
    return [
        sp.Mul(*chosen)
        for size in range(1, degree + 1)
        for chosen in combinations_with_replacement(state, size)
    ]


def _generators(equation: ModifiedEquation) -> list:
    """L_0 and L_1 as functions on expressions; time is a component of the state with drift 1."""
    form = equation.expand(1, OBJECTIVE)
    covariance = 1 if equation.chain.noise.constant else FACTOR**2
    known = {sp.Symbol("S", real=True): sp.Integer(1), sp.Function("S")(THETA): covariance}
    clean = lambda e: e.subs(known).doit()  # noqa: E731
    state, size = form.state, range(len(form.state))
    drift = [[clean(b) for b in part] for part in form.drift]
    square = [[[clean(part[r, c]) for c in size] for r in size] for part in form.covariance]
    higher = {key: clean(value) for key, value in (form.third | form.fourth).items()}

    def act(power: int, phi: sp.Expr) -> sp.Expr:
        result = phi.diff(t) if power == 0 else sp.Integer(0)
        for r in size:
            result += drift[power][r] * phi.diff(state[r])
            for c in size:
                result += square[power][r][c] * phi.diff(state[r], state[c]) / 2
        if power == 1:
            for key, value in higher.items():
                counts = [key.count(s) for s in set(key)]
                result += value * phi.diff(*key) / sp.prod([sp.factorial(n) for n in counts])
        return result

    return [lambda phi: act(0, phi), lambda phi: act(1, phi)]


def remainders(equation: ModifiedEquation, degree: int) -> dict[sp.Expr, tuple[mp.mpf, mp.mpf]]:
    """For each monomial ``E phi(x') - (1 + tau L0 + tau**2 (L1 + L0 L0/2)) phi`` at two values of tau, one
    twice the other.
    """
    chain, (first, second) = equation.chain, _generators(equation)
    values = _point(chain, constants(chain))
    factor = sp.Integer(1) if chain.noise.constant else FACTOR
    z = sp.Symbol("z", real=True)
    noise = chain.regime.scaling(chain.rule).noise * z
    taken: dict[sp.Symbol, sp.Expr] = {}
    for name, point in chain.gradients.items():
        at = point.xreplace(taken)
        taken[sp.Symbol(name, real=True)] = OBJECTIVE.diff(THETA).subs(THETA, at) + noise * factor.subs(
            THETA, at
        )
    update = {b.symbol: chain.update[b.name].xreplace(taken).subs(k, t / tau) for b in chain.blocks}
    update = {
        symbol: expression.replace(total, lambda summand: summand) for symbol, expression in update.items()
    }
    with mp.workdps(DIGITS):
        step = _function(list(update.values()), values)
        ends = {h: [(w, step(z=x, tau=h)) for x, w in _quadrature()] for h in (STEP, 2 * STEP)}
        result = {}
        for phi in monomials(chain, degree):
            once = first(phi)
            series = _function([phi, once, second(phi) + first(once) / 2], values)(z=mp.mpf(0), tau=mp.mpf(0))
            end = _function([phi], values, tuple(b.name for b in chain.blocks))
            found = []
            for h in (STEP, 2 * STEP):
                mean = mp.fsum(
                    w * end(**{b.name: x for b, x in zip(chain.blocks, xs, strict=True)})[0]
                    for w, xs in ends[h]
                )
                found.append(mean - series[0] - h * series[1] - h**2 * series[2])
            result[phi] = (found[0], found[1])
        return result


def third_order(small: mp.mpf, large: mp.mpf) -> bool:
    """Tell whether remainders at tau and 2 tau are of order tau**3: an eighth at 2**-20, up to the next
    order; or zero.
    """
    return abs(small) < 0.126 * abs(large) or abs(large) < 1e-40


def _function(expressions: list[sp.Expr], values: dict[str, mp.mpf], free: tuple[str, ...] = ("z", "tau")):
    """Numbers of our own expressions: the symbols in `free` as keywords, the others by `values`."""
    symbols = sorted(
        {s for e in expressions for s in e.free_symbols}, key=lambda s: (s.name, str(s.assumptions0))
    )
    compiled = sp.lambdify(symbols, expressions, "mpmath")
    return lambda **given: compiled(*(given[s.name] if s.name in given else values[s.name] for s in symbols))
