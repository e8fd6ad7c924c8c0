import math

import numpy as np
import pytest
import sympy as sp

from optsde.codegen.lowering.regularisation import floor, smooth, unregularised
from optsde.codegen.lowering.steps import euler_maruyama_step
from optsde.codegen.objectives.quadratic import QuadraticFields
from optsde.derive import adam, ballistic, gaussian, modified_equation, parse_regime, rmsprop
from optsde.derive.derivation.chain import Chain
from optsde.derive.notation.symbols import tau
from optsde.runtime.studies.requests import (
    constants,
    positive,
    start_state,
    start_time,
    step_parameters,
    steps_in,
    whole,
)

CHAIN = Chain(rmsprop(), ballistic, gaussian())


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, -math.inf])
def test_only_finite_numbers_above_zero_are_positive(value):
    with pytest.raises(ValueError, match=f"tau is {value}; expected a finite number > 0"):
        positive("tau", value)
    assert positive("tau", 0.25) == 0.25


@pytest.mark.parametrize("value", [1, 2.5, math.nan, math.inf, -3])
def test_only_whole_numbers_from_the_least_on_are_whole(value):
    with pytest.raises(ValueError, match=f"paths is {value}; expected a whole number of at least 2"):
        whole("paths", value, 2)
    assert whole("paths", 2, 2) == 2


@pytest.mark.parametrize("value", ["ten", None, [1], 10**400, 2**63])
def test_what_is_no_number_or_too_large_is_refused(value):
    with pytest.raises(ValueError, match=r"paths is .*; expected a whole number of at"):
        whole("paths", value, 2)
    if value != 2**63:
        with pytest.raises(ValueError, match=r"tau is .*; expected a finite number > 0"):
            positive("tau", value)


def test_what_is_quoted_is_cut():
    with pytest.raises(ValueError, match=r"^tau is .{10,60}\.\.\.; expected"):
        positive("tau", "x" * 1000)


@pytest.mark.parametrize(
    ("horizon", "step", "number"),
    [(1, 0.25, 4), (10, 0.1, 100), (1, 1 / 3, 3), (0.3, 0.1, 3), (2, 2, 1), (1e6, 0.1, 10_000_000)],
)
def test_a_horizon_has_so_many_steps(horizon, step, number):
    assert steps_in(horizon, step) == number


@pytest.mark.parametrize(
    ("horizon", "step", "complaint"),
    [
        (1, 0.3, "horizon 1 is not a multiple of tau 0.3; take 0.9 or another tau"),
        (0.1, 0.3, "horizon 0.1 is not a multiple of tau 0.3; take 0.3 or another tau"),
        (1, -0.1, "tau is -0.1; expected a finite number > 0"),
        (-1, 0.1, "horizon is -1; expected a finite number > 0"),
        (math.nan, 0.1, "horizon is nan"),
        (math.inf, 0.1, "horizon is inf"),
        (1, math.nan, "tau is nan"),
        (1e308, 1e-308, r"horizon 1e\+308 is more than 1e\+15 steps of tau 1e-308; take a larger tau"),
        (1.0, 1e-300, "more than"),
    ],
)
def test_other_horizons_are_refused(horizon, step, complaint):
    with pytest.raises(ValueError, match=complaint):
        steps_in(horizon, step)


def test_the_start_is_a_whole_number_of_steps():
    assert start_time(0, 0.3) == 0.0
    assert start_time(1.0, 0.1) == pytest.approx(1.0, rel=1e-15)
    with pytest.raises(ValueError, match=r"t0 1 is not a multiple of tau 0\.3"):
        start_time(1.0, 0.3)
    with pytest.raises(ValueError, match=r"t0 is -1\.0; expected a finite number > 0"):
        start_time(-1.0, 0.5)


def test_a_number_stands_for_all_coordinates_and_blocks_have_their_own_start():
    np.testing.assert_array_equal(
        start_state({"theta": [1, 2, 3], "v": 0.5}, CHAIN, 3), [[1, 2, 3], [0.5, 0.5, 0.5]]
    )
    np.testing.assert_array_equal(start_state({}, CHAIN, 3), [[1, 0.5, 1], [1, 1, 1]])
    np.testing.assert_array_equal(start_state({"theta": 2}, CHAIN, 1), [[2], [1]])
    blocks = start_state({"m": -1}, Chain(adam(), ballistic, gaussian()), 1)
    np.testing.assert_array_equal(blocks, [[1], [-1], [1]])


@pytest.mark.parametrize(
    ("start", "complaint"),
    [
        ({"w": 1}, "start has a block 'w'; rmsprop has theta, v"),
        ({"theta": [1, 2]}, r"start of theta has shape \(2,\); expected a number or 3 numbers"),
        ({"theta": [[1, 2, 3]]}, r"start of theta has shape \(1, 3\)"),
        ({"theta": math.nan}, "start of theta is nan; expected finite numbers"),
        ({"theta": [1, math.inf, 0]}, r"start of theta is \[1.0, inf, 0.0\]; expected finite"),
        ({"v": -1e-3}, r"start of v is -0\.001; expected numbers >= 0"),
    ],
)
def test_other_starts_are_refused(start, complaint):
    with pytest.raises(ValueError, match=complaint):
        start_state(start, CHAIN, 3)


def test_constants_are_the_catalogues_unless_given():
    assert constants(CHAIN, None, unregularised()) == {"c": 0.5, "eps": 1e-6}
    assert constants(CHAIN, {"c": 2}, unregularised()) == {"c": 2.0, "eps": 1e-6}
    phi = floor(sp.Symbol("u") * tau)
    assert constants(CHAIN, {"u": 0.1}, phi) == {"c": 0.5, "eps": 1e-6, "u": 0.1}
    own = Chain(rmsprop(), parse_regime("lr=a*tau, alpha=1-c*tau, eps=b", rmsprop()), gaussian())
    assert constants(own, {"a": 3}, unregularised()) == {"a": 3.0, "b": 1e-6, "c": 0.5}


@pytest.mark.parametrize(
    ("given", "phi", "complaint"),
    [
        ({"q": 1.0}, unregularised(), "constant 'q'; rmsprop.* has c, eps"),
        ({"tau": 1.0}, smooth(), "constant 'tau'; rmsprop"),
        ({"c": math.nan}, unregularised(), "constant c is nan; expected a finite number"),
        ({"eps": math.inf}, unregularised(), "constant eps is inf"),
        ({}, smooth(sp.Symbol("u")), "no value for u; give one for each constant of regime, noise and phi"),
    ],
)
def test_other_constants_are_refused(given, phi, complaint):
    with pytest.raises(ValueError, match=complaint):
        constants(CHAIN, given, phi)


def test_a_step_is_given_what_it_names():
    step = euler_maruyama_step(
        modified_equation(rmsprop(), ballistic, gaussian(True), 2), QuadraticFields(), unregularised()
    )
    found = step_parameters(step, {"c": 0.5, "eps": 0.1, "unused": 7.0}, 0.25, 0.125)
    assert found == {"c": 0.5, "eps": 0.1, "tau": 0.25, "dt": 0.125}
