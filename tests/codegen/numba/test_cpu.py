import ast
import builtins
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
import sympy as sp
from rmsprop_kernels import RMSPROP, SDE, every_pace, one_track

from optsde.codegen.numba.cpu import emit
from optsde.codegen.numba.cuda import emit_cuda
from optsde.codegen.numba.frame import Shape, usual_shape
from optsde.codegen.numba.identifiers import LOCALS, NUMBERED, Names
from optsde.codegen.program.kernel import Kernel, Step, Track, antithetic
from optsde.codegen.program.statements import Entry, Number, Stack, Vector

SHAPES: list[Shape] = ["unrolled", "looped"]
EMITTERS = [emit, emit_cuda]


@pytest.mark.parametrize("write", EMITTERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_source_reads_from_top_to_bottom(write: Callable, shape: Shape, dtype: str) -> None:
    source = write(every_pace(2, dtype), "0123abcd", shape)
    tree = ast.parse(source)
    header = ast.get_docstring(tree) or ""
    for wanted in ("0123abcd", dtype, shape, SDE.name, RMSPROP.name, "theta, v", "theta2, loss, v0"):
        assert wanted in header
    assert "theta_next" in source
    assert source.count("# draw") == 1  # the slower tracks receive the same noise
    assert source.isascii()


@pytest.mark.parametrize("write", EMITTERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_all_variables_of_the_template_are_reserved(write: Callable, shape: Shape) -> None:
    """Otherwise a user's symbol of that name would overwrite it."""
    functions = [
        f
        for f in ast.parse(write(every_pace(2), "test", shape)).body
        if getattr(f, "name", "product") != "product"
    ]
    tree = ast.Module(functions, [])
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    users = (
        "fine_",
        "coarse",
        "optimizer_",
        "theta",
        "v_",
        "z1_",
        "z2_",
        "A",
        "Q",
        "D",
        "F_",
        "H_",
        "N1_",
        "N2_",
        "P_",
        "PF_",
        "G_",
        "w_",
        "y_",
        "g_",
        "a",
        "b",
        "e",
        "root",
        "inverse",
        "common",
    )
    template = {n for n in names if not n.startswith(users)} | {
        n for n in names if n in ("at", "abs", "block")
    }
    assert {n for n in template if not NUMBERED.fullmatch(n)} <= {*LOCALS.split(), *dir(builtins)}


def test_numbers_and_entries_are_variables_of_the_lane_loop() -> None:
    a, b, x, y = sp.symbols("a b x y")
    one = Step(
        "test",
        ("x",),
        (),
        ("z",),
        (),
        (),
        (),
        (
            Entry("a", "x", 0),
            Entry("b", "z", 1),
            Number("c", a * b + 2),
            Stack("y", ("b", "c")),
            Vector("w", x * y),
        ),
        ("w",),
    )
    source = emit(Kernel(2, (Track("alone", one, "step"),), (), ((1.0,),)), "test", "unrolled")
    body = source[source.index("def alone_step") :].splitlines()
    assert [line.strip() for line in body[:6]] == [
        "def alone_step(x_0, x_1, z_0, z_1):",
        "# test",
        "c = 2.0 + x_0*z_1",
        "w_0 = x_0*z_1",
        "w_1 = x_1*c",
        "return w_0, w_1",
    ]
    assert "X[lane], X[32 + lane] = alone_step(X[lane], X[32 + lane], z_0, z_1)" in source


@pytest.mark.parametrize("write", EMITTERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_tracks_that_take_the_same_step_share_its_function(write: Callable, shape: Shape) -> None:
    """Three tracks of `every_pace` are RMSprop; all four have the same state to be observed."""
    tree = ast.parse(write(antithetic(every_pace(2)), "test", shape))
    called = Counter(
        n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    )
    defined = [f.name for f in tree.body if isinstance(f, ast.FunctionDef)]
    for name, tracks in {
        "fine_step": 2,
        "coarse_step": 6,
        "fine_observe": 8,
        "fine_setup": 2,
        "coarse_setup": 6,
    }.items():
        assert (defined.count(name), called[name]) == (1, tracks)
    assert not {"coarsest_step", "optimizer_step", "mirrored_fine_step", "coarse_observe"} & set(defined)


def test_the_dimension_decides_the_shape() -> None:
    assert usual_shape(one_track(2, RMSPROP, "step")) == "unrolled"
    assert usual_shape(one_track(20, RMSPROP, "step")) == "looped"


@pytest.mark.parametrize("write", EMITTERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_names_for_people_cannot_leave_their_comments(write: Callable, shape: Shape) -> None:
    """Names of steps and observables are free text; they stand in comments and in the header only."""
    hostile = 'x\nimport os\r\x0cimport sys"""\nimport os\\"""\u2028import os # é'
    kernel = one_track(2, replace(RMSPROP, name=hostile), "step")
    kernel = replace(kernel, observables=tuple(replace(o, name=hostile) for o in kernel.observables))
    found, plain = (ast.parse(write(k, "test", shape)) for k in (kernel, one_track(2, RMSPROP, "step")))
    for tree in (found, plain):
        del tree.body[0]  # the header
    assert ast.dump(found) == ast.dump(plain)


def test_names_are_unique_and_stable() -> None:
    names = Names()
    given = [names(key, "x_1") for key in ("a", "b", "a")]
    assert given == ["x_1", "x_1_", "x_1"]
    assert names("lane", "lane") == "lane_"
    assert names("total", "sum0") == "sum0_"
