"""Kernels of rules with sums inside sums, held against the rule in NumPy with round-off of its own."""

import numpy as np
import pytest
from nested_norms import HESSIAN, STEPS, nested, step

from optsde.derive import Chain, ballistic, gaussian
from optsde.runtime import Ensemble, Quadratic, Setting, simulate

START = np.array([1.0, 0.5, 0.25, -0.125])
TAU = 0.125


def in_numpy(name, steps, start=START):
    state = start.astype(object)
    for _ in range(steps):
        state = step(name, state, TAU)
    return state.astype(float)


def in_kernel(name, steps):
    setting = Setting(
        Quadratic(HESSIAN, minimum_noise=0.0),
        horizon=steps * TAU,
        observables=["theta[0]", "theta[1]"],
        start={"theta": START[:2], "m": START[2:]},
    )
    chain = Chain(nested(name), ballistic, gaussian(constant=True))
    result = simulate(chain, setting, tau=TAU, ensemble=Ensemble(paths=2))
    return result.means[-1]


@pytest.mark.parametrize("name", STEPS)
def test_steps_agree_as_far_as_round_off_lets_them(name):
    """Near a minimum these steps spread: two starts a distance of 1e-15 apart give the bound."""
    assert in_kernel(name, 1) == pytest.approx(in_numpy(name, 1)[:2], rel=1e-14, abs=1e-15)
    apart = np.abs(in_numpy(name, 20) - in_numpy(name, 20, START * (1 + 1e-15)))[:2].max()
    assert np.abs(in_kernel(name, 20) - in_numpy(name, 20)[:2]).max() < 100 * apart + 1e-14
