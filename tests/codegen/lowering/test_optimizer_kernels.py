"""Every optimizer's generated kernel against its library's rule, on the same noise, for 300 steps."""

from collections.abc import Callable

import numpy as np
import pytest
from discrete_cases import (
    CASES,
    MODIFIED,
    PATHS,
    PROBLEM,
    STEPS,
    TOLERANCE,
    Case,
    by_hand,
    by_kernel,
    first_state,
)

from optsde.codegen.lowering.steps import optimizer_step
from optsde.derive.derivation.chain import Chain
from optsde.derive.noise.laws import gaussian
from optsde.derive.optimizers.adaptive import rmsprop
from optsde.derive.optimizers.catalogue import all_rules
from optsde.derive.regimes import parse_regime

DEFAULT = [*{case.rule.name: case for case in reversed(CASES)}.values(), *MODIFIED[:3]]
"""The first variant of each rule, and a modifier of each kind; the others in `make check`: compiling takes
the time.
"""
NAMED = pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[pytest.mark.slow] * (case not in DEFAULT), id=case.name)
        for case in CASES + MODIFIED
    ],
)


def largest_error(case: Case, step: Callable[..., None], numbers: dict[str, float]) -> float:
    """The largest difference in theta over all paths at some times, relative to max(1, abs(theta))."""
    errors = []
    start = np.array([first_state(case)[b.name] for b in case.rule.blocks])
    for path in range(PATHS):
        wanted = by_hand(case, step, numbers, path, case.by_hand)
        begin = wanted[case.by_hand - 1] if case.by_hand else start
        for after in (1, 2, 7, 50, STEPS):
            found = (
                by_kernel(case, numbers, after - case.by_hand, begin, case.by_hand)[path]
                if after > case.by_hand
                else None
            )
            if found is not None:
                errors.append(
                    np.max(
                        np.abs(found[0] - wanted[after - 1][0]) / np.maximum(1, np.abs(wanted[after - 1][0]))
                    )
                )
    return max(errors)


def _values(case: Case, eps: float | None) -> dict[str, float]:
    return case.numbers | ({"eps": eps} if eps is not None and "eps" in case.numbers else {})


@NAMED
def test_kernel_is_the_library_rule_and_no_other(case: Case) -> None:
    for eps in (None, 1e-2):
        numbers = _values(case, eps)
        assert largest_error(case, case.step, numbers) <= TOLERANCE
        for wrong in case.wrong:
            assert largest_error(case, wrong, numbers) > 100 * TOLERANCE


def test_a_constant_must_not_bear_a_name_of_the_kernel() -> None:
    for constant in ("k1", "g_mean", "minimum"):
        regime = parse_regime(f"lr=tau, alpha=1-{constant}*tau", rmsprop())
        with pytest.raises(
            ValueError, match=f"the kernel needs the name {constant} itself; rename the constant"
        ):
            optimizer_step(Chain(rmsprop(), regime, gaussian()), PROBLEM.fields)


def test_every_optimizer_is_here() -> None:
    assert [case.name for case in CASES] == [f"{rule.name}-{rule.variant}" for rule in all_rules()]
