"""A second reading of the program: carries out the statements of a `Step` in NumPy, one path at a time."""

from collections.abc import Mapping

import numpy as np
import sympy as sp

from optsde.codegen.program.kernel import Step
from optsde.codegen.program.statements import Apply, Entry, Matrix, Number, Scalar, Stack, Total, Vector

FUNCTIONS = {
    sp.Add: lambda *a: sum(a[1:], a[0]),
    sp.Mul: lambda *a: np.prod(np.broadcast_arrays(*a), axis=0),
    sp.Max: lambda *a: np.max(np.broadcast_arrays(*a), axis=0),
    sp.Min: lambda *a: np.min(np.broadcast_arrays(*a), axis=0),
    sp.Pow: np.power,
    sp.exp: np.exp,
    sp.sin: np.sin,
    sp.cos: np.cos,
    sp.tanh: np.tanh,
    sp.log: np.log,
    sp.Abs: np.abs,
    sp.Heaviside: np.heaviside,
}


def value(expression: sp.Expr, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Evaluate an expression; symbols are looked up by name."""
    if isinstance(expression, sp.Symbol):
        return np.asarray(values[expression.name], dtype=float)
    if not expression.args:
        return np.asarray(float(expression))
    return FUNCTIONS[expression.func](*(value(arg, values) for arg in expression.args))


def carry_out(statements, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return all values after the statements."""
    known = dict(values)
    d = max(
        np.size(entry)
        for name, entry in values.items()
        if np.ndim(entry) == 1 and not name.startswith(("zeta", "signs"))
    )
    for statement in statements:
        match statement:
            case Scalar(target, expression) | Vector(target, expression) | Number(target, expression):
                known[target] = value(expression, known)
            case Apply(target, Matrix(name, transposed), (operand,)):
                matrix = np.asarray(known[name])
                known[target] = (matrix.T if transposed else matrix) @ known[operand]
            case Total(target, expression):
                summand = value(expression, known)
                known[target] = summand.sum() if np.ndim(summand) else d * summand
            case Entry(target, vector, index):
                known[target] = known[vector][index]
            case Stack(target, entries):
                known[target] = np.array([known[entry] for entry in entries])
    return known


def after(step: Step, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the state after the step, shape (blocks, d); `values` holds exactly what the step says it needs,
    and t.
    """
    needed = {*step.inputs, *step.parameters, *step.matrices}
    known = carry_out(step.statements, {name: values[name] for name in needed} | {"t": values["t"]})
    return np.stack([known[name] for name in step.result])
