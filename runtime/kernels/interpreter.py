"""Expressions at many states at once, in NumPy: where a handful of numbers is wanted and no kernel."""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache, partial, reduce
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import (
    Add,
    Expr,
    Heaviside,
    Lambda,
    Max,
    Min,
    Mul,
    Pow,
    Symbol,
    erf,
)

from ...codegen.program.kernel import Observable
from ...codegen.program.shapes import lengths
from ...codegen.program.statement import Statement
from ...codegen.program.statements import Apply, Entry, Function, Matrix, Number, Scalar, Stack, Total, Vector
from ...derive.notation.coordinates import written_out
from ...derive.notation.functions import KNOWN_FUNCTIONS
from ...derive.notation.indices import components, is_dummy, terms
from ...derive.notation.symbols import Component, TotalField, body_of, one
from ..problems.problem import Problem
from ..problems.quadratic import Quadratic

Array = NDArray[np.float64]

FUNCTIONS: Mapping[Any, Callable[..., Any]] = {
    known.function: getattr(np, known.numpy) for known in KNOWN_FUNCTIONS if known.numpy
} | {
    Add: np.add,
    Mul: np.multiply,
    Pow: np.power,
    erf: np.vectorize(math.erf, otypes=[float]),
    Heaviside: lambda x, *_: np.heaviside(x, 0.0),
}
COMBINED = (Add, Mul, Max, Min)
"""Functions of any number of arguments, carried out two at a time."""


def value(expression: Expr, values: Mapping[str, Any]) -> Any:
    """Return an expression's value; symbols are looked up by name, arrays go by NumPy's rules.

    Raises
    ------
    ValueError
        It contains a function or a symbol that has no value here.
    """
    return _function(expression)(values)


@lru_cache(4096)
def _function(expression: Any) -> Callable[[Mapping[str, Any]], Any]:
    """Return what `value` does: walking the expression takes longer than the arithmetic."""
    if isinstance(expression, Symbol):
        return partial(_looked_up, expression.name)
    if expression.is_number:
        constant = float(expression)
        return lambda values: constant
    arguments = [_function(argument) for argument in expression.args]
    if expression.func in COMBINED:
        combine = FUNCTIONS[expression.func]
        return lambda values: reduce(combine, (argument(values) for argument in arguments))
    if expression.func not in FUNCTIONS:
        raise ValueError(f"no values of {expression.func.__name__} in {expression}; expected known functions")
    function = FUNCTIONS[expression.func]
    return lambda values: function(*(argument(values) for argument in arguments))


def _looked_up(name: str, values: Mapping[str, Any]) -> Any:
    if name not in values:
        raise ValueError(f"no value for {name}; expected one of {', '.join(sorted(values))}")
    return values[name]


def carry_out(
    statements: tuple[Statement, ...],
    values: Mapping[str, Any],
    matrices: Mapping[str, Array],
    dimension: int,
) -> dict[str, Any]:
    """Return all values after the statements.

    Vectors have the coordinates as their last axis; of a number for each of many states the last axis has
    length 1.
    """
    known = dict(values)
    given = tuple((name, array.shape[-1]) for name, array in values.items() if np.ndim(array))
    for statement, (length, *others) in zip(statements, _lengths(statements, given, dimension), strict=True):
        match statement:
            case Vector(target, expression) | Number(target, expression) | Scalar(target, expression):
                known[target] = value(expression, known)
            case Apply(target, Matrix(matrix, transposed), (operand,)):
                array = matrices[matrix] if transposed else matrices[matrix].T
                known[target] = _wide(known[operand], length) @ array
            case Apply(target, Function() as function, operands):
                *wide, made = (length, *others)
                rows = [_wide(known[name], n) for name, n in zip(operands, wide, strict=True)]
                known[target] = _called(function, rows, made)
            case Total(target, expression):
                known[target] = _wide(value(expression, known), length).sum(axis=-1, keepdims=True)
            case Entry(target, vector, index):
                known[target] = _wide(known[vector], length)[..., index, None]
            case Stack(target, entries):
                parts = np.broadcast_arrays(*(np.atleast_1d(known[entry]) for entry in entries))
                known[target] = np.concatenate(parts, axis=-1)
    return known


@lru_cache(64)
def _lengths(
    statements: tuple[Statement, ...], given: tuple[tuple[str, int], ...], dimension: int
) -> list[tuple[int, ...]]:
    """Return the lengths of the vectors that each statement reads as a whole, or of those that it adds up;
    and that of its target.
    """
    known = lengths(statements, dict(given), dimension)
    result = []
    for s in statements:
        read = [known[name] for name in s.reads] if s.whole else [s.span(known, dimension)]
        result.append((*read, known.get(s.target, 1)))
    return result


