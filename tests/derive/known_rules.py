"""The catalogue by what the engine makes of it, and the equations of what it derives."""

from sympy import Symbol

from optsde.derive.derivation.equation import ModifiedEquation, modified_equation
from optsde.derive.noise.laws import gaussian
from optsde.derive.optimizers.catalogue import all_rules
from optsde.derive.optimizers.modifiers import (
    cosine,
    coupled_weight_decay,
    decoupled_weight_decay,
    exponential,
    polynomial,
    scheduled,
)
from optsde.derive.optimizers.momentum import heavy_ball, momentum, sgd
from optsde.derive.optimizers.rule import UpdateRule
from optsde.derive.regimes import Regime

REFUSED = {
    ("amsgrad", "torch"): r"Max\(w, .*\) is not smooth, and .* is not linear in the noise",
    (
        "adamax",
        "torch",
    ): r"Max\(.*Abs\(g\)\) is not smooth, and beta2\*u is no constant that scales as g does",
    ("signum", "optax"): r"sign\(.*\) is not smooth, and as tau -> 0 the noise in .* vanishes beside m\[i\]",
    (
        "normalized_sgd",
        "plain",
    ): r"1/norm\(g\) depends on the noise at leading order; .* noise=tau\*\*\(1/2\)",
    ("normalized_sgd", "eps"): r"norm\(g\) depends on the noise at leading order",
    ("clipped_sgd_norm", "torch"): r"norm\(g\) depends on the noise at leading order",
    ("sam", "normalized"): r"1/norm\(g0\) depends on the noise at leading order",
    ("lars", "paper"): r"norm\(g\) depends on the noise at leading order",
    ("nadam", "torch"): r"leaves no limit for nadam: the step of p contains tau\*\*\(0\)",
}
SMOOTHED_BY_NOISE = ("sign_sgd", "lion", "clipped_sgd")  # by the noise: see test_smoothing

SMOOTH = [
    rule
    for rule in all_rules()
    if (rule.name, rule.variant) not in REFUSED and rule.name not in SMOOTHED_BY_NOISE
] + [
    coupled_weight_decay(momentum()),
    decoupled_weight_decay(sgd()),
    *(scheduled(heavy_ball(), *schedule()) for schedule in (exponential, cosine, polynomial)),
]


SMOOTHED = [rule for rule in all_rules() if rule.name in SMOOTHED_BY_NOISE]
"""Of order 2 in the ballistic regime."""


def equation_of(rule: UpdateRule, regime: Regime) -> ModifiedEquation:
    """Return the equation of order 2, for constant noise where a gradient is taken where another one
    leads.
    """
    drawn = {Symbol(name, real=True) for name in rule.gradients}
    led = any(point.free_symbols & drawn for point in rule.gradients.values())
    return modified_equation(rule, regime, gaussian(constant=led), 2)
