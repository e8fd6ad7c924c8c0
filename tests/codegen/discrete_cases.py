"""Optimizers with transcriptions of their rules to NumPy."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial

import library_rules as plain
import numpy as np
from quadratics import quadratic
from sympy import Integer

from optsde.codegen.lowering.steps import optimizer_step
from optsde.codegen.program.statements import Kernel, Track
from optsde.derive.derivation.chain import Chain
from optsde.derive.noise.laws import gaussian
from optsde.derive.optimizers.adams import adam, adamax, adamw, amsgrad, nadam, radam
from optsde.derive.optimizers.adaptive import adadelta, adagrad, rmsprop
from optsde.derive.optimizers.modifiers import (
    cosine,
    coupled_weight_decay,
    decoupled_weight_decay,
    exponential,
    polynomial,
    scheduled,
)
from optsde.derive.optimizers.momentum import heavy_ball, momentum, nesterov, sgd
from optsde.derive.optimizers.norms import clipped_sgd_norm, lamb, lars, normalized_sgd, sam
from optsde.derive.optimizers.rule import UpdateRule
from optsde.derive.optimizers.signs import clipped_sgd, lion, sign_sgd, signum
from optsde.derive.regimes import Regime
from optsde.runtime.kernels.compiled import compile_kernel
from optsde.runtime.kernels.rng import normals

STEPS, PATHS, SEED = 300, 3, 11


PROBLEM = quadratic([[1.0, 0.5], [0.5, 1.0]], [[0.3, -0.1], [-0.1, 0.2]], [0.2, -0.4])


START = np.array([1.0, -0.5])


TOLERANCE = 1e-13  # times max(1, abs(theta))


BETAS = {"beta1": 0.9, "beta2": 0.999}


@dataclass(frozen=True)
class Case:
    """A rule, its library's step, values as in the library's defaults but for lr, steps that are wrong, a
    start.
    """

    rule: UpdateRule
    step: Callable[..., None]
    numbers: dict[str, float]
    wrong: tuple[Callable[..., None], ...] = ()
    start: dict[str, float] = field(default_factory=dict)
    by_hand: int = 0  # first steps that are not the rule's, taken by the library's step alone

    @property
    def name(self) -> str:
        return f"{self.rule.name}-{self.rule.variant}"


def _adaptive(variant: str, step: Callable[..., None], *wrong: Callable[..., None], **more: float) -> Case:
    return Case(rmsprop(variant), step, {"lr": 0.01, "alpha": 0.9, "eps": 1e-8} | more, wrong)


R, A, U = plain.rmsprop, plain.adam, plain.sharpness_aware


CASES = [
    Case(sgd(), plain.sgd, {"lr": 0.1}),
    Case(heavy_ball(), plain.heavy_ball, {"lr": 0.1, "mu": 1.5}, (plain.nesterov,)),
    Case(
        nesterov(),
        plain.nesterov,
        {"lr": 0.1, "mu": 1.5},
        (plain.heavy_ball, partial(plain.nesterov, ahead=False)),
    ),
    Case(
        momentum(),
        plain.momentum,
        {"lr": 0.01, "momentum": 0.9, "dampening": 0.2},
        (partial(plain.momentum, nesterov=True), partial(plain.momentum, new=False)),
    ),
    Case(
        momentum("torch-nesterov"),
        partial(plain.momentum, nesterov=True),
        {"lr": 0.01, "momentum": 0.9},
        (plain.momentum, partial(plain.momentum, nesterov=True, new=False)),
    ),
    Case(rmsprop(), partial(R, old=True), {"lr": 0.01, "alpha": 0.9, "eps": 1e-8}, (R,), {"v": 1.0}),
    _adaptive("torch", R, partial(R, old=True), partial(R, inside=True), alpha=0.99),
    _adaptive(
        "torch-centered", partial(R, centered=True), R, partial(R, centered=True, new_mean=False), alpha=0.99
    ),
    _adaptive(
        "torch-momentum",
        partial(R, momentum="torch"),
        partial(R, momentum="torch", inside=True),
        momentum=0.5,
    ),
    _adaptive(
        "torch-centered-momentum",
        partial(R, centered=True, momentum="torch"),
        partial(R, momentum="torch"),
        momentum=0.5,
    ),
    _adaptive("optax", partial(R, inside=True), R, partial(R, inside=True, old=True)),
    _adaptive(
        "optax-momentum",
        partial(R, inside=True, momentum="optax"),
        partial(R, momentum="optax"),
        momentum=0.5,
    ),
    Case(
        adagrad(),
        plain.adagrad,
        {"lr": 0.1, "lr_decay": 0.03, "eps": 1e-10},
        (partial(plain.adagrad, inside=True), partial(plain.adagrad, late=0)),
    ),
    Case(
        adagrad("optax"),
        partial(plain.adagrad, inside=True),
        {"lr": 0.1, "eps": 1e-7},
        (plain.adagrad,),
        {"s": 0.1},
    ),
    Case(
        adadelta(), plain.adadelta, {"lr": 1.0, "rho": 0.9, "eps": 1e-6}, (partial(plain.adadelta, new=True),)
    ),
    Case(
        adam(),
        partial(A, old=True, first=1),
        {"lr": 0.01, "eps": 1e-8, **BETAS},
        (A, partial(A, old=True)),
        {"v": 1.0},
    ),
    Case(
        adam("torch"), A, {"lr": 0.01, "eps": 1e-8, **BETAS}, (partial(A, inside=True), partial(A, first=1))
    ),
    Case(adam("optax"), A, {"lr": 0.01, "eps": 1e-8, **BETAS}, (partial(A, inside=True),)),
    Case(adamw(), A, {"lr": 0.01, "eps": 1e-8, "weight_decay": 0.01, **BETAS}, (partial(A, inside=True),)),
    Case(
        adamw("optax"),
        A,
        {"lr": 0.01, "eps": 1e-8, "weight_decay": 1e-4, **BETAS},
        (partial(A, inside=True),),
    ),
    Case(
        amsgrad(),
        partial(A, largest=True),
        {"lr": 0.01, "eps": 1e-8, **BETAS, "beta2": 0.9},
        (A, partial(A, largest=True, corrected=True)),
        {"w": 0.0},
    ),
    Case(adamax(), plain.adamax, {"lr": 0.01, "eps": 1e-8, **BETAS}, (partial(plain.adamax, outside=True),)),
    Case(
        nadam(),
        plain.nadam_optax,
        {"lr": 0.01, "eps": 1e-8, **BETAS},
        (partial(plain.nadam_optax, shift=0), A),
    ),
    Case(
        nadam("torch"),
        plain.nadam_torch,
        {"lr": 0.01, "eps": 1e-8, "momentum_decay": 4e-3, **BETAS},
        (partial(plain.nadam_torch, shift=0), plain.nadam_optax),
        {"p": 1.0},
    ),
    Case(
        radam(),
        plain.radam,
        {"lr": 0.01, "eps": 1e-8, **BETAS},
        (partial(plain.radam, corrected=True), A),
        by_hand=5,
    ),
    Case(sign_sgd(), plain.sign_sgd, {"lr": 0.01}),
    Case(signum(), plain.signum, {"lr": 0.01, "beta": 0.9}, (partial(plain.signum, old=True),)),
    Case(
        lion(),
        plain.lion,
        {"lr": 0.01, "beta1": 0.9, "beta2": 0.99, "weight_decay": 1e-3},
        (partial(plain.lion, new=True),),
    ),
    Case(clipped_sgd(), plain.clipped_sgd, {"lr": 0.01, "clip_value": 0.1}, (plain.sgd,)),
    Case(normalized_sgd(), plain.normalized_sgd, {"lr": 0.01}, (plain.sgd,)),
    Case(
        normalized_sgd("eps"),
        plain.normalized_sgd,
        {"lr": 0.1, "eps": 0.5},
        (partial(plain.normalized_sgd, outside=False),),
    ),
    Case(
        clipped_sgd_norm(),
        plain.clipped,
        {"lr": 0.1, "max_norm": 0.6, "eps": 1e-6},
        (plain.sgd, partial(plain.clipped, by_value=True)),
    ),
    Case(sam(), U, {"lr": 0.1, "rho": 0.05}, (plain.sgd, partial(U, normalized=True))),
    Case(sam("normalized"), partial(U, normalized=True), {"lr": 0.1, "rho": 0.05}, (U,)),
    Case(
        lars(),
        plain.lars,
        {"lr": 0.1, "momentum": 0.9, "trust": 0.1, "weight_decay": 0.05},
        (partial(plain.lars, together=True),),
    ),
    Case(
        lamb(),
        plain.lamb,
        {"lr": 0.01, "eps": 1e-6, "weight_decay": 0.01, **BETAS},
        (partial(plain.lamb, corrected=False),),
    ),
]


def _decayed(x, gradient, t, h):
    plain.rmsprop(x, lambda point: gradient(point) + h["weight_decay"] * point, t, h)


def _factor(make: Callable[[int, dict], float]) -> Callable[..., None]:
    return lambda x, gradient, t, h: plain.sgd(x, gradient, t, h | {"lr": h["lr"] * make(t - 1, h)})


def _shrunk(x, gradient, t, h):
    g = gradient(x["theta"])
    x["theta"] = x["theta"] * (1 - h["lr"] * h["weight_decay"])
    plain.sgd(x, lambda point: g, t, h)


MODIFIED = [
    Case(
        coupled_weight_decay(rmsprop("torch")),
        _decayed,
        {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "weight_decay": 0.1},
        (R,),
    ),
    Case(decoupled_weight_decay(sgd()), _shrunk, {"lr": 0.1, "weight_decay": 0.1}, (plain.sgd,)),
    Case(
        scheduled(sgd(), *exponential()),
        _factor(lambda k, h: h["gamma"] ** k),
        {"lr": 0.1, "gamma": 0.99},
        (_factor(lambda k, h: h["gamma"] ** (k + 1)),),
    ),
    Case(
        scheduled(sgd(), *cosine()),
        _factor(lambda k, h: (1 + np.cos(np.pi * k / h["T_max"])) / 2),
        {"lr": 0.1, "T_max": 400},
        (plain.sgd,),
    ),
    Case(
        scheduled(sgd(), *polynomial()),
        _factor(lambda k, h: (1 - k / h["T_max"]) ** h["power"]),
        {"lr": 0.1, "T_max": 400, "power": 1.5},
        (plain.sgd,),
    ),
]


def unscaled(rule: UpdateRule) -> Regime:
    """The optimizer in its own units: every hyperparameter is the number the library takes, and a step lasts
    1.
    """
    own = {h.name: h.symbol for h in rule.hyperparameters} | {b.name: b.symbol for b in rule.blocks}
    return Regime("unscaled", Integer(1), own)


def first_state(case: Case) -> plain.State:
    return {
        b.name: START if b.name == "theta" else np.full(2, case.start.get(b.name, 0.0))
        for b in case.rule.blocks
    }


def gradients(path: int) -> Callable[[int], plain.Gradient]:
    """The stochastic gradient in step t = 1, 2, ... of a path."""
    noise = normals(SEED, path, 2 * STEPS).reshape(STEPS, 2) @ PROBLEM.matrices["B"].T
    hessian, minimum = PROBLEM.matrices["H"], PROBLEM.vectors["minimum"]
    return lambda t: lambda point: hessian @ (point - minimum) + noise[t - 1]


def by_hand(
    case: Case, step: Callable[..., None], numbers: dict[str, float], path: int, shift: int = 0
) -> list[np.ndarray]:
    """The states after each step, shape (steps, blocks, 2); the noise of step t is that of step t -
    `shift`.
    """
    x, gradient, states = first_state(case), gradients(path), []
    for t in range(1, STEPS + 1):
        step(x, gradient(t - shift) if t > shift else gradient(t), t, numbers)
        states.append(np.array([x[b.name] for b in case.rule.blocks]))
    return states


@cache
def _compiled(index: int):
    rule = (CASES + MODIFIED)[index].rule
    step = optimizer_step(Chain(rule, unscaled(rule), gaussian()), PROBLEM.fields)
    return compile_kernel(Kernel(2, (Track("optimizer", step, "step"),), (), ((1.0,),)))


def by_kernel(case: Case, numbers: dict[str, float], steps: int, begin: np.ndarray, first: int) -> np.ndarray:
    """The states of all paths after `steps` steps from a state at step number `first`."""
    compiled = _compiled((CASES + MODIFIED).index(case))
    (track,) = compiled.kernel.tracks
    totals = compiled.run(
        parameters={track.name: {n: {**numbers, "tau": 1.0}[n] for n in track.step.parameters}},
        matrices={n: PROBLEM.matrices[n] for n in track.step.matrices},
        vectors={n: PROBLEM.vectors[n] for n in track.step.vectors},
        start={track.name: begin},
        tau=1.0,
        n_steps=steps,
        t0=float(first),
        n_paths=PATHS,
        seed=SEED,
        record_steps=[steps],
        n_keep=PATHS,
        threads=1,
    )
    return totals.finals[track.name]
