"""What a numerical scheme costs for the error it makes, and what a weak error costs by coupling and without
it.

First table: for each scheme and number of substeps the error of E |theta|^2 at the horizon that the scheme
makes, against the result of the same scheme extrapolated twice, on the same Brownian paths; and CPU
microseconds per path on one thread, of a kernel that runs this scheme alone.

Second table: the CPU seconds until the weak error of E |theta|^2 of RMSprop's order-2 equation is known to 5
%, its own error included: by a study, where optimizer and equation follow the same paths, and by independent
paths of both, the equation by Euler's method with dt = tau^2. The latter are computed from the spread of a
run and the time per path of its kernels.

Third table: by how much a control variate divides the variance of a mean, and by how much it multiplies the
time.

Usage: python benchmarks/schemes.py [--paths 200000]
"""

import argparse
import time
from dataclasses import fields, replace
from functools import partial

import numpy as np
from sympy import Symbol

from optsde.codegen.lowering.extrapolation import extrapolation
from optsde.codegen.lowering.kernels import simulation_kernel
from optsde.codegen.lowering.regularisation import smooth
from optsde.codegen.lowering.steps import scheme_step
from optsde.codegen.program.observables import observable
from optsde.codegen.program.statements import Kernel, Track
from optsde.derive import Chain, adam, ballistic, batch_equivalent, gaussian, modified_equation, rmsprop
from optsde.derive.notation.symbols import tau
from optsde.derive.schemes.increment_laws import gaussian_increments
from optsde.derive.schemes.known import euler_maruyama, simplified_euler, whole_noise
from optsde.runtime import Ensemble, Integrator, Quadratic, Setting, simulate, weak_error
from optsde.runtime.kernels.compiled import compile_kernel
from optsde.runtime.reproduce import MATRIX, NOISE
from optsde.runtime.results.statistics import mean_estimate

LAW, PHI, TEXT = gaussian(constant=True), smooth(Symbol("u") * tau), "norm(theta)**2"
PROBLEM = Quadratic(MATRIX, minimum_noise=NOISE)
CASES = {
    "RMSprop, ballistic, order 2": modified_equation(rmsprop(), ballistic, LAW, 2),
    "Adam, batch-equivalent, order 2": modified_equation(adam(), batch_equivalent, LAW, 2),
}
VALUES = {"c": 0.5, "c1": 1.0, "c2": 0.5, "eps": 1e-3, "u": 1 / 16}
TAU, STEPS, T0 = 1 / 8, 16, 1.0


def inputs(kernel: Kernel, substeps: int) -> dict:
    """What both kernels of a case are run with."""
    lengths = {"substep": 1, "pair": 2, "quad": 4}
    values = VALUES | PROBLEM.numbers | {"tau": TAU}
    steps = {track.name: track.step for track in kernel.tracks}
    return {
        "parameters": {
            t.name: {n: (values | {"dt": TAU * lengths[t.pace] / substeps})[n] for n in t.step.parameters}
            for t in kernel.tracks
        },
        "matrices": {n: PROBLEM.matrices[n] for n in {m for step in steps.values() for m in step.matrices}},
        "vectors": {n: PROBLEM.vectors[n] for n in {v for step in steps.values() for v in step.vectors}},
        "start": {
            name: np.stack(
                [{"theta": np.array([1.0, 0.5]), "m": np.zeros(2)}.get(b, np.ones(2)) for b in step.state]
            )
            for name, step in steps.items()
        },
        "tau": TAU,
        "n_steps": STEPS,
        "substeps": substeps,
        "t0": T0,
        "record_steps": [STEPS],
        "threads": 1,
    }


def own_errors(equation, scheme, paths: int) -> dict[int, tuple[float, float]]:
    """Errors with 1, 2 and 4 substeps per tau and their standard errors: against the extrapolated result, in
    turns coarser.
    """
    step = scheme_step(equation, PROBLEM.fields, PHI, replace(scheme, increments=gaussian_increments))
    tracks = (Track("fine", step, "substep"), Track("coarse", step, "pair"), Track("coarsest", step, "quad"))
    weights = np.array(extrapolation(scheme.weak_order).result, dtype=float)
    contrasts = tuple(tuple(map(float, np.eye(3)[n] - weights)) for n in range(3))
    kernel = Kernel(2, tracks, (observable(TEXT, step.state, 2),), contrasts)
    totals = compile_kernel(kernel).run(**inputs(kernel, 4), n_paths=paths, seed=1)
    estimate = mean_estimate(np.array(int(totals.counts[-1])), totals.sums[-1], totals.squares[-1])
    return {4 >> n: (float(estimate.mean[0, n]), float(estimate.standard_error[0, n])) for n in range(3)}


def microseconds(equation, scheme, substeps: int) -> float:
    """CPU time per path, the least of some runs."""
    kernel = simulation_kernel(
        equation, PROBLEM.fields, PROBLEM.dimension, (TEXT,), regularisation=PHI, scheme=scheme
    )
    compiled, times, paths = compile_kernel(kernel), [], 50_000
    for _ in range(5):
        began = time.process_time()
        compiled.run(**inputs(kernel, substeps), n_paths=paths, seed=1)
        times.append((time.process_time() - began) / paths * 1e6)
    return min(times)


