"""From an update rule to the slope of its weak error.

Path numbers are such that each local slope has a standard error below 0.05; that is asserted. The criterion
is then that the last two local slopes lie within 0.15 of the order, three standard errors.
"""

import math
from dataclasses import dataclass

import pytest
from flat import measured, simulated
from quadratics import quadratic
from settled import assert_settled

from optsde.derive import adam, ballistic, batch_equivalent, gaussian, modified_equation, rmsprop
from optsde.runtime import Quadratic, WeakErrorStudy

PLANE = quadratic([[1, 0.5], [0.5, 1]], noise=0.25)
LINE = quadratic([[1.0]], noise=[[0.09]])
WARM = {"theta": [1, 0.5], "v": 1}
THETA, V, BOTH = "norm(theta)**2", "norm(v)**2", "theta[0]**2*v[0]"
RULES, REGIMES = (
    {"rmsprop": rmsprop, "adam": adam},
    {"ballistic": ballistic, "batch-equivalent": batch_equivalent},
)


@dataclass(frozen=True)
class Case:
    """One equation, what it is measured by, and the slope it should settle at."""

    rule: str
    regime: str
    order: int
    form: str
    slope: int
    observables: tuple[str, ...]
    exponents: tuple[int, ...]
    paths: int
    problem: Quadratic = PLANE

    def __str__(self) -> str:
        return f"{self.rule}, {self.regime}, order {self.order}, {self.form}, {' '.join(self.observables)}"

    def study(self) -> WeakErrorStudy:
        equation = modified_equation(
            RULES[self.rule](), REGIMES[self.regime], gaussian(constant=True), self.order, self.form
        )
        assert equation.certificate.weak_order == self.slope
        line = self.problem is LINE
        return measured(
            equation,
            self.problem,
            taus=[2.0**-e for e in self.exponents],
            horizon=1,
            observables=self.observables,
            start={"theta": 1, "v": 1} if line else WARM,
            t0=1.0 if self.rule == "adam" else 0.0,
            paths=self.paths,
            seed=1,
            constants={"eps": 0.1, "c": 1} if line else {"eps": 1e-3},
        )


SETTLED = [
    Case("rmsprop", "ballistic", 1, "fluctuation", 1, (THETA, V, BOTH), (4, 5, 6), 2_000_000),
    Case("rmsprop", "ballistic", 2, "diffusion", 2, (V, BOTH), (3, 4, 5), 10_000_000),
    Case("rmsprop", "ballistic", 2, "diffusion", 2, (THETA,), (5, 6, 7), 22_000_000),
    Case("adam", "ballistic", 1, "fluctuation", 1, (THETA, V, BOTH), (4, 5, 6), 10_000_000),
    # its error of norm(v)**2 is too small against its noise: 1e8 paths would be needed
    Case("adam", "ballistic", 2, "diffusion", 2, (THETA, BOTH), (4, 5, 6), 2_000_000),
    # no diffusion has order 2 here, as the certificate says; the same problem in the ballistic regime has one
    Case("rmsprop", "batch-equivalent", 2, "diffusion", 1, (BOTH,), (4, 5, 6), 10_000_000, LINE),
    Case("rmsprop", "ballistic", 2, "diffusion", 2, (BOTH,), (3, 4, 5), 15_000_000, LINE),
    # the synchronised equation, which is no diffusion, has order 2 there too
    Case(
        "rmsprop",
        "batch-equivalent",
        2,
        "synchronised",
        2,
        ("theta[0]**2", "v[0]**2"),
        (3, 4, 5),
        16_000_000,
        LINE,
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", SETTLED, ids=str)
def test_local_slopes_settle_at_the_order_of_the_certificate(case):
    assert_settled(case.study(), case.slope)


@pytest.mark.parametrize(
    "case",
    [
        Case("rmsprop", "ballistic", 1, "fluctuation", 1, (V, BOTH), (2, 3, 4, 5), 100_000),
        Case("rmsprop", "ballistic", 2, "diffusion", 2, (V, BOTH), (2, 3, 4, 5), 100_000),
    ],
    ids=str,
)
def test_slopes_tell_the_orders_apart(case):
    """The standard errors alone give intervals of half-width below 0.1; what is beyond that is the curvature
    of the error.
    """
    study = case.study()
    for slope in study.slopes.values():
        assert sum(slope.used) >= 3
        assert (slope.high < 1.5) if case.slope == 1 else (slope.low > 1.5)
    taus, errors, standard_errors = study.series(BOTH)
    assert (abs(errors) > 3 * standard_errors).all()
    # an error of order 2 is the smaller one, and falls by more than a half at each step
    assert (abs(errors[:-1] / errors[1:]) > (2 ** (case.slope - 0.5))).all()
    assert taus[0] == 0.25


def test_optimizer_and_equation_agree_on_their_own():
    """Independent simulations, not coupled: their difference is the weak error that the coupled study
    measures.
    """
    equation = modified_equation(rmsprop(), ballistic, gaussian(constant=True), 2)
    shared = {"tau": 0.25, "horizon": 1.0, "start": WARM, "observables": (V, BOTH), "paths": 400_000}
    shared |= {"constants": {"eps": 1e-3}, "records": 1}
    discrete = simulated(equation.chain, PLANE, seed=11, **shared)
    coarse = simulated(equation, PLANE, seed=12, substeps=8, **shared)
    fine = simulated(equation, PLANE, seed=13, substeps=64, **shared)
    study = Case("rmsprop", "ballistic", 2, "diffusion", 2, (V, BOTH), (2, 3, 4, 5), 100_000).study()
    for n, row in enumerate(study.rows[:2]):
        # Euler's error of first order in the substep is extrapolated away
        continuous = fine.means[-1, n] + (fine.means[-1, n] - coarse.means[-1, n]) / 7
        errors = (
            8 / 7 * fine.standard_errors[-1, n],
            coarse.standard_errors[-1, n] / 7,
            discrete.standard_errors[-1, n],
        )
        spread = math.hypot(*errors, row.standard_error)
        assert abs(continuous - discrete.means[-1, n] - row.weak_error) < 4 * spread + abs(row.own_error)
