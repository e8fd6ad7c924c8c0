"""Canonical forms do not depend on dummies' names and keep an expression's value; products keep dummies
apart.
"""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Add, Expr, Integer, Mul, Rational, expand, symbols

from optsde.derive.notation.indices import (
    canonical,
    components,
    dummies,
    fresh,
    multiply,
    opened,
    reindex,
    terms,
    whole,
)
from optsde.derive.notation.operators import momentum
from optsde.derive.notation.symbols import (
    Component,
    Field,
    TotalField,
    element_function,
    gradient,
    noise,
    omega1,
    one,
    total_of,
    zeta1,
    zeta2,
)

S = Field("S", rank=2, symmetric=True, varies=True)
B = Field("B", rank=2, varies=True)
x = Field("x")
P1 = element_function("P", (1,))
DUMMIES = ("_1", "_2", "_3", "_4")

MAKERS = [
    (1, lambda a: x(a)),
    (1, lambda a: P1(x(a))),
    (2, lambda a, b: gradient(a, b)),
    (2, lambda a, b: S(a, b)),
    (2, lambda a, b: B(a, b)),
    (3, lambda a, b, c: gradient(a, b, c)),
    (3, lambda a, b, c: S(a, b, c)),
]


@st.composite
def random_terms(draw: st.DrawFn, free: str = "i") -> Expr:
    chosen = []
    for arity, make in draw(st.lists(st.sampled_from(MAKERS), min_size=1, max_size=4)):
        chosen.append(make(*(draw(st.sampled_from((free, *DUMMIES))) for _ in range(arity))))
    return Mul(Rational(draw(st.integers(1, 5)), draw(st.integers(1, 3))), *chosen)


def number(component: Component) -> Rational:
    """A rational of its own for every component in numbered coordinates, below 1/2 and not symmetric by
    accident.
    """
    text = f"{component.field.name}{component.indices}"
    return Rational(sum(ord(letter) * 7**n for n, letter in enumerate(text)) % 9973, 20011)


def value(expression: Expr, free: dict[str, str], dimension: int = 2) -> Expr:
    """The value in numbered coordinates, dummies summed over in each term."""
    total = []
    for term in terms(expression):
        summed = sorted(dummies(term))
        for numbers in product("123"[:dimension], repeat=len(summed)):
            at = reindex(term, {**free, **dict(zip(summed, numbers, strict=True))})
            sums = {
                c: value(c.field.body, {}, dimension)
                for c in components(at)
                if isinstance(c.field, TotalField)
            }
            total.append(at.xreplace({c: number(c) for c in components(at)} | sums))
    return expand(Add(*total))


@settings(max_examples=150, derandomize=True, deadline=None)
@given(random_terms(), st.permutations(("_1", "_2", "_3", "_4", "_7", "_9")))
def test_renaming_dummies_does_not_change_the_canonical_form(term: Expr, names: list[str]) -> None:
    renamed = reindex(term, dict(zip(DUMMIES, names, strict=False)))
    assert canonical(renamed) == canonical(term)
    assert canonical(renamed - term) == 0


@settings(max_examples=60, derandomize=True, deadline=None)
@given(random_terms())
def test_canonical_form_keeps_the_value_and_is_canonical(term: Expr) -> None:
    form = canonical(term)
    assert canonical(form) == form
    assert dummies(form) == set(fresh((), len(dummies(form))))
    assert len(dummies(opened(form))) == len(dummies(term))
    assert canonical(opened(form)) == form
    assert value(form, {"i": "2"}) == value(term, {"i": "2"})


@settings(max_examples=40, derandomize=True, deadline=None)
@given(random_terms("i"), random_terms("i"), random_terms("j"))
def test_a_product_has_the_product_of_the_values(a: Expr, b: Expr, c: Expr) -> None:
    free = {"i": "1", "j": "2"}
    expected = (value(a, free, 1) + value(b, free, 1)) * value(c, free, 1)
    assert value(multiply(a + b, c), free, 1) == expand(expected)
    if len(dummies(a)) + len(dummies(c)) <= 5:
        assert value(multiply(a, c), free) == expand(value(a, free) * value(c, free))


