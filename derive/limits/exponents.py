"""Linear forms in unknown exponents, and the comparisons that a calculation makes between them.

A monomial ``h**(b - 2 s)`` has an exponent linear in the unknowns; sums are ruled by the smallest exponent. A
calculation done at one rational point of exponent space keeps, with each number, the form it came from. The
comparisons it made are linear equations and strict inequalities: they are the cell of all points at which the
same monomials dominate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from sympy import Expr, Rational, Symbol

Point = tuple[Fraction, ...]


@dataclass(frozen=True)
class Form:
    """A linear form: weights of the unknowns, the constant last."""

    weights: tuple[Fraction, ...]

    def __add__(self, other: "Form") -> "Form":
        return Form(tuple(a + b for a, b in zip(self.weights, other.weights, strict=True)))

    def __sub__(self, other: "Form") -> "Form":
        return Form(tuple(a - b for a, b in zip(self.weights, other.weights, strict=True)))

    def __mul__(self, factor: Fraction | int) -> "Form":
        return Form(tuple(factor * a for a in self.weights))

    def at(self, point: Point) -> Fraction:
        """Return the value at a point, given without the constant's 1."""
        return sum((a * x for a, x in zip(self.weights, point, strict=False) if a), self.weights[-1])

    def solved(self, index: int, value: "Form") -> "Form":
        """Put a form for one unknown."""
        weight = self.weights[index]
        rest = Form(tuple(Fraction(0) if n == index else a for n, a in enumerate(self.weights)))
        return rest + value * weight

    def without(self, index: int) -> "Form":
        """Drop an unknown that does not occur."""
        return Form(self.weights[:index] + self.weights[index + 1 :])

    def expression(self, axes: Sequence[str]) -> Expr:
        """Return the form in symbols named by the axes."""
        numbers = [Rational(a.numerator, a.denominator) for a in self.weights]
        return sum((a * Symbol(x) for a, x in zip(numbers, axes, strict=False)), numbers[-1])

    @property
    def one(self) -> "Form":
        """The constant 1 in the same unknowns."""
        return Form((*(Fraction(0) for _ in self.weights[1:]), Fraction(1)))

    @property
    def constant(self) -> bool:
        """Whether no unknown occurs."""
        return not any(self.weights[:-1])


@dataclass
class Comparisons:
    """The comparisons made at one point: forms that vanish there and forms that are positive there."""

    point: Point
    zero: dict[Form, None] = field(default_factory=dict)
    positive: dict[Form, None] = field(default_factory=dict)

    def sign(self, form: Form) -> int:
        """Return the sign of a form at the point, and remember it."""
        value = form.at(self.point)
        if not form.constant:
            if value == 0:
                self.zero[form] = None
            else:
                self.positive[form if value > 0 else form * -1] = None
        return (value > 0) - (value < 0)

    def smallest(self, forms: Sequence[Form]) -> list[int]:
        """Return the places of the smallest forms; what ties and what is larger is remembered."""
        least = min(range(len(forms)), key=lambda n: forms[n].at(self.point))
        return [n for n, form in enumerate(forms) if n == least or self.sign(form - forms[least]) == 0]
