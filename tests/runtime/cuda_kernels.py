"""Runs kernels on the CPU and for CUDA and writes what both return: `python cuda_kernels.py FILE`.

With NUMBA_ENABLE_CUDASIM=1 in Numba's simulator, which must be asked for before Numba is imported, hence a
process of its own.
"""

import sys
from pathlib import Path

import numpy as np
from flat import measured, predicted, simulated

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "codegen")]

import sympy as sp
from quadratics import quadratic
from rmsprop_kernels import RMSPROP, Numbers, one_track

from optsde.codegen.lowering.kernels import study_kernel
from optsde.codegen.lowering.regularisation import smooth
from optsde.codegen.program.statements import Kernel, Observable, Step, Total, Track, Vector
from optsde.derive import (
    Chain,
    adam,
    ballistic,
    batch_equivalent,
    batch_mean,
    gaussian,
    modified_equation,
    rmsprop,
    sgd,
    two_point,
)
from optsde.derive.schemes.known import whole_noise
from optsde.runtime.kernels import device
from optsde.runtime.kernels.compiled import compile_kernel
from optsde.runtime.kernels.device import compile_cuda
from optsde.runtime.studies.requests import step_parameters

PATHS = 24
LINE = quadratic([[1.5]], noise=0.3)
found: dict[str, np.ndarray] = {}


def keep(name, totals) -> None:
    """What a run returned, by name."""
    for track, finals in totals.finals.items():
        found[f"{name} finals {track}"] = finals
    for what in ("sums", "squares", "counts", "nonfinite", "negative"):
        found[f"{name} {what}"] = getattr(totals, what)
    found[f"{name} exact"] = np.array([str(n) for n in totals.exact])


def both(name: str, kernel: Kernel, shape=None, **given) -> None:
    keep(f"{name} cpu", compile_kernel(kernel, shape).run(**given))
    keep(f"{name} cuda", compile_cuda(kernel, shape).run(**given))


def ensembles() -> None:
    """An optimizer whose bias correction changes with time, equations in single precision, and noise of
    signs.
    """
    asked = {
        "tau": 0.125,
        "horizon": 0.5,
        "start": {"theta": 1.0, "v": 1.0},
        "observables": ["norm(theta)**2", "v[0]"],
    }
    targets = {
        "adam": (Chain(adam(), ballistic, gaussian()), LINE, {"t0": 1.0}),
        "equation": (
            modified_equation(rmsprop(), ballistic, gaussian(constant=True), 2),
            quadratic([[1.0, 0.5], [0.5, 1.5]], noise=0.3),
            {"dtype": "float32", "regularisation": smooth(), "substeps": 4},
        ),
        "whole": (
            modified_equation(rmsprop(), ballistic, gaussian(constant=True), 2),
            quadratic([[1.0, 0.5], [0.5, 1.5]], noise=0.3),
            {"regularisation": smooth(), "substeps": 2, "scheme": whole_noise},
        ),
        "signs": (Chain(rmsprop(), ballistic, batch_mean(two_point(), sp.Integer(3))), LINE, {}),
    }
    for name, (target, problem, more) in targets.items():
        for where in ("cpu", "cuda"):
            run = simulated(target, problem, **asked, **more, paths=PATHS, keep=PATHS, seed=3, device=where)
            found[f"{name} {where} finals"], found[f"{name} {where} means"] = run.finals, run.means