def test_the_square_of_a_sum_has_two_dummies() -> None:
    square = canonical(multiply(x("_1"), x("_1")))
    assert square == total_of(x("_1")) ** 2
    assert opened(square) == x("_1") * x("_2")
    assert multiply(x("_1"), x("i")) == x("_1") * x("i")


def test_what_is_summed_completely_is_one_number() -> None:
    closed = gradient("_1", "_2") * x("_1") * x("_2")
    assert canonical(gradient("i", "_3") * x("_3") * closed) == gradient("i", "_1") * x("_1") * total_of(
        closed
    )
    number = total_of(x("_1") ** 2)
    assert canonical(x("_4") ** 2 / number) == 1
    assert canonical(P1(number) * x("_2") ** 2) == P1(number) * number
    assert total_of(S("_1", "_1")) != total_of(Field("S", rank=2, symmetric=True)("_1", "_1"))


def test_derivatives_and_increments_stay_outside_of_numbers() -> None:
    for field in (noise, zeta1, zeta2, omega1, momentum("x")):
        term = x("_1") * field("_1")
        assert canonical(term) == term


def test_a_sum_of_ones_is_the_dimension() -> None:
    ones = canonical(x("i") * one("_3") * one("i"))
    assert ones == x("i") * total_of(one("_1"))
    assert canonical(x("_1") * noise("_1") * one("_1") ** 2) == x("_1") * noise("_1")
    assert canonical(one("_1") * one("_2")) == total_of(one("_1")) ** 2


def test_several_terms_as_one_number() -> None:
    number = whole(x("_3") ** 2 + 2 * x("_4"))
    assert number == total_of(x("_1") ** 2 + 2 * x("_1"))
    assert value(number, {}) == value(x("_1") ** 2 + 2 * x("_1"), {})
    assert canonical(number**2 / number) == number


def test_different_contractions_stay_different() -> None:
    trace_of_square, square_of_trace = gradient("_1", "_2") ** 2, gradient("_1", "_1") * gradient("_2", "_2")
    assert canonical(trace_of_square) != canonical(square_of_trace)
    # B_ip B_jp and B_pi B_pj: a factor is not symmetric
    assert canonical(B("i", "_1") * B("j", "_1")) != canonical(B("_1", "i") * B("_1", "j"))


def test_dummies_with_the_same_neighbourhood_are_told_apart_by_trying() -> None:
    """Two triangles and one hexagon: every dummy sees the same, so only permutations decide."""

    def cycle(*names: str) -> Expr:
        return Mul(*(gradient(a, b) for a, b in zip(names, (*names[1:], names[0]), strict=True)))

    hexagon = cycle("_1", "_2", "_3", "_4", "_5", "_6")
    assert canonical(hexagon) == canonical(cycle("_3", "_6", "_1", "_5", "_2", "_4"))
    assert canonical(cycle("_1", "_2", "_3") * cycle("_4", "_5", "_6")) != canonical(hexagon)
    # a triangle and a square: the same neighbourhoods, but it matters which dummy is told apart first
    first = cycle("_1", "_2", "_3") * cycle("_4", "_5", "_6", "_7")
    assert canonical(first) == canonical(cycle("_5", "_7", "_6") * cycle("_2", "_1", "_4", "_3"))


def test_reindex_renames_all_at_once() -> None:
    assert reindex(x("_1") * P1(x("_2")), {"_1": "_2", "_2": "_1"}) == x("_2") * P1(x("_1"))
    assert reindex(B("i", "j"), {"i": "j", "j": "i"}) == B("j", "i")


def test_fresh_names_avoid_the_taken_ones() -> None:
    assert fresh({"_1", "_3", "i"}, 3) == ["_2", "_4", "_5"]


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=6, max_size=6), st.integers(0, 3))
def test_terms_multiply_out_polynomials(numbers: list[int], exponent: int) -> None:
    a, b = symbols("a b")
    n = [Integer(value) for value in numbers]
    expression = (n[0] * a + n[1] * b + n[2]) ** exponent * (n[3] * a + n[4]) + n[5] * b
    assert Add(*terms(expression)) == expand(expression)


def test_terms_leave_other_powers_alone() -> None:
    a, b = symbols("a b", positive=True)
    assert terms((a + b) ** Rational(1, 2)) == [(a + b) ** Rational(1, 2)]
    assert terms(1 / (a + b)) == [1 / (a + b)]
    assert terms(Integer(0)) == []
