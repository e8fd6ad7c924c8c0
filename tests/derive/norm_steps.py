"""One step of the rules that contain norms by brute force: explicit coordinates, exact fractions, as in
`brute_force`.
"""

from fractions import Fraction

from brute_force import Problem
from truncated import Layout, Series, derivative, evaluate

BLOCKS = {
    "normalized_sgd": ("theta",),
    "normalized_sgd-eps": ("theta",),
    "sam": ("theta",),
    "sam-normalized": ("theta",),
    "lars": ("theta", "v"),
    "normalized_momentum": ("theta", "m"),
    "averaged": ("theta",),
}
LARGE_BATCH = ("normalized_sgd", "normalized_sgd-eps", "sam-normalized", "lars")
"""Rules with the noisy gradient in a norm: noise of scale ``tau**(1/2)``, for the others 1."""


def norm_increments(rule: str, problem: Problem, order: int) -> list[Series]:
    """One step of length tau = s**2, blocks in the order of `BLOCKS`."""
    d, blocks, h = problem.dimension, BLOCKS[rule], problem.hyper
    layout = Layout(d * len(blocks), d, order)
    s = layout.variable(layout.states + d)
    tau = s * s
    theta = [problem.theta[i] + layout.variable(i) for i in range(d)]
    second = [problem.momentum[i] + layout.variable(d + i) for i in range(d)] if len(blocks) > 1 else []
    noises = []
    for row in problem.factor:
        parts = [evaluate(entry, theta) * layout.variable(layout.states + p) for p, entry in enumerate(row)]
        noises.append((s if rule in LARGE_BATCH else 1) * sum(parts, layout.constant(0)))

    def gradient(point: list[Series]) -> list[Series]:
        return [evaluate(derivative(problem.objective, i), point) + noises[i] for i in range(d)]

    def total(vector: list[Series]) -> Series:
        return sum(vector, layout.constant(0))

    def norm(vector: list[Series]) -> Series:
        return total([x * x for x in vector]).sqrt()

    g = gradient(theta)
    match rule:
        case "normalized_sgd" | "normalized_sgd-eps":
            scale = (norm(g) + (h["eps"] if rule.endswith("eps") else Fraction(0))).inverse()
            return [-(tau * scale * g[i]) for i in range(d)]
        case "sam":
            return [-(tau * x) for x in gradient([theta[i] + tau * g[i] for i in range(d)])]
        case "sam-normalized":
            scale = tau * norm(g).inverse()
            return [-(tau * x) for x in gradient([theta[i] + scale * g[i] for i in range(d)])]
        case "lars":
            size = norm(theta)
            ratio = h["trust"] * size * (norm(g) + h["weight_decay"] * size).inverse()
            change = [
                tau * (ratio * (g[i] + h["weight_decay"] * theta[i]) - h["c"] * second[i]) for i in range(d)
            ]
            return [-(tau * (second[i] + change[i])) for i in range(d)] + change
        case "normalized_momentum":
            change = [h["c"] * tau * (g[i] - second[i]) for i in range(d)]
            new = [second[i] + change[i] for i in range(d)]
            scale = (
                tau * norm(theta) * norm([new[i] + h["weight_decay"] * theta[i] for i in range(d)]).inverse()
            )
            return [-(scale * (new[i] + h["weight_decay"] * theta[i])) for i in range(d)] + change
        case "averaged":
            mean = total([x * y * y for x, y in zip(theta, g, strict=True)]) * Fraction(1, d)
            return [-(tau * (g[i] + h["eps"] * mean)) for i in range(d)]
    raise AssertionError(rule)
