"""Composition of operators, against differentiation of explicit functions in one and two dimensions."""

from itertools import product

import pytest
from hypothesis import given, settings
from random_symbols import DP, P, Q, S, d_theta, d_v, random_symbols, theta, v
from sympy import Expr, Integer, Mul, Rational, Symbol, expand, sqrt, symbols

from optsde.derive.notation.indices import canonical, components, dummies, opened, terms
from optsde.derive.notation.operators import (
    TIME,
    apply,
    block_of,
    compose,
    compose_series,
    contracted,
    is_momentum,
    momentum,
    split,
)
from optsde.derive.notation.symbols import (
    Component,
    ElementFunction,
    Field,
    TotalField,
    element_function,
    gradient,
    one,
    t,
    total_of,
)


def variable(block: str, number: str) -> Symbol:
    return Symbol(f"{block}{number}", real=True)


def concrete(atom: Expr, at: dict[str, str], dimension: int) -> Expr:
    """Polynomials in place of the fields and of the abstract functions, in numbered coordinates."""
    x, y = (variable("theta", n) for n in "12")
    if isinstance(atom, ElementFunction):
        w, q = symbols("w q")
        function = w**3 - 2 * w if atom.base == "P" else w**2 * (1 + q**2) + q
        for symbol, order in zip((w, q), atom.orders, strict=False):
            function = function.diff(symbol, order) if order else function
        return function.subs({w: concrete(atom.args[0], at, dimension), q: t})
    assert isinstance(atom, Component)
    if isinstance(atom.field, TotalField):
        return value(atom.field.body, {}, dimension)
    numbers = [at[index] for index in atom.indices]
    if atom.field.gradient:
        result, by = x**3 * y - 2 * x**2 + x * y**2 + 3 * y**3, numbers
    elif atom.field == S:
        pair, by = tuple(sorted(numbers[:2])), numbers[2:]
        result = {("1", "1"): 1 + x**2 + y, ("1", "2"): x * y - 2, ("2", "2"): 2 + 3 * y**2 - x}[pair]
    else:
        return variable(atom.field.name, numbers[0])
    for n in by:
        result = result.diff(variable("theta", n))
    return result


def value(expression: Expr, at: dict[str, str], dimension: int) -> Expr:
    """An expression in numbered coordinates, dummies that have no number summed over."""
    total = Integer(0)
    for term in terms(expression):
        summed = sorted(dummies(term) - set(at))
        for numbers in product("12"[:dimension], repeat=len(summed)):
            placed = at | dict(zip(summed, numbers, strict=True))
            rest = term.xreplace({a: concrete(a, placed, dimension) for a in term.atoms(ElementFunction)})
            total += rest.xreplace({c: concrete(c, placed, dimension) for c in components(rest)})
    return total


def act(symbol: Expr, function: Expr, dimension: int) -> Expr:
    """Let the operator of a symbol act on an explicit function."""
    total = Integer(0)
    for term in terms(symbol):
        coefficient, momenta = split(term)
        summed = sorted(dummies(term))
        for numbers in product("12"[:dimension], repeat=len(summed)):
            at = dict(zip(summed, numbers, strict=True))
            image = function
            for m in momenta:
                image = image.diff(t if block_of(m) == TIME else variable(block_of(m), at[m.indices[0]]))
            total += value(coefficient, at, dimension) * image
    return expand(total if dimension == 2 else total.subs(variable("theta", "2"), Rational(2, 3)))


def functions_in(dimension: int) -> list[Expr]:
    x, y, u, w = (variable(block, n) for block in ("theta", "v") for n in "12")
    line = [x**3 * u**2 + t * x * u, u**4 + t**2 * x**2]
    return line if dimension == 1 else [*line, x**2 * y * w**2 + t * u * w * y**2]


@pytest.mark.parametrize("dimension", [1, 2])
@settings(max_examples=12, derandomize=True, deadline=None)
@given(left=random_symbols(), right=random_symbols())
def test_composition_is_acting_one_after_the_other(dimension: int, left: Expr, right: Expr) -> None:
    together = compose(left, right)
    for function in functions_in(dimension):
        assert act(together, function, dimension) == act(left, act(right, function, dimension), dimension)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(random_symbols(1), random_symbols(1), random_symbols(1))
def test_composition_is_associative(a: Expr, b: Expr, c: Expr) -> None:
    assert compose(compose(a, b), c) == compose(a, compose(b, c))


@settings(max_examples=25, derandomize=True, deadline=None)
@given(random_symbols(), random_symbols(), random_symbols())
def test_composition_is_bilinear(a: Expr, b: Expr, c: Expr) -> None:
    assert canonical(compose(a, b + 3 * c) - compose(a, b) - 3 * compose(a, c)) == 0
    assert canonical(compose(a + 3 * b, c) - compose(a, c) - 3 * compose(b, c)) == 0


def test_canonical_commutation() -> None:
    """[x.d, d_i] = -d_i under a sum with w_i, and [d, x] = 1 for every coordinate: the commutator counts
    degrees.
    """
    number = theta("_1") * d_theta("_1")
    for degree in (1, 2, 3):
        power = Mul(*(d_theta(f"_{n}") for n in range(1, degree + 1)))
        assert canonical(compose(number, power) - compose(power, number)) == -degree * power
    assert canonical(compose(number, d_v("_1")) - compose(d_v("_1"), number)) == 0


