"""The explicit component form of an equation in a given dimension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from typing import Any

from sympy import Expr, Matrix, Symbol

from ..display.text import components_json, components_text
from ..errors import DerivationRefused
from ..notation.coordinates import Space
from ..notation.symbols import t
from .abstract import Equation


@dataclass(frozen=True)
class ComponentForm:
    """Drift, covariance and obstruction as SymPy objects in the symbols of `state`.

    Attributes
    ----------
    state : tuple of Symbol
        ``theta_1, theta_2, ..., v_1, ...``; without numbers in one dimension.
    time : Symbol
    drift : tuple of Matrix
        By power of tau, a column in the order of `state`.
    covariance : tuple of Matrix
        By power of tau, symmetric.
    third, fourth : mapping of tuple of Symbol to Expr
        The obstruction at order tau, for state symbols in the order of `state`; what vanishes is left out.
    """

    state: tuple[Symbol, ...]
    time: Symbol
    drift: tuple[Matrix, ...]
    covariance: tuple[Matrix, ...]
    third: Mapping[tuple[Symbol, ...], Expr]
    fourth: Mapping[tuple[Symbol, ...], Expr]

    def __str__(self) -> str:
        return components_text(self)

    def to_json(self) -> dict[str, Any]:
        """Return the component form as data; lists go by power of tau."""
        return components_json(self)


def component_form(
    equation: Equation,
    dimension: int,
    objective: Expr | None,
    abstract: bool,
    factor: Matrix | None = None,
) -> ComponentForm:
    """Expand an equation in index notation; see `ModifiedEquation.expand`.

    Raises
    ------
    ValueError
        The dimension is not a positive integer, or objective or factor contain other symbols than theta's.
    """
    if not isinstance(dimension, int) or dimension < 1:
        raise DerivationRefused(f"dimension {dimension!r}; expected a positive integer")
    blocks = [block.name for block in equation.chain.blocks]
    positions = list(product(blocks, range(1, dimension + 1)))
    space = Space(dimension, objective, factor, {} if abstract else equation.definitions)
    state = tuple(space.state(block, n) for block, n in positions)
    drift = tuple(
        Matrix([space.value(part[block], {"i": n}) for block, n in positions]) for part in equation.drift
    )

    def entry(part: Mapping[tuple[str, str], Expr], row: int, column: int) -> Expr:
        (a, i), (b, j) = positions[row], positions[column]
        return space.value(part[a, b], {"i": i, "j": j}) if (a, b) in part else entry(part, column, row)

    size = range(len(state))
    covariance = tuple(
        Matrix([[entry(part, r, c) for c in size] for r in size]) for part in equation.covariance or ()
    )
    tensors: dict[int, dict[tuple[Symbol, ...], Expr]] = {3: {}, 4: {}}
    for obstruction in equation.certificate.obstruction:
        if obstruction.power == 1:
            degree = len(obstruction.blocks)
            for chosen in combinations_with_replacement(range(len(positions)), degree):
                if tuple(positions[n][0] for n in chosen) == obstruction.blocks:
                    names = {free: positions[n][1] for free, n in zip("ijklmn"[:degree], chosen, strict=True)}
                    value = space.value(obstruction.expression, names)
                    if value != 0:
                        tensors[degree][tuple(state[n] for n in chosen)] = value
    return ComponentForm(state, t, drift, covariance, tensors[3], tensors[4])
