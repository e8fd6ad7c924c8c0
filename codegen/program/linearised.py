"""The linearisation of a step around its path without noise: a chain whose moments are known, to hold other
chains against.
"""

from collections.abc import Sequence
from dataclasses import replace

from sympy import Expr, Integer, Symbol

from ...derive.errors import KernelRefused
from .kernel import Step
from .statement import Statement, replaced
from .statements import Vector, reads
from .tangent import Tangents

MEAN, TANGENT = "{}_mean", "{}_tangent"


def linearised(step: Step) -> Step:
    """Return ``x' = m' + A (x - m) + G zeta``, ``m'`` the step from m without noise, A and G its derivatives
    there.

    The state has a block ``NAME_mean`` for each block of the step, behind all of them; start both at the same
    point. Signs and the noise since the start of a step of the optimizer are left out. Where a function
    jumps, its derivative is that beside.

    Raises
    ------
    ValueError
        No noise is left.
    """
    blocks = {name: MEAN.format(name) for name in step.state}
    means: dict[str, Expr] = {name: Symbol(mean, real=True) for name, mean in blocks.items()}
    left_out = (*step.signs, *(f"past_{name}" for name in step.past))
    values = means | dict.fromkeys((*step.noise, *left_out), Integer(0))
    # the noise is its own derivative, under a name that differs from that of its value, which is 0
    tangents = Tangents(TANGENT)
    tangents.slopes |= {name: Symbol(TANGENT.format(name), real=True) for name in (*blocks, *step.noise)}
    values |= {TANGENT.format(name): Symbol(name, real=True) for name in step.noise}
    statements: list[Statement] = [
        Vector(TANGENT.format(name), Symbol(name, real=True) - mean) for name, mean in means.items()
    ]
    for statement in step.statements:
        statements += _with_tangent(statement, values, tangents)
    paths, alone = [f"{name}_linear" for name in step.result], [f"{name}_alone" for name in step.result]
    for name, path, mean in zip(step.result, paths, alone, strict=True):
        statements.append(Vector(path, values[name] + replaced(tangents.slopes[name], values)))
        statements.append(Vector(mean, values[name]))
    used = reads(statements, (*paths, *alone))
    used |= {name for s in statements if s.target in used for name in s.matrices}
    noise = tuple(name for name in step.noise if name in used)
    if not noise:
        raise KernelRefused(
            f"linearisation of {step.name}, which has no noise near its path without noise; expected some"
        )
    return replace(
        step,
        name=f"linearised {step.name}",
        state=(*step.state, *blocks.values()),
        nonnegative=(),
        noise=noise,
        parameters=tuple(name for name in step.parameters if name in used),
        matrices=tuple(name for name in step.matrices if name in used),
        vectors=tuple(name for name in step.vectors if name in used),
        statements=tuple(s for s in statements if s.target in used),
        result=(*paths, *alone),
        past=(),
        signs=(),
        widths=tuple((name, width) for name, width in step.widths if name in used),
    )


def _with_tangent(statement: Statement, values: dict[str, Expr], tangents: Tangents) -> Sequence[Statement]:
    """Return a statement without noise, and its derivative along the deviation and the noise, at the path
    without noise.
    """
    if statement.kind == "uniform":
        return (statement,)
    target = MEAN.format(statement.target)
    mean = statement.with_values(target, values)
    slope = [
        moved
        for part in tangents.of(statement)
        for moved in (part.with_values(part.target, values) if part.reads else (part,))
    ]
    values[statement.target] = Symbol(target, real=True) if mean else Integer(0)
    if TANGENT.format(statement.target) not in {part.target for part in slope}:
        tangents.slopes[statement.target] = Integer(0)  # it vanishes where there is no noise
    return (*mean, *slope)
