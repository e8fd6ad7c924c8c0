"""A rule as its assignments, one a line."""

from collections.abc import Mapping
from typing import Any, Protocol

from sympy import Expr, Symbol

from ..display.latex import aligned, latex_definition
from ..display.latex_vectors import Printer
from ..notation.latex_names import latex_block
from .reductions import written, written_in_latex


class Named(Protocol):
    """A block, a hyperparameter or an auxiliary."""

    @property
    def name(self) -> str: ...


class ShownRule(Protocol):
    """What of a rule is shown."""

    @property
    def name(self) -> str: ...

    @property
    def variant(self) -> str: ...

    @property
    def blocks(self) -> tuple[Named, ...]: ...

    @property
    def hyperparameters(self) -> tuple[Named, ...]: ...

    @property
    def auxiliaries(self) -> tuple[Any, ...]: ...

    @property
    def update(self) -> Mapping[str, Expr]: ...

    @property
    def gradients(self) -> Mapping[str, Expr]: ...

    @property
    def reference(self) -> str: ...

    def sample(self, gradient: str) -> int: ...


def rule_text(rule: ShownRule) -> str:
    """Return name and variant, where gradients are taken, the next value of each block, the auxiliaries."""
    lines = [f"{rule.name} ({rule.variant})"]
    for name, point in rule.gradients.items():
        sample = f", sample {rule.sample(name)}" if rule.sample(name) > 1 else ""
        lines.append(f"  {name} = gradient at {written(point)}{sample}")
    lines += [f"  {block.name}' = {written(rule.update[block.name])}" for block in rule.blocks]
    for a in rule.auxiliaries:
        lines.append(f"  {a.name}({', '.join(map(str, a.arguments))}) = {a.expression}")
    return "\n".join(lines)


def rule_latex(rule: ShownRule) -> str:
    """Return the same in LaTeX, as an ``aligned`` environment; a prime marks the value after the step."""
    printer = Printer()
    lines = []
    for name, point in rule.gradients.items():
        noise = r"\xi" if rule.sample(name) == 1 else rf"\xi^{{({rule.sample(name)})}}"
        at = written_in_latex(point, printer)
        lines.append(rf"{printer.doprint(Symbol(name))} &= \nabla f\big({at}\big) + {noise}")
    lines += [
        rf"{latex_block(block.name)}' &= {written_in_latex(rule.update[block.name], printer)}"
        for block in rule.blocks
    ]
    return aligned([*lines, *(latex_definition(a.name, a.definition) for a in rule.auxiliaries)])


def rule_json(rule: ShownRule) -> dict[str, Any]:
    """Return the same as JSON data; expressions are text."""
    return {
        "name": rule.name,
        "variant": rule.variant,
        "state": [block.name for block in rule.blocks],
        "hyperparameters": [h.name for h in rule.hyperparameters],
        "gradients": {name: str(point) for name, point in rule.gradients.items()},
        "samples": {name: rule.sample(name) for name in rule.gradients},
        "update": {name: str(expression) for name, expression in rule.update.items()},
        "auxiliaries": {
            a.name: {"arguments": [str(x) for x in a.arguments], "expression": str(a.expression)}
            for a in rule.auxiliaries
        },
        "reference": rule.reference,
    }
