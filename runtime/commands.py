"""What each command of ``smelt`` does with its options."""

from argparse import Namespace
from importlib import metadata
from pathlib import Path
from re import findall

from ..codegen.program import Kernel
from ..derive.catalogue import all_rules
from ..derive.cells import regime_map
from ..derive.chain import Chain
from ..derive.equation import ModifiedEquation, modified_equation
from ..derive.latex import latex_coefficients, latex_equation, latex_obstruction
from ..derive.regime_text import map_json, map_latex, map_text
from ..derive.regimes import REGIMES, parse_regime
from ..derive.rules import Block
from ..derive.scaling import scaling_json, scaling_rule, scaling_text
from ..derive.scheme import Scheme
from ..derive.scheme_order import weak_order
from ..derive.schemes import SCHEMES
from ..derive.text import (
    certificate_text,
    components_json,
    components_text,
    equation_json,
    equation_text,
    leading_error_json,
    leading_error_text,
)
from ..derive.verdict_tables import verdicts_json, verdicts_latex, verdicts_markdown, verdicts_text
from ..derive.verdicts import Verdict
from ..derive.verdicts import check as verdict_on
from .comparisons import Comparison, compare
from .ensembles import simulate as run_ensemble
from .ensembles import simulation_kernel
from .kernels import compile_kernel
from .objectives import Problem
from .options import (
    assignments,
    check_writable,
    chosen_problem,
    chosen_rule,
    claims,
    noise_law,
    number,
    numbers,
    regularisation,
    start,
)
from .output import comparison_table, print_json, run_table, study_table
from .phase_diagram import plot_regimes
from .plots import plot_means
from .prediction import Prediction, leading_error
from .progress import bar
from .reproduce import callisti2025
from .reproduce import reproduce as run_cases
from .studies import study_kernel, weak_error


def version() -> str:
    """Return name and version."""
    return f"smelt {metadata.version('smelt')}"


def list_all(options: Namespace) -> int:
    """List optimizers and regimes."""
    rules = list(all_rules())
    data = {
        "rules": [
            {"name": r.name, "variant": r.variant, "state": [b.name for b in r.blocks],
             "hyperparameters": [h.name for h in r.hyperparameters], "reference": r.reference}
            for r in rules
        ],
        "regimes": [{"name": make().name, "noise": str(make().noise), "reference": make().reference} for make in REGIMES],
    }  # fmt: skip
    if options.json:
        return print_json(data)
    print("optimizers")
    for r in data["rules"]:
        print(f"  {r['name'] + ':' + r['variant']:34} state {', '.join(r['state']):12} {', '.join(r['hyperparameters'])}")
    print("regimes")
    for r in data["regimes"]:
        print(f"  {r['name']:22} noise scale {r['noise']}")
    return 0


def schemes(options: Namespace) -> int:
    """List numerical schemes with the weak order each claims, and prove it."""
    data = [
        {"name": s.name, "equation": _solved(s), "increments": None if s.noise == "none" else s.increments.name,
         "weak_order": s.weak_order, "proved": weak_order(s, s.weak_order) == s.weak_order, "reference": s.reference}
        for s in SCHEMES
    ]  # fmt: skip
    if options.json:
        print_json({"schemes": data})
    else:
        for s in data:
            verdict = "proved" if s["proved"] else "NOT REACHED"
            print(f"{s['name']:26} {s['equation']:22} {s['increments'] or '':12} weak order {s['weak_order']} {verdict}")
    return 0 if all(s["proved"] for s in data) else 1


def _solved(scheme: Scheme) -> str:
    return {"none": "ODE", "additive": "SDE, additive noise", "general": f"{scheme.calculus} SDE"}[scheme.noise]


def derive(options: Namespace) -> int:
    """Print a modified equation."""
    equation = _equation(options)
    form = None if options.dimension is None else equation.expand(options.dimension)
    missing = equation.leading_error if options.leading_error else None
    if options.json:
        leading = {"leading_error": leading_error_json(missing)} if missing else {}
        return print_json(equation_json(equation) | leading | ({} if form is None else {"components": components_json(form)}))
    if options.latex:
        print(latex_equation(equation))
        if not equation.certificate.exists:
            print(f"% {certificate_text(equation).splitlines()[0]}\n{latex_obstruction(equation)}")
        if missing:
            print(f"% {leading_error_text(equation).splitlines()[0]}\n{latex_coefficients(missing.operator)}")
    else:
        print(equation_text(equation))
        if missing:
            print(leading_error_text(equation))
    if form is not None:
        print(components_text(form))
    return 0


def check(options: Namespace) -> int:
    """Hold published equations against the derivation; 1 if a verdict is not the recorded one."""
    if options.plot is not None and not options.measure:
        raise ValueError(f"--plot {options.plot} without --measure; expected both, for only measured errors are drawn")
    verdicts = [verdict_on(claim) for claim in claims(options.paper)]
    comparisons = _measured(verdicts, options) if options.measure else []
    if options.json:
        print_json(verdicts_json(verdicts) | {"measured": [comparison.to_json() for comparison in comparisons]})
    elif options.latex:
        print(verdicts_latex(verdicts))
    elif options.markdown:
        print(verdicts_markdown(verdicts), end="")
    elif options.measure:
        print("\n".join(map(comparison_table, comparisons)) or "no equation differs; there is nothing to measure")
    else:
        print(verdicts_text(verdicts))
    return 0 if all(verdict.as_recorded for verdict in verdicts) else 1


