"""Steps with several gradients by brute force: explicit coordinates, exact fractions, every draw enumerated.

The losses of a population are polynomials. A step is written for the gradients of its samples, each a
function of the point that returns ``tau g``; nothing is said about noise, so nothing of the engine's moments
enters.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations, product

import sympy as sp
from brute_force import Monomial, Transition, gaussian_moment, transition
from problems import HYPER, Point, Problem, as_sympy, polynomial
from truncated import Layout, Polynomial, Series, derivative, evaluate

Gradient = Callable[[Sequence[Series]], list[Series]]
"""``tau g`` at a point, of one sample."""

LINE_LOSSES = (
    polynomial(x1=3, x2=-2, x3=5, x4=1),
    polynomial(x1=-1, x2=4, x3=-3),
    polynomial(x1=2, x2=1, x4=-2),
    polynomial(x1=-7, x2=1, x3=1, x4=3),
)
PLANE_LOSSES = (
    polynomial(x10=3, x20=-2, x11=5, x30=1, x12=-3, x22=1),
    polynomial(x01=-1, x11=2, x02=4, x21=1, x03=-2, x31=1),
    polynomial(x10=-2, x01=5, x20=1, x12=2, x40=-1),
    polynomial(x10=1, x02=-3, x11=-1, x03=1, x21=-2, x13=2),
)
LOSSES = {1: LINE_LOSSES, 2: PLANE_LOSSES}
THETA = (Fraction(1, 3), Fraction(-1, 2))
VELOCITY = (Fraction(2, 5), Fraction(-3))
WEIGHT = 5
"""The l of SVAG, whose root ``sqrt(2 l - 1)`` is 3."""


def sgd(g: Sequence[Gradient], theta: list[Series], tau: Series) -> list[Series]:
    """An epoch of as many steps as there are samples; it lasts tau."""
    here = theta
    for sample in g:
        here = [x - y * Fraction(1, len(g)) for x, y in zip(here, sample(here), strict=True)]
    return [x - y for x, y in zip(here, theta, strict=True)]


def heavy_ball(g: Sequence[Gradient], start: list[Series], tau: Series) -> list[Series]:
    """Likewise, ``v' = v - mu lr v - lr g``, ``theta' = theta + lr v'``."""
    lr, d, state = tau * Fraction(1, len(g)), len(start) // 2, start
    for sample in g:
        theta, v = state[:d], state[d:]
        kicks = sample(theta)
        v = [x - HYPER["mu"] * lr * x - y * Fraction(1, len(g)) for x, y in zip(v, kicks, strict=True)]
        state = [x + lr * y for x, y in zip(theta, v, strict=True)] + v
    return [x - y for x, y in zip(state, start, strict=True)]


def nesterov(g: Sequence[Gradient], start: list[Series], tau: Series) -> list[Series]:
    d = len(start) // 2
    theta, v = start[:d], start[d:]
    kept = [x - HYPER["mu"] * tau * x for x in v]
    (sample,) = g
    new = [
        x - y
        for x, y in zip(kept, sample([x + tau * y for x, y in zip(theta, kept, strict=True)]), strict=True)
    ]
    return [tau * x for x in new] + [x - y for x, y in zip(new, v, strict=True)]


def extragradient(g: Sequence[Gradient], theta: list[Series], tau: Series) -> list[Series]:
    """The second gradient is that of the last sample, the first if there is no other."""
    return [-x for x in g[-1]([x - y for x, y in zip(theta, g[0](theta), strict=True)])]


def svag(g: Sequence[Gradient], theta: list[Series], tau: Series) -> list[Series]:
    return [-(2 * x - y) for x, y in zip(g[0](theta), g[1](theta), strict=True)]


def start(d: int, blocks: int, noises: int, order: int) -> tuple[list[Series], Series]:
    """The state around the point, theta and the velocity, and ``sqrt(tau)``."""
    layout, at = Layout(d * blocks, noises, order), (THETA[:d] + VELOCITY[:d])[: d * blocks]
    return [x + layout.variable(n) for n, x in enumerate(at)], layout.variable(layout.states + noises)


def mean_gradient(losses: Sequence[Polynomial], tau: Series) -> Gradient:
    """Of a batch of losses."""
    return lambda point: [
        sum((evaluate(derivative(f, i), point) for f in losses), tau * 0) * tau * Fraction(1, len(losses))
        for i in range(len(point))
    ]


