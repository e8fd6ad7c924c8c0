"""Rules, regimes and laws show themselves: on a line, over several, in LaTeX, as data."""

import json

import pytest

from optsde.derive import (
    ballistic,
    batch_equivalent,
    gaussian,
    general,
    normalized_sgd,
    parse_regime,
    rmsprop,
)
from optsde.derive.noise.laws import NOISES
from optsde.derive.optimizers.catalogue import all_rules
from optsde.derive.optimizers.momentum import extragradient


def test_a_rule_is_its_assignments():
    assert str(rmsprop()) == (
        "rmsprop (paper)\n"
        "  g = gradient at theta\n"
        "  theta' = -g*lr*P(v) + theta\n"
        "  v' = alpha*v + g**2*(1 - alpha)\n"
        "  P(v) = 1/(eps + sqrt(v))"
    )
    assert repr(rmsprop()) == "<UpdateRule: rmsprop (paper)>"


def test_norms_and_several_samples_are_named():
    assert "  theta' = -g*lr/norm(g) + theta" in str(normalized_sgd()).splitlines()
    assert r"{\| g \|}" in normalized_sgd().latex()
    assert "  g = gradient at -g0*lr + theta, sample 2" in str(extragradient()).splitlines()
    assert r"g &= \nabla f\big(- g_{0} \mathrm{lr} + \theta\big) + \xi^{(2)}" in extragradient().latex()


@pytest.mark.parametrize("rule", list(all_rules()), ids=lambda r: f"{r.name}:{r.variant}")
def test_every_rule_shows_itself(rule):
    lines = str(rule).splitlines()
    for block in rule.blocks:
        assert any(line.startswith(f"  {block.name}' = ") for line in lines)
    latex = rule.latex()
    assert latex.count("{") == latex.count("}")
    assert latex.count("&=") == len(rule.gradients) + len(rule.blocks) + len(rule.auxiliaries)
    data = json.loads(json.dumps(rule.to_json()))
    assert set(data["update"]) == {b.name for b in rule.blocks}


def test_a_regime_shows_its_powers():
    assert str(ballistic) == "ballistic: noise scale 1"
    assert repr(batch_equivalent) == "<Regime: batch-equivalent>"
    assert str(parse_regime("lr=tau, noise=tau**(1/2)", rmsprop())).splitlines()[1] == "  lr = tau"
    assert r"\text{noise} &\sim \frac{1}{\sqrt{\tau}}" in batch_equivalent.latex()
    data = json.loads(json.dumps(batch_equivalent.to_json()))
    assert (data["name"], data["noise"], data["assignments"]) == ("batch-equivalent", "1/sqrt(tau)", {})


def test_a_law_shows_its_cumulants():
    assert str(gaussian()) == "gaussian noise, cumulants S"
    assert str(general(constant=True)) == "general noise, cumulants S, K3, K4, constant"
    assert r"\kappa(\xi_i, \xi_j) &= \Sigma_{ij}" in gaussian().latex()
    for make in NOISES:
        law = make()
        assert repr(law) == f"<NoiseModel: {law}>"
        assert json.loads(json.dumps(law.to_json()))["orders"] == list(law.orders)
