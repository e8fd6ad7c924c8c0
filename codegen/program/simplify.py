"""Takes what can be computed once out of a step: numbers out of the loop, common parts out of formulas.

Works in index notation, so its result serves every dimension and both shapes of kernel:

* factors: a part that depends on parameters and time alone becomes a `Scalar`;
* powers: ``b**(-n)`` and ``b**(n/2)`` become products of one reciprocal and one square root of each base;
* common parts: what several formulas share becomes a `Vector` of its own, or a `Number` where a `Number`
  needs it, in front of its first use.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

from sympy import Add, Expr, Mul, Pow, Rational, Symbol, cse, default_sort_key, exp, preorder_traversal

from .check import TIME
from .kernel import Step
from .statement import Statement, symbols
from .statements import Expressed, Number, Scalar, Vector


def factor(step: Step) -> Step:
    """The same step with fewer operations per path; new statements are named common0, factor0, inverse0,
    root0, ...
    """
    scalars = [s for s in step.statements if isinstance(s, Scalar)]
    formulas = {
        s.target: s.expression for s in step.statements if isinstance(s, Expressed) and s not in scalars
    }
    taken = {*step.inputs, *step.parameters, *step.matrices}
    taken |= {statement.target for statement in step.statements}

    rewriter = _Rewriter({TIME, *step.parameters, *(s.target for s in scalars)}, taken)
    formulas = {target: rewriter.rewrite(expression) for target, expression in formulas.items()}
    formulas = _unfold({s.name: e for e, s in rewriter.parts.items()} | formulas, keep=set(formulas))
    common, reduced = cse(
        list(formulas.values()), symbols=_fresh("common", taken), order="canonical", list=True
    )
    signs = {s: e for s, e in common if isinstance(-e, Symbol)}  # `cse` shares -x, which saves nothing
    found = [(s.name, e) for s, e in common if s not in signs] + list(zip(formulas, reduced, strict=True))
    parts = {name: e.xreplace(signs) for name, e in found}

    statements: list[Statement] = [*scalars, *(Scalar(s.name, e) for e, s in rewriter.scalars.items())]
    originals = {statement.target for statement in step.statements}
    numbers = _needed(parts, [s.target for s in step.statements if isinstance(s, Number)])

    def place(name: str) -> None:
        """Put a new part, with the new parts it needs, in front of its first use."""
        if name in parts and name not in originals:
            expression = parts.pop(name)
            for earlier in symbols(expression):
                place(earlier)
            statements.append(Number(name, expression) if name in numbers else Vector(name, expression))

    for statement in step.statements:
        if (target := statement.target) in parts:
            assert isinstance(statement, Expressed)
            for name in symbols(parts[target]):
                place(name)
            statements.append(type(statement)(target, parts[target]))
        elif statement.kind != "uniform":
            statements.append(statement)
    return Step(**{**vars(step), "statements": tuple(statements)})


def _needed(parts: dict[str, Expr], names: list[str]) -> set[str]:
    """Return the names with all that their formulas read, directly or not."""
    found, left = set(), list(names)
    while left:
        if (name := left.pop()) not in found:
            found.add(name)
            left.extend(symbols(parts[name]) if name in parts else [])
    return found


def _fresh(stem: str, taken: set[str]) -> Iterator[Symbol]:
    for n in count():
        if (name := f"{stem}{n}") not in taken:
            taken.add(name)
            yield Symbol(name)


def _unfold(parts: dict[str, Expr], keep: set[str]) -> dict[str, Expr]:
    """Put the parts that are used only once back where they are used."""
    uses = Counter(n.name for e in parts.values() for n in preorder_traversal(e) if isinstance(n, Symbol))
    back: dict[Any, Any] = {}
    kept: dict[str, Any] = {}
    for name, expression in parts.items():
        expression = expression.xreplace(back)
        if name in keep or uses[name] > 1:
            kept[name] = expression
        else:
            back[Symbol(name)] = expression
    return kept


class _Rewriter:
    """Rewrites formulas, collecting scalars and parts (square roots, reciprocals) under new names."""

    def __init__(self, uniform: set[str], taken: set[str]) -> None:
        self.uniform = uniform
        self.scalars: dict[Expr, Symbol] = {}
        self.parts: dict[Expr, Symbol] = {}
        self.names = {stem: _fresh(stem, taken) for stem in ("factor", "root", "inverse")}

    def is_uniform(self, expression: Any) -> bool:
        return self.uniform.issuperset(symbols(expression))

    def scalar(self, expression: Expr) -> Expr:
        """An expression that is the same for all paths, under a name unless it is one already."""
        if expression.is_number or isinstance(expression, Symbol):
            return expression
        if expression not in self.scalars:
            self.scalars[expression] = next(self.names["factor"])
        return self.scalars[expression]

    def part(self, stem: str, expression: Expr) -> Symbol:
        if expression not in self.parts:
            self.parts[expression] = next(self.names[stem])
        return self.parts[expression]

    def rewrite(self, expression: Any) -> Any:
        if self.is_uniform(expression):
            return self.scalar(expression)
        if isinstance(expression, Symbol):
            return Symbol(expression.name)  # two symbols of one name may differ in assumptions
        if isinstance(expression, Pow) and not isinstance(expression, exp):
            return self.power(*expression.as_base_exp())
        args: list[Any] = sorted(expression.args, key=default_sort_key)
        others = [self.rewrite(a) for a in args if not self.is_uniform(a)]
        if isinstance(expression, Add):
            return Add(self.scalar(Add(*(a for a in args if self.is_uniform(a)))), *others)
        if isinstance(expression, Mul):
            number, rest = Mul(*(a for a in args if self.is_uniform(a))).as_coeff_Mul()
            # a number joins the scalar, but a sign alone is cheaper in place
            sign = -1 if number.is_negative else 1
            return Mul(sign, self.scalar(sign * number * rest), *others)
        return expression.func(*(self.rewrite(a) for a in expression.args))

    def power(self, base: Any, exponent: Any) -> Expr:
        base, exponent = self.rewrite(base), self.rewrite(exponent)
        if not (isinstance(exponent, Rational) and exponent.q in (1, 2)):
            return Pow(base, exponent)
        if exponent.q == 2:
            base, exponent = self.part("root", Pow(base, Rational(1, 2))), 2 * exponent
        if exponent.is_negative:
            base, exponent = self.part("inverse", Pow(base, -1)), -exponent
        return Pow(base, exponent)
