"""One step of each optimizer in plain NumPy, as its library or paper writes it.

Step t = 1, 2, ... changes the state x in place; `gradient(point)` is its stochastic gradient. The keyword
arguments make variants, and steps that are wrong in one place, for tests that must notice it.
"""

from collections.abc import Callable

import numpy as np

State = dict[str, np.ndarray]
Gradient = Callable[[np.ndarray], np.ndarray]
Numbers = dict[str, float]


def sgd(x: State, gradient: Gradient, t: int, h: Numbers) -> None:
    x["theta"] = x["theta"] - h["lr"] * gradient(x["theta"])


def heavy_ball(x: State, gradient: Gradient, t: int, h: Numbers) -> None:
    x["v"] = (1 - h["mu"] * h["lr"]) * x["v"] - h["lr"] * gradient(x["theta"])
    x["theta"] = x["theta"] + h["lr"] * x["v"]


def nesterov(x: State, gradient: Gradient, t: int, h: Numbers, ahead: bool = True) -> None:
    kept = (1 - h["mu"] * h["lr"]) * x["v"]
    x["v"] = kept - h["lr"] * gradient(x["theta"] + h["lr"] * (kept if ahead else x["v"]))
    x["theta"] = x["theta"] + h["lr"] * x["v"]


def momentum(
    x: State, gradient: Gradient, t: int, h: Numbers, nesterov: bool = False, new: bool = True
) -> None:
    g, before = gradient(x["theta"]), x["b"]
    x["b"] = h["momentum"] * x["b"] + (1 - h.get("dampening", 0.0)) * g
    used = x["b"] if new else before
    x["theta"] = x["theta"] - h["lr"] * (g + h["momentum"] * used if nesterov else used)


def rmsprop(
    x: State,
    gradient: Gradient,
    t: int,
    h: Numbers,
    old: bool = False,
    centered: bool = False,
    inside: bool = False,
    momentum: str = "",
    new_mean: bool = True,
) -> None:
    g, v, mean = gradient(x["theta"]), x["v"], x.get("gb", 0.0)
    x["v"] = h["alpha"] * x["v"] + (1 - h["alpha"]) * g * g
    if centered:
        x["gb"] = h["alpha"] * x["gb"] + (1 - h["alpha"]) * g
    spread = (v if old else x["v"]) - ((x["gb"] if new_mean else mean) ** 2 if centered else 0.0)
    step = g / (np.sqrt(spread + h["eps"]) if inside else np.sqrt(spread) + h["eps"])
    if momentum:
        x["b"] = h["momentum"] * x["b"] + (step if momentum == "torch" else h["lr"] * step)
        x["theta"] = x["theta"] - (h["lr"] * x["b"] if momentum == "torch" else x["b"])
    else:
        x["theta"] = x["theta"] - h["lr"] * step


def adagrad(x: State, gradient: Gradient, t: int, h: Numbers, inside: bool = False, late: int = 1) -> None:
    g = gradient(x["theta"])
    x["s"] = x["s"] + g * g
    root = np.sqrt(x["s"] + h["eps"]) if inside else np.sqrt(x["s"]) + h["eps"]
    x["theta"] = x["theta"] - h["lr"] / (1 + (t - late) * h.get("lr_decay", 0.0)) * g / root


def adadelta(x: State, gradient: Gradient, t: int, h: Numbers, new: bool = False) -> None:
    g = gradient(x["theta"])
    x["v"] = h["rho"] * x["v"] + (1 - h["rho"]) * g * g
    step = g * np.sqrt(x["u"] + h["eps"]) / np.sqrt(x["v"] + h["eps"])
    x["u"] = h["rho"] * x["u"] + (1 - h["rho"]) * step * step
    if new:
        step = g * np.sqrt(x["u"] + h["eps"]) / np.sqrt(x["v"] + h["eps"])
    x["theta"] = x["theta"] - h["lr"] * step


def _moments(x: State, g: np.ndarray, h: Numbers) -> None:
    x["m"] = h["beta1"] * x["m"] + (1 - h["beta1"]) * g
    x["v"] = h["beta2"] * x["v"] + (1 - h["beta2"]) * g * g


def adam(
    x: State,
    gradient: Gradient,
    t: int,
    h: Numbers,
    old: bool = False,
    first: int = 0,
    inside: bool = False,
    largest: bool = False,
    corrected: bool = False,
) -> None:
    g, v = gradient(x["theta"]), x["v"]
    x["theta"] = x["theta"] * (1 - h["lr"] * h.get("weight_decay", 0.0))
    _moments(x, g, h)
    correction = 1 - h["beta2"] ** t
    if not old:
        v = x["v"]
    if largest:
        x["w"] = np.maximum(x["w"], v / correction if corrected else v)
        v = x["w"] * (correction if corrected else 1.0)
    root = np.sqrt(v / correction + h["eps"]) if inside else np.sqrt(v) / np.sqrt(correction) + h["eps"]
    x["theta"] = x["theta"] - h["lr"] / (1 - h["beta1"] ** (t + first)) * x["m"] / root


def adamax(x: State, gradient: Gradient, t: int, h: Numbers, outside: bool = False) -> None:
    g = gradient(x["theta"])
    x["m"] = h["beta1"] * x["m"] + (1 - h["beta1"]) * g
    small = 0.0 if outside else h["eps"]
    x["u"] = np.maximum(h["beta2"] * x["u"], np.abs(g) + small)
    x["theta"] = x["theta"] - h["lr"] / (1 - h["beta1"] ** t) * x["m"] / (x["u"] + h["eps"] - small)


