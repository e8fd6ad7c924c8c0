import pytest
from sympy import Function, Symbol, simplify

from optsde import derive
from optsde.derive.limits.monomials import Correction, open_rule
from optsde.derive.notation.symbols import g
from optsde.derive.optimizers.rule import Hyperparameter, UpdateRule

C, LR = Symbol("c", positive=True), Symbol("lr", positive=True)


def test_axes_follow_the_hyperparameters_and_what_is_assigned():
    assert open_rule(derive.sgd()).axes == ("s",)
    assert open_rule(derive.rmsprop()).axes == ("s", "b")
    assert open_rule(derive.adam()).axes == ("s", "b1", "b2")
    assert open_rule(derive.adam(), "beta2=1+s, eps=e").axes == ("s", "b1", "e")
    assert open_rule(derive.adam(), "noise=-1, beta1=b2").axes == ("b2",)


def test_rates_are_what_a_step_forgets():
    assert open_rule(derive.rmsprop("torch")).rates == {"v": C}
    assert open_rule(derive.heavy_ball()).rates == {"v": LR * Symbol("mu", positive=True)}
    assert open_rule(derive.adagrad()).rates == {}


def test_a_fast_memory_passes_on_its_source_over_its_rate():
    """Momentum with a fixed beta moves theta by lr / (1 - beta) times the gradient, Nesterov's too."""
    damping = 1 - Symbol("dampening", positive=True)
    for rule, factor in ((derive.momentum(), damping), (derive.momentum("torch-nesterov"), 1)):
        (step,) = [sum(terms) for terms in open_rule(rule).reduced(frozenset({"b"}))["theta"].values()]
        assert simplify(step + LR * factor / C) == 0
    terms = open_rule(derive.adam("torch")).reduced(frozenset({"m"}))["theta"][1]
    assert len(terms) == 1
    assert not terms[0].has(Symbol("m", real=True))


def test_bias_corrections_have_a_name():
    model = open_rule(derive.adam("torch"))
    assert model.corrected
    assert model.auxiliaries["Q"].expression.atoms(Correction)
    assert not open_rule(derive.rmsprop()).corrected


def test_functions_of_sources():
    model = open_rule(derive.rmsprop("torch-momentum"))
    assert model.functions(("b",)) == {"P"}
    assert model.functions(("v",)) == frozenset()
    assert model.passed_on("theta", frozenset({"b", "v"})) == ("b",)
    assert model.source("b").has(Function("P"))
    assert model.source("v") == C.func("c1", positive=True) * g**2


def test_rules_without_a_learning_rate_are_refused():
    theta = derive.sgd().blocks[0]
    rule = UpdateRule(
        "own",
        "plain",
        blocks=(theta,),
        hyperparameters=(Hyperparameter("a", "constant"),),
        update={"theta": -g},
        reference="",
    )
    with pytest.raises(ValueError, match="own has 0 learning rates; expected one"):
        open_rule(rule)