def study() -> None:
    """A weak-error study, and the paths of its coupled kernel: four paces, and noise remembered within a
    step.
    """
    equation = modified_equation(rmsprop(), batch_equivalent, gaussian(constant=True), 2, form="synchronised")
    phi, tau, observables = smooth(), 0.125, ("norm(theta)**2",)
    for where in ("cpu", "cuda"):
        rows = measured(
            equation,
            LINE,
            taus=[2 * tau, tau],
            horizon=2 * tau,
            start={"theta": 1.0, "v": 1.0},
            regularisation=phi,
            observables=observables,
            paths=PATHS,
            substeps=4,
            seed=7,
            device=where,
        ).rows
        found[f"rows {where} mean"] = np.array(
            [[row.weak_error, row.own_error, row.optimizer] for row in rows]
        )
        found[f"rows {where} standard_error"] = np.array(
            [[row.standard_error, row.own_standard_error] for row in rows]
        )
        found[f"rows {where} counted"] = np.array(
            [[r.tau, r.paths, r.substeps, r.nonfinite, r.negative] for r in rows]
        )
    kernel = study_kernel(equation, LINE.fields, LINE.dimension, observables, regularisation=phi)
    lengths = {"substep": tau / 4, "pair": tau / 2, "quad": tau, "step": tau}
    steps = {track.name: (track.step, lengths[track.pace]) for track in kernel.tracks}
    assert any(step.past for step, _ in steps.values())
    values = {"c": 0.5, "eps": 0.1, **LINE.numbers}
    both(
        "study",
        kernel,
        tau=tau,
        substeps=4,
        n_steps=3,
        n_paths=PATHS,
        seed=4,
        record_steps=[1, 3],
        n_keep=PATHS,
        parameters={name: step_parameters(s, values, tau, dt) for name, (s, dt) in steps.items()},
        matrices={name: LINE.matrices[name] for name in {m for s, _ in steps.values() for m in s.matrices}},
        vectors={name: LINE.vectors[name] for name in {v for s, _ in steps.values() for v in s.vectors}},
        start={name: [[1.0], [1.0]] for name in steps},
    )


def prediction() -> None:
    """A leading weak error: each path has a start of its own, and its last state is all that is asked for."""
    equation = modified_equation(sgd(), batch_equivalent, gaussian(constant=True), 1)
    for where in ("cpu", "cuda"):
        (made,) = predicted(
            equation,
            LINE,
            horizon=0.5,
            start={"theta": 1.0},
            paths=PATHS,
            intervals=4,
            steps=4,
            seed=8,
            device=where,
        )
        found[f"prediction {where}"] = np.array([made.coefficient, made.standard_error, made.own_error])


def loops() -> None:
    """The shape with loops over coordinates, and an odd number of normals in a step."""
    kernel = one_track(3, RMSPROP, "pair")
    both(
        "loops",
        kernel,
        "looped",
        **Numbers(3).inputs(kernel),
        n_paths=PATHS,
        seed=5,
        record_steps=[1, 3],
        n_keep=PATHS,
    )


def launches() -> None:
    """A random walk with a negative and an infinite side, divided up in several ways; and one path of it."""
    x, z = sp.symbols("x z")
    walk = Vector("y", (x + z) * sp.Max(1, sp.Float(1e150) * (z - 2)))
    step = Step("walk", ("x",), ("x",), ("z",), (), (), (), (walk,), ("y",))
    kernel = Kernel(
        1, (Track("walk", step, "step"),), (Observable("x", (Total("a", x),), sp.Symbol("a")),), ((1.0,),)
    )
    given = {
        "parameters": {"walk": {}},
        "matrices": {},
        "vectors": {},
        "start": {"walk": [[1.0]]},
        "tau": 1.0,
        "n_steps": 2,
        "seed": 6,
        "record_steps": [1, 2],
    }
    both("launch", kernel, **given, n_paths=2100, n_keep=2100)
    both("only", kernel, **given, n_paths=1, n_keep=1, first_path=2077)
    device.THREADS, device.MOST_PATHS = 24, 1024
    keep("divided cuda", compile_cuda(kernel).run(**given, n_paths=2100, n_keep=2100))


if __name__ == "__main__":
    launches()  # the simulator pays for each thread of a block: what follows has the small ones left behind here  # noqa: E501
    ensembles()
    study()
    prediction()
    loops()
    np.savez(sys.argv[1], **found)