def _measured(verdicts: list[Verdict], options: Namespace) -> list[Comparison]:
    """Measure the equations that differ and are right under none of the assumptions; draw them into a folder if asked."""
    wrong = [v for v in verdicts if v.differences and not v.assumptions]
    names = ["_".join([v.claim.paper.key, *findall(r"\w+", v.claim.name)]) + ".png" for v in wrong]
    paths = [None if options.plot is None else str(Path(options.plot) / name) for name in names]
    check_writable(*paths)
    with bar(options.quiet) as progress:
        found = [compare(verdict, options.paths, options.seed, progress) for verdict in wrong]
    for comparison, path in zip(found, paths, strict=True):
        if path is not None:
            comparison.plot(path)
    return found


def regimes(options: Namespace) -> int:
    """Print all scaling regimes of an optimizer."""
    check_writable(options.plot)
    rule, law = chosen_rule(options.name, options.rule), noise_law(options.law, options.constant_noise)
    found = regime_map(rule, law, options.exponents, options.start)
    if options.plot:
        plot_regimes(found, path=options.plot)
    if options.json:
        return print_json(map_json(found))
    print(map_latex(found) if options.latex else map_text(found))
    return 0


def scaling(options: Namespace) -> int:
    """Print how hyperparameters scale with the batch."""
    rule, law = chosen_rule(options.name, options.rule), noise_law(options.law, options.constant_noise)
    found = scaling_rule(rule, parse_regime(options.regime, rule), law)
    if options.json:
        return print_json(scaling_json(found))
    print(scaling_text(found))
    return 0


def show(options: Namespace) -> int:
    """Print the source of a kernel."""
    compiled = compile_kernel(_kernel(options))
    if options.json:
        return print_json({"signature": compiled.signature, "source": compiled.source})
    print(compiled.source, end="")
    return 0


def simulate(options: Namespace) -> int:
    """Simulate an ensemble."""
    target, on = _target(options), _problem(options)
    check_writable(options.output, options.plot)
    with bar(options.quiet) as progress:
        run = run_ensemble(
            target, on, tau=number(options.tau), horizon=options.horizon, start=_start(options, target, on), t0=options.t0,
            hyperparameters=assignments(options.set), observables=_observables(options, target), paths=options.paths,
            seed=options.seed, substeps=8 if options.substeps is None else options.substeps, keep=options.keep,
            regularisation=regularisation(options.phi), dtype=options.dtype, threads=options.threads,
            progress=lambda done, n: progress("paths", done, n),
        )  # fmt: skip
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
    equation, on = _equation(options), _problem(options)
    if options.leading_error and options.noise_free_steps:
        raise ValueError("--leading-error with --noise-free-steps, whose start depends on tau; expected one of them")
    check_writable(options.output, options.plot)
    with bar(options.quiet) as progress:
        study = weak_error(
            equation, on, taus=numbers(options.taus), horizon=options.horizon, start=_start(options, equation, on),
            t0=options.t0, hyperparameters=assignments(options.set), observables=_observables(options, equation),
            paths=options.paths, seed=options.seed, substeps=options.substeps, own_share=options.own_share,
            threads=options.threads, regularisation=regularisation(options.phi), noise_free_steps=options.noise_free_steps,
            progress=progress,
        )  # fmt: skip
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
        equation, on, horizon=options.horizon, start=_start(options, equation, on), t0=options.t0,
        hyperparameters=assignments(options.set), observables=_observables(options, equation), seed=options.seed,
        threads=options.threads,
    )  # fmt: skip


def reproduce(options: Namespace) -> int:
    """Rerun a paper's experiment."""
    with bar(options.quiet) as progress:
        report = run_cases(Path(options.output), callisti2025(options.quick, options.seed), progress)
    if options.json:
        return print_json(report.to_json())
    print(report.text())
    return 0


def _chain(options: Namespace) -> Chain:
    rule = chosen_rule(options.name, options.rule)
    law = noise_law(options.law, options.constant_noise, options.batch, options.population)
    return Chain(rule, parse_regime(options.regime, rule), law)


def _equation(options: Namespace) -> ModifiedEquation:
    chain = _chain(options)
    return modified_equation(chain.rule, chain.regime, chain.noise, options.order, options.form)


def _target(options: Namespace) -> Chain | ModifiedEquation:
    """Return the optimizer or its equation; an optimizer that has no equation can still be run."""
    return _chain(options) if options.what == "optimizer" else _equation(options)


def _problem(options: Namespace) -> Problem:
    return chosen_problem(options.hessian, options.noise, options.objective, options.noise_factor)


def _blocks(target: Chain | ModifiedEquation) -> tuple[Block, ...]:
    return (target if isinstance(target, Chain) else target.chain).blocks


def _start(options: Namespace, target: Chain | ModifiedEquation, on: Problem) -> dict[str, float | list[float]]:
    if options.start:
        return start(options.start)
    theta = [0.5 if n % 2 else 1.0 for n in range(on.dimension)]
    return {"theta": theta} | {b.name: 1.0 for b in _blocks(target) if b.nonnegative}


def _kernel(options: Namespace) -> Kernel:
    target, on = _target(options), _problem(options)
    observables, phi = _observables(options, target), regularisation(options.phi)
    if options.what == "study" and isinstance(target, ModifiedEquation):
        return study_kernel(target, on, observables, phi)
    return simulation_kernel(target, on, observables, phi, options.dtype)


def _observables(options: Namespace, target: Chain | ModifiedEquation) -> list[str]:
    names = [b.name for b in _blocks(target)]
    return options.observable or [f"norm({name})**2" for name in ("theta", "v") if name in names]
