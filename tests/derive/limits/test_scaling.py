import numpy as np
import pytest
from sympy import Integer, Rational, Symbol

from optsde import derive
from optsde.derive.limits.scaling import scaling_rule
from optsde.derive.notation.symbols import g
from optsde.derive.optimizers.rule import THETA
from optsde.derive.regimes import parse_regime

HALF = Rational(1, 2)


def scaled(rule, regime="batch-equivalent"):
    return scaling_rule(rule, parse_regime(regime, rule), derive.gaussian())


def test_linear_rule_of_sgd():
    for rule in (derive.sgd(), derive.heavy_ball()):
        found = scaled(rule)
        assert (found.exponents["lr"], found.step, found.free, found.conflict) == (1, 1, (), "")


@pytest.mark.parametrize(
    "rule", [derive.rmsprop(), derive.rmsprop("torch"), derive.adam("torch"), derive.nadam()]
)
def test_square_root_rule(rule):
    """Malladi, Lyu, Panigrahi, Arora 2022: lr sqrt(k), 1 - beta times k, eps / sqrt(k)."""
    found = scaled(rule)
    memories = {h.name: Integer(1) for h in rule.hyperparameters if h.role == "memory"}
    assert found.exponents == {"lr": HALF, "eps": -HALF} | memories
    assert found.step == 1
    assert found.blocks["v"] == -1


def test_a_step_of_unit_length_does_not_know_its_units():
    """LAMB divides its direction by that direction's norm: one step of lr k stands for k steps, whatever the
    size of U.
    """
    found = scaled(derive.lamb())
    assert found.exponents == {"lr": 1, "beta1": 1, "beta2": 1, "eps": -HALF, "weight_decay": HALF}
    assert (found.step, found.blocks["v"]) == (1, -1)


def test_sums_over_coordinates_are_looked_into():
    lr = derive.Hyperparameter("lr", "learning rate")

    def own(update):
        return derive.UpdateRule(
            "own",
            "test",
            blocks=(derive.Block("theta"),),
            hyperparameters=(lr,),
            update={"theta": update},
            reference="",
        )

    linear = scaling_rule(
        own(THETA - lr.symbol * derive.total(g)), derive.batch_equivalent, derive.gaussian(True)
    )
    assert (linear.exponents, linear.step) == ({"lr": 1}, 1)
    square = scaling_rule(
        own(THETA - lr.symbol * THETA * derive.total(g**2)), derive.ballistic, derive.gaussian(True)
    )
    assert square.noisy
    assert "S[j,j]" in square.conflict


def test_smoothed_functions_are_weighed_by_their_integrals():
    """The covariance of the steps is ``lr**2 Cov(u(X), u(Y))``, an integral over the correlation."""
    clip = scaled(derive.clipped_sgd())
    assert (clip.exponents, clip.step) == ({"lr": 1, "clip_value": -HALF}, 1)
    sign = scaled(derive.sign_sgd())
    assert (sign.exponents, sign.step) == ({"lr": HALF}, 1)


def test_weight_decay_follows_lr_in_adamw():
    found = scaled(derive.adamw("torch"))
    assert found.exponents["weight_decay"] == HALF
    # eps inside the root is a square
    assert scaled(derive.rmsprop("optax")).exponents["eps"] == -1


def test_momentum_with_a_memory_that_grows_with_the_run():
    found = scaled(derive.momentum())
    assert found.exponents == {"lr": 2, "momentum": 1, "dampening": 0}


def test_where_v_holds_gradient_and_noise_there_is_no_rule():
    found = scaled(derive.adam(), "ballistic")
    assert found.conflict == "S[i,i]*c2 in the drift of v"
    assert "no rule keeps the limit: S[i,i]*c2 in the drift of v" in str(found)
    assert found.to_json()["exists"] is False


def test_without_noise_the_batch_does_not_matter():
    found = scaled(derive.sgd(), "ballistic")
    assert found.free == ("lr",)
    assert found.step == found.exponents["lr"] == Symbol("x_lr")
    assert "there is no noise in this limit" in str(found)


def test_text_and_json():
    found = scaled(derive.rmsprop())
    assert str(found).splitlines() == [
        "rmsprop (paper), batch-equivalent regime: the batch times k",
        "  lr times k^(1/2)",
        "  1 - alpha times k",
        "  eps times k^(-1/2)",
        "  one step stands for k old steps",
        "  v becomes k^(-1) as large",
    ]
    assert found.to_json()["exponents"] == {"lr": "1/2", "1 - alpha": "1", "eps": "-1/2"}


