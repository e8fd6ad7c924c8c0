"""What couples the coordinates in the expressions of a rule, and the value of a block before the step."""

from collections.abc import Callable

from sympy import Expr, Function, Symbol, sqrt
from sympy.core.function import AppliedUndef
from sympy.printing.latex import LatexPrinter

old = Function("old")
"""In ordered assignments, ``old(v)`` is the value of a block at the start of the step."""

total = Function("total", real=True)
"""``total(x)`` is the sum of an element-wise expression over all coordinates of theta, which is one layer of
a network.
"""


def dot(x: Expr, y: Expr) -> Expr:
    """Return the sum over coordinates of a product of two element-wise expressions."""
    return total(x * y)


def norm(x: Expr) -> Expr:
    """Return the Euclidean norm of an element-wise expression over the coordinates of theta, which is one
    layer.
    """
    return sqrt(total(x**2))


REDUCTIONS = {"total": total, "dot": dot, "norm": norm}
"""What makes a number of all coordinates in the expressions of a rule, by name."""


def written(expression: Expr) -> str:
    """Return the text of an expression of a rule, with its norms by name."""
    return str(_with_norms(expression, lambda base: f"norm({base})"))


def written_in_latex(expression: Expr, printer: LatexPrinter) -> str:
    """Return an expression of a rule in LaTeX, with its norms as such."""
    # SymPy splits names at underscores and digits unless they hold braces
    return printer.doprint(_with_norms(expression, lambda base: rf"{{\| {printer.doprint(base)} \|}}"))


def _with_norms(expression: Expr, name: Callable[[Expr], str]) -> Expr:
    """Put a named number for the root of each sum of squares over the coordinates."""
    squares = {
        call: call.args[0].as_base_exp() for call in expression.atoms(AppliedUndef) if call.func == total
    }
    named = {
        call: Symbol(name(base), positive=True) ** 2 for call, (base, power) in squares.items() if power == 2
    }
    return expression.xreplace(named)
