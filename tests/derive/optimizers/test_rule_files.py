"""Rules of a user's own: three that the catalogue does not have, what the words mean, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import sympy as sp
from one_step import remainders, third_order
from own_rules import tables

from optsde.derive.derivation.equation import modified_equation
from optsde.derive.noise.laws import gaussian
from optsde.derive.notation.symbols import g
from optsde.derive.optimizers.adams import adam
from optsde.derive.optimizers.adaptive import rmsprop
from optsde.derive.optimizers.catalogue import CATALOGUE
from optsde.derive.optimizers.modifiers import coupled_weight_decay
from optsde.derive.optimizers.momentum import extragradient, nesterov
from optsde.derive.optimizers.norms import sam
from optsde.derive.optimizers.reductions import norm, total
from optsde.derive.optimizers.rule import THETA, UpdateRule
from optsde.derive.optimizers.rule_files import load_rule, read_rule
from optsde.derive.regimes import ballistic, batch_equivalent

FILES = sorted((Path(__file__).parents[2] / "rules").glob("*.toml"))
F, H, S1, theta, t, m, b = sp.symbols("F H S1 theta t m b", real=True)
S, c, c1, c2, r, eps, clip, v, p, lr, mu, wd = sp.symbols(
    "S c c1 c2 r eps clip v p lr mu weight_decay", positive=True
)
half = sp.Rational(1, 2)


def own(name: str) -> UpdateRule:
    return load_rule(next(path for path in FILES if path.stem == name))


def one_dimension(rule: UpdateRule, constant: bool = False) -> dict[tuple[int, ...], sp.Expr]:
    """Coefficients of the ballistic equation of order 2 in the symbols above, keyed by the power of tau and
    the blocks.
    """
    form = modified_equation(rule, ballistic, gaussian(constant), 2).expand(1)
    names = {s.name: s for s in (theta, t, m, b, S, c, c1, c2, r, eps, clip, v, p)}
    f, covariance = sp.Function("f")(form.state[0]), sp.Function("S")(form.state[0])
    fields = [
        (f.diff(form.state[0], 2), H),
        (f.diff(form.state[0]), F),
        (covariance.diff(form.state[0]), S1),
        (covariance, S),
    ]

    def plain(e: sp.Expr) -> sp.Expr:
        e = e.subs(fields)
        return e.xreplace({s: names.get(s.name, s) for s in e.free_symbols})

    size = range(len(form.state))
    drift = {(n, i): plain(form.drift[n][i]) for n in (0, 1) for i in size}
    return drift | {
        (n, i, j): plain(form.covariance[n][i, j]) for n in (0, 1) for i in size for j in size if i <= j
    }


def check(found: dict[tuple[int, ...], sp.Expr], expected: dict[tuple[int, ...], sp.Expr]) -> None:
    for key, value in found.items():
        assert sp.simplify(value - expected.get(key, 0)) == 0, key


def test_the_three_are_not_in_the_catalogue() -> None:
    assert len(FILES) == 3
    assert not {path.stem for path in FILES} & {make.__name__ for make in CATALOGUE}


def test_rmsprop_with_a_power() -> None:
    """RMSprop's equation (old second moment) holds for every P."""
    P = 1 / (v**p + eps)
    P_v, Q = sp.diff(P, v), F**2 + S - v
    check(one_dimension(own("rmsprop_power")), {
        (0, 0): -P * F,
        (0, 1): c * Q,
        (1, 0): -half * (P**2 * H * F - c * P_v * Q * F),
        (1, 1): c / 2 * (c * Q + P * F * (S1 + 2 * F * H)),
        (1, 0, 0): P**2 * S,
        (1, 0, 1): -2 * c * P * F * S,
        (1, 1, 1): c**2 * (2 * S**2 + 4 * F**2 * S),
    })  # fmt: skip


