"""Index notation in numbered coordinates, with functions in the place of fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, reduce
from itertools import product

from sympy import Add, Dummy, Expr, Function, Integer, Lambda, Matrix, Symbol

from ..errors import DerivationRefused
from .indices import components, dummies, terms
from .symbols import Component, ElementFunction, TotalField, one


def in_coordinates(
    expression: Expr,
    free: Mapping[str, int],
    dimension: int,
    component: Callable[[Component, tuple[int, ...]], Expr],
) -> Expr:
    """Give free indices their numbers 1, 2, ..., sum over the others, and put the values of `component` for
    components.
    """
    total: list[Expr] = []
    for term in terms(expression):
        summed = sorted(dummies(term))
        for numbers in product(range(1, dimension + 1), repeat=len(summed)):
            at = {**free, **dict(zip(summed, numbers, strict=True))}
            found = sorted(components(term), key=lambda c: c.name)
            total.append(term.xreplace({c: component(c, tuple(at[i] for i in c.indices)) for c in found}))
    return Add(*total)


def written_out(expression: Expr, definitions: Mapping[str, Lambda]) -> Expr:
    """Put their definitions for the abstract functions that have one, derivatives included."""
    values = {}
    for call in expression.atoms(ElementFunction):
        if call.base in definitions:
            definition = definitions[call.base]
            variables = [v for v, n in zip(definition.variables, call.orders, strict=True) for _ in range(n)]
            derivative = definition.expr.diff(*variables) if variables else definition.expr
            arguments = [written_out(argument, definitions) for argument in call.args]
            values[call] = derivative.xreplace(dict(zip(definition.variables, arguments, strict=True)))
    return expression.xreplace(values) if values else expression


class Space:
    """Names and values of components in one dimension.

    Parameters
    ----------
    dimension : int
    objective : Expr or None
        ``f`` in the symbols of theta, known by name; an undefined function if None.
    factor : Matrix or None
        ``B`` likewise, d rows; covariances are undefined functions if None.
    definitions : mapping of str to Lambda
        The abstract functions to write out.

    Raises
    ------
    ValueError
        Objective or factor contain other symbols than theta's.
    """

    def __init__(
        self, dimension: int, objective: Expr | None, factor: Matrix | None, definitions: Mapping
    ) -> None:
        self.dimension, self.definitions = dimension, definitions
        self.theta = [self.state("theta", n) for n in range(1, dimension + 1)]
        self.objective = (
            Function("f")(*self.theta) if objective is None else self._in_theta(objective, "objective")
        )
        self.factor = (
            None if factor is None else factor.applyfunc(lambda entry: self._in_theta(entry, "noise factor"))
        )

    def _in_theta(self, expression: Expr, what: str) -> Expr:
        """Match symbols by name, whatever their assumptions."""
        own = {str(symbol): symbol for symbol in self.theta}
        if foreign := sorted({str(symbol) for symbol in expression.free_symbols} - set(own)):
            raise DerivationRefused(
                f"{what} contains {', '.join(foreign)}; expected a function of {', '.join(own)}"
            )
        return expression.xreplace({symbol: own[str(symbol)] for symbol in expression.free_symbols})

    def state(self, block: str, n: int) -> Symbol:
        return Symbol(block if self.dimension == 1 else f"{block}_{n}", real=True)

    def value(self, expression: Expr, free: Mapping[str, int]) -> Expr:
        """Give free indices their numbers, sum over the others, put functions for fields."""
        return self._written_out(self._added_up(expression, free))

    def _added_up(self, expression: Expr, free: Mapping[str, int]) -> Expr:
        return in_coordinates(expression, free, self.dimension, self.component)

    def _written_out(self, expression: Expr) -> Expr:
        expression = written_out(expression, self.definitions)
        calls = expression.atoms(ElementFunction)
        return expression.xreplace({call: self._undefined(call) for call in calls}) if calls else expression

    def _undefined(self, call: ElementFunction) -> Expr:
        arguments = tuple(self._written_out(argument) for argument in call.args)
        places = [Dummy() for _ in arguments]
        variables = [x for x, n in zip(places, call.orders, strict=True) for _ in range(n)]
        function = Function(call.base)(*places)
        return (function.diff(*variables) if variables else function).subs(
            dict(zip(places, arguments, strict=True))
        )

    def component(self, c: Component, numbers: tuple[int, ...]) -> Expr:
        """Return the value of a component whose indices are 1, 2, ..., in the symbols of theta.

        Raises
        ------
        ValueError
            The component is no derivative of the objective or of second moments of its noise, though these
            are given.
        """
        field = c.field
        if isinstance(field, TotalField):
            return self._added_up(field.body, {})
        if field == one:
            return Integer(1)
        if field.gradient:
            return self._differentiated(self.objective, numbers)
        head, tail = numbers[: field.rank], numbers[field.rank :]
        if field.rank == 1:
            return self.state(field.name, numbers[0])
        if self.factor is not None:
            matrices = {"B": self.factor, "S": self.covariance}
            if field.name not in matrices or field.rank != 2:
                raise DerivationRefused(
                    f"{c} has no value by a noise factor; expected covariances of the noise"
                )
            return self._differentiated(matrices[field.name][head[0] - 1, head[1] - 1], tail)
        names = sorted(head) if field.symmetric else head
        label = field.name if self.dimension == 1 else f"{field.name}_{''.join(map(str, names))}"
        return self._differentiated(
            Function(label)(*self.theta) if field.varies else Symbol(label, real=True), tail
        )

    @cached_property
    def covariance(self) -> Matrix | None:
        """``S = B B^T`` of the factor."""
        return None if self.factor is None else self.factor * self.factor.T

    def _differentiated(self, expression: Expr, by: tuple[int, ...]) -> Expr:
        return reduce(lambda e, n: e.diff(self.theta[n - 1]), by, expression)
