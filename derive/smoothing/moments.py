"""Functions that are not smooth, as sign or a clip, and their moments under Gaussian noise, which are smooth.

A rule reads ``u(alpha_i + b xi_i)`` as a `Noisy` function, which is never differentiated. The expectation
puts in its place

    E_u(x, V) = E u(x + sqrt(V) z)  at  x = alpha_i, V = b**2 S_ii,
    E u(X) w(Y) = E_u E_w + Cov_u_w(x, y, V, W, U)  of two,

with ``U = b_i b_j S_ij``: the covariance vanishes with U, and for i = j it is the variance. Polynomials of
the noise beside it go by Stein's lemma, ``E[xi_j G(xi)] = S_jk E[d_k G]``, where a derivative of u is one of
``E_u`` by x.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sympy import Add, Dummy, Expr, Integer, Lambda, Mul, Symbol, collect

from ..errors import DerivationRefused
from ..noise.model import NoiseModel
from ..notation.indices import components, terms
from ..notation.symbols import KEPT, Component, ElementFunction, NoiseField, tau
from .piecewise import COVARIANCE, MEAN, MEANS, VARIANCE, covariance, piecewise_polynomial


class Noisy(ElementFunction):
    """A function of the noise that is not smooth, ``u(alpha_i + b xi_i)``."""

    shape: Lambda

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _unevaluated, (noisy_function, (self.base, self.shape), self.args)

    def fdiff(self, argindex: int = 1) -> Any:
        raise DerivationRefused(f"{self} is not smooth; expected no derivative before the expectation")

    def parity(self, brought: int) -> int | None:
        """Return 1 if the function is odd in the noise and in the half-integer powers of tau together, 0 if
        even, else None.

        Parameters
        ----------
        brought : int
            The power of ``sqrt(tau)`` that a factor of the noise brings.
        """
        inside, odd = terms(self.args[0].expand()), brought % 2
        for term in inside:
            power = 2 * term.as_coeff_exponent(tau)[1]
            if (power + odd * (not any(isinstance(c.field, NoiseField) for c in components(term)))) % 2:
                return None
        (y,) = self.shape.variables
        if not odd:
            return 0
        return next(
            (n for n in (0, 1) if _vanishes(Lambda(y, self.shape(y) - (-1) ** n * self.shape(-y)))), None
        )


def _vanishes(shape: Lambda) -> bool:
    polynomial = piecewise_polynomial(shape)
    return polynomial.first == 0 and not polynomial.jumps


class Mean(ElementFunction):
    """``E u(x + sqrt(V) z)`` at x and V, differentiated by x; at a number x its closed form."""

    shape: Lambda

    @classmethod
    def eval(cls, x: Expr, variance: Expr) -> Expr | None:
        if not x.is_number:
            return None
        return (
            mean(cls.shape).diff(MEAN, cls.orders[0]).subs({MEAN: x, VARIANCE: variance}, simultaneous=True)
        )

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _unevaluated, (_mean_function, (self.base, self.shape, self.orders[0]), self.args)

    def fdiff(self, argindex: int = 1) -> Expr:
        # by V through the heat equation, d/dV = 1/2 d/dx d/dx, so that equal derivatives look equal
        return _mean_function(self.base, self.shape, self.orders[0] + argindex)(*self.args) / argindex

    def _sympystr(self, printer: Any) -> str:
        order = self.orders[0]
        name = f"D[{','.join('1' * order)}]({self.base})" if order else self.base
        return f"{name}({', '.join(printer._print(arg) for arg in self.args)})"

    def _marks(self) -> str:
        return "1" * self.orders[0]


class Covariance(ElementFunction):
    """``Cov(u(X), w(Y))`` of Gaussian X, Y at their means, variances and covariance; the variance where they
    coincide.
    """

    shapes: tuple[tuple[str, Lambda], tuple[str, Lambda]]

    @classmethod
    def eval(cls, x: Expr, y: Expr, v: Expr, w: Expr, u: Expr) -> Expr | None:
        left, right = cls.shapes
        if u == 0:
            return Integer(0)
        if x == y and v == w == u:
            return mean_of((left, right), x, v) - mean_of((left,), x, v) * mean_of((right,), x, v)
        if left == right and (str(y), str(w)) < (str(x), str(v)):
            return cls(y, x, w, v, u)
        return None

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _unevaluated, (_covariance_function, self.shapes, self.args)

    def fdiff(self, argindex: int = 1) -> Any:
        raise DerivationRefused(
            f"the derivation differentiates {self.base}, the covariance of "
            f"{' and '.join(str(s.expr) for _, s in self.shapes)} "
            "at two coordinates, which is not smooth where they coincide; take a lower order"
        )


def _unevaluated(make: Callable[..., type[Expr]], kind: tuple[Any, ...], arguments: tuple[Expr, ...]) -> Expr:
    """Return a function of a kind at arguments, as a pickle holds it."""
    return make(*kind)(*arguments, evaluate=False)


@cache
def noisy_function(name: str, shape: Lambda) -> type[Noisy]:
    """Return the class of the function `shape` of the noise, called `name`."""
    return type(f"{name}(0,)", (Noisy,), {"base": name, "orders": (0,), "shape": shape, "nargs": 1})


@cache
def _mean_function(name: str, shape: Lambda, order: int) -> type[Mean]:
    return type(f"{name}{order}", (Mean,), {"base": name, "orders": (order, 0), "shape": shape, "nargs": 2})


@cache
def _covariance_function(left: tuple[str, Lambda], right: tuple[str, Lambda]) -> type[Covariance]:
    name, orders = f"Cov_{left[0]}_{right[0]}", (0,) * 5
    return type(name, (Covariance,), {"base": name, "orders": orders, "shapes": (left, right), "nargs": 5})


@lru_cache(KEPT)
def mean(shape: Lambda) -> Expr:
    """Return ``E u(x + sqrt(V) z)`` in closed form."""
    return piecewise_polynomial(shape).mean()


def mean_of(factors: Iterable[tuple[str, Lambda]], x: Expr, variance: Expr) -> Expr:
    """Return the mean of a product of functions of one Gaussian variable; a polynomial, as of ``sign**2``, is
    written out.
    """
    name, shape = _product(factors)
    if piecewise_polynomial(shape).jumps:
        return _mean_function(f"E_{name}", shape, 0)(x, variance)
    return mean(shape).expand().subs({MEAN: x, VARIANCE: variance}, simultaneous=True)


def _product(factors: Iterable[tuple[str, Lambda]]) -> tuple[str, Lambda]:
    """Return name and shape of a product."""
    ordered = sorted(factors, key=lambda factor: factor[0])
    (y,) = ordered[0][1].variables
    return "".join(name for name, _ in ordered), Lambda(y, Mul(*(shape(y) for _, shape in ordered)))


def smoothed_moment(functions: list[Noisy], drawn: list[Component], law: NoiseModel) -> Expr:
    """Return ``E[xi_j xi_k ... u(alpha_i + b xi_i) ...]`` for the given noise and functions, which may
    repeat.

    Raises
    ------
    ValueError
        The noise is not Gaussian, or the functions have more than two different arguments.
    """
    if law.orders != (2,) or law.population is not None:
        raise DerivationRefused(
            f"{functions[0].shape.expr} is not smooth, with {law.name} noise; expected Gaussian noise"
        )
    factors: dict[Expr, list[tuple[str, Lambda]]] = {}
    for function in functions:
        factors.setdefault(function.args[0], []).append((function.base, function.shape))
    if len(factors) > 2:
        raise DerivationRefused(
            f"the joint moment of {functions[0].shape.expr} at more than two coordinates; take a lower order"
        )
    shifts = [Dummy(real=True) for _ in factors]
    variables = [_Argument(argument, shift) for argument, shift in zip(factors, shifts, strict=True)]
    (value, *others) = (
        mean_of(f, a.mean, a.variance(law)) for f, a in zip(factors.values(), variables, strict=True)
    )
    if others:
        value = value * others[0] + _covariance_of([_product(f) for f in factors.values()], variables, law)
    return _stein(drawn, value, variables, law).subs(dict.fromkeys(shifts, 0))


@dataclass(frozen=True)
class _Argument:
    """``alpha_i + shift + b xi_i``, `expression` being without the shift."""

    expression: Expr
    shift: Symbol

    @property
    def noise(self) -> Component:
        (xi,) = (c for c in components(self.expression) if isinstance(c.field, NoiseField))
        return xi

    @property
    def weight(self) -> Expr:
        return self.expression.expand().coeff(self.noise)

    @property
    def mean(self) -> Expr:
        value = self.expression.xreplace({self.noise: Integer(0)}).expand()
        return collect(value, sorted(components(value), key=str)) + self.shift

    def variance(self, law: NoiseModel) -> Expr:
        return self.covariance(self, law)

    def covariance(self, other: "_Argument", law: NoiseModel) -> Expr:
        return self.weight * other.weight * law.joint_moment((self.noise, other.noise))


def _covariance_of(factors: list[tuple[str, Lambda]], variables: list[_Argument], law: NoiseModel) -> Expr:
    (left, a), (right, b) = sorted(zip(factors, variables, strict=True), key=lambda pair: pair[0][0])
    values = (a.mean, b.mean, a.variance(law), b.variance(law), a.covariance(b, law))
    functions = [piecewise_polynomial(shape) for _, shape in (left, right)]
    if all(function.jumps for function in functions):
        return _covariance_function(left, right)(*values)
    return covariance(*functions).subs(
        dict(zip((*MEANS, *COVARIANCE), values, strict=True)), simultaneous=True
    )


def _stein(drawn: list[Component], value: Expr, variables: list[_Argument], law: NoiseModel) -> Expr:
    """Return ``E[xi_j xi_k ... G]``: the first noise pairs with another one or differentiates G."""
    if not drawn:
        return value
    first, *others = drawn
    pairs = [
        law.joint_moment((first, k)) * _stein(others[:n] + others[n + 1 :], value, variables, law)
        for n, k in enumerate(others)
    ]
    for a in variables:
        along = a.weight * law.joint_moment((first, a.noise))
        pairs.append(along * _stein(others, value.diff(a.shift), variables, law))
    return Add(*pairs)


def has_noisy(expressions: Iterable[Expr]) -> bool:
    """Tell whether functions of the noise that are not smooth stand in expressions."""
    return any(e.atoms(Noisy) for e in expressions)


def smoothed_definitions(expressions: Iterable[Expr]) -> dict[str, Lambda]:
    """Return the definitions of the means and covariances in expressions, and of their variances, by name."""
    found = [call for e in expressions for call in e.atoms(Mean, Covariance)]
    result = {}
    for call in found:
        if isinstance(call, Mean):
            result[call.base] = _mean_definition(call.shape)
            continue
        for factors in (
            (call.shapes[0],),
            (call.shapes[1],),
            call.shapes,
        ):  # the variance at one coordinate needs them
            name, shape = _product(factors)
            if piecewise_polynomial(shape).jumps:
                result[f"E_{name}"] = _mean_definition(shape)
        functions = (piecewise_polynomial(shape) for _, shape in call.shapes)
        result[call.base] = Lambda((*MEANS, *COVARIANCE), covariance(*functions))
    return {name: result[name] for name in sorted(result)}


def _mean_definition(shape: Lambda) -> Lambda:
    return Lambda((MEAN, VARIANCE), mean(shape))
