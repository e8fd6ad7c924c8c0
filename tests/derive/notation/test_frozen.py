"""Rules, regimes, laws and equations do not change, have hashes, and travel to other processes."""

import pickle
import subprocess
import sys

import pytest

from optsde.derive import (
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    general,
    lion,
    modified_equation,
    normalized_sgd,
    parse_regime,
    rmsprop,
)
from optsde.derive.notation.frozen import FrozenMapping
from optsde.derive.optimizers.catalogue import all_rules


@pytest.mark.parametrize("rule", list(all_rules()), ids=lambda r: f"{r.name}:{r.variant}")
def test_a_rule_has_a_hash_and_cannot_be_assigned_to(rule):
    assert hash(rule) == hash(pickle.loads(pickle.dumps(rule)))
    with pytest.raises(TypeError):
        rule.update["theta"] = 0
    with pytest.raises(TypeError):
        rule.gradients["h"] = 0


def test_order_does_not_count_and_changes_make_another():
    one, two = FrozenMapping({"a": 1, "b": 2}), FrozenMapping({"b": 2, "a": 1})
    assert one == two == {"a": 1, "b": 2}
    assert hash(one) == hash(two)
    assert list(one | {"c": 3}) == ["a", "b", "c"]
    assert ({"c": 3} | one) == {"a": 1, "b": 2, "c": 3}
    assert repr(one) == "{'a': 1, 'b': 2}"
    with pytest.raises(TypeError):
        one["a"] = 3


EQUATIONS = [
    (adam(), ballistic, gaussian(), 2, "diffusion"),
    (rmsprop(), batch_equivalent, gaussian(constant=True), 2, "synchronised"),
    (adam(), ballistic, general(), 2, "diffusion"),
    (lion(), ballistic, gaussian(), 1, "ode"),
    (normalized_sgd(), parse_regime("noise=tau**(1/2)", normalized_sgd()), gaussian(), 2, "diffusion"),
]


@pytest.mark.parametrize("asked", EQUATIONS, ids=lambda a: f"{a[0].name} {a[1].name} {a[4]}")
def test_an_equation_goes_through_a_pickle(asked):
    equation = modified_equation(*asked)
    again = pickle.loads(pickle.dumps(equation))
    assert again == equation
    assert hash(again) == hash(equation)
    assert again.drift == equation.drift
    assert again.certificate == equation.certificate


def test_an_equation_arrives_in_another_process():
    equation = modified_equation(rmsprop(), ballistic, gaussian(constant=True), 2)
    script = (
        "import pickle, sys\n"
        "from optsde.derive import ballistic, gaussian, modified_equation, rmsprop\n"
        "equation = pickle.load(sys.stdin.buffer)\n"
        "assert equation == modified_equation(rmsprop(), ballistic, gaussian(constant=True), 2)\n"
        "print(equation.drift[1]['theta'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=pickle.dumps(equation), capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == str(equation.drift[1]["theta"])
