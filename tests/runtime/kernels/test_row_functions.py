"""Kernels that apply functions of whole vectors, wide matrices and their transposes: logistic regression."""

from dataclasses import replace

import numpy as np
import pytest
import row_functions
import sympy as sp
from row_functions import logistic, logistic_slope

from optsde.codegen.numba.cpu import emit
from optsde.codegen.numba.cuda import emit_cuda
from optsde.codegen.program.kernel import Kernel, Observable, Step, Track
from optsde.codegen.program.linearised import linearised
from optsde.codegen.program.statements import Apply, Function, Matrix, Total, Vector
from optsde.runtime.kernels.compiled import compile_kernel
from optsde.runtime.kernels.interpreter import carry_out
from optsde.runtime.kernels.modules import name_of
from optsde.runtime.kernels.rng import normals

D, N, LR, SEED, PATHS, STEPS = 3, 7, 0.3, 4, 70, 5
RANDOM = np.random.default_rng(2)
FEATURES, LABELS = RANDOM.normal(size=(N, D)), RANDOM.integers(0, 2, N).astype(float)
START = np.array([[0.5, -0.2, 0.1]])
theta, z, seen, labels, mean = sp.symbols("theta zeta1 seen labels mean", real=True)
FITTED = (
    Apply("predictor", Matrix("A"), ("theta",), N),
    Apply("seen", Function(logistic, (Function(logistic_slope),)), ("predictor",), N),
    Vector("residual", seen - labels),
)
STEP = Step(
    "regression", ("theta",), (), ("zeta1",), ("lr",), ("A",), ("labels",),
    (*FITTED, Apply("mean", Matrix("A", transposed=True), ("residual",)),
     Vector("next", theta - sp.Symbol("lr") * (mean / N + z / 10))),
    ("next",), widths=(("labels", N),),
)  # fmt: skip
SQUARES = Observable(
    "squares",
    (*FITTED, Total("total", sp.Symbol("residual", real=True) ** 2)),
    sp.Symbol("total"),
    ("labels",),
)
KERNEL = Kernel(D, (Track("sgd", STEP, "step"),), (SQUARES,), ((1.0,),))


def run(kernel: Kernel, shape=None, **more):
    return compile_kernel(kernel, shape).run(
        parameters={t.name: {"lr": LR} for t in kernel.tracks},
        matrices={"A": FEATURES}, vectors={"labels": LABELS},
        start={t.name: np.tile(START, (len(t.step.state), 1)) for t in kernel.tracks},
        tau=1.0, n_steps=STEPS, t0=0.0, n_paths=PATHS, seed=SEED, record_steps=[STEPS], n_keep=PATHS, **more,
    )  # fmt: skip


def drawn(path: int) -> np.ndarray:
    """Return the noise by step: numbers are drawn in pairs."""
    return normals(SEED, path, (D + 1) * STEPS).reshape(STEPS, D + 1)[:, :D]


def by_hand(path: int) -> np.ndarray:
    point = START[0].copy()
    for noise in drawn(path):
        residual = 1 / (1 + np.exp(-FEATURES @ point)) - LABELS
        point = point - LR * (FEATURES.T @ residual / N + noise / 10)
    return point


def test_a_kernel_with_a_function_is_the_step_in_numpy():
    totals = run(KERNEL)
    ends = np.array([by_hand(path) for path in range(PATHS)])
    np.testing.assert_allclose(totals.finals["sgd"][:, 0], ends, rtol=1e-12)
    squares = ((1 / (1 + np.exp(-ends @ FEATURES.T)) - LABELS) ** 2).sum(axis=1)
    np.testing.assert_allclose(totals.sums[0, 0, 0], squares.sum(), rtol=1e-12)


def test_the_interpreter_applies_it_to_all_states_at_once():
    states = RANDOM.normal(size=(4, 2, D))
    values = {"theta": states, "labels": LABELS, "zeta1": np.zeros(D), "lr": LR}
    found = carry_out(STEP.statements, values, {"A": FEATURES}, D)["next"]
    residual = 1 / (1 + np.exp(-states @ FEATURES.T)) - LABELS
    np.testing.assert_allclose(found, states - LR * residual @ FEATURES / N, rtol=1e-13)


def test_its_linearisation_uses_the_derivative_of_the_function():
    """x' = m' + A (x - m) + G zeta: a track of it starts where the other does, and stays near."""
    linear = Track("linear", linearised(STEP), "step")
    kernel = replace(KERNEL, tracks=(*KERNEL.tracks, linear), contrasts=((1.0, 0.0),))
    totals = run(kernel)
    mean = START[0].copy()
    means, ends = [mean], []
    for _ in range(STEPS):
        residual = 1 / (1 + np.exp(-FEATURES @ mean)) - LABELS
        mean = mean - LR * FEATURES.T @ residual / N
        means.append(mean)
    for path in range(PATHS):
        deviation = np.zeros(D)
        for point, noise in zip(means, drawn(path), strict=False):
            slope = 1 / (2 + np.exp(FEATURES @ point) + np.exp(-FEATURES @ point))
            deviation = deviation - LR * (FEATURES.T @ (slope * (FEATURES @ deviation)) / N + noise / 10)
        ends.append(mean + deviation)
    np.testing.assert_allclose(totals.finals["linear"][:, 0], ends, rtol=1e-11)


def test_rows_take_the_looped_shape_and_the_cpu():
    assert "looped" in compile_kernel(KERNEL).source.split('"""')[1]
    with pytest.raises(ValueError, match="functions of vectors; expected the shape 'looped'"):
        emit(KERNEL, "name", "unrolled")
    with pytest.raises(ValueError, match="the function logistic in a CUDA kernel; expected matrices"):
        emit_cuda(KERNEL, "name", "looped")


@pytest.mark.parametrize("transposed", [False, True])
def test_wide_matrices_are_the_same_in_both_shapes(transposed):
    linear = (
        Apply("predictor", Matrix("A"), ("theta",), N),
        Vector("residual", sp.tanh(sp.Symbol("predictor", real=True)) - labels),
        Apply("mean", Matrix("A", transposed=True), ("residual",)),
    )
    step = replace(STEP, statements=(*linear, STEP.statements[-1]))
    kernel = replace(KERNEL, tracks=(Track("sgd", step, "step"),), observables=())
    one, other = (run(kernel, shape).finals["sgd"] for shape in ("unrolled", "looped"))
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_the_name_of_a_kernel_depends_on_the_source_of_its_functions(tmp_path, monkeypatch):
    text = emit(KERNEL, "name", "looped")
    assert "from row_functions import logistic as logistic" in text
    before = name_of(text)
    changed = tmp_path / "row_functions.py"
    with open(row_functions.__file__, encoding="utf-8") as source:
        changed.write_text(source.read() + "# another\n", encoding="utf-8")
    monkeypatch.setattr(row_functions.__spec__, "origin", str(changed))
    assert name_of(text) != before
