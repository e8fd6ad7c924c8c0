"""Equal expressions have the same normal form; it is zero for zero only."""

import random

import pytest
from sympy import Abs, Function, Lambda, Rational, Symbol, erf, exp, sign, sqrt

from optsde.derive import adam, ballistic, gaussian
from optsde.derive.claims.normal_form import Algebra
from optsde.derive.derivation.chain import Chain
from optsde.derive.notation.symbols import Field, element_function, gradient, t

CHAIN = Chain(adam(), ballistic, gaussian())
X = Symbol("v", nonnegative=True)
eps, c1, c2 = (Symbol(name, positive=True) for name in ("eps", "c1", "c2"))
P = Lambda((X,), 1 / (sqrt(X) + eps))
S, v, m, F = Field("S", 2, symmetric=True), Field("v"), Field("m"), gradient


def R(index):
    return F(index) ** 2 + eps


def algebra() -> Algebra:
    return Algebra(CHAIN, {"P": P})


ZEROS = {
    "root": (v("i") - eps**2) / (sqrt(v("i")) + eps) - sqrt(v("i")) + eps,
    "definition": element_function("P", (0,))(v("i")) * (sqrt(v("i")) + eps) - 1,
    "derivative": element_function("P", (1,))(v("i")) * 2 * sqrt(v("i")) * (sqrt(v("i")) + eps) ** 2 + 1,
    "dummy": F("i", "_1") * F("_1") - F("i", "_2") * F("_2"),
    "two dummies": F("i", "_1", "_2") * S("_1", "_2") * (v("_1") - v("_2")),
    "exponential": exp(-2 * c1 * t - c2 * t) * exp(c1 * t) - exp(-c1 * t) * exp(-c2 * t),
    "root of an exponential": (1 - exp(-c2 * t)) / sqrt(1 - exp(-c2 * t)) - sqrt(1 - exp(-c2 * t)),
    "error function": erf(F("i") / sqrt(2 * S("i", "i"))) - erf(sqrt(2) * F("i") / (2 * sqrt(S("i", "i")))),
    "root of a polynomial": F("i") ** 2 / sqrt(R("i")) - sqrt(R("i")) + eps / sqrt(R("i")),
    "root in a sum below": 1 / (sqrt(R("i")) + F("i")) - (sqrt(R("i")) - F("i")) / eps,
    "two roots with one constant": F("i", "_1")
    * ((R("i") - R("_1")) / (sqrt(R("i")) + sqrt(R("_1"))) - sqrt(R("i")))
    + F("i", "_2") * sqrt(R("_2")),
    "root of a multiple": sqrt(2 * R("i")) - sqrt(2) * sqrt(R("i")),
    "root of a variance": S("i", "i") / sqrt(2 * S("i", "i")) - sqrt(S("i", "i") / 2),
    "sign": sign(F("i")) ** 3 - sign(F("i")) + Abs(F("i")) ** 3 - F("i") ** 3 * sign(F("i")),
    "sign below": 1 / (2 + sign(F("i"))) - (2 - sign(F("i"))) / 3,
    "constants": (c1 + c2) ** 2 / 2 - c1**2 / 2 - c2**2 / 2 - c1 * c2,
}


@pytest.mark.parametrize("name", ZEROS)
def test_zero_is_recognised(name):
    assert algebra().normal_form(ZEROS[name]) == {}
    assert algebra().normal_form(ZEROS[name] + eps * m("i") / sqrt(v("i"))) != {}


def test_the_short_expression_has_the_same_values():
    rng = random.Random(1)
    gam = {Symbol(f"gamma_{c}", positive=True): 1 - exp(-c * t) for c in (c1, c2)}
    q = sqrt(1 - exp(-c2 * t))
    expression = m("i") * c2 * (F("i") ** 2 + S("i", "i") - v("i")) / (sqrt(v("i")) + eps * q) ** 3
    expression -= c1 * m("i") * exp(-c1 * t) / q
    used = algebra()
    short = used.expression(used.normal_form(expression)).xreplace(gam)
    for _ in range(5):
        at = {
            symbol: Rational(rng.randint(1, 9), rng.randint(1, 9))
            for symbol in sorted(expression.free_symbols, key=str)
        }
        assert abs(float((short - expression).xreplace(at))) < 1e-12


def test_roots_of_polynomials_are_independent():
    roots = [sqrt(R(index)) for index in ("i", "j", "k")]
    for product in (
        roots[0],
        roots[1],
        roots[0] * roots[1],
        roots[0] * roots[1] * roots[2],
        roots[2] / roots[0],
    ):
        assert algebra().normal_form(product - F("i") * eps) != {}
    with_itself = algebra().normal_form(roots[0] ** 3 * roots[1] - R("i") * roots[0] * roots[1])
    assert with_itself == {}


def test_what_stands_under_a_root_is_no_monomial():
    used = algebra()
    form = used.normal_form(F("i", "_1") * F("_1") / sqrt(R("_1")) + F("i", "i"))
    assert set(form) == {F("i", "_1"), F("i", "i")}
    assert used.expression(form).has(sqrt(R("_1")), 1 / sqrt(R("_1")), F("_1"))


def test_constants_split_and_join():
    used = algebra()
    form = used.normal_form((c1 - 1) * S("i", "j") / sqrt(v("i")))
    assert set(form) == {S("i", "j"), c1 * S("i", "j")}
    assert used.expression(form) == (c1 - 1) * S("i", "j") / sqrt(v("i"))


@pytest.mark.parametrize(
    "root",
    [
        sqrt(m("i")), sqrt(v("i") + exp(-c1 * t)), sqrt(v("i") ** 2 + 1), sqrt(v("i")) + sqrt(v("i") + eps),
        sqrt(F("i") ** 4 + 2 * F("i") ** 2 + 1), sqrt(F("i") ** 2 - eps), sqrt(1 + sqrt(F("i") ** 2 + 1)),
        sqrt(c1 * c2 + c1**2),
    ],
)  # fmt: skip
def test_other_roots_are_refused(root):
    with pytest.raises(ValueError, match="expected a root of something linear in one second moment"):
        algebra().normal_form(root)


def test_a_denominator_that_one_sign_makes_zero_is_refused():
    with pytest.raises(ValueError, match="zero for one sign"):
        algebra().normal_form(1 / (1 + sign(F("i"))))


def test_error_functions_and_signs_are_written_back():
    used = algebra()
    expression = erf(F("i") / sqrt(S("i", "i"))) - sign(F("i"))
    assert used.expression(used.normal_form(expression)) == expression


def test_a_function_without_definition_is_a_coefficient():
    assert (
        algebra().normal_form(Function("w")(v("i")) * 2 - Function("w")(v("i")) - Function("w")(v("i"))) == {}
    )
