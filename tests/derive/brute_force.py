"""The modified generator by brute force: explicit coordinates, exact fractions, no index notation, no SymPy.

Everything lives at one rational point `x0`. A `Series` is a polynomial in the displacement `y = x - x0`, in
the independent noises `zeta` and in `s = sqrt(tau)`, truncated at total degree `2 p` in `(y, s)`: each power
of `tau` in `P_tau = 1 + tau A_0 + tau^2 A_1 + ...` costs two derivatives, so this is exactly what order `p`
needs. The generator is then read off its definition, `L = log(P_tau) / tau`, on the monomials of `y`: no
formula for the drift or the covariance is used (`by_formula` has those, to hold the two against each other).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product
from math import factorial

from truncated import Layout, Polynomial, Series, derivative, evaluate

Monomial = tuple[int, ...]  # sorted coordinates, (0, 0, 3) is y_0^2 y_3


# Moments E zeta^k of independent noises of mean 0 and variance 1.
def gaussian_moment(k: int) -> Fraction:
    return Fraction(0) if k % 2 else Fraction(factorial(k), 2 ** (k // 2) * factorial(k // 2))


def two_point_moment(k: int) -> Fraction:
    return Fraction((k + 1) % 2)


def skewed_moment(k: int) -> Fraction:
    """zeta = 2 with probability 1/5, -1/2 otherwise: E zeta^3 = 3/2, E zeta^4 = 13/4."""
    return Fraction(1, 5) * 2**k + Fraction(4, 5) * Fraction(-1, 2) ** k


@dataclass(frozen=True)
class Problem:
    """Objective f, noise factor B (S = B B^T), a rational point, hyperparameters; `decay` holds exp(-c1 t),
    exp(-c2 t).

    `t` and the two exponentials are algebraically independent functions, closed under d/dt: any rational
    values do.
    """

    objective: Polynomial
    factor: tuple[tuple[Polynomial, ...], ...]
    theta: tuple[Fraction, ...]
    momentum: tuple[Fraction, ...]
    second: tuple[Fraction, ...]
    time: Fraction
    decay: tuple[Fraction, Fraction]
    hyper: dict[str, Fraction]
    moment: Callable[[int], Fraction] = gaussian_moment

    @property
    def dimension(self) -> int:
        return len(self.theta)


BLOCKS = {
    "sgd": ("theta",),
    "heavy_ball": ("theta", "v"),
    "rmsprop": ("theta", "v"),
    "adam": ("theta", "m", "v"),
}


def increments(rule: str, regime: str, problem: Problem, order: int) -> list[Series]:
    """One step of length tau = s^2 in explicit coordinates, blocks in the order of `BLOCKS`, time last for
    Adam.
    """
    d, blocks, h = problem.dimension, BLOCKS[rule], problem.hyper
    layout = Layout(d * len(blocks) + (rule == "adam"), d, order)
    s = layout.variable(layout.states + d)
    tau = s * s
    zeta = [layout.variable(layout.states + p) for p in range(d)]
    theta = [problem.theta[i] + layout.variable(i) for i in range(d)]
    v_start = (
        problem.momentum if rule == "heavy_ball" else problem.second
    )  # the heavy ball calls its velocity v
    v = [v_start[i] + layout.variable(blocks.index("v") * d + i) for i in range(d)] if "v" in blocks else []
    mean = [evaluate(derivative(problem.objective, i), theta) for i in range(d)]
    xi = []
    for row in problem.factor:
        parts = [evaluate(entry, theta) * z for entry, z in zip(row, zeta, strict=True)]
        xi.append(sum(parts, layout.constant(0)))
    batch = regime == "batch_equivalent"
    tau_g = [
        tau * mean[i] + (s if batch else tau) * xi[i] for i in range(d)
    ]  # tau g, g = F + tau^(-1/2) xi or F + xi
    # tau * (tau g^2) in the batch-equivalent regime, tau * g^2 in the ballistic one
    tau_square = [tau_g[i] * tau_g[i] if batch else tau_g[i] * (mean[i] + xi[i]) for i in range(d)]
    if rule == "sgd":
        return [-g for g in tau_g]
    if rule == "heavy_ball":
        kicks = [-(h["mu"] * tau * v[i]) - tau_g[i] for i in range(d)]
        return [tau * (v[i] + kicks[i]) for i in range(d)] + kicks
    if rule == "rmsprop":
        moves = [-(tau_g[i] * (v[i].sqrt() + h["eps"]).inverse()) for i in range(d)]
        return moves + [h["c"] * (tau_square[i] - tau * v[i]) for i in range(d)]
    m = [problem.momentum[i] + layout.variable(d + i) for i in range(d)]
    t = layout.variable(layout.states - 1)  # displacement from problem.time

    def power(c: Fraction, decay: Fraction, extra: int) -> Series:
        """(1 - c tau)^(t/tau + extra), with log(1 - c tau)/tau = -c - c^2 tau/2 - c^3 tau^2/3 - ..."""
        tail, tau_k = layout.constant(0), layout.constant(1)
        for k in range(1, order + 1):
            tau_k = tau_k * tau
            tail = tail - tau_k * (c ** (k + 1) / (k + 1))
        exponent = t * (tail - c) + problem.time * tail + extra * (tau * tail - c * tau)
        return decay * exponent.exp()

    first = 1 - power(h["c1"], problem.decay[0], 2)
    root = (1 - power(h["c2"], problem.decay[1], 1)).sqrt()
    new_m = [m[i] + h["c1"] * (tau_g[i] - tau * m[i]) for i in range(d)]
    scale = [root * ((v[i].sqrt() + h["eps"] * root) * first).inverse() for i in range(d)]
    moves = [-(tau * scale[i] * new_m[i]) for i in range(d)]
    moves += [new_m[i] - m[i] for i in range(d)]
    return moves + [h["c2"] * (tau_square[i] - tau * v[i]) for i in range(d)] + [tau]


@dataclass(frozen=True)
class Transition:
    """E[Delta^alpha] for |alpha| <= 2 p, split by powers of tau: `moments[k][alpha]` is the jet in y at
    tau^(k+1).
    """

    states: int
    order: int
    moments: tuple[dict[Monomial, dict[Monomial, Fraction]], ...]

    def apply(self, k: int, jet: dict[Monomial, Fraction], degree: int) -> dict[Monomial, Fraction]:
        """A_k of a jet, up to `degree`: sum over alpha of E[Delta^alpha] d^alpha / alpha!."""
        result: dict[Monomial, Fraction] = {}
        for alpha, moment in self.moments[k].items():
            for monomial, coefficient in jet.items():
                lowered, binomials = monomial, 1
                for a in set(alpha):
                    n, r = monomial.count(a), alpha.count(a)
                    if n < r:
                        break
                    binomials *= factorial(n) // factorial(n - r) // factorial(r)
                else:
                    lowered = remove(monomial, alpha)
                    for shift, value in moment.items():
                        if len(lowered) + len(shift) <= degree:
                            key = tuple(sorted(lowered + shift))
                            result[key] = result.get(key, Fraction(0)) + coefficient * binomials * value
        return {key: value for key, value in result.items() if value}


def remove(monomial: Monomial, alpha: Monomial) -> Monomial:
    left = list(monomial)
    for a in alpha:
        left.remove(a)
    return tuple(left)


def transition(delta: Sequence[Series], moment: Callable[[int], Fraction]) -> Transition:
    layout = delta[0].layout
    moments: list[dict[Monomial, dict[Monomial, Fraction]]] = [{} for _ in range(layout.order)]

    @cache
    def power(alpha: Monomial) -> Series:
        return power(alpha[:-1]) * delta[alpha[-1]] if alpha else layout.constant(1)

    for size in range(1, 2 * layout.order + 1):
        for alpha in combinations_with_replacement(range(layout.states), size):
            for (k, jet), value in expectation(power(alpha), moment).items():
                if value:
                    assert k > 0, f"the moment {alpha} survives at tau^0"
                    moments[k - 1].setdefault(alpha, {})[jet] = value
    return Transition(layout.states, layout.order, tuple(moments))


def expectation(series: Series, moment: Callable[[int], Fraction]) -> dict[tuple[int, Monomial], Fraction]:
    states, result = series.layout.states, {}
    for exponents, coefficient in series.terms.items():
        for k in exponents[states:-1]:
            coefficient *= moment(k)
        if coefficient:
            jet = tuple(a for a in range(states) for _ in range(exponents[a]))
            key = (Fraction(exponents[-1], 2), jet)
            result[key] = result.get(key, Fraction(0)) + coefficient
    odd = {key: value for key, value in result.items() if value and key[0].denominator != 1}
    assert not odd, f"half-integer powers of tau survive: {odd}"
    return {(int(k), jet): value for (k, jet), value in result.items()}


def generator(
    chain: Transition, monomials: Iterable[Monomial] | None = None
) -> list[dict[Monomial, Fraction]]:
    """L_0, ..., L_(p-1) at the point: the coefficient of L_k for alpha is L_k y^alpha at y = 0.

    From log(1 + X) = X - X^2/2 + X^3/3 - ..., X = tau A_0 + tau^2 A_1 + ...; a product that reaches tau^(k+1)
    keeps 2 derivatives in hand for each power of tau still to be spent.
    """
    wanted = list(monomials) if monomials is not None else [
        alpha for size in range(1, 2 * chain.order + 1)
        for alpha in combinations_with_replacement(range(chain.states), size)
    ]  # fmt: skip
    result: list[dict[Monomial, Fraction]] = [{} for _ in range(chain.order)]
    for alpha in wanted:
        for k in range(chain.order):
            total = Fraction(0)
            for length in range(1, k + 2):
                for word in product(range(k + 1), repeat=length):
                    if sum(word) + length == k + 1:
                        jet = {alpha: Fraction(1)}
                        for position, j in enumerate(word):
                            left = sum(i + 1 for i in word[position + 1 :])
                            jet = chain.apply(j, jet, 2 * left)
                        total += Fraction((-1) ** (length + 1), length) * jet.get((), Fraction(0))
            if total:
                result[k][alpha] = total
    return result


def by_formula(chain: Transition) -> list[dict[Monomial, Fraction]]:
    """L_0 and L_1 at the point from the formulas for b1, a1, c3, c4, which must agree with `generator`."""
    n, zero = chain.states, Fraction(0)

    def at(k: int, alpha: Monomial, shift: Monomial = ()) -> Fraction:
        """The `shift`-th partial derivative of the moment `alpha`: the jet's coefficient times its
        factorials.
        """
        multiplicity = 1
        for a in set(shift):
            multiplicity *= factorial(shift.count(a))
        return chain.moments[k].get(tuple(sorted(alpha)), {}).get(tuple(sorted(shift)), zero) * multiplicity

    def b(a: int, *shift: int) -> Fraction:
        return at(0, (a,), shift)

    def a0(i: int, j: int, *shift: int) -> Fraction:
        return at(0, (i, j), shift)

    def along(alpha: Monomial) -> Fraction:
        """L_0 applied to the order-tau moment alpha."""
        first = sum((b(c) * at(0, alpha, (c,)) for c in range(n)), zero)
        second = sum((a0(c, e) * at(0, alpha, (c, e)) for c in range(n) for e in range(n)), zero)
        return first + second / 2

    result: list[dict[Monomial, Fraction]] = [{}, {}]
    for size in range(1, 5):
        for alpha in combinations_with_replacement(range(n), size):
            value = at(1, alpha)
            if size == 1:
                value -= along(alpha) / 2
            elif size == 2:
                i, j = alpha
                crossed = sum((b(i, c) * a0(c, j) + b(j, c) * a0(c, i) for c in range(n)), zero)
                value -= b(i) * b(j) + along(alpha) / 2 + crossed / 2
            elif size == 3:
                for i, j, k in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
                    one, two = alpha[i], (alpha[j], alpha[k])
                    value -= b(one) * a0(*two) + sum((a0(one, e) * a0(*two, e) for e in range(n)), zero) / 2
            else:
                i, j, k, m = alpha
                value -= a0(i, j) * a0(k, m) + a0(i, k) * a0(j, m) + a0(i, m) * a0(j, k)
            for order, coefficient in ((0, at(0, alpha) if size < 3 else zero), (1, value)):
                if coefficient:
                    result[order][alpha] = coefficient
    return result
