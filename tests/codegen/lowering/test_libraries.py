"""Every generated kernel against torch.optim or optax themselves, where they are installed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from discrete_cases import CASES, START, STEPS, TOLERANCE, Case, by_kernel, first_state, gradients

BY_NAME = {case.name: case for case in CASES}


def betas(h: dict[str, float]) -> dict[str, Any]:
    return {"betas": (h["beta1"], h["beta2"])} | {n: x for n, x in h.items() if n not in ("beta1", "beta2")}


TORCH: dict[str, Callable[[Any, Any, dict[str, float]], Any]] = {
    "sgd-plain": lambda o, p, h: o.SGD(p, **h),
    "momentum-torch-nesterov": lambda o, p, h: o.SGD(p, nesterov=True, **h),
    "rmsprop-torch": lambda o, p, h: o.RMSprop(p, **h),
    "rmsprop-torch-centered": lambda o, p, h: o.RMSprop(p, centered=True, **h),
    "rmsprop-torch-momentum": lambda o, p, h: o.RMSprop(p, **h),
    "rmsprop-torch-centered-momentum": lambda o, p, h: o.RMSprop(p, centered=True, **h),
    "adagrad-torch": lambda o, p, h: o.Adagrad(p, **h),
    "adadelta-torch": lambda o, p, h: o.Adadelta(p, **h),
    "adam-torch": lambda o, p, h: o.Adam(p, **betas(h)),
    "adamw-torch": lambda o, p, h: o.AdamW(p, **betas(h)),
    "amsgrad-torch": lambda o, p, h: o.Adam(p, amsgrad=True, **betas(h)),
    "adamax-torch": lambda o, p, h: o.Adamax(p, **betas(h)),
    "nadam-torch": lambda o, p, h: o.NAdam(p, **betas(h)),
}
OPTAX: dict[str, Callable[[Any, dict[str, float]], Any]] = {
    "rmsprop-optax": lambda o, h: o.rmsprop(h["lr"], h["alpha"], h["eps"]),
    "rmsprop-optax-momentum": lambda o, h: o.rmsprop(h["lr"], h["alpha"], h["eps"], momentum=h["momentum"]),
    "adagrad-optax": lambda o, h: o.adagrad(h["lr"], 0.1, h["eps"]),
    "adam-optax": lambda o, h: o.adam(h["lr"], h["beta1"], h["beta2"], h["eps"]),
    "adamw-optax": lambda o, h: o.adamw(
        h["lr"], h["beta1"], h["beta2"], h["eps"], weight_decay=h["weight_decay"]
    ),
    "nadam-optax": lambda o, h: o.nadam(h["lr"], h["beta1"], h["beta2"], h["eps"]),
    "sign_sgd-optax": lambda o, h: o.sign_sgd(h["lr"]),
    "lion-optax": lambda o, h: o.lion(h["lr"], h["beta1"], h["beta2"], weight_decay=h["weight_decay"]),
}


@pytest.fixture
def torch():
    """PyTorch in float64 throughout: NAdam keeps its product of momenta in the default type."""
    library = pytest.importorskip("torch", reason="PyTorch is not installed")
    before = library.get_default_dtype()
    library.set_default_dtype(library.float64)
    yield library
    library.set_default_dtype(before)


def error(case: Case, states: list[np.ndarray], path: int, numbers: dict[str, float]) -> float:
    """The largest difference in theta between a path of the kernel and the library's thetas, relative to
    max(1, abs(theta)).
    """
    begin = np.array([first_state(case)[b.name] for b in case.rule.blocks])
    errors = []
    for after in (1, 2, 7, 50, STEPS):
        found = by_kernel(case, numbers, after, begin, 0)[path][0]
        errors.append(np.max(np.abs(found - states[after - 1]) / np.maximum(1, np.abs(states[after - 1]))))
    return max(errors)


def torch_run(
    torch: Any, optimizer: Any, p: Any, path: int, steps: int = STEPS, shift: int = 0
) -> list[np.ndarray]:
    gradient, states = gradients(path), []
    for t in range(1, steps + 1):
        p.grad = torch.from_numpy(gradient(t - shift if t > shift else t)(p.detach().numpy().copy()))
        optimizer.step()
        states.append(p.detach().numpy().copy())
    return states


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("eps", [None, 1e-2])
def test_torch(torch: Any, name: str, eps: float | None) -> None:
    case = BY_NAME[name]
    numbers = case.numbers | ({"eps": eps} if eps is not None and "eps" in case.numbers else {})
    p = torch.nn.Parameter(torch.from_numpy(START.copy()))
    states = torch_run(torch, TORCH[name](torch.optim, [p], numbers), p, path=1)
    assert error(case, states, 1, numbers) <= TOLERANCE


def test_torch_momentum_with_dampening_starts_after_its_undamped_step(torch: Any) -> None:
    """What the docstring of `momentum` says: b = g and theta - lr g after the first step, then the rule."""
    case = BY_NAME["momentum-torch"]
    p = torch.nn.Parameter(torch.from_numpy(START.copy()))
    states = torch_run(torch, torch.optim.SGD([p], **case.numbers), p, path=1, shift=1)
    g = gradients(1)(1)(START)
    begin = np.array([START - case.numbers["lr"] * g, g])
    found = by_kernel(case, case.numbers, STEPS - 1, begin, 1)[1][0]
    np.testing.assert_allclose(found, states[-1], rtol=0, atol=TOLERANCE)


def test_torch_radam_after_its_switch(torch: Any) -> None:
    case = BY_NAME["radam-torch"]
    p = torch.nn.Parameter(torch.from_numpy(START.copy()))
    optimizer = torch.optim.RAdam([p], **betas(case.numbers))
    torch_run(torch, optimizer, p, 1, steps=5)
    memory = optimizer.state[p]
    begin = np.array([x.detach().numpy().copy() for x in (p, memory["exp_avg"], memory["exp_avg_sq"])])
    states = torch_run(torch, optimizer, p, 1, steps=STEPS - 5)
    found = by_kernel(case, case.numbers, STEPS - 5, begin, 5)[1][0]
    np.testing.assert_allclose(found, states[-1], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", OPTAX)
@pytest.mark.parametrize("eps", [None, 1e-2])
def test_optax(name: str, eps: float | None) -> None:
    optax = pytest.importorskip("optax", reason="optax is not installed")
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    jax.config.update("jax_enable_x64", True)
    case = BY_NAME[name]
    numbers = case.numbers | ({"eps": eps} if eps is not None and "eps" in case.numbers else {})
    optimizer, gradient, states = OPTAX[name](optax, numbers), gradients(1), []
    theta = jax.numpy.asarray(START)
    memory = optimizer.init(theta)
    update = jax.jit(optimizer.update)
    for t in range(1, STEPS + 1):
        change, memory = update(jax.numpy.asarray(gradient(t)(np.asarray(theta))), memory, theta)
        theta = theta + change
        states.append(np.asarray(theta))
    assert error(case, states, 1, numbers) <= TOLERANCE
