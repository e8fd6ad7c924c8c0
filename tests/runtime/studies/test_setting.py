"""The objects at the door: what they complete, and what they refuse in one line."""

import numpy as np
import pytest

from optsde.codegen.lowering.regularisation import floor, smooth
from optsde.derive import ballistic, gaussian, modified_equation, rmsprop, sgd
from optsde.derive.derivation.chain import Chain
from optsde.derive.notation.symbols import tau
from optsde.derive.schemes.known import heun
from optsde.runtime import Ensemble, Integrator, Quadratic, Setting, leading_error, simulate, weak_error

LINE = Quadratic([[1.0]])
EQUATION = modified_equation(sgd(), ballistic, gaussian(constant=True), 1)


def test_names_stand_for_what_they_name():
    integrator = Integrator("Heun", 8, "floor:tau/2")
    assert integrator == Integrator(heun, 8, floor(tau / 2))
    assert Integrator(regularisation="smooth") == Integrator(regularisation=smooth())
    assert Setting(LINE, 1, observables="theta[0]").observables == ("theta[0]",)


def test_a_setting_keeps_its_own_arrays():
    start = np.array([1.0, 2.0])
    setting = Setting(Quadratic([1.0, 2.0]), 1, start={"theta": start})
    start[0] = 7
    np.testing.assert_array_equal(setting.start["theta"], [1, 2])
    with pytest.raises(ValueError, match="read-only"):
        setting.start["theta"][0] = 7
    with pytest.raises(TypeError):
        setting.start["v"] = 1


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Setting(None, 1), "problem is a NoneType; expected a Quadratic"),
        (lambda: Setting(np.eye(2), 1), "problem is a ndarray; expected a Quadratic"),
        (lambda: Setting(LINE, -1), "horizon is -1; expected a finite number > 0"),
        (lambda: Setting(LINE, "long"), "horizon is 'long'; expected a finite number > 0"),
        (lambda: Setting(LINE, 1, start=[1, 2]), r"start is \[1, 2\]; expected blocks"),
        (lambda: Setting(LINE, 1, constants="c"), "constants is 'c'; expected names and numbers"),
        (
            lambda: Setting(LINE, 1, constants={"c": 10**400}),
            "constant c is 1000.*; expected a finite number",
        ),
        (lambda: Setting(LINE, 1, observables=[1]), "observable 1; expected text"),
        (lambda: Setting(LINE, 1, noise_free_steps=1.5), "noise-free steps is 1.5; expected a whole number"),
        (lambda: Integrator("euler"), "unknown scheme 'euler'; expected one of euler-maruyama"),
        (lambda: Integrator(3), "scheme is a int; expected one of optsde.schemes or its name"),
        (lambda: Integrator(regularisation="rough"), "unknown regularisation 'rough'"),
        (
            lambda: Integrator(regularisation=1),
            "regularisation is a int; expected one of optsde.regularisations",
        ),
        (lambda: Integrator(substeps=0), "substeps is 0; expected a whole number of at least 1"),
        (
            lambda: Integrator(substeps=2**63),
            "substeps is 9223372036854775808; expected a whole number of at most",
        ),
        (lambda: Ensemble(paths=1), "paths is 1; expected a whole number of at least 2"),
        (lambda: Ensemble(paths=10**18), "paths is 1000000000000000000; expected a whole number of at most"),
        (lambda: Ensemble(seed=2**64), "seed is 18446744073709551616; expected a whole number of at most"),
        (lambda: Ensemble(dtype="float16"), "dtype 'float16'; expected float64 or float32"),
        (lambda: Ensemble(device="tpu"), "device 'tpu'; expected cpu or cuda"),
        (lambda: Ensemble(threads=0), "threads is 0; expected a whole number of at least 1"),
        (lambda: Ensemble(antithetic="yes"), "antithetic is 'yes'; expected True or False"),
        (lambda: Ensemble(precision=0), "precision is 0; expected a finite number > 0"),
        (
            lambda: simulate(None, Setting(LINE, 1), tau=1),
            "got a NoneType; expected a Chain or Equation",
        ),
        (lambda: simulate("rmsprop", Setting(LINE, 1), tau=1), "got a str; expected"),
        (lambda: simulate(rmsprop(), Setting(LINE, 1), tau=1), "got a UpdateRule; expected"),
        (lambda: simulate(EQUATION, LINE, tau=1), "setting is a Quadratic; expected a Setting"),
        (
            lambda: simulate(EQUATION, Setting(LINE, 1), tau=1, only_path=2**64),
            "only_path is 18446744073709551616",
        ),
        (
            lambda: weak_error(EQUATION.chain, Setting(LINE, 1), taus=[1]),
            "got a Chain; expected a Equation",
        ),
        (lambda: weak_error(EQUATION, Setting(LINE, 1), taus=[]), r"taus are \[\]; expected at least one"),
        (
            lambda: weak_error(EQUATION, Setting(LINE, 1), taus=0.5),
            "taus are 0.5; expected a sequence of numbers",
        ),
        (lambda: leading_error(EQUATION, LINE), "setting is a Quadratic; expected a Setting"),
        (
            lambda: weak_error(EQUATION, Setting(LINE, 1), taus=[1], ensemble=Ensemble(dtype="float32")),
            "dtype float32 of a study; expected float64",
        ),
    ],
)
def test_other_things_are_refused_in_one_line(make, complaint):
    with pytest.raises(ValueError, match=complaint) as caught:
        make()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_an_optimizer_is_its_chain():
    assert isinstance(EQUATION.chain, Chain)
    run = simulate(EQUATION.chain, Setting(LINE, 1), tau=0.5, ensemble=Ensemble(paths=10))
    assert run.settings["tau"] == 0.5