def test_adam_with_a_smooth_clip() -> None:
    """theta moves by U(m, v, t) at the new moments and t + tau; half of L0 U is what the limit has moved
    already.

    1 - beta1**(k+1) = 1 - exp(-c1 t) (1 - tau (c1 + c1**2 t/2)) + O(tau**2) is the correction G at the next
    step.
    """
    G = sp.Symbol("G", positive=True)
    U = clip * sp.tanh(m / (G * (sp.sqrt(v) + eps)) / clip)
    e1 = sp.exp(-c1 * t)
    at = {G: 1 - e1}
    moved = sp.diff(U, m) * c1 * (F - m) + sp.diff(U, v) * c2 * (F**2 + S - v)
    correction = sp.diff(U, G) * e1 * (c1 / 2 - c1 - c1**2 * t / 2)
    expected = {
        (0, 0): -U,
        (0, 1): c1 * (F - m),
        (0, 2): c2 * (F**2 + S - v),
        (1, 0): -half * moved + correction,
        (1, 1): c1 / 2 * (c1 * (F - m) + U * H),
        (1, 2): c2 / 2 * (c2 * (F**2 + S - v) + U * (S1 + 2 * F * H)),
        (1, 1, 1): c1**2 * S,
        (1, 1, 2): 2 * c1 * c2 * F * S,
        (1, 2, 2): c2**2 * (2 * S**2 + 4 * F**2 * S),
    }
    check(one_dimension(own("adam_tanh")), {key: e.subs(at) for key, e in expected.items()})


def test_momentum_with_growing_memory() -> None:
    """weight = r tau/t - r**2 tau**2/t**2, and the look-ahead point gives F - tau H b."""
    check(one_dimension(own("decaying_memory"), constant=True), {
        (0, 0): -b,
        (0, 1): r / t * (F - b),
        (1, 0): -r / (2 * t) * (F - b),
        (1, 1): (r - r**2) / (2 * t**2) * (F - b) - r / (2 * t) * H * b,
        (1, 1, 1): r**2 / t**2 * S,
    })  # fmt: skip


@pytest.mark.parametrize("name", ["adam_tanh", "decaying_memory"])
def test_with_large_noise_they_follow_from_the_definition(name: str) -> None:
    equation = modified_equation(own(name), batch_equivalent, gaussian(constant=name == "decaying_memory"), 2)
    for phi, both in remainders(equation, 2).items():
        assert third_order(*both), phi


def test_a_symbolic_power_of_what_grows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(v\)\*\*\(p\): the base grows .*; expected a number as exponent"):
        modified_equation(own("rmsprop_power"), batch_equivalent, gaussian(), 2)


def test_the_order_of_the_lines_says_which_value_is_meant() -> None:
    lines = tables()["update"]
    assert read_rule(tables()).update == rmsprop("torch").update
    assert read_rule(tables(update=dict(reversed(lines.items())))).update == rmsprop("paper").update
    assert (
        read_rule(tables(update=lines | {"theta": "theta - lr*g*P(old(v))"})).update
        == rmsprop("paper").update
    )
    step = {"v": lines["v"], "step": "lr*g*P(v)", "theta": "theta - step"}
    assert read_rule(tables(update=step)).update == rmsprop("torch").update


def test_the_gradient_may_be_changed_and_taken_elsewhere() -> None:
    decay = {"weight_decay": {"role": "constant"}}
    found = read_rule(
        tables(
            hyperparameters=tables()["hyperparameters"] | decay,
            update={"g": "g + weight_decay*theta"} | tables()["update"],
        )
    )
    assert found.update == coupled_weight_decay(rmsprop("torch")).update
    found = read_rule({
        "name": "ahead", "state": {"v": {}}, "gradient": {"g": "theta + lr*(1 - mu*lr)*v"},
        "hyperparameters": {"lr": {"role": "learning rate"}, "mu": {"role": "constant"}},
        "update": {"v": "v - mu*lr*v - lr*g", "theta": "theta + lr*v"},
    })  # fmt: skip
    assert (found.update, found.gradients) == (nesterov().update, nesterov().gradients)


