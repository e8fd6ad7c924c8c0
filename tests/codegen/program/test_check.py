from dataclasses import replace

import pytest
import sympy as sp
from rmsprop_kernels import SDE, every_pace, one_track

from optsde.codegen.numba.cpu import emit
from optsde.codegen.program.check import check, check_name
from optsde.codegen.program.kernel import Kernel, Observable, Step, Track
from optsde.codegen.program.statements import Apply, Entry, Matrix, Number, Scalar, Stack, Total, Vector

x, y, p, z = sp.symbols("x y p z")
HOSTILE = [
    "x; import os",
    "__import__('os')",
    "lambda",
    "a b",
    "",
    "0x",
    "x\n",
    "é",
    "\ufb01x",
    "__class__",
    "x)",
    "None",
]


def step(*statements: object, **changes: object) -> Step:
    inputs = {
        "name": "test",
        "state": ("x",),
        "nonnegative": (),
        "noise": ("z",),
        "parameters": ("p",),
        "matrices": ("A",),
    }
    return Step(**{**inputs, "vectors": (), "statements": statements, "result": ("x",), **changes})


def kernel(one: Step, *observables: Observable) -> Kernel:
    return Kernel(2, (Track("alone", one, "step"),), observables, ((1.0,),))


def test_good_kernels_pass() -> None:
    check(every_pace(2))
    check(one_track(3, SDE, "pair"))
    e, n = sp.symbols("e n")
    check(
        kernel(
            step(
                Entry("e", "x", 0),
                Number("n", e * p),
                Stack("y", ("n", "e")),
                Vector("w", n * y),
                result=("w",),
            )
        )
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused_wherever_they_stand(name: str) -> None:
    with pytest.raises(ValueError, match="not a plain ASCII identifier"):
        check_name(name)
    x, bad = sp.Symbol("x"), sp.Symbol(name)
    for one in (step(Vector(name, x)), step(state=(name,), result=(name,)), step(parameters=(name,))):
        with pytest.raises(ValueError, match="not a plain ASCII identifier"):
            emit(kernel(one), "test", "unrolled")
    with pytest.raises(ValueError, match="is not defined there"):
        emit(kernel(step(Vector("y", x + bad))), "test", "unrolled")
    with pytest.raises(ValueError, match="not a plain ASCII identifier"):
        emit(Kernel(2, (Track(name, step(), "step"),), (), ()), "test", "unrolled")


BAD = [
    (step(Vector("y", x), Vector("y", x)), "the name 'y' is given twice"),
    (step(Vector("t", x)), "the name 't' is given twice or reserved"),
    (step(parameters=("x",)), "the name 'x' is given twice"),
    (step(Scalar("a", x)), "scalar 'a': 'x' is not defined there"),
    (step(Vector("y", sp.Symbol("later")), Vector("later", x)), "vector 'y': 'later' is not defined there"),
    (step(Total("a", sp.Symbol("a"))), "total 'a': 'a' is not defined there"),
    (step(Apply("y", Matrix("B"), ("x",))), "'B' is none of the matrices"),
    (step(Apply("y", Matrix("A"), ("p",))), "'p' is no earlier vector"),
    (step(Entry("e", "x", 2)), "index 2 is outside 0 ... 1"),
    (step(Entry("e", "p", 0)), "'p' is no earlier vector"),
    (step(Number("n", x)), "number 'n': 'x' is not defined there"),
    (step(Entry("e", "x", 0), Stack("y", ("e",))), r"stack 'y': \('e',\) are not 2 earlier numbers per path"),
    (step(Stack("y", ("x", "x"))), "stack 'y': .* are not 2 earlier numbers per path"),
    (step(Stack("y", ("p", "p"))), "stack 'y': .* are not 2 earlier numbers per path"),
    (step(result=("p",)), "the result 'p' is no vector"),
    (step(result=()), "0 results for 1 state blocks"),
    (step(nonnegative=("z",)), "the nonnegative block 'z'"),
    (
        step(widths=(("x", 3),)),
        r"the width 3 of 'x'; expected at least 1, of noise or a constant vector, one of \('z',\)",
    ),
    (step(widths=(("z", 0),)), "the width 0 of 'z'"),
    (step(Vector("y", x + z), widths=(("z", 3),)), "x \\+ z has vectors of several lengths: x of 2, z of 3"),
    (step(Total("y", x * z), widths=(("z", 3),)), "has vectors of several lengths"),
    (step(Vector("y", 2 * z), widths=(("z", 3),), result=("y",)), "the result 'y' has 3 entries; expected 2"),
    (
        step(Apply("y", Matrix("A"), ("x",)), Apply("w", Matrix("A"), ("z",)), widths=(("z", 3),)),
        "matrix 'A' is used with the shapes",
    ),
    (step(Apply("y", Matrix("A"), ("x",), 3), Entry("e", "y", 3)), "index 3 is outside 0 ... 2"),
]


@pytest.mark.parametrize(("one", "message"), BAD, ids=[message for _, message in BAD])
def test_inconsistent_steps_are_refused(one: Step, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(kernel(one))


def test_inconsistent_kernels_are_refused() -> None:
    good = every_pace(2)
    for change, message in [
        ({"dimension": 0}, "at least 1"),
        ({"dtype": "float16"}, "expected 'float64' or 'float32'"),
        ({"tracks": ()}, "at least one track"),
        ({"contrasts": ((1.0,),)}, "1 weights for 4 tracks"),
        ({"contrasts": ((1.0, float("nan"), 0.0, 0.0),)}, "expected weights of at most"),
        ({"tracks": (good.tracks[0], good.tracks[0])}, "the name 'fine' is given twice"),
        ({"tracks": (Track("alone", SDE, "often"),)}, "pace 'often'"),
        (
            {
                "tracks": (Track("a", step(), "step"), Track("b", step(widths=(("z", 3),)), "step")),
                "contrasts": (),
            },
            r"'z' has the lengths \[2, 3\] on several tracks",
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            check(replace(good, **change))


def test_observables_see_the_state_not_the_noise() -> None:
    for observable, message in [
        (Observable("o", (), z), "'z' is not defined there"),
        (Observable("o", (Vector("y", x),), y), "'y' is not defined there"),
        (Observable("o", (Scalar("y", p),), y), "it has a Scalar statement"),
    ]:
        with pytest.raises(ValueError, match=message):
            check(kernel(step(), observable))
    check(kernel(step(), Observable("o", (Total("y", x * p),), y)))
