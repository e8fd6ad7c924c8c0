"""Problems given by formulas: an objective and a factor of its noise covariance as functions of theta."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, I, Matrix, Rational, Symbol, eye, nan, oo, zeros, zoo

from ...codegen.objectives.formula import LARGEST_DIMENSION, FormulaFields
from ...derive.errors import BadInput
from ...derive.notation.parser import parse_expression

Entry = Expr | str | float
"""A formula as a SymPy expression or as text, or a number."""


@dataclass(frozen=True, eq=False)
class Formula:
    """Any smooth ``f(theta)`` with Gaussian gradient noise ``B(theta) zeta``, of covariance ``S = B B^T``.

    Attributes
    ----------
    f : Expr or str
        In ``theta_1, ..., theta_d``; in ``theta`` for d = 1. Text is read by
        `optsde.derive.notation.parser.parse_expression`.
    factor : number, Expr, str, or rows of them
        ``B``: d rows of p <= d entries in the same symbols, or a single entry that multiplies the identity.
    dimension : int
        The number d of coordinates, at most 8: a kernel has statements of its own for each.
    constants : mapping of str to float
        Values of the other names in `f` and `factor`.

    Raises
    ------
    ValueError
        A name has no value, an entry is not real and finite, a shape or the dimension is not as described, or
        text is no expression.

    Examples
    --------
    >>> problem = Formula("a*theta_1**2/2 + theta_2**4/4", [["1", "theta_1/5"], ["0", "1"]], 2, {"a": 0.5})
    >>> problem.f, problem.factor
    (theta_1**2/4 + theta_2**4/4, Matrix([
    [1, theta_1/5],
    [0,         1]]))
    """

    f: Entry
    factor: Entry | Sequence[Sequence[Entry]] | Matrix = 1.0
    dimension: int = 1
    constants: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        d = self.dimension
        if not isinstance(d, int) or not 1 <= d <= LARGEST_DIMENSION:
            raise BadInput(
                f"dimension {d!r} of an objective given by a formula; expected 1 to {LARGEST_DIMENSION}: "
                "its kernels write the coordinates out one by one; take a Quadratic for more"
            )
        names = {"theta"} if d == 1 else {f"theta_{n}" for n in range(1, d + 1)}
        for name, value in self.constants.items():
            if name in names or not isfinite(value):
                raise BadInput(
                    f"constant {name} = {value}; expected a finite number for another name than theta's"
                )
        known: dict[str, Expr] = {name: Symbol(name, real=True) for name in sorted(names)}
        known |= {name: _rational(value) for name, value in self.constants.items()}
        object.__setattr__(self, "f", _read("objective", self.f, known))
        object.__setattr__(self, "factor", _factor(self.factor, d, known))

    @property
    def fields(self) -> FormulaFields:
        """What kernels need to know of the objective's form."""
        f, factor = _sympy(self.f), _sympy(self.factor)
        return FormulaFields(f, factor.row_join(zeros(self.dimension, self.dimension - factor.cols)))

    @property
    def matrices(self) -> Mapping[str, NDArray[np.float64]]:
        """None: the formulas stand in the kernels."""
        return {}

    @property
    def vectors(self) -> Mapping[str, NDArray[np.float64]]:
        """None."""
        return {}

    @property
    def numbers(self) -> Mapping[str, float]:
        """None."""
        return {}

    @property
    def noiseless(self) -> "Formula":
        """The same objective without noise."""
        return Formula(self.f, 0, self.dimension)

    @property
    def description(self) -> Mapping[str, object]:
        """The problem as data, for records: `f`, `factor` and `dimension` as text and numbers, constants put
        in.
        """
        rows = [[str(entry) for entry in row] for row in _sympy(self.factor).tolist()]
        return {"f": str(self.f), "factor": rows, "dimension": self.dimension}


def _sympy(value: Any) -> Any:
    """Return what `Formula` has made of its input; SymPy types an entry as any node."""
    return value


def _rational(value: float) -> Rational:
    """Read a number as the decimal that it is written as."""
    exact = Fraction(repr(float(value)))
    return Rational(exact.numerator, exact.denominator)


def _read(what: str, entry: Any, known: Mapping[str, Expr]) -> Expr:
    if isinstance(entry, str):
        return parse_expression(entry, known)
    if isinstance(entry, Expr):
        if foreign := sorted({str(s) for s in entry.free_symbols} - set(known)):
            names = ", ".join(known)
            raise BadInput(
                f"{what} contains {foreign[0]}; expected {names}; give other names a value in constants"
            )
        expression = entry.xreplace({symbol: known[str(symbol)] for symbol in entry.free_symbols})
        if expression.has(zoo, nan, oo, -oo, I) or expression.is_real is False:
            raise BadInput(f"{what} {expression} is not real and finite; expected a real function of theta")
        return expression
    if not isinstance(entry, int | float | np.number) or not isfinite(entry):
        raise BadInput(f"{what} is {entry!r}; expected a formula or a finite number")
    return _rational(float(entry))


def _factor(noise: Any, dimension: int, known: Mapping[str, Expr]) -> Matrix:
    """Return ``B`` as an immutable matrix."""
    rows = noise.tolist() if isinstance(noise, np.ndarray) or hasattr(noise, "tolist") else noise
    if isinstance(rows, Expr | str | int | float | np.number):
        return (_read("noise factor", rows, known) * eye(dimension)).as_immutable()
    shape = (
        [len(row) if isinstance(row, list | tuple) else 0 for row in rows]
        if isinstance(rows, list | tuple)
        else []
    )
    if len(shape) != dimension or len(set(shape)) != 1 or not 1 <= shape[0] <= dimension:
        raise BadInput(
            f"noise factor has rows of {shape or type(noise).__name__} entries; expected {dimension} rows of "
            f"1 to {dimension} "
            "entries: a wider factor B may be replaced by a square one with the same B B^T"
        )
    return Matrix([[_read("noise factor", entry, known) for entry in row] for row in rows]).as_immutable()