def test_gradients_with_samples_of_their_own() -> None:
    own = {
        "name": "mine",
        "hyperparameters": {"lr": {"role": "learning rate"}},
        "update": {"theta": "theta - lr*g"},
        "gradient": {"g0": "theta", "g": "theta - lr*g0"},
    }
    for tables_, rule in ((own | {"sample": {"g": 2}}, extragradient()), (own, extragradient("same-sample"))):
        found = read_rule(tables_)
        assert (found.update, found.gradients, found.samples) == (rule.update, rule.gradients, rule.samples)
        first, second = (modified_equation(each, ballistic, gaussian(), 2) for each in (found, rule))
        assert first.generator == second.generator
    with pytest.raises(ValueError, match="mine numbers the sample of h; expected one of g0, g"):
        read_rule(own | {"sample": {"h": 2}})
    with pytest.raises(ValueError, match="mine takes g with the sample 'two'; expected its number"):
        read_rule(own | {"sample": {"g": "two"}})


def test_norms_and_sums_over_coordinates() -> None:
    found = read_rule(
        {
            "name": "uphill",
            "hyperparameters": {"lr": {"role": "learning rate"}, "rho": {"role": "learning rate"}},
            "gradient": {"g0": "theta", "g": "theta + rho*g0/norm(g0)"},
            "update": {"theta": "theta - lr*g"},
        }
    )
    assert (found.update, found.gradients) == (sam("normalized").update, sam("normalized").gradients)
    lines = {"length": "sqrt(dot(g, g))", "theta": "theta - lr*g*total(theta*old(theta))/length"}
    found = read_rule({"name": "mine", "hyperparameters": {"lr": {"role": "learning rate"}}, "update": lines})
    assert found.update == {"theta": THETA - found.hyperparameters[0].symbol * g * total(THETA**2) / norm(g)}


@pytest.mark.parametrize("regime", [ballistic, batch_equivalent], ids=lambda regime: regime.name)
def test_an_auxiliary_of_several_arguments(regime) -> None:
    """Centred RMSprop with a function of v and gb is centred RMSprop with a function of v - gb**2."""
    found = read_rule(
        tables(
            state={"v": {"noise_units": 2, "nonnegative": True}, "gb": {}},
            auxiliary={"P(v, gb)": "1/(sqrt(v - gb**2) + eps)"},
            update={
                "v": tables()["update"]["v"],
                "gb": "alpha*gb + (1 - alpha)*g",
                "theta": "theta - lr*g*P(v, gb)",
            },
        )
    )
    one, other = (
        modified_equation(rule, regime, gaussian(), 2).expand(1)
        for rule in (found, rmsprop("torch-centered"))
    )
    for power in (0, 1):
        assert sp.simplify(one.drift[power] - other.drift[power]).is_zero_matrix
        assert sp.simplify(one.covariance[power] - other.covariance[power]).is_zero_matrix


