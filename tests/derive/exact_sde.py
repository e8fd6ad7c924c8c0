"""Schemes on numbers: one step for one outcome of the random variables, exact, in vectors of SymPy
numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Expr, Integer, Matrix, Rational, sqrt, symbols, zeros

H = Rational(1, 4)
OUTCOME = (sqrt(3) / 2, Integer(0), -sqrt(3) / 2)
"""``dW`` of three Brownian motions for steps of duration `H`."""
SIGNS = (1, -1, -1)


@dataclass(frozen=True)
class ExactSde:
    """Two coordinates, three Brownian motions; `noise` multiplies their columns."""

    noise: int = 1

    def drift(self, x: Matrix) -> Matrix:
        return Matrix([x[0] * x[1] - 2 * x[0], 1 - x[0] ** 2 + x[1] / 3])

    def column(self, x: Matrix, p: str) -> Matrix:
        n = int(p) + 1
        return self.noise * Matrix([x[1] ** 2 / n + n * x[0], x[0] * x[1] - n])

    def diffusion(self, x: Matrix) -> Matrix:
        return self.total(lambda p: self.increment(p) * self.column(x, p))

    def signed(self, x: Matrix) -> Matrix:
        return self.total(lambda p: SIGNS[int(p)] * self.column(x, p))

    def correction(self, x: Matrix) -> Matrix:
        y = Matrix(symbols("y:2"))
        slopes = self.total(lambda p: self.column(y, p).jacobian(y) * self.column(y, p))
        return slopes.subs(dict(zip(y, x, strict=True)))

    def increment(self, p: str) -> Expr:
        return OUTCOME[int(p)]

    def sign(self, p: str, r: str) -> Expr:
        return Integer(
            {"01": 1, "02": -1, "12": -1}.get(p + r) or -{"10": 1, "20": -1, "21": -1}.get(p + r, 0)
        )

    def total(self, summand: Callable[[str], Matrix], without: str | None = None) -> Matrix:
        return sum((summand(p) for p in "012" if p != without), zeros(2, 1))


START = Matrix([Rational(1, 2), Rational(-1, 3)])
