"""What the commands about paths do with their options: show, simulate, converge, reproduce."""

from argparse import Namespace
from dataclasses import fields
from pathlib import Path

from ...derive.derivation.chain import Chain
from ...derive.equations.abstract import Equation
from ...derive.errors import BadInput
from ...derive.optimizers.rule import Block
from ..problems.problem import Problem
from ..reproduce import callisti2025
from ..reproduce import reproduce as run_cases
from ..results.plots import plot_means
from ..results.shown import print_json
from ..studies.ensembles import simulate as run_ensemble
from ..studies.leading_error import leading_error
from ..studies.setting import Ensemble, Integrator, Setting
from ..studies.source import kernel_of, written
from ..studies.weak_error import weak_error
from .options import ProblemOptions, assignments, check_writable, number, numbers, start
from .progress import bar
from .theory import chosen_chain, chosen_equation


def show(options: Namespace) -> int:
    """Print the source of a kernel."""
    target, ensemble = _target(options), Ensemble(device=options.device, dtype=options.dtype)
    setting = Setting(_problem(options), horizon=1, observables=_observables(options, target))
    how = Integrator(options.scheme, None, options.regularisation)
    name, source = written(kernel_of(target, setting, options.what == "study", how, ensemble), ensemble)
    if options.json:
        return print_json({"signature": name, "source": source})
    print(source, end="")
    return 0


def simulate(options: Namespace) -> int:
    """Simulate an ensemble."""
    target = _target(options)
    check_writable(options.output, options.plot)
    with bar(options.quiet) as progress:
        run = run_ensemble(
            target,
            _setting(options, target),
            tau=number(options.tau),
            integrator=_integrator(options),
            ensemble=_ensemble(options, dtype=options.dtype),
            keep=options.keep,
            only_path=options.only_path,
            progress=progress,
        )
    if options.output:
        run.save(options.output)
    if options.plot:
        plot_means({options.what: run}, title=run.name, path=options.plot)
    if options.json:
        return print_json(run.to_json())
    print(run)
    return 0


def converge(options: Namespace) -> int:
    """Measure weak errors."""
    equation = _equation(options)
    if options.leading_error and options.noise_free_steps:
        raise BadInput(
            "--leading-error with --noise-free-steps, whose start depends on tau; expected one of them"
        )
    check_writable(options.output, options.plot)
    setting = _setting(options, equation, options.noise_free_steps)
    ensemble = _ensemble(options, precision=options.precision, seconds=options.seconds)
    with bar(options.quiet) as progress:
        study = weak_error(
            equation,
            setting,
            taus=numbers(options.taus),
            integrator=_integrator(options, own_share=options.own_share),
            ensemble=ensemble,
            progress=progress,
        )
    if options.leading_error:
        few = Ensemble(paths=10_000, seed=options.seed, device=options.device, threads=options.threads)
        study = study.with_predictions(leading_error(equation, setting, ensemble=few))
    if options.output:
        study.save(options.output)
    if options.plot:
        study.plot(options.plot)
    if options.json:
        return print_json(study.to_json())
    print(study)
    return 0


def reproduce(options: Namespace) -> int:
    """Rerun a paper's experiment."""
    with bar(options.quiet) as progress:
        report = run_cases(Path(options.output), callisti2025(options.quick, options.seed), progress)
    if options.json:
        return print_json(report.to_json())
    print(report)
    return 0


def _setting(options: Namespace, target: Chain | Equation, noise_free_steps: int = 0) -> Setting:
    return Setting(
        _problem(options),
        horizon=options.horizon,
        start=start(options.start or []),
        t0=options.t0,
        constants=assignments(options.constants),
        observables=_observables(options, target),
        noise_free_steps=noise_free_steps,
    )


def _integrator(options: Namespace, own_share: float = 0.1) -> Integrator:
    return Integrator(options.scheme, options.substeps, options.regularisation, own_share)


def _ensemble(options: Namespace, **others) -> Ensemble:
    return Ensemble(
        paths=options.paths,
        seed=options.seed,
        device=options.device,
        threads=options.threads,
        antithetic=options.antithetic,
        control_variate=options.control_variate,
        **others,
    )


def _target(options: Namespace) -> Chain | Equation:
    """Return the optimizer or its equation; an optimizer that has no equation can still be run."""
    return chosen_chain(options) if options.what == "optimizer" else _equation(options)


def _equation(options: Namespace) -> Equation:
    return chosen_equation(options, _problem(options).fields.constant_noise)


def _problem(options: Namespace) -> Problem:
    return ProblemOptions(**{f.name: getattr(options, f.name) for f in fields(ProblemOptions)}).problem()


def _blocks(target: Chain | Equation) -> tuple[Block, ...]:
    return (target if isinstance(target, Chain) else target.chain).blocks


def _observables(options: Namespace, target: Chain | Equation) -> list[str]:
    names = [b.name for b in _blocks(target)]
    return options.observable or [f"norm({name})**2" for name in ("theta", "v") if name in names]
