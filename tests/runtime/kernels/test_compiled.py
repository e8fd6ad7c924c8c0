"""Kernels against NumPy with the same draws, and what they promise about bits, masks and counts."""

import math

import numpy as np
import pytest
import sympy as sp
from rmsprop_kernels import RMSPROP, SDE, Numbers, every_pace, one_track, reference, two_paces

from optsde.codegen.numba.frame import Shape
from optsde.codegen.program.kernel import Kernel, Observable, Step, Track
from optsde.codegen.program.statements import Apply, Matrix, Scalar, Total, Vector
from optsde.runtime.kernels.compiled import compile_kernel
from optsde.runtime.kernels.rng import normals

SHAPES: list[Shape] = ["unrolled", "looped"]


KERNELS: dict[Shape, Kernel] = {"unrolled": every_pace(2), "looped": two_paces(13)}


def observed(x: np.ndarray, A: np.ndarray) -> np.ndarray:
    """The observables of `every_pace` but for the first, shape (..., 2)."""
    theta, v = x[..., 0, :], x[..., 1, :]
    return np.stack([((theta @ A.T) * theta).sum(-1) / 2, np.sqrt(np.abs(v[..., 0]))], axis=-1)


@pytest.mark.parametrize("shape", SHAPES)
def test_all_paces_equal_numpy_with_the_same_draws(shape: Shape) -> None:
    kernel, paths = KERNELS[shape], range(1024, 1024 + 300)
    numbers = Numbers(kernel.dimension)
    given = numbers.inputs(kernel)
    totals = compile_kernel(kernel, shape).run(
        **given, n_paths=300, first_path=1024, seed=11, record_steps=[1, 3], n_keep=300
    )
    states = reference(kernel, numbers, paths, 11)
    for name, x in states.items():
        np.testing.assert_allclose(totals.finals[name], x[-1], rtol=1e-12, atol=1e-12)
    values = np.stack([observed(x, given["matrices"]["A"]) for x in states.values()], axis=-1)[[0, 2]]
    contrasts = np.einsum("rpot,ct->rpoc", values, np.array(kernel.contrasts))
    np.testing.assert_allclose(totals.sums[:, -2:], contrasts.sum(axis=1), rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(totals.squares[:, -2:], (contrasts**2).sum(axis=1), rtol=1e-12, atol=1e-12)
    assert totals.counts.tolist() == [300, 300]
    assert not totals.nonfinite.any()


def test_both_shapes_agree() -> None:
    kernel = one_track(3, RMSPROP, "step")
    given = Numbers(3).inputs(kernel) | {"n_paths": 500, "seed": 3, "record_steps": [1, 2, 3]}
    one, other = (compile_kernel(kernel, shape).run(**given) for shape in SHAPES)
    np.testing.assert_allclose(one.sums, other.sums, rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(one.squares, other.squares, rtol=1e-12, atol=1e-12)
    assert one.negative.tolist() == other.negative.tolist()


@pytest.mark.parametrize(
    ("pace", "shape"), [("substep", "looped"), ("quad", "unrolled"), ("pair", "looped"), ("step", "unrolled")]
)
def test_a_track_alone_draws_at_its_own_pace(pace: str, shape: Shape) -> None:
    kernel, numbers = one_track(3, RMSPROP, pace), Numbers(3)  # three normals a step: an odd number
    totals = compile_kernel(kernel, shape).run(
        **numbers.inputs(kernel), n_paths=40, seed=5, record_steps=[3], n_keep=40
    )
    x = reference(kernel, numbers, range(40), 5)["alone"][-1]
    np.testing.assert_allclose(totals.finals["alone"], x, rtol=1e-12)
    np.testing.assert_allclose(totals.sums[0, 0, 0], (x[:, 0] ** 2).sum(), rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_single_precision_equals_numpy_up_to_rounding(shape: Shape) -> None:
    """24 steps of some fifty operations, each with an error of 6e-8, errors at worst added up: 7e-5."""
    kernel, numbers = one_track(2, SDE, "substep", "float32"), Numbers(2)
    totals = compile_kernel(kernel, shape).run(
        **numbers.inputs(kernel), n_paths=64, seed=9, record_steps=[3], n_keep=64
    )
    x = reference(kernel, numbers, range(64), 9)["alone"][-1]
    assert totals.finals["alone"].dtype == np.float32
    np.testing.assert_allclose(totals.finals["alone"], x, rtol=7e-5, atol=7e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_threads_and_slices_do_not_change_a_bit(shape: Shape) -> None:
    kernel = one_track(3, RMSPROP, "step")
    given = Numbers(3).inputs(kernel) | {"record_steps": [2, 3]}
    run = compile_kernel(kernel, shape).run
    whole = run(**given, seed=8, n_paths=5000, threads=1, n_keep=5000)
    threaded = run(**given, seed=8, n_paths=5000, threads=3, n_keep=5000)
    pieces = [(0, 2048), (3072, 1928), (2048, 1024)]
    parts = [run(**given, seed=8, n_paths=n, first_path=first, threads=2, n_keep=n) for first, n in pieces]
    for other in (threaded, parts[0] + parts[1] + parts[2]):
        assert other.exact == whole.exact
        assert other.ranges == ((0, 5000),)
        assert np.array_equal(other.finals["alone"], whole.finals["alone"][: len(other.finals["alone"])])
    for (first, n), part in zip(pieces, parts, strict=True):
        assert np.array_equal(part.finals["alone"], whole.finals["alone"][first : first + n])
    assert run(**given, seed=9, n_paths=5000).exact != whole.exact


def test_only_the_paths_asked_for_are_counted() -> None:
    kernel = one_track(3, RMSPROP, "step")
    run = compile_kernel(kernel).run
    for n in (1, 15, 17, 1023, 1025):
        totals = run(**Numbers(3).inputs(kernel), seed=8, record_steps=[3], n_paths=n, n_keep=n)
        assert totals.counts.tolist() == [n]
        assert totals.finals["alone"].shape == (n, 2, 3)
        np.testing.assert_allclose(
            totals.sums[0, 0, 0], (totals.finals["alone"][:, 0] ** 2).sum(), rtol=1e-12
        )


@pytest.mark.parametrize("shape", SHAPES)
def test_each_path_may_start_elsewhere(shape: Shape, monkeypatch) -> None:
    """More paths than in a unit, in several slices; every third one starts elsewhere."""
    monkeypatch.setattr("optsde.runtime.kernels.compiled.SLICE_WORK", 1)
    kernel, n = one_track(3, RMSPROP, "step"), 2060
    given = Numbers(3).inputs(kernel) | {"record_steps": [3], "seed": 8, "n_paths": n, "n_keep": n}
    common = given["start"]["alone"]
    other = 1.5 * common
    starts = np.where((np.arange(n) % 3 == 1)[:, None, None], other, common)
    run = compile_kernel(kernel, shape).run
    each, first, second = (
        run(**given | {"start": {"alone": x}}).finals["alone"] for x in (starts, common, other)
    )
    assert np.array_equal(each[1::3], second[1::3])
    assert np.array_equal(each[0::3], first[0::3])
    assert not np.array_equal(first, second)


def test_progress_reaches_all_paths() -> None:
    seen: list[tuple[int, int]] = []
    kernel = one_track(3, RMSPROP, "step")
    given = Numbers(3).inputs(kernel)
    compile_kernel(kernel).run(
        **given,
        n_paths=300_000,
        seed=0,
        record_steps=[],
        threads=2,
        progress=lambda *counts: seen.append(counts),
    )
    assert len(seen) > 1
    assert seen == sorted(seen)
    assert seen[-1] == (300_000, 300_000)


def scalar_kernel(step: Step) -> Kernel:
    x = sp.Symbol("x")
    return Kernel(
        1, (Track("alone", step, "step"),), (Observable("x", (Total("a", x),), sp.Symbol("a")),), ((1.0,),)
    )


NO_INPUTS = {"parameters": {"alone": {}}, "matrices": {}, "vectors": {}, "tau": 1.0}


@pytest.mark.parametrize("shape", SHAPES)
def test_paths_that_diverge_are_left_out_and_counted(shape: Shape) -> None:
    """x is multiplied by 1e100 or by 0 with equal chance: beyond 1e140 a value has no finite square sum."""
    x, z = sp.symbols("x z")
    step = Step(
        "grow", ("x",), (), ("z",), (), (), (), (Vector("y", x * sp.Heaviside(z) * sp.Float(1e100)),), ("y",)
    )
    totals = compile_kernel(scalar_kernel(step), shape).run(
        **NO_INPUTS, start={"alone": [[1.0]]}, n_steps=5, n_paths=500, seed=1, record_steps=[1, 2, 5]
    )
    z_drawn = np.stack([normals(1, path, 10)[::2] for path in range(500)]) > 0
    twice = z_drawn[:, :2].all(axis=1)
    assert 0 < twice.sum() < 500
    assert totals.counts.tolist() == [500, 500 - twice.sum(), 500 - twice.sum()]
    assert totals.nonfinite.tolist() == [twice.sum()]
    np.testing.assert_allclose(totals.sums[:, 0, 0], [1e100 * z_drawn[:, 0].sum(), 0.0, 0.0], rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_not_a_number_is_left_out_and_counted(shape: Shape) -> None:
    y, z = sp.symbols("y z")
    step = Step("root", ("x", "y"), (), ("z",), (), (), (), (Vector("u", sp.sqrt(y + z)),), ("x", "u"))
    totals = compile_kernel(scalar_kernel(step), shape).run(
        **NO_INPUTS, start={"alone": [[2.0], [1.0]]}, n_steps=1, n_paths=300, seed=2, record_steps=[1]
    )
    good = sum(1.0 + normals(2, path, 1)[0] >= 0 for path in range(300))
    assert 0 < good < 300
    assert (totals.counts.tolist(), totals.nonfinite.tolist()) == ([good], [300 - good])
    assert totals.sums[0, 0, 0] == 2.0 * good


@pytest.mark.parametrize("shape", SHAPES)
def test_paths_that_become_negative_are_counted_once_and_kept(shape: Shape) -> None:
    x, z = sp.symbols("x z")
    step = Step("walk", ("x",), ("x",), ("z",), (), (), (), (Vector("y", x + z),), ("y",))
    totals = compile_kernel(scalar_kernel(step), shape).run(
        **NO_INPUTS, start={"alone": [[1.0]]}, n_steps=4, n_paths=300, seed=4, record_steps=[4]
    )
    walks = 1 + np.cumsum([normals(4, path, 8)[::2] for path in range(300)], axis=1)
    assert totals.negative.tolist() == [(walks.min(axis=1) < 0).sum()]
    assert totals.counts.tolist() == [300]
    np.testing.assert_allclose(totals.sums[0, 0, 0], walks[:, -1].sum(), rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_without_noise_is_the_same_on_all_paths(shape: Shape) -> None:
    x, p, t = sp.symbols("x p t")
    step = Step("decay", ("x",), (), (), ("p",), (), (), (Vector("y", x * (1 - p * t)),), ("y",))
    totals = compile_kernel(scalar_kernel(step), shape).run(
        **(NO_INPUTS | {"parameters": {"alone": {"p": 0.1}}}),
        start={"alone": [[2.0]]},
        t0=1.0,
        n_steps=3,
        n_paths=7,
        seed=0,
        record_steps=[3],
    )
    exact = 2.0 * (1 - 0.1) * (1 - 0.2) * (1 - 0.3)
    np.testing.assert_allclose(
        [totals.sums[0, 0, 0], totals.squares[0, 0, 0]], [7 * exact, 7 * exact**2], rtol=1e-14
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_names_of_the_template_and_shared_names_are_safe(shape: Shape) -> None:
    """Blocks, vectors and parameters may be called like variables of the source, and like each other's on
    other tracks.
    """
    lane, X, at, n = sp.symbols("lane X at n")
    first = Step(
        "first", ("lane", "X"), (), ("k",), ("at",), ("x0",), ("S",),
        (Scalar("q", 2 * at), Apply("n", Matrix("x0"), ("S",)), Apply("m", Matrix("x0"), ("k",)),
         Total("low", X), Vector("good", lane + n * sp.Symbol("q")),
         Vector("value", X + sp.Symbol("m") + sp.Symbol("low"))),
        ("good", "value"),
    )  # fmt: skip
    second = Step(
        "second", ("lane", "X"), (), (), ("q",), (), (), (Vector("k", lane * sp.Symbol("q")),), ("X", "k")
    )
    total = Observable("q", (Total("sum0", lane + X),), sp.Symbol("sum0"))
    kernel = Kernel(
        2, (Track("a", first, "step"), Track("b", second, "step")), (total,), ((1.0, 0.0), (0.0, 1.0))
    )
    R, S, start = (
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        np.array([1.0, -2.0]),
        np.array([[1.0, 2.0], [3.0, 5.0]]),
    )
    totals = compile_kernel(kernel, shape).run(
        parameters={"a": {"at": 0.5}, "b": {"q": 7.0}},
        matrices={"x0": R},
        vectors={"S": S},
        start={"a": start, "b": start},
        tau=1.0,
        n_steps=1,
        n_paths=1,
        seed=6,
        record_steps=[1],
        n_keep=1,
    )
    z = normals(6, 0, 2)
    np.testing.assert_allclose(totals.finals["a"][0], [start[0] + R @ S, start[1] + R @ z + 8.0], rtol=1e-14)
    np.testing.assert_allclose(totals.finals["b"][0], [start[1], 7 * start[0]], rtol=1e-14)
    np.testing.assert_allclose(
        totals.sums[0, 0], [x.sum() for x in (totals.finals["a"], totals.finals["b"])], rtol=1e-14
    )


BAD = [
    ({"tau": -1.0}, "tau is -1.0; expected a positive number"),
    ({"tau": math.nan}, "tau is nan"),
    ({"t0": math.inf}, "t0 is inf"),
    ({"n_paths": 0}, "n_paths is 0; expected a whole number of at least 1"),
    ({"n_steps": 0}, "n_steps is 0"),
    ({"substeps": 0}, "substeps is 0"),
    ({"substeps": 6}, "substeps is 6; track 'coarsest' needs a multiple of 4"),
    ({"n_paths": 1.5}, "n_paths is 1.5; expected a whole number"),
    ({"first_path": 100}, "first_path is 100; expected a multiple of 1024, or a single path"),
    ({"seed": -1}, "seed is -1"),
    ({"seed": 2**64}, "expected a number below"),
    ({"n_keep": -1}, "n_keep is -1"),
    ({"threads": 0}, "threads is 0; expected a whole number of at least 1"),
    ({"record_steps": [0]}, r"record_steps are \[0\]; expected increasing whole numbers in 1 ... 3"),
    ({"record_steps": [2, 1]}, "expected increasing"),
    ({"record_steps": [4]}, "expected increasing"),
    ({"parameters": {}}, "parameters: expected the names .* missing .*'fine'"),
    ({"matrices": {}}, r"matrices: expected the names \['A', 'Q'\]; missing \['A', 'Q'\]"),
    ({"matrices": {"A": np.eye(2), "Q": np.eye(3)}}, r"'Q' has shape \(3, 3\); expected \(2, 2\)"),
    ({"matrices": {"A": np.eye(2), "Q": np.eye(2), "B": np.eye(2)}}, r"unknown \['B'\]"),
    ({"vectors": {"D": [1.0, math.nan]}}, "'D' is not finite"),
    (
        {"start": {track.name: np.ones((2, 3)) for track in every_pace(2).tracks}},
        r"shape \(2, 3\); expected \(2, 2\)",
    ),
]


def test_bad_input_is_refused() -> None:
    kernel = KERNELS["unrolled"]
    compiled = compile_kernel(kernel, "unrolled")
    good = Numbers(2).inputs(kernel) | {"n_paths": 10, "seed": 0, "record_steps": [1]}
    parameters = good["parameters"]
    fine = parameters["fine"]
    wrong = [
        ({k: x for k, x in fine.items() if k != "dt"}, r"track 'fine': expected .* missing \['dt'\]"),
        (fine | {"lr": 1.0}, r"unknown \['lr'\]"),
        (fine | {"dt": math.inf}, "'dt' of track 'fine' is not finite"),
        (fine | {"dt": [1.0, 2.0]}, r"'dt' of track 'fine' has shape \(2,\)"),
    ]
    for change, message in BAD + [
        ({"parameters": parameters | {"fine": values}}, message) for values, message in wrong
    ]:
        with pytest.raises(ValueError, match=message):
            compiled.run(**(good | change))
