"""Auxiliary functions in an expansion: corrections by powers of tau, several arguments, no assumed sign."""

import pytest
from sympy import Abs, Function, Integer, Lambda, Max, Rational, Symbol, cos, exp, sin, sqrt, tanh

from optsde.derive import Auxiliary
from optsde.derive.derivation.expansion import Expansion, shifted
from optsde.derive.notation.indices import canonical
from optsde.derive.notation.series import Series
from optsde.derive.notation.symbols import Field, element_function, gradient, k, noise, t

m, eta = Symbol("m", real=True), Symbol("eta", positive=True)
M, XI, P = Field("m")("i"), noise("i"), Function("P")


def expansion(*auxiliaries: Auxiliary, length: int = 5) -> Expansion:
    """``eta = tau`` and ``m = M + sqrt(tau) xi`` to `length` powers of sqrt(tau)."""
    values = {m: Series({0: M, 1: XI}), eta: Series.of(Integer(1), 2)}
    return Expansion(values, {a.name: a for a in auxiliaries}, length)


def test_sums_products_powers_and_functions() -> None:
    found = expansion().read(eta * cos(m) + m**2 / (1 + eta))
    expected = {
        0: M**2,
        1: 2 * M * XI,
        2: XI**2 + cos(M) - M**2,
        3: -2 * M * XI - XI * sin(M),
        4: -(XI**2) + M**2 - XI**2 * cos(M) / 2,
    }
    assert found.precision == 5
    for power, coefficient in expected.items():
        assert canonical(found[power] - coefficient) == 0


def test_an_auxiliary_is_expanded_by_its_derivatives() -> None:
    found = expansion(Auxiliary("P", (m,), tanh(m))).read(P(m))
    p = [element_function("P", (n,))(M) for n in range(5)]
    assert [found[n] for n in range(5)] == [
        p[0],
        p[1] * XI,
        p[2] * XI**2 / 2,
        p[3] * XI**3 / 6,
        p[4] * XI**4 / 24,
    ]


def test_corrections_of_a_function_that_depends_on_tau() -> None:
    """``1/sqrt(m^2 + tau)``: the root of a square is an absolute value where the sign is not known."""
    own = expansion(Auxiliary("P", (m,), 1 / sqrt(m**2 + eta)), length=5)
    found = own.read(P(m))
    x = own.definitions["P"].variables[0]
    assert own.definitions["P"] == Lambda((x,), 1 / Abs(x))
    assert own.definitions["P_1"] == Lambda((x,), -1 / (2 * x**2 * Abs(x)))
    zeroth, correction = (element_function(name, (n,)) for name, n in (("P", 2), ("P_1", 0)))
    assert canonical(found[2] - zeroth(M) * XI**2 / 2 - correction(M)) == 0


def test_corrections_by_half_powers() -> None:
    own = expansion(Auxiliary("P", (m,), exp(-m - sqrt(eta))), length=3)
    own.read(P(m))
    assert list(own.definitions) == ["P", "P_1o2", "P_1"]


def test_several_arguments() -> None:
    n = Symbol("n", real=True)
    own = expansion(Auxiliary("P", (m, n), m * cos(n)), length=3)
    found = own.read(P(m, 3 + m))
    p = {
        orders: element_function("P", orders)(M, M + 3)
        for orders in ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))
    }
    assert canonical(found[1] - XI * (p[1, 0] + p[0, 1])) == 0
    assert canonical(found[2] - XI**2 * (p[2, 0] / 2 + p[1, 1] + p[0, 2] / 2)) == 0
    with pytest.raises(ValueError, match=r"P\(m\) has 1 arguments; expected 2"):
        own.read(P(m))


def test_the_noise_at_leading_order_of_an_argument_is_refused() -> None:
    q = Symbol("q", real=True)
    own = Expansion({q: Series.of(XI)}, {"P": Auxiliary("P", (m,), tanh(m))}, 3)
    with pytest.raises(ValueError, match=r"P\(q\) depends on the noise at leading order"):
        own.read(P(q))


def test_time_stands_in_functions_of_the_step_number() -> None:
    own = expansion(Auxiliary("P", (m,), m * (1 - eta) ** k), length=7)
    own.read(P(m))
    x = own.definitions["P"].variables[0]
    assert own.definitions["P"] == Lambda((x, t), x * exp(-t))
    assert own.definitions["P_1"] == Lambda((x, t), -x * t * exp(-t) / 2)


def test_gradients_at_shifted_points() -> None:
    """``F_i(theta + s)``, ``s = tau m``: the Hessian along m, then third derivatives."""
    found = shifted(gradient("i"), Series.of(M, 2), 6)
    along = Field("m")
    assert found[0] == gradient("i")
    assert found[2] == gradient("i", "_1") * along("_1")
    assert canonical(found[4] - gradient("i", "_1", "_2") * along("_1") * along("_2") / 2) == 0
    assert found.precision == 6
    with pytest.raises(ValueError, match="expected a shift that vanishes as tau -> 0"):
        shifted(gradient("i"), Series.of(M), 6)


def test_any_field_at_a_shifted_point() -> None:
    """``G_ip(theta + s)``: derivatives are appended to both indices."""
    g, along = Field("G", rank=2, varies=True), Field("m")
    found = shifted(g("i", "p"), Series.of(M, 1), 3)
    assert found[0] == g("i", "p")
    assert found[1] == g("i", "p", "_1") * along("_1")
    assert canonical(found[2] - g("i", "p", "_1", "_2") * along("_1") * along("_2") / 2) == 0


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (Max(m, 0), "is not smooth"),
        (Abs(m), "is not smooth"),
        (Symbol("q") + m, "unknown symbol q in the update rule; expected one of eta, m, k"),
        (P(m), "unknown function P; expected one of none"),
        (exp(1 / eta), "exp of a quantity that grows as tau -> 0"),
        ((m / eta) ** Rational(1, 3), "is no power of sqrt"),
        (eta**k, "the base grows or vanishes as tau -> 0|log is not smooth"),
    ],
)
def test_refusals(expression: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expansion(length=4).read(expression)  # type: ignore[arg-type]
