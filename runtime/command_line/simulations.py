"""What the commands about paths do with their options: show, simulate, converge, reproduce."""

from argparse import Namespace
from pathlib import Path

from ...codegen.program.statements import Kernel
from ...derive.derivation.chain import Chain
from ...derive.derivation.equation import ModifiedEquation
from ...derive.optimizers.rule import Block
from ..kernels.compiled import write_kernel
from ..kernels.device import write_cuda_kernel
from ..problems.quadratic import Problem
from ..reproduce import callisti2025
from ..reproduce import reproduce as run_cases
from ..results.output import print_json, run_table, study_table
from ..results.plots import plot_means
from ..studies.ensembles import simulate as run_ensemble
from ..studies.ensembles import simulation_kernel
from ..studies.experiment import study_kernel
from ..studies.leading_error import Prediction, leading_error
from ..studies.weak_error import weak_error
from .options import (
    assignments,
    check_writable,
    chosen_problem,
    number,
    numbers,
    regularisation,
    scheme,
    start,
)
from .progress import bar
from .theory import chosen_chain, chosen_equation


def show(options: Namespace) -> int:
    """Print the source of a kernel."""
    write = write_kernel if options.device == "cpu" else write_cuda_kernel
    signature, path = write(_kernel(options))
    source = path.read_text(encoding="ascii")
    if options.json:
        return print_json({"signature": signature, "source": source})
    print(source, end="")
    return 0


def simulate(options: Namespace) -> int:
    """Simulate an ensemble."""
    target, on = _target(options), _problem(options)
    check_writable(options.output, options.plot)
    with bar(options.quiet) as progress:
        run = run_ensemble(
            target,
            on,
            tau=number(options.tau),
            horizon=options.horizon,
            start=_start(options, target, on),
            t0=options.t0,
            hyperparameters=assignments(options.set),
            observables=_observables(options, target),
            paths=options.paths,
            seed=options.seed,
            substeps=8 if options.substeps is None else options.substeps,
            keep=options.keep,
            only_path=options.only_path,
            antithetic=options.antithetic,
            control_variate=options.control_variate,
            scheme=scheme(options.scheme),
            regularisation=regularisation(options.phi),
            dtype=options.dtype,
            device=options.device,
            threads=options.threads,
            progress=lambda done, n: progress("paths", done, n),
        )
    if options.output:
        run.save(options.output)
    if options.plot:
        plot_means({options.what: run}, title=run.name, path=options.plot)
    if options.json:
        return print_json({"kind": "run", **run.__dict__})
    print(run_table(run))
    return 0


def converge(options: Namespace) -> int:
    """Measure weak errors."""
    equation, on = chosen_equation(options), _problem(options)
    if options.leading_error and options.noise_free_steps:
        raise ValueError(
            "--leading-error with --noise-free-steps, whose start depends on tau; expected one of them"
        )
    check_writable(options.output, options.plot)
    with bar(options.quiet) as progress:
        study = weak_error(
            equation,
            on,
            taus=numbers(options.taus),
            horizon=options.horizon,
            start=_start(options, equation, on),
            t0=options.t0,
            hyperparameters=assignments(options.set),
            observables=_observables(options, equation),
            paths=options.paths,
            seed=options.seed,
            substeps=options.substeps,
            own_share=options.own_share,
            precision=options.precision,
            seconds=options.seconds,
            antithetic=options.antithetic,
            control_variate=options.control_variate,
            scheme=scheme(options.scheme),
            regularisation=regularisation(options.phi),
            noise_free_steps=options.noise_free_steps,
            device=options.device,
            threads=options.threads,
            progress=progress,
        )
    if options.output:
        study.save(options.output)
    if options.plot:
        study.plot(options.plot)
    predictions = _predictions(options, equation, on)
    if options.json:
        leading = {"leading_error": [vars(p) for p in predictions]} if options.leading_error else {}
        return print_json(study.to_json() | leading)
    print(study_table(study, predictions))
    return 0


def _predictions(options: Namespace, equation: ModifiedEquation, on: Problem) -> tuple[Prediction, ...]:
    if not options.leading_error:
        return ()
    return leading_error(
        equation,
        on,
        horizon=options.horizon,
        start=_start(options, equation, on),
        t0=options.t0,
        hyperparameters=assignments(options.set),
        observables=_observables(options, equation),
        seed=options.seed,
        device=options.device,
        threads=options.threads,
    )


def reproduce(options: Namespace) -> int:
    """Rerun a paper's experiment."""
    with bar(options.quiet) as progress:
        report = run_cases(Path(options.output), callisti2025(options.quick, options.seed), progress)
    if options.json:
        return print_json(report.to_json())
    print(report.text())
    return 0


def _target(options: Namespace) -> Chain | ModifiedEquation:
    """Return the optimizer or its equation; an optimizer that has no equation can still be run."""
    return chosen_chain(options) if options.what == "optimizer" else chosen_equation(options)


def _problem(options: Namespace) -> Problem:
    return chosen_problem(options.hessian, options.noise, options.objective, options.noise_factor)


def _blocks(target: Chain | ModifiedEquation) -> tuple[Block, ...]:
    return (target if isinstance(target, Chain) else target.chain).blocks


def _start(
    options: Namespace, target: Chain | ModifiedEquation, on: Problem
) -> dict[str, float | list[float]]:
    if options.start:
        return start(options.start)
    theta = [0.5 if n % 2 else 1.0 for n in range(on.dimension)]
    return {"theta": theta} | {b.name: 1.0 for b in _blocks(target) if b.nonnegative}


def _kernel(options: Namespace) -> Kernel:
    target, on = _target(options), _problem(options)
    observables, phi = _observables(options, target), regularisation(options.phi)
    if options.what == "study" and isinstance(target, ModifiedEquation):
        return study_kernel(target, on, observables, phi, scheme=scheme(options.scheme))
    return simulation_kernel(target, on, observables, phi, options.dtype, scheme=scheme(options.scheme))


def _observables(options: Namespace, target: Chain | ModifiedEquation) -> list[str]:
    names = [b.name for b in _blocks(target)]
    return options.observable or [f"norm({name})**2" for name in ("theta", "v") if name in names]
