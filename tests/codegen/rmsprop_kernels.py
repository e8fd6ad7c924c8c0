"""RMSprop on a noisy quadratic and Euler steps of its order-2 SDE: as kernels, built by hand, and again in
NumPy.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from optsde.codegen.program.kernel import Kernel, Observable, Step, Track
from optsde.codegen.program.statements import Apply, Entry, Matrix, Scalar, Total, Vector
from optsde.runtime.kernels.rng import normals

theta, v, F, H, N1, N2, D, P, PF, G, g, z1, z2 = sp.symbols("theta v F H N1 N2 D P PF G g z1 z2")
tau, c, eps, vmin, s, dt, sd, rate, t = sp.symbols("tau c eps vmin s dt sd rate t")

SDE = Step(
    name="Euler step of an order-2 SDE of RMSprop",
    state=("theta", "v"),
    nonnegative=("v",),
    noise=("z1", "z2"),
    parameters=("c", "dt", "eps", "s", "tau", "vmin"),
    matrices=("A", "Q"),
    vectors=("D",),
    statements=(
        Scalar("sd", sp.sqrt(tau * dt)),
        Scalar("rate", 1 + sp.exp(-t) / 2),  # not of RMSprop: a number that changes with time
        Apply("F", Matrix("A"), ("theta",)),
        Apply("N1", Matrix("A"), ("z1",)),
        Apply("N2", Matrix("Q"), ("z2",)),
        Vector("P", 1 / (sp.sqrt(sp.Max(v, vmin)) + eps)),
        Vector("PF", P * F),
        Apply("H", Matrix("A"), ("PF",)),
        Vector("G", F**2 + D - v),
        Vector(
            "theta_next",
            theta - rate * dt * (PF + tau / 2 * P * (H + c / 2 * P**2 * G * F)) + sd * s * P * N1,
        ),
        Vector(
            "v_next",
            v + dt * (c * G * (1 + tau / 2 * c) + tau * c * F * H) - 2 * c * sd * s * F * N1 + c * sd * N2,
        ),
    ),
    result=("theta_next", "v_next"),
)

RMSPROP = Step(
    name="RMSprop",
    state=("theta", "v"),
    nonnegative=("v",),
    noise=("z1",),
    parameters=("c", "eps", "s", "tau"),
    matrices=("A",),
    vectors=(),
    statements=(
        Vector("y", theta - s * z1),
        Apply("g", Matrix("A"), ("y",)),
        Vector("theta_next", theta - tau * g / (1 + t) / (sp.sqrt(v) + eps)),
        Vector("v_next", (1 - c * tau) * v + c * tau * g**2),
    ),
    result=("theta_next", "v_next"),
)

OBSERVABLES = (
    Observable("theta2", (Total("a", theta**2),), sp.Symbol("a")),
    Observable(
        "loss", (Apply("w", Matrix("A"), ("theta",)), Total("b", sp.Symbol("w") * theta)), sp.Symbol("b") / 2
    ),
    Observable("v0", (Entry("e", "v", 0),), sp.sqrt(sp.Abs(sp.Symbol("e")))),
)


def every_pace(d: int, dtype: str = "float64") -> Kernel:
    """The SDE at a substep, the optimizer at two, at four and at a whole step, on the same Brownian path."""
    tracks = (
        Track("fine", SDE, "substep"),
        Track("coarse", RMSPROP, "pair"),
        Track("coarsest", RMSPROP, "quad"),
        Track("optimizer", RMSPROP, "step"),
    )
    return Kernel(d, tracks, OBSERVABLES, ((1.0, 0.0, 0.0, 0.0), (2.0, -1.0, 0.5, -1.5)), dtype)


def two_paces(d: int, dtype: str = "float64") -> Kernel:
    """The same with fewer tracks, quicker to compile."""
    tracks = (Track("fine", SDE, "substep"), Track("optimizer", RMSPROP, "quad"))
    return Kernel(d, tracks, OBSERVABLES[1:], ((1.0, 0.0), (0.5, -1.5)), dtype)


def one_track(d: int, step: Step, pace: str, dtype: str = "float64") -> Kernel:
    return Kernel(d, (Track("alone", step, pace),), OBSERVABLES[:1], ((1.0,),), dtype)


@dataclass(frozen=True)
class Numbers:
    """Values of everything a kernel is given at run time."""

    d: int
    substeps: int = 8
    n_steps: int = 3
    tau: float = 0.125
    t0: float = 0.5

    @property
    def steps_per_tau(self) -> dict[str, int]:
        return {"substep": self.substeps, "pair": self.substeps // 2, "quad": self.substeps // 4, "step": 1}

    def inputs(self, kernel: Kernel) -> dict:
        lengths = {pace: self.tau / number for pace, number in self.steps_per_tau.items()}
        values = {"c": 0.5, "eps": 1e-3, "s": 0.25, "vmin": self.tau}
        random = np.random.default_rng(5)
        root = random.standard_normal((self.d, self.d)) / np.sqrt(self.d)
        matrices = {"A": root @ root.T + np.eye(self.d) / 2, "Q": np.eye(self.d) / 10 + root / 20}
        used = {name for track in kernel.tracks for name in track.step.matrices}
        start = np.stack([1 + random.random(self.d), 0.5 + random.random(self.d)])
        return {
            "parameters": {
                track.name: {
                    n: (values | {"dt": lengths[track.pace], "tau": lengths[track.pace]})[n]
                    for n in track.step.parameters
                }
                for track in kernel.tracks
            },
            "matrices": {name: matrix for name, matrix in matrices.items() if name in used},
            "vectors": {"D": random.random(self.d)}
            if any(track.step.vectors for track in kernel.tracks)
            else {},
            "start": {track.name: start for track in kernel.tracks},
            "tau": self.tau,
            "t0": self.t0,
            "n_steps": self.n_steps,
            "substeps": self.substeps,
        }


def sde_step(x: np.ndarray, z: np.ndarray, time: float, p: dict, matrices: dict, D: np.ndarray) -> np.ndarray:
    """One step of `SDE`: x and z have shape (paths, 2, d)."""
    A, Q = matrices["A"], matrices["Q"]
    theta, v = x[:, 0], x[:, 1]
    F, N1, N2 = theta @ A.T, z[:, 0] @ A.T, z[:, 1] @ Q.T
    P = 1 / (np.sqrt(np.maximum(v, p["vmin"])) + p["eps"])
    H = (P * F) @ A.T
    G = F**2 + D - v
    c, dt, tau, sd = p["c"], p["dt"], p["tau"], np.sqrt(p["tau"] * p["dt"])
    drift = -(1 + np.exp(-time) / 2) * (P * F + tau / 2 * P * (H + c / 2 * P**2 * G * F))
    new_v = (
        v + dt * (c * G * (1 + c * tau / 2) + c * tau * F * H) - 2 * c * sd * p["s"] * F * N1 + c * sd * N2
    )
    return np.stack([theta + dt * drift + sd * p["s"] * P * N1, new_v], axis=1)


def rmsprop_step(
    x: np.ndarray, z: np.ndarray, time: float, p: dict, matrices: dict, _: np.ndarray
) -> np.ndarray:
    """One step of `RMSPROP`."""
    theta, v = x[:, 0], x[:, 1]
    g = (theta - p["s"] * z[:, 0]) @ matrices["A"].T
    new = theta - p["tau"] / (1 + time) * g / (np.sqrt(v) + p["eps"])
    return np.stack([new, v + p["c"] * p["tau"] * (g**2 - v)], axis=1)


NUMPY_STEPS: dict[Step, Callable] = {SDE: sde_step, RMSPROP: rmsprop_step}


def draws(kernel: Kernel, numbers: Numbers, paths: range, seed: int) -> dict[str, np.ndarray]:
    """For each noise all draws of all paths, shape (steps of the finest track, paths, d)."""
    names = sorted({name for track in kernel.tracks for name in track.step.noise})
    finest = max(numbers.steps_per_tau[track.pace] for track in kernel.tracks)
    slots = len(names) * numbers.d
    even = slots + slots % 2  # normals come in pairs; the last of an odd number is thrown away
    count = numbers.n_steps * finest * even
    z = np.stack([normals(seed, path, count, kernel.dtype) for path in paths]).reshape(len(paths), -1, even)
    z = z[:, :, :slots].reshape(len(paths), -1, len(names), numbers.d).astype(float)
    return {name: z[:, :, n].swapaxes(0, 1) for n, name in enumerate(names)}


def reference(kernel: Kernel, numbers: Numbers, paths: range, seed: int) -> dict[str, np.ndarray]:
    """States of each track after each tau, shape (n_steps, paths, blocks, d), by NumPy."""
    given, z, found = numbers.inputs(kernel), draws(kernel, numbers, paths, seed), {}
    finest = max(numbers.steps_per_tau[track.pace] for track in kernel.tracks)
    for track in kernel.tracks:
        per_tau = numbers.steps_per_tau[track.pace]
        together = finest // per_tau
        x = np.repeat(given["start"][track.name][None], len(paths), axis=0)
        states = []
        for n in range(numbers.n_steps * per_tau):
            window = slice(n * together, (n + 1) * together)
            noise = np.stack(
                [z[name][window].sum(axis=0) / math.sqrt(together) for name in track.step.noise], axis=1
            )
            noise = -noise if track.mirrored else noise
            time = numbers.t0 + n * numbers.tau / per_tau
            vector = given["vectors"].get("D", np.zeros(numbers.d))
            x = NUMPY_STEPS[track.step](
                x, noise, time, given["parameters"][track.name], given["matrices"], vector
            )
            if (n + 1) % per_tau == 0:
                states.append(x)
        found[track.name] = np.stack(states)
    return found