def over_all_draws(
    step, d: int, blocks: int, draws: Sequence[Sequence[Sequence[int]]], order: int = 2
) -> Transition:
    """The mean one-step moments over equally likely draws, a sequence of batches each."""
    state, root = start(d, blocks, 0, order)
    tau = root * root
    moments: list[dict[Monomial, dict[Monomial, Fraction]]] = [{} for _ in range(order)]
    for draw in draws:
        samples = [mean_gradient([LOSSES[d][p] for p in batch], tau) for batch in draw]
        single = transition(step(samples, state, tau), gaussian_moment)
        for total, part in zip(moments, single.moments, strict=True):
            for alpha, jet in part.items():
                for shift, value in jet.items():
                    found = total.setdefault(alpha, {})
                    found[shift] = found.get(shift, Fraction(0)) + value / len(draws)
    return Transition(d * blocks, order, tuple(moments))


def over_gaussian_noise(step, d: int, blocks: int, samples: int, order: int) -> Transition:
    """Gradients ``F + tau**(-1/2) sum_p zeta_p grad psi_p`` with independent zeta for each sample: the noise
    is a gradient.
    """
    objective, *potentials = LOSSES[d][:3]
    state, root = start(d, blocks, samples * len(potentials), order)
    layout, tau = root.layout, root * root

    def drawn(sample: int) -> Gradient:
        zeta = [layout.variable(layout.states + sample * len(potentials) + p) for p in range(len(potentials))]
        return lambda point: [
            tau * evaluate(derivative(objective, i), point)
            + root
            * sum(
                (z * evaluate(derivative(f, i), point) for z, f in zip(zeta, potentials, strict=True)),
                tau * 0,
            )
            for i in range(d)
        ]

    return transition(step([drawn(n) for n in range(samples)], state, tau), gaussian_moment)


def point_of(d: int, objective: sp.Expr, gradients: Sequence[Sequence[sp.Expr]]) -> Point:
    """The point, with f and ``S = sum_p g_p g_p^T``."""
    zero = tuple((polynomial(**{"x" + "0" * d: 0}),) * d for _ in range(d))
    problem = Problem(
        {}, zero, THETA[:d], VELOCITY[:d], VELOCITY[:d], Fraction(0), (Fraction(1), Fraction(1)), HYPER
    )
    point = Point("heavy_ball", problem)
    point.values["l"] = Fraction(WEIGHT)
    point.fields["f"] = objective
    for name in [name for name in point.fields if name[0] == "S"]:
        i, j = (int(n) - 1 for n in name[2:] or "11")
        point.fields[name] = sp.expand(sp.Add(*(g[i] * g[j] for g in gradients)))
    return point


def population_point(d: int, size: int) -> Point:
    """Mean loss and covariance of the gradient of the first so many losses."""
    theta = tuple(sp.Symbol("theta" if d == 1 else f"theta_{i + 1}") for i in range(d))
    losses = [as_sympy(f, theta) for f in LOSSES[d][:size]]
    mean = sp.Add(*losses) / size
    point = point_of(d, mean, [[sp.diff(f - mean, x) for x in theta] for f in losses])
    point.fields.update({name: value / size for name, value in point.fields.items() if name[0] == "S"})
    return point


def gaussian_point(d: int) -> Point:
    theta = tuple(sp.Symbol("theta" if d == 1 else f"theta_{i + 1}") for i in range(d))
    objective, *potentials = (as_sympy(f, theta) for f in LOSSES[d][:3])
    return point_of(d, objective, [[f.diff(x) for x in theta] for f in potentials])


def orders(population: int, samples: int, size: int = 1) -> list[tuple[tuple[int, ...], ...]]:
    """All sequences of batches without a common data point."""
    return list(_disjoint(tuple(range(population)), samples, size))


def _disjoint(left: tuple[int, ...], samples: int, size: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    if not samples:
        yield ()
        return
    for batch in combinations(left, size):
        for rest in _disjoint(tuple(p for p in left if p not in batch), samples - 1, size):
            yield (batch, *rest)


def independent(population: int, samples: int) -> list[tuple[tuple[int, ...], ...]]:
    """All sequences of single data points."""
    return [tuple((p,) for p in drawn) for drawn in product(range(population), repeat=samples)]
