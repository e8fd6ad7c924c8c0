"""Truncated arithmetic: every claimed coefficient is right, and no more are claimed than are known."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Rational, Symbol, exp, log, series, sin, symbols

from optsde.derive.notation.series import EXACT, Series, monomial_series
from optsde.derive.notation.symbols import t, tau

s = Symbol("s", positive=True)
"""Stands for sqrt(tau) where SymPy's own series are the reference."""


def truncation(coefficients: Sequence[int], start: int, known: int) -> Series:
    """The series of ``sum coefficients[n] s**(start+n)`` when only the first `known` coefficients are."""
    kept = {start + n: Integer(c) for n, c in enumerate(coefficients[:known]) if c}
    return Series(kept, start + known)


def claims(found: Series, expected: dict[int, Fraction], upto: int) -> None:
    for n in range(min(found.precision, upto)):
        assert found[n] == Rational(expected.get(n, Fraction(0)))


numbers = st.lists(st.integers(-4, 4), min_size=9, max_size=9).map(lambda c: [1, *c])


@settings(max_examples=80, derandomize=True, deadline=None)
@given(numbers, numbers, st.integers(-3, 3), st.integers(-3, 3), st.integers(1, 6), st.integers(1, 6))
def test_sums_and_products(a: list[int], b: list[int], m: int, n: int, known_a: int, known_b: int) -> None:
    left, right = truncation(a, m, known_a), truncation(b, n, known_b)
    total, product = left + right, left * right
    assert total.precision == min(m + known_a, n + known_b)
    assert product.precision == m + n + min(known_a, known_b)  # both leading coefficients are 1
    for power in range(min(m, n), total.precision):
        full = sum(c[power - start] for c, start in ((a, m), (b, n)) if 0 <= power - start < 10)
        assert total[power] == full
    for power in range(m + n, product.precision):
        assert product[power] == sum(a[i] * b[power - m - n - i] for i in range(power - m - n + 1))


def power_of(a: Sequence[int], exponent: Fraction) -> list[Fraction]:
    """``(1 + a_1 s + ...)**exponent`` by Miller's recurrence."""
    b = [Fraction(1)]
    for n in range(1, len(a)):
        b.append(sum((k * exponent - (n - k)) * a[k] * b[n - k] for k in range(1, n + 1)) / n)
    return b


def exponential_of(a: Sequence[int]) -> list[Fraction]:
    """``exp(a_1 s + ...)`` by ``c' = a' c``."""
    c = [Fraction(1)]
    for n in range(1, len(a)):
        c.append(sum((Fraction(k * a[k]) * c[n - k] for k in range(1, n + 1)), Fraction(0)) / n)
    return c


def logarithm_of(a: Sequence[int]) -> list[Fraction]:
    """``log(1 + a_1 s + ...)`` by ``a' = a l'``."""
    result = [Fraction(0)]
    for n in range(1, len(a)):
        result.append(a[n] - sum((k * result[k] * a[n - k] for k in range(1, n)), Fraction(0)) / n)
    return result


exponents = st.sampled_from(
    [Fraction(*pair) for pair in ((-1, 1), (-2, 1), (1, 2), (-1, 2), (3, 2), (1, 3), (3, 1))]
)


@settings(max_examples=80, derandomize=True, deadline=None)
@given(numbers, exponents, st.integers(-2, 2), st.integers(1, 8), st.integers(1, 8))
def test_powers(a: list[int], exponent: Fraction, start: int, known: int, length: int) -> None:
    lead = 6 * start  # so that the leading power stays a power of sqrt(tau) for every exponent above
    found = truncation(a, lead, known).power(Rational(exponent), length)
    expected = power_of(a, exponent)
    first = int(exponent * lead)
    natural = exponent == 3
    assert found.precision == first + (known if natural else min(known, length))
    for n in range(found.precision - first):
        assert found[first + n] == Rational(expected[n])


@settings(max_examples=60, derandomize=True, deadline=None)
@given(numbers, st.integers(1, 8), st.integers(1, 8))
def test_exponential_and_logarithm(a: list[int], known: int, length: int) -> None:
    raised = truncation([0, *a[1:]], 0, known).exponential(length)
    assert raised.precision == min(known, length)
    claims(raised, dict(enumerate(exponential_of(a))), 10)
    lowered = truncation(a, 0, known).logarithm(length)
    assert lowered.precision == min(known, length)
    claims(lowered, dict(enumerate(logarithm_of(a))), 10)