def _grouped(problem, asked):
    """The words of a call, each with the object it belongs to."""
    groups = {
        kind: {f.name: asked.pop(f.name) for f in fields(kind) if f.name in asked}
        for kind in (Setting, Integrator, Ensemble)
    }
    made = {"setting": Setting(problem, **groups[Setting]), "ensemble": Ensemble(**groups[Ensemble])}
    return made | {"integrator": Integrator(**groups[Integrator])} | asked


def simulated(target, problem, **asked):
    return simulate(target, **_grouped(problem, asked))


def measured(equation, problem, **asked):
    return weak_error(equation, **_grouped(problem, asked))


def until_five_percent() -> None:
    """Print the second table."""
    step, horizon, start = 1 / 64, 10, {"theta": [1.0, 0.5], "v": 1.0}
    given = {
        "constants": {"u": 1 / 16, "eps": 1e-3},
        "start": start,
        "horizon": horizon,
        "observables": [TEXT],
    }
    equation = CASES["RMSprop, ballistic, order 2"]
    began, wall = time.process_time(), time.perf_counter()
    study = measured(equation, PROBLEM, taus=[step], precision=0.05, paths=10**8, regularisation=PHI, **given)
    coupled, seconds = time.process_time() - began, time.perf_counter() - wall
    (row,) = study.rows
    print(
        f"\nweak error {row.weak_error:.3e} +- {row.standard_error:.1e}, own {row.own_error:.1e}, "
        f"{row.paths} paths: "
        f"{coupled:.1f} CPU s, {seconds:.1f} s, pilot and compilation included"
    )
    variance, cost = 0.0, 0.0
    for target, phi, substeps in (
        (Chain(rmsprop(), ballistic, LAW), None, None),
        (equation, PHI, round(1 / step)),
    ):
        paths, more = 20_000, {} if substeps is None else {"substeps": substeps}
        hyper = given["constants"] if substeps else {"eps": 1e-3}
        arguments = given | {
            "constants": hyper,
            "tau": step,
            "paths": paths,
            "regularisation": phi or "none",
            "threads": 1,
            **more,
        }
        simulated(target, PROBLEM, **arguments | {"paths": 1024})  # compiles
        began = time.process_time()
        run = simulated(target, PROBLEM, **arguments)
        cost += (time.process_time() - began) / paths
        variance += float(run.standard_errors[-1, 0]) ** 2 * paths
    needed = variance / (0.05 * row.weak_error) ** 2
    print(f"independent paths: {needed:.0f} of each, {needed * cost:.0f} CPU s")


def control_variates() -> None:
    """Print the third table: the equation's mean, the optimizer's, and the weak error, for short and for long
    horizons.
    """
    equation = CASES["RMSprop, ballistic, order 2"]
    given = {"start": {"theta": [1.0, 0.5], "v": 1.0}, "observables": [TEXT], "paths": 200_000, "threads": 1}
    coarse, fine = 1 / 8, 1 / 64

    def mean(target, horizon, more):
        phi, used = (None, {"eps": 1e-3}) if target is equation.chain else (PHI, {"u": 1 / 16, "eps": 1e-3})
        arguments = (
            given
            | {"constants": used, "tau": coarse, "horizon": horizon, "regularisation": phi or "none"}
            | more
        )
        return simulated(target, PROBLEM, **arguments).standard_errors[-1, 0]

    def error(tau, horizon, more):
        arguments = (
            given
            | {"constants": {"u": 1 / 16, "eps": 1e-3}, "horizon": horizon, "regularisation": PHI}
            | more
        )
        return measured(equation, PROBLEM, taus=[tau], substeps=8, **arguments).rows[0].standard_error

    print(f"\n{'RMSprop, ballistic, order 2':40}{'variance /':>12}{'time x':>10}")
    for horizon in (1, 10):
        for label, run in (
            ("equation", partial(mean, equation, horizon)),
            ("optimizer", partial(mean, equation.chain, horizon)),
            ("weak error, tau = 1/8", partial(error, coarse, horizon)),
            ("weak error, tau = 1/64", partial(error, fine, horizon)),
        ):
            spreads, times = [], []
            for more in ({}, {"control_variate": True}):
                run(more)  # compiles
                began = time.process_time()
                spreads.append(run(more))
                times.append(time.process_time() - began)
            label = f"{label}, horizon {horizon}"
            print(f"{label:40}{(spreads[0] / spreads[1]) ** 2:12.1f}{times[1] / times[0]:10.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--paths", type=int, default=200_000)
    options = parser.parse_args()
    for name, equation in CASES.items():
        print(f"\n{name}\n{'scheme':32}{'substeps':>9}{'own error':>12}{'+-':>10}{'us per path':>13}")
        for scheme in (euler_maruyama, simplified_euler, whole_noise):
            errors = own_errors(equation, scheme, options.paths)
            for substeps, (error, spread) in sorted(errors.items()):
                cost = microseconds(equation, scheme, substeps)
                print(f"{scheme.name:32}{substeps:9}{error:12.2e}{spread:10.1e}{cost:13.2f}", flush=True)
    until_five_percent()
    control_variates()


if __name__ == "__main__":
    main()
