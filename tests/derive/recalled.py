"""Equations and everything that is kept of them."""

from collections.abc import Iterator

from known_rules import SMOOTH

from optsde.derive import ballistic, batch_equivalent, gaussian, lamb, modified_equation, rmsprop, sgd
from optsde.derive.derivation.equation import ModifiedEquation
from optsde.derive.optimizers.rule import THETA

FORMS = [(1, "diffusion"), (2, "diffusion"), (1, "fluctuation"), (1, "ode"), (2, "synchronised")]


def equations(rules: str) -> Iterator[ModifiedEquation]:
    """All forms of some rules, or of all, in both regimes; of the few one with sums over coordinates, which
    takes longest.
    """
    if rules == "few":
        yield modified_equation(lamb(), ballistic, gaussian(constant=True), 2)
    for rule in SMOOTH if rules == "all" else (sgd(), rmsprop("torch")):
        for regime in (ballistic, batch_equivalent):
            constant = rules == "few" or any(point != THETA for point in rule.gradients.values())
            for order, form in FORMS if regime.noise == 1 else [FORMS[0], FORMS[1], FORMS[4]]:
                yield modified_equation(rule, regime, gaussian(constant), order, form)


def everything(equation: ModifiedEquation) -> tuple:
    """All that is kept of an equation; a factor that does not exist by its refusal."""
    try:
        diffusion = equation.diffusion
    except ValueError as error:
        diffusion = str(error)
    return equation.generator, dict(equation.definitions), equation.certificate, diffusion