def test_functions_of_a_symbol_against_sympy() -> None:
    a, b = symbols("a b", positive=True)
    argument = Series({0: a, 1: b, 3: Integer(2)})
    exact = a + b * s + 2 * s**3
    for found, function in (
        (argument.apply(sin, 5), sin(exact)),
        (argument.logarithm(5), log(exact)),
        (argument.power(Rational(-1, 2), 5), 1 / exact ** Rational(1, 2)),
        (argument.shifted(-3).power(Integer(-2), 5).shifted(-6), exact**-2),
    ):
        expected = series(function, s, 0, 5).removeO()
        assert found.precision == 5
        for n in range(5):
            assert (found[n] - expected.coeff(s, n)).simplify() == 0


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_powers_of_a_memory(shift: int) -> None:
    """``(1 - c tau)**(t/tau + shift)`` in whole powers of tau, as a bias correction has it."""
    c = Symbol("c", positive=True)
    memory = monomial_series(1 - c * tau)
    found = ((monomial_series(t / tau) + Series.of(Integer(shift))) * memory.logarithm(9)).exponential(9)
    assert found.precision == 7  # t/tau costs one power of tau
    expected = series(
        exp((t / tau + shift) * series(log(1 - c * tau), tau, 0, 6).removeO()), tau, 0, 4
    ).removeO()
    for n in range(7):
        wanted = expected.coeff(tau, n // 2) if n % 2 == 0 else 0
        assert (found[n] - wanted).expand() == 0
    assert found[0] == exp(-c * t)


def test_an_exact_series_stays_exact() -> None:
    x = Symbol("x")
    square = (Series.of(x) + Series.of(Integer(1), 1)).power(Integer(2), 1)
    assert square.precision == EXACT
    assert dict(square.coefficients) == {0: x**2, 1: 2 * x, 2: 1}
    assert Series.of(x, 2).power(Rational(1, 2), 3) == Series.of(x ** Rational(1, 2), 1)


def test_what_is_not_known_is_not_told() -> None:
    with pytest.raises(IndexError, match=r"power 3 .* known below 3"):
        _ = Series({0: Integer(1)}, 3)[3]
    assert Series({0: Integer(1)}, 3)[2] == 0


def test_cancelled_coefficients_disappear() -> None:
    x = Symbol("x")
    difference = Series({0: x, 1: x}, 5) + Series({0: -x}, 9)
    assert dict(difference.coefficients) == {1: x}
    assert (difference.valuation, difference.precision) == (1, 5)
    assert Series({}, 4).valuation == 4


def test_truncation_and_shift() -> None:
    found = Series({-1: Integer(1), 2: Integer(5)}, 6).truncated(2).shifted(3)
    assert found == Series({2: Integer(1)}, 5)


def test_monomials_in_tau() -> None:
    c = Symbol("c", positive=True)
    assert dict(monomial_series((1 - c * tau) / tau ** Rational(1, 2)).coefficients) == {-1: 1, 1: -c}
    for wrong in (tau ** Rational(1, 3), exp(tau), tau**c, 1 / (1 + tau)):
        with pytest.raises(ValueError, match="not a constant times a half-integer power of tau"):
            monomial_series(wrong)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="power -1 of zero"):
        Series({}, 4).power(Integer(-1), 3)
    with pytest.raises(ValueError, match="is no power of sqrt"):
        Series.of(Integer(1), 1).power(Rational(1, 2), 3)
    with pytest.raises(ValueError, match="exp of a quantity that grows as tau -> 0"):
        Series.of(Integer(1), -1).exponential(3)
    with pytest.raises(ValueError, match="log is not smooth at 0"):
        Series.of(Integer(1), 2).logarithm(3)


def test_differences_and_multiples() -> None:
    """Numbers in a product may hold powers of tau, negative ones too."""
    x, y = symbols("x y")
    left, right = Series({1: x, 2: y}, 4), Series({1: x, 3: x}, 5)
    assert left - right == Series({2: y, 3: -x}, 4)
    assert 2 * left == Integer(2) * left == Series({1: 2 * x, 2: 2 * y}, 4)
    assert (tau - 3 * tau**2) / tau ** Rational(1, 2) * left == Series({2: x, 3: y, 4: -3 * x}, 5)
