"""The front doors with all their words side by side, as tests vary them one at a time."""

from dataclasses import fields

from optsde.runtime import Ensemble, Integrator, Setting, leading_error, simulate, weak_error


def _grouped(problem, asked: dict) -> tuple[dict, dict]:
    groups = {
        kind: {f.name: asked.pop(f.name) for f in fields(kind) if f.name in asked}
        for kind in (Setting, Integrator, Ensemble)
    }
    made = {"setting": Setting(problem, **groups[Setting]), "ensemble": Ensemble(**groups[Ensemble])}
    return made | {"integrator": Integrator(**groups[Integrator])}, asked


def simulated(target, problem, **asked):
    """`simulate` for a target on a problem."""
    made, rest = _grouped(problem, asked)
    return simulate(target, **made, **rest)


def measured(equation, problem, **asked):
    """`weak_error` for an equation on a problem."""
    made, rest = _grouped(problem, asked)
    return weak_error(equation, **made, **rest)


def predicted(equation, problem, **asked):
    """`leading_error` for an equation on a problem."""
    made, rest = _grouped(problem, {"paths": 10_000} | asked)
    made.pop("integrator")
    return leading_error(equation, **made, **rest)