def _called(function: Function, operands: list[Array], length: int) -> Array:
    """Return a function of vectors at many states: it takes the states as lanes."""
    shape = np.broadcast_shapes(*(operand.shape[:-1] for operand in operands))
    lanes = prod(shape)
    rows = [
        np.ascontiguousarray(np.moveaxis(np.broadcast_to(x, (*shape, x.shape[-1])), -1, 0), float).reshape(-1)
        for x in operands
    ]
    made = np.empty(length * lanes)
    function.call(*rows, made, lanes)
    return np.moveaxis(made.reshape(length, *shape), 0, -1)


def _wide(given: Any, length: int) -> Array:
    """Return a vector of which all entries may be given as one."""
    return np.broadcast_to(given, (*np.shape(given)[:-1], length))


def observed(phi: Observable, blocks: Mapping[str, Array], problem: Problem) -> Array:
    """Return an observable at many states, given block by block with the coordinates as last axis."""
    *count, dimension = next(iter(blocks.values())).shape
    constants = {name: problem.vectors[name] for name in phi.vectors}
    known = carry_out(phi.statements, {**blocks, **constants}, problem.matrices, dimension)
    found = value(phi.expression, known)
    return np.broadcast_to(found, (*count, 1))[..., 0]


class States:
    """What index notation is worth on a problem at many states, all at one time.

    Parameters
    ----------
    problem : Quadratic
    blocks : mapping of str to ndarray (n, d)
        The states, block by block.
    constants : mapping of str to float
        With the time ``t``.
    """

    def __init__(
        self, problem: Quadratic, blocks: Mapping[str, Array], constants: Mapping[str, float]
    ) -> None:
        self.problem, self.constants = problem, constants
        self.vectors = carry_out(
            problem.fields.gradient(), {**blocks, **problem.vectors}, problem.matrices, problem.dimension
        )

    def tensor(self, expression: Expr, free: tuple[str, ...], definitions: Mapping[str, Lambda]) -> Array:
        """Return an expression with free indices at all states, shape (n, d, ..., d).

        Raises
        ------
        ValueError
            It contains something that the problem does not provide.
        """
        count, d = self.vectors["theta"].shape
        result = np.zeros((count, *[d] * len(free)))
        for term in terms(expression):
            if not any(self.problem.fields.vanishes(c) for c in components(term)):
                result += self._product(term, free, definitions)
        return result

    def _product(self, term: Expr, free: tuple[str, ...], definitions: Mapping[str, Lambda]) -> Array:
        letters = {index: chr(ord("a") + n) for n, index in enumerate(sorted({*free, *_indices(term)}))}
        count, d = self.vectors["theta"].shape
        # ones carry the paths, and the free indices that the term does not contain
        operands, subscripts = [np.ones(count)], ["z"]
        for index in free:
            operands.append(np.ones(d))
            subscripts.append(letters[index])
        for factor in Mul.make_args(term):
            base, exponent = factor.as_base_exp()
            if isinstance(base, Component) and len(base.indices) > 1:
                operands.append(self.problem.matrix(self.problem.fields.matrix(base)) ** float(exponent))
                subscripts.append("".join(letters[index] for index in base.indices))
            else:
                operands.append(np.asarray(self._elementwise(written_out(factor, definitions), definitions)))
                subscripts.append(
                    "".join(["z", *(letters[index] for index in _indices(factor))])[: operands[-1].ndim]
                )
        wanted = "z" + "".join(letters[index] for index in free)
        return np.einsum(f"{','.join(subscripts)}->{wanted}", *operands)

    def _elementwise(self, factor: Expr, definitions: Mapping[str, Lambda]) -> Any:
        indices = _indices(factor)
        if len(indices) > 1 or any(len(c.indices) > 1 for c in components(factor)):
            raise ValueError(f"{factor} mixes coordinates; expected functions of one coordinate")
        found = {
            c.name: self._component(c, definitions, (..., None) if indices else ...)
            for c in components(factor)
        }
        return value(factor, {**self.constants, **found})

    def _component(self, c: Component, definitions: Mapping[str, Lambda], beside: Any) -> Any:
        if isinstance(c.field, TotalField):
            return self.tensor(body_of(c), (), definitions)[beside]
        return np.ones_like(self.vectors["theta"]) if c.field == one else self.vectors[c.field.name]


def _indices(expression: Expr) -> list[str]:
    return sorted(
        {index for c in components(expression) for index in c.indices},
        key=lambda index: (is_dummy(index), index),
    )
