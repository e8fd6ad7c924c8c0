"""What the commands about equations do with their options: list, schemes, derive, check, regimes, scaling."""

from argparse import Namespace
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from re import findall

from ...derive.claims.claimed import unmeasurable
from ...derive.claims.verdicts import Verdict, Verdicts
from ...derive.claims.verdicts import check as verdict_on
from ...derive.derivation.chain import Chain
from ...derive.derivation.equation import DerivedEquation, modified_equation
from ...derive.errors import BadInput
from ...derive.limits.cells import regime_map
from ...derive.limits.scaling import scaling_rule
from ...derive.optimizers.catalogue import all_rules
from ...derive.regimes import REGIMES, parse_regime
from ...derive.schemes.known import SCHEMES
from ...derive.schemes.order import weak_order
from ...derive.schemes.scheme import Scheme
from ..results.phase_diagram import plot_regimes
from ..results.shown import print_json
from ..studies.comparisons import Comparison, compare
from .options import check_writable, chosen_rule, claims, noise_law
from .progress import bar


def version() -> str:
    """Return name and version."""
    return f"optsde {metadata.version('optsde')}"


def list_all(options: Namespace) -> int:
    """List optimizers and regimes."""
    rules = list(all_rules())
    data = {
        "rules": [
            {
                "name": r.name,
                "variant": r.variant,
                "state": [b.name for b in r.blocks],
                "hyperparameters": [h.name for h in r.hyperparameters],
                "reference": r.reference,
            }
            for r in rules
        ],
        "regimes": [{"name": r.name, "noise": str(r.noise), "reference": r.reference} for r in REGIMES],
    }
    if options.json:
        return print_json(data)
    print("optimizers")
    for r in data["rules"]:
        print(
            f"  {r['name'] + ':' + r['variant']:34} state {', '.join(r['state']):12} "
            f"{', '.join(r['hyperparameters'])}"
        )
    print("regimes")
    for r in data["regimes"]:
        print(f"  {r['name']:22} noise scale {r['noise']}")
    return 0


def schemes(options: Namespace) -> int:
    """List numerical schemes with the weak order each claims, and prove it."""
    data = [
        {
            "name": s.name,
            "equation": _solved(s),
            "increments": None if s.noise == "none" else s.increments.name,
            "weak_order": s.weak_order,
            "proved": weak_order(s, s.weak_order) == s.weak_order,
            "reference": s.reference,
        }
        for s in SCHEMES
    ]
    if options.json:
        print_json({"schemes": data})
    else:
        for s in data:
            verdict = "proved" if s["proved"] else "NOT REACHED"
            print(
                f"{s['name']:26} {s['equation']:22} {s['increments'] or '':12} weak order {s['weak_order']} "
                f"{verdict}"
            )
    return 0 if all(s["proved"] for s in data) else 1


def _solved(scheme: Scheme) -> str:
    return {"none": "ODE", "additive": "SDE, additive noise", "general": f"{scheme.calculus} SDE"}[
        scheme.noise
    ]


def derive(options: Namespace) -> int:
    """Print a modified equation."""
    equation = chosen_equation(options)
    form = None if options.dimension is None else equation.expand(options.dimension)
    missing = equation.leading_error if options.leading_error else None
    if options.json:
        data = equation.to_json() | ({"leading_error": missing.to_json()} if missing else {})
        return print_json(data | ({} if form is None else {"components": form.to_json()}))
    if options.latex:
        print(equation.latex())
        if not equation.certificate.exists:
            print(f"% {str(equation.certificate).splitlines()[0]}\n{equation.certificate.latex()}")
        if missing:
            print(f"% {str(missing).splitlines()[0]}\n{missing.latex()}")
    else:
        print(equation)
        if missing:
            print(missing)
    if form is not None:
        print(form)
    return 0


def check(options: Namespace) -> int:
    """Hold published equations against the derivation; 1 if a verdict is not the recorded one."""
    if options.plot is not None and not options.measure:
        raise BadInput(
            f"--plot {options.plot} without --measure; expected both, for only measured errors are drawn"
        )
    verdicts = Verdicts(tuple(map(verdict_on, claims(options.paper))))
    wrong = [v for v in verdicts if v.differences and not v.assumptions] if options.measure else []
    left_out = [f"not measured: {reason}" for v in wrong if (reason := unmeasurable(v.claim))]
    comparisons = (
        _measured([v for v in wrong if not unmeasurable(v.claim)], options) if options.measure else []
    )
    if options.json:
        print_json(
            verdicts.to_json() | {"measured": [c.to_json() for c in comparisons], "left_out": left_out}
        )
    elif options.latex:
        print(verdicts.latex())
    elif options.markdown:
        print(verdicts.markdown(), end="")
    elif options.measure:
        print(
            "\n".join([*map(str, comparisons), *left_out])
            or "no equation differs; there is nothing to measure"
        )
    else:
        print(verdicts)
    return 0 if verdicts.as_recorded else 1


def _measured(verdicts: list[Verdict], options: Namespace) -> list[Comparison]:
    """Measure claimed equations beside the derived ones; draw them into a folder if asked."""
    names = ["_".join([v.claim.paper.key, *findall(r"\w+", v.claim.name)]) + ".png" for v in verdicts]
    paths = [None if options.plot is None else str(Path(options.plot) / name) for name in names]
    check_writable(*paths)
    with bar(options.quiet) as progress:
        found = [compare(verdict, options.paths, options.seed, progress) for verdict in verdicts]
    for comparison, path in zip(found, paths, strict=True):
        if path is not None:
            comparison.plot(path)
    return found


def regimes(options: Namespace) -> int:
    """Print all scaling regimes of an optimizer."""
    check_writable(options.plot)
    rule, law = chosen_rule(options.name, options.rule), noise_law(options.noise, options.constant_noise)
    found = regime_map(rule, law, options.exponents, options.start)
    if options.plot:
        plot_regimes(found, path=options.plot)
    if options.json:
        return print_json(found.to_json())
    print(found.latex() if options.latex else found)
    return 0


def scaling(options: Namespace) -> int:
    """Print how hyperparameters scale with the batch."""
    rule, law = chosen_rule(options.name, options.rule), noise_law(options.noise, options.constant_noise)
    found = scaling_rule(rule, parse_regime(options.regime, rule), law)
    if options.json:
        return print_json(found.to_json())
    print(found)
    return 0


def chosen_chain(options: Namespace) -> Chain:
    """Return the optimizer in its regime with its noise."""
    rule = chosen_rule(options.name, options.rule)
    rest = (vars(options).get(name) for name in ("population", "reshuffle"))  # options of derive alone
    law = noise_law(options.noise, options.constant_noise, options.batch, *rest)
    return Chain(rule, parse_regime(options.regime, rule), law)


def chosen_equation(options: Namespace, constant: bool = False) -> DerivedEquation:
    """Return the modified equation, for constant noise where the problem's is: so it is derived once."""
    chain = chosen_chain(options)
    law = replace(chain.noise, constant=chain.noise.constant or constant)
    return modified_equation(chain.rule, chain.regime, law, options.order, options.form)
