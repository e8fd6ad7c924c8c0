"""Regimes by name and by assignments."""

import pytest
from sympy import Symbol, sqrt

from optsde.derive import (
    Regime,
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    modified_equation,
    parse_regime,
    rmsprop,
    sgd,
)
from optsde.derive.notation.symbols import tau

BATCH = "lr=sqrt(tau), alpha=1-c*tau, eps=eps/sqrt(tau), noise=1/sqrt(tau), v=v/tau"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (BATCH, batch_equivalent),
        ("noise=tau**(-1/2), v=v/tau, eps=eps*tau**(-0.5), lr=tau**0.5", batch_equivalent),
        ("noise=1/sqrt(tau)", batch_equivalent),
        ("lr=tau, alpha=1-c*tau, noise=1", ballistic),
        ("lr=tau", ballistic),
    ],
)
def test_assignments_equal_the_named_regime(text: str, named: Regime) -> None:
    custom = modified_equation(rmsprop(), parse_regime(text, rmsprop()), gaussian())
    expected = modified_equation(rmsprop(), named, gaussian())
    assert custom.drift == expected.drift
    assert custom.covariance == expected.covariance
    assert custom.certificate == expected.certificate
    assert custom.definitions == expected.definitions


@pytest.mark.parametrize("text", ["batch-equivalent", " batch_equivalent "])
def test_names(text: str) -> None:
    assert parse_regime(text, sgd()) == batch_equivalent


def test_the_scaling_of_the_batch_equivalent_regime() -> None:
    c1, c2, eps = (Symbol(name, positive=True) for name in ("c1", "c2", "eps"))
    scaling = batch_equivalent.scaling(adam())
    assert scaling.noise == 1 / sqrt(tau)
    assert scaling.hyperparameters == {
        "lr": sqrt(tau),
        "beta1": 1 - c1 * tau,
        "beta2": 1 - c2 * tau,
        "eps": eps / sqrt(tau),
    }
    assert scaling.blocks == {"theta": 1, "m": 1, "v": 1 / tau}
    assert ballistic.scaling(sgd()).hyperparameters == {"lr": tau}


def test_the_unit_of_a_gradient_whose_noise_vanishes_is_its_own() -> None:
    scaling = parse_regime("noise=tau**(1/2)", adam()).scaling(adam())
    assert scaling.noise == sqrt(tau)
    assert scaling.blocks == {"theta": 1, "m": 1, "v": 1}
    assert scaling.hyperparameters["lr"] == tau


def test_constants_follow_their_assignments() -> None:
    """A faster memory, b = 2: c tau**2 freezes v at order one."""
    regime = parse_regime("alpha=1-gamma*tau**2", rmsprop())
    frozen = modified_equation(rmsprop(), regime, gaussian())
    moving = modified_equation(rmsprop(), ballistic, gaussian())
    assert frozen.drift[0] == {**moving.drift[0], "v": 0}
    renamed = {Symbol("c", positive=True): Symbol("gamma", positive=True)}
    assert frozen.drift[1]["v"] == moving.drift[0]["v"].xreplace(renamed)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "adiabatic",
            "unknown regime 'adiabatic'; expected one of ballistic, batch-equivalent, or assignments",
        ),
        ("beta=tau", "regime assigns 'beta'; rmsprop has lr, alpha, eps, theta, v"),
        ("lr=tau, lr=1", "lr is assigned twice"),
        ("lr=tau**(1/3)", r"tau\*\*\(1/3\) is not a constant times a half-integer power of tau"),
        ("noise=0", "not a constant times a half-integer power of tau"),
        ("v=v+1", "regime makes v depend on the state; expected powers of tau and constants"),
        ("alpha=1-v*tau", "regime makes alpha depend on the state"),
        ("noise=theta", "regime makes noise depend on the state"),
        ("lr=sqr(tau)", "did you mean sqrt"),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        modified_equation(rmsprop(), parse_regime(text, rmsprop()), gaussian())
