"""The linearisation of a step around its path without noise: a chain whose moments are known, to hold other
chains against.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sympy import Add, DiracDelta, Expr, Integer, Symbol

from ...derive.errors import KernelRefused
from .check import symbols
from .schedule import reads
from .statements import Entry, MatVec, Number, Scalar, Stack, Statement, Step, Total, Vector

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
    left_out = (*step.signs, *(f"past_{name}" for name in step.past))
    means = {name: Symbol(mean, real=True) for name, mean in blocks.items()}
    writer = _Writer(means | dict.fromkeys((*step.noise, *left_out), Integer(0)))
    for name, mean in means.items():
        writer.tangents[name] = Symbol(TANGENT.format(name), real=True)
        writer.statements.append(Vector(TANGENT.format(name), Symbol(name, real=True) - mean))
    writer.tangents |= {name: Symbol(name, real=True) for name in step.noise}
    for statement in step.statements:
        writer.write(statement)
    paths, alone = [f"{name}_linear" for name in step.result], [f"{name}_alone" for name in step.result]
    for name, path, mean in zip(step.result, paths, alone, strict=True):
        writer.statements.append(Vector(path, writer.means[name] + writer.tangents[name]))
        writer.statements.append(Vector(mean, writer.means[name]))
    used = reads(writer.statements, (*paths, *alone)) | {
        s.matrix for s in writer.statements if isinstance(s, MatVec)
    }
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
        statements=tuple(s for s in writer.statements if s.target in used),
        result=(*paths, *alone),
        past=(),
        signs=(),
        widths=tuple((name, width) for name, width in step.widths if name in noise),
    )


@dataclass
class _Writer:
    """Writes each statement twice: without noise, and differentiated along the deviation and the noise.

    Attributes
    ----------
    means, tangents : dict
        What a name is worth without noise, and its derivative: a symbol, or 0. A name in neither does not
        change.
    statements : list of Statement
    """

    means: dict[str, Expr]
    tangents: dict[str, Expr] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)

    def write(self, statement: Statement) -> None:
        """Add both versions of a statement."""
        target = statement.target
        match statement:
            case Scalar():
                self.statements.append(statement)
            case Vector(_, expression) | Total(_, expression) | Number(_, expression):
                self._set(self.means, type(statement), MEAN, target, _at(expression, self.means))
                self._set(self.tangents, type(statement), TANGENT, target, self._tangent(expression))
            case MatVec(_, _, name) | Entry(_, name, _):
                for values, form in ((self.means, MEAN), (self.tangents, TANGENT)):
                    value = values.get(name, Symbol(name, real=True) if values is self.means else Integer(0))
                    if value != 0:
                        operand = {"operand" if isinstance(statement, MatVec) else "vector": str(value)}
                        self.statements.append(replace(statement, target=form.format(target), **operand))
                    values[target] = Symbol(form.format(target), real=True) if value != 0 else Integer(0)
            case Stack(_, entries):
                for values, form in ((self.means, MEAN), (self.tangents, TANGENT)):
                    names = tuple(self._named(values[name], form.format(name)) for name in entries)
                    self.statements.append(Stack(form.format(target), names))
                    values[target] = Symbol(form.format(target), real=True)

    def _set(
        self,
        values: dict[str, Expr],
        kind: type[Vector | Total | Number],
        form: str,
        target: str,
        value: Expr,
    ) -> None:
        if value != 0:
            self.statements.append(kind(form.format(target), value))
        values[target] = Symbol(form.format(target), real=True) if value != 0 else Integer(0)

    def _tangent(self, expression: Expr) -> Expr:
        moved = (name for name in symbols(expression) if self.tangents.get(name, 0) != 0)
        return Add(*(_at(_slope(expression, name), self.means) * self.tangents[name] for name in moved))

    def _named(self, value: Expr, name: str) -> str:
        """Return the name of a number per path; 0 gets one."""
        if value == 0:
            self.statements.append(Number(name, value))
        return str(value) if value != 0 else name


def _slope(expression: Expr, name: str) -> Expr:
    (variable,) = (s for s in expression.atoms(Symbol) if s.name == name)
    return expression.diff(variable).replace(DiracDelta, lambda *_: Integer(0))


def _at(expression: Expr, means: Mapping[str, Expr]) -> Expr:
    return expression.xreplace({s: means[s.name] for s in expression.atoms(Symbol) if s.name in means})