WRONG = [
    ({"state": {"v": {"noise_unit": 2}}}, r"state v has 'noise_unit'; did you mean noise_units\?"),
    ({"states": {}}, r"the rule has 'states'; did you mean state\?"),
    (
        {"update": {"v": "alpha*v", "theta": "theta - lrr*g"}},
        r"update of theta: the name 'lrr' .* did you mean lr\?",
    ),
    (
        {"update": {"v": "alpha*v", "theta": "theta - lr*g*Q(v)"}},
        "update of theta: the function 'Q' .* allowed are .*P",
    ),
    ({"update": {"v": "alpha*v", "theta": "theta - lr*g*P(v, g)"}}, "P with 2 arguments"),
    ({"update": {"thta": "theta - lr*g", "v": "v"}}, r"update assigns thta, .* did you mean theta\?"),
    ({"update": {"theta": "theta - lr*g"}}, "update has no line for v"),
    (
        {"update": {"v": "v", "theta": "theta - lr*old(g)"}},
        r"old\(g\); expected a block of the state: theta, v",
    ),
    ({"update": {"lr": "lr/2", "v": "v", "theta": "theta - lr*g"}}, "the name lr stands for two things"),
    ({"update": {"v": "v*d", "d": "g", "theta": "theta - d"}}, "update of v: the name 'd'"),
    ({"auxiliary": {"P(v)": "1/(sqrt(u) + eps)"}}, "auxiliary P: the name 'u'"),
    ({"auxiliary": {"P": "1/eps"}}, "auxiliary 'P'; expected a function of different names"),
    ({"auxiliary": {"P(v, v)": "1/eps"}}, "expected a function of different names"),
    ({"auxiliary": {"P_1(v)": "1/eps"}}, "expected a function of different names"),
    ({"auxiliary": {"P(v)": "v", "P(g)": "g"}}, "auxiliary P is defined twice"),
    ({"auxiliary": {"P(eps)": "eps"}}, "the argument eps, which is a constant"),
    ({"auxiliary": {"P(v)": "v", "Q(v)": "P(P(v))"}}, "the function 'P'"),
    ({"auxiliary": {"P(v)": "norm(v)"}}, "auxiliary P: the function 'norm'"),
    ({"auxiliary": {"total(v)": "v"}}, "the name total has a meaning of its own"),
    ({"update": {"v": "v", "theta": "theta - lr*norm"}}, "the name 'norm'|norm without arguments"),
    ({"update": {"v": "v", "theta": "theta - lr*dot(g)"}}, "dot with 1 arguments"),
    ({"gradient": {"g": "thta"}}, r"gradient g: the name 'thta' .* did you mean theta\?"),
    ({"gradient": {"v": "theta"}}, "the name v stands for two things"),
    ({"state": []}, "state is list; expected a table"),
    ({"state": {"v": 3}}, "state v is 3; expected a table"),
    ({"state": {"v": {"nonnegative": 1}}}, "nonnegative = 1; expected true or false"),
    ({"state": {"v": {"noise_units": "1/2"}}}, "the noise_units '1/2'; expected a whole number"),
    ({"hyperparameters": {"lr": {}}}, "the role None; expected one of learning rate, memory, constant"),
    ({"name": ""}, "name is ''"),
    ({"name": None}, "name is None"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[message for _, message in WRONG])
def test_mistakes_are_explained(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_rule(tables(**change))


def test_adam_in_own_words_is_the_catalogue_s() -> None:
    found = read_rule(
        {
            "name": "adam",
            "state": {"m": {}, "v": {"noise_units": 2, "nonnegative": True}},
            "hyperparameters": {
                "lr": {"role": "learning rate", "noise_units": 1},
                "beta1": {"role": "memory"},
                "beta2": {"role": "memory"},
                "eps": {"role": "constant", "noise_units": 1},
            },
            "update": {
                "m": "beta1*m + (1 - beta1)*g",
                "v": "beta2*v + (1 - beta2)*g**2",
                "theta": "theta - lr*m/(1 - beta1**(k + 1))/(sqrt(v/(1 - beta2**(k + 1))) + eps)",
            },
        }
    )
    one, other = (
        modified_equation(rule, ballistic, gaussian(), 2).expand(1).drift for rule in (found, adam("torch"))
    )
    position = sp.Symbol("theta", real=True)
    fields = {sp.Function("f")(position): position**2, sp.Function("S")(position): sp.Integer(1)}
    values = {"theta": 3, "m": 5, "v": 7, "t": 2, "c1": 11, "c2": 13, "eps": 17}
    for power in (0, 1):
        difference = (one[power][0] - other[power][0]).subs(fields).doit()
        at = {symbol: sp.Rational(values[symbol.name], 10) for symbol in difference.free_symbols}
        assert abs(difference.subs(at).evalf(40)) < 1e-35