def nadam_torch(x: State, gradient: Gradient, t: int, h: Numbers, shift: int = 1) -> None:
    g = gradient(x["theta"])
    mu, following = (h["beta1"] * (1 - 0.5 * 0.96 ** (n * h["momentum_decay"])) for n in (t, t + shift))
    x["p"] = x["p"] * mu
    _moments(x, g, h)
    root = np.sqrt(x["v"] / (1 - h["beta2"] ** t)) + h["eps"]
    x["theta"] = x["theta"] - h["lr"] * (1 - mu) / (1 - x["p"]) * g / root
    x["theta"] = x["theta"] - h["lr"] * following / (1 - x["p"] * following) * x["m"] / root


def nadam_optax(x: State, gradient: Gradient, t: int, h: Numbers, shift: int = 1) -> None:
    g = gradient(x["theta"])
    _moments(x, g, h)
    ahead = h["beta1"] * x["m"] / (1 - h["beta1"] ** (t + shift)) + (1 - h["beta1"]) * g / (
        1 - h["beta1"] ** t
    )
    x["theta"] = x["theta"] - h["lr"] * ahead / (np.sqrt(x["v"] / (1 - h["beta2"] ** t)) + h["eps"])


def radam(x: State, gradient: Gradient, t: int, h: Numbers, corrected: bool = False) -> None:
    g = gradient(x["theta"])
    _moments(x, g, h)
    limit, correction = 2 / (1 - h["beta2"]) - 1, 1 - h["beta2"] ** t
    r = limit - 2 * t * h["beta2"] ** t / correction
    step = x["m"] / (1 - h["beta1"] ** t)
    if r > 5:
        rectified = np.sqrt((r - 4) * (r - 2) * limit / ((limit - 4) * (limit - 2) * r))
        root = (
            np.sqrt(x["v"] / correction) + h["eps"]
            if corrected
            else (np.sqrt(x["v"]) + h["eps"]) / np.sqrt(correction)
        )
        step = step * rectified / root
    x["theta"] = x["theta"] - h["lr"] * step


def sign_sgd(x: State, gradient: Gradient, t: int, h: Numbers) -> None:
    x["theta"] = x["theta"] - h["lr"] * np.sign(gradient(x["theta"]))


def clipped_sgd(x: State, gradient: Gradient, t: int, h: Numbers) -> None:
    x["theta"] = x["theta"] - h["lr"] * np.clip(gradient(x["theta"]), -h["clip_value"], h["clip_value"])


def signum(x: State, gradient: Gradient, t: int, h: Numbers, old: bool = False) -> None:
    before = x["m"]
    x["m"] = h["beta"] * x["m"] + (1 - h["beta"]) * gradient(x["theta"])
    x["theta"] = x["theta"] - h["lr"] * np.sign(before if old else x["m"])


def lion(x: State, gradient: Gradient, t: int, h: Numbers, new: bool = False) -> None:
    g, before = gradient(x["theta"]), x["m"]
    x["m"] = h["beta2"] * x["m"] + (1 - h["beta2"]) * g
    direction = np.sign(h["beta1"] * (x["m"] if new else before) + (1 - h["beta1"]) * g)
    x["theta"] = x["theta"] - h["lr"] * (direction + h["weight_decay"] * x["theta"])


def normalized_sgd(x: State, gradient: Gradient, t: int, h: Numbers, outside: bool = True) -> None:
    g, eps = gradient(x["theta"]), h.get("eps", 0.0)
    x["theta"] = x["theta"] - h["lr"] * g / (np.linalg.norm(g) + eps if outside else np.sqrt(g @ g + eps))


def clipped(x: State, gradient: Gradient, t: int, h: Numbers, by_value: bool = False) -> None:
    g = gradient(x["theta"])
    scale = h["max_norm"] / ((np.abs(g) if by_value else np.linalg.norm(g)) + h["eps"])
    x["theta"] = x["theta"] - h["lr"] * np.minimum(scale, 1.0) * g


def sharpness_aware(x: State, gradient: Gradient, t: int, h: Numbers, normalized: bool = False) -> None:
    g = gradient(x["theta"])
    uphill = x["theta"] + h["rho"] * g / (np.linalg.norm(g) if normalized else 1.0)
    x["theta"] = x["theta"] - h["lr"] * gradient(uphill)


def lars(x: State, gradient: Gradient, t: int, h: Numbers, together: bool = False) -> None:
    g, theta, decay = gradient(x["theta"]), x["theta"], h["weight_decay"]
    size = np.linalg.norm(theta)
    other = np.linalg.norm(g + decay * theta) if together else np.linalg.norm(g) + decay * size
    x["v"] = h["momentum"] * x["v"] + h["lr"] * h["trust"] * size / other * (g + decay * theta)
    x["theta"] = theta - x["v"]


def lamb(x: State, gradient: Gradient, t: int, h: Numbers, corrected: bool = True) -> None:
    _moments(x, gradient(x["theta"]), h)
    first, second = (1 - h[name] ** t if corrected else 1.0 for name in ("beta1", "beta2"))
    step = x["m"] / first / (np.sqrt(x["v"] / second) + h["eps"]) + h["weight_decay"] * x["theta"]
    x["theta"] = x["theta"] - h["lr"] * np.linalg.norm(x["theta"]) / np.linalg.norm(step) * step