def test_a_derivative_of_a_component_is_a_kronecker_delta() -> None:
    assert apply(v("_1") * d_theta("_1"), theta("i")) == v("i")
    assert apply(v("_1") * d_theta("_1"), v("i")) == 0
    assert apply(gradient("_1") * d_theta("_1"), gradient("i")) == gradient("_1") * gradient("i", "_1")


def test_time_differentiates_what_contains_time() -> None:
    assert apply(momentum(TIME)(), Q(v("i"), t)) == element_function("Q", (0, 1))(v("i"), t)
    assert apply(momentum(TIME)(), gradient("i")) == 0


def test_equal_indices_in_different_blocks() -> None:
    """A step of theta_a and v_a together, k_theta,a k_theta,b k_v,a: the delta of one derivative reaches
    those that wait.
    """
    symbol = d_theta("_1") * d_theta("_2") * d_v("_1")
    assert apply(symbol, theta("i") ** 2 * v("i")) == 2
    assert apply(symbol, gradient("i", "_1") * theta("_1") * v("_1")) == canonical(
        gradient("i", "_1", "_2") + gradient("i", "_1", "_1") + gradient("i", "_1", "_1", "_2") * theta("_1")
    )
    x, y, u, w = (variable(block, n) for block in ("theta", "v") for n in "12")
    assert act(symbol, x * u * y**2, 2) == 2 * y
    right = S("_1", "_2") * d_v("_1") * d_theta("_2") + P(v("_1")) * theta("_1") ** 2 * d_theta("_1")
    for function in (x**2 * u * y + y**3 * w * x, x**3 * u**2):
        assert act(compose(symbol, right), function, 2) == act(symbol, act(right, function, 2), 2)


def test_a_delta_renames_the_derivatives_that_wait() -> None:
    """``sum_ab d/dm_a d/dm_b d/dtheta_a`` of ``m_i^2 F_i``: a = b = i when theta's turn comes, also under a
    sum.
    """
    m, d_m = Field("m"), momentum("m")
    symbol = d_m("_1") * d_m("_2") * d_theta("_1")
    assert apply(symbol, m("i") ** 2 * gradient("i")) == 2 * gradient("i", "i")
    assert apply(symbol, m("_1") ** 2 * gradient("_1", "i")) == 2 * gradient("_1", "_1", "i")


def test_sums_over_coordinates_are_differentiated_inside() -> None:
    """``d_i |theta|`` is ``theta_i / |theta|``, ``d_i |F|**2`` is ``2 H_ij F_j``; time stands in a body
    too.
    """
    size = total_of(theta("_1") ** 2)
    assert apply(v("_1") * d_theta("_1"), sqrt(size)) == total_of(theta("_1") * v("_1")) / sqrt(size)
    slope = total_of(gradient("_1") ** 2)
    assert apply(v("_1") * d_theta("_1"), slope) == 2 * total_of(
        gradient("_1") * gradient("_1", "_2") * v("_2")
    )
    assert apply(momentum(TIME)(), total_of(Q(v("_1"), t))) == total_of(
        element_function("Q", (0, 1))(v("_1"), t)
    )
    assert apply(momentum(TIME)(), size) == 0
    nested = total_of(theta("_1") * P(size))
    chained = total_of(P(size) * v("_1")) + 2 * total_of(theta("_1") * v("_1")) * total_of(
        theta("_1") * DP(size)
    )
    assert canonical(opened(apply(v("_1") * d_theta("_1"), nested) - chained)) == 0


def test_the_laplacian_of_the_square_of_the_norm_is_twice_the_dimension() -> None:
    assert apply(d_theta("_1") ** 2, total_of(theta("_1") ** 2)) == 2 * total_of(one("_1"))
    assert apply(v("i") * d_theta("_1"), total_of(theta("_1"))) == v("i") * total_of(one("_1"))


def test_split_repeats_momenta() -> None:
    coefficient, momenta = split(3 * v("_1") * d_v("_1") ** 2 * d_theta("_1"))
    assert coefficient == 3 * v("_1")
    assert momenta == [d_theta("_1"), d_v("_1"), d_v("_1")]
    assert all(map(is_momentum, momenta))
    assert not is_momentum(v("_1"))


def test_contracted_sums_the_free_index_beside_other_sums() -> None:
    symbol = contracted(gradient("i", "_1") * v("_1") + v("i"), "theta")
    assert symbol == canonical(gradient("_1", "_2") * v("_2") * d_theta("_1")) + v("_1") * d_theta("_1")


def test_series_of_operators_are_multiplied_and_cut() -> None:
    a, b = gradient("_1") * d_theta("_1"), P(v("_1")) * d_v("_1")
    left, right = {Rational(0): Integer(1), Rational(1, 2): a}, {Rational(1, 2): b, Rational(1): a}
    found = compose_series(left, right, 1)
    assert set(found) == {Rational(1, 2), Rational(1)}
    assert canonical(found[Rational(1, 2)] - b) == 0
    assert canonical(found[Rational(1)] - a - compose(a, b)) == 0