def test_a_regime_that_leaves_theta_still_is_refused():
    with pytest.raises(ValueError, match="theta stands still in the limit"):
        scaled(derive.rmsprop(), "lr=tau, alpha=1-tau**2, noise=1/tau")


def sgd_law(base: dict, count: int, seed: int) -> tuple[float, float]:
    """Mean and standard error of theta**2 after some steps from theta = 1 on f = theta**2/2."""
    rng = np.random.default_rng(seed)
    theta = np.ones(PATHS)
    for _ in range(count):
        theta = theta - base["lr"] * (theta + base["noise"] * rng.standard_normal(PATHS))
    return (theta**2).mean(), (theta**2).std() / PATHS**0.5


def rmsprop_law(base: dict, count: int, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    theta, v = np.ones(PATHS), np.full(PATHS, base["noise"] ** 2)
    for _ in range(count):
        g = theta + base["noise"] * rng.standard_normal(PATHS)
        theta = theta - base["lr"] * g / (np.sqrt(v) + base["eps"])
        v = v + base["alpha"] * (g**2 - v)
    return (theta**2).mean(), (theta**2).std() / PATHS**0.5


def adam_law(base: dict, count: int, seed: int) -> tuple[float, float]:
    """As in torch, its bias correction too; v and m start from zero, as there."""
    rng = np.random.default_rng(seed)
    theta, m, v = np.ones(PATHS), np.zeros(PATHS), np.zeros(PATHS)
    for k in range(1, count + 1):
        g = theta + base["noise"] * rng.standard_normal(PATHS)
        m, v = m + base["beta1"] * (g - m), v + base["beta2"] * (g**2 - v)
        first, second = 1 - (1 - base["beta1"]) ** k, 1 - (1 - base["beta2"]) ** k
        theta = theta - base["lr"] * m / first / (np.sqrt(v / second) + base["eps"])
    return (theta**2).mean(), (theta**2).std() / PATHS**0.5


PATHS, STEPS = 100_000, 1024
ROOT = STEPS**0.5
LAWS = {
    "sgd": (derive.sgd(), sgd_law, {"lr": 1 / STEPS, "noise": ROOT}, 0),
    "rmsprop": (
        derive.rmsprop(),
        rmsprop_law,
        {"lr": 1 / ROOT, "alpha": 0.5 / STEPS, "eps": 0.1 * ROOT, "noise": ROOT},
        1,
    ),
    "adam": (
        derive.adam("torch"),
        adam_law,
        {"lr": 1 / ROOT, "beta1": 4 / STEPS, "beta2": 1 / STEPS, "eps": 0.1 * ROOT, "noise": ROOT},
        1,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_the_law_is_kept_under_the_derived_rule_only(name):
    """E theta**2 after the same time for batches 1 and k: under the rule the difference is O(step), under
    another it is not.

    The step of the base run is 2**-10 of the horizon; k = 8, so the difference is a few times 8 * 2**-10 of
    the value at most. Other rules: lr times k makes RMSprop, with v at its mean, d theta = -a theta dt + a dW
    with a = sqrt(8)/1.1, not 1/1.1, and E theta**2 = exp(-2 a) + a/2 (1 - exp(-2 a)) = 1.28, not 0.54; Adam's
    averages lag behind it by 1/4. For SGD, with lr as it was, theta**2 is exp(-1/4) + (1 - exp(-1/4))/16 =
    0.79 instead of exp(-2) + (1 - exp(-2))/2 = 0.57.
    """
    rule, law, base, wrong = LAWS[name]
    k, exponents = 8, scaled(rule).exponents
    batch = {**base, "noise": base["noise"] / k**0.5}
    follows = {key: value * float(k ** exponents.get(key, Integer(0))) for key, value in batch.items()}
    small, error = law(base, STEPS, seed=1)
    large, error_large = law(follows, STEPS // k, seed=2)
    assert abs(small - large) < 4 * np.hypot(error, error_large) + 4 * k / STEPS * small
    other, _ = law(follows | {"lr": float(k**wrong) * base["lr"]}, STEPS // k, seed=3)
    assert abs(small - other) > 0.25 * small
