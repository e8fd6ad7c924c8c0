from fractions import Fraction

import pytest
from sympy import Symbol, cos, exp, log, sqrt

from optsde.derive.limits.dominant import Leading, LeadingReader
from optsde.derive.limits.exponents import Comparisons, Form
from optsde.derive.limits.monomials import Correction, Decay
from optsde.derive.notation.symbols import k, t

Q = Fraction
X, Y, C = Symbol("x"), Symbol("y"), Symbol("c", positive=True)
EXPONENTS = {X: Form((Q(1), Q(0), Q(0))), Y: Form((Q(0), Q(0), Q(1))), C: Form((Q(1), Q(0), Q(0)))}


def read(expression, x):
    """Read at x ~ h**x, c ~ h**x, y ~ h; the time step is h."""
    values = {symbol: (lambda s=symbol: Leading(EXPONENTS[s], s)) for symbol in EXPONENTS}
    seen = Comparisons((Q(x), Q(1)))
    reader = LeadingReader(values, {}, Form((Q(0), Q(1), Q(0))), seen)
    found = reader.read(expression)
    return found.exponent.at(seen.point), found.expression, seen


def test_sums_keep_the_smallest_exponent():
    assert read(X + Y, Q(1, 2))[:2] == (Q(1, 2), X)
    assert read(X + Y, 2)[:2] == (1, Y)
    assert read(X + 3 * Y, 1)[:2] == (1, X + 3 * Y)
    assert list(read(X + Y, 2)[2].positive) == [Form((Q(1), Q(0), Q(-1)))]


def test_products_and_powers():
    assert read(X**2 / sqrt(Y), 3)[:2] == (Q(11, 2), X**2 / sqrt(Y))
    assert read(1 / (sqrt(X) + Y), 1)[:2] == (Q(-1, 2), 1 / sqrt(X))


def test_memories_after_many_steps():
    """beta**k with 1 - beta = c h**b and k = t h**-kappa."""
    assert read(Correction(C, k + 1), Q(1, 2))[:2] == (0, 1)
    assert read(Correction(C, k + 1), 1)[:2] == (0, 1 - exp(-C * t))
    assert read(Correction(C, k + 1), 3)[:2] == (2, C * t)
    assert read(Decay(C, k), 1)[:2] == (0, exp(-C * t))
    assert read(Decay(C, k), 3)[:2] == (0, 1)
    with pytest.raises(ValueError, match="vanishes"):
        read(Decay(C, k), Q(1, 2))


def test_functions_of_what_is_small_or_finite():
    assert read(cos(X), 1)[:2] == (0, 1)
    assert read(cos(X), 0)[:2] == (0, cos(X))
    with pytest.raises(ValueError, match="of a quantity that grows"):
        read(cos(X), -1)
    with pytest.raises(ValueError, match="not finite at leading order"):
        read(log(X), 1)
    with pytest.raises(ValueError, match="cannot compare"):
        read(X**Y, 1)


def test_cancellation_is_refused():
    values = {X: lambda: Leading(EXPONENTS[X], C), Y: lambda: Leading(EXPONENTS[X], -C)}
    reader = LeadingReader(values, {}, Form((Q(0), Q(1), Q(0))), Comparisons((Q(1), Q(1))))
    with pytest.raises(ValueError, match="cancels at leading order"):
        reader.read(X + Y)
