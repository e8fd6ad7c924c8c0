"""Reading terms as matrices applied to vectors keeps their value; what is no tree is refused."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Expr, Integer, Mul, Rational, Symbol, expand

from optsde.derive.notation.contraction import Contraction, contract, contract_closed, readable, root_of
from optsde.derive.notation.indices import components, dummies, reindex
from optsde.derive.notation.symbols import Component, Field, element_function, gradient, total_of, zeta1

S = Field("S", rank=2, symmetric=True, varies=True)
B = Field("B", rank=2)
x, y = Field("x"), Field("y")
P = element_function("P", (0,))
c = Symbol("c", positive=True)


def number(component: Component) -> Rational:
    text = f"{component.field.name}{component.indices}"
    return Rational(sum(ord(letter) * 5**n for n, letter in enumerate(text)) % 997, 1009)


def at(expression: Expr, numbers: dict[str, str]) -> Expr:
    placed = reindex(expression, numbers)
    return placed.xreplace({a: number(a) for a in components(placed)})


def value(term: Expr, i: str) -> Expr:
    summed = sorted(dummies(term))
    return expand(
        sum(
            at(term, {"i": i, **dict(zip(summed, n, strict=True))}) for n in product("12", repeat=len(summed))
        )
    )


def value_of_tree(tree: Contraction, i: str) -> Expr:
    """``local_i prod_e sum_j matrix_ij child_j``, as its docstring says."""
    result = at(tree.local, {"i": i})
    for matrix, child in tree.links:
        result *= sum(at(matrix, {"i": i, "j": j}) * value_of_tree(child, j) for j in "12")
    return expand(result)


@st.composite
def trees(draw: st.DrawFn) -> Expr:
    """A random tree: each new dummy hangs on an earlier index by one or two matrices."""
    indices = ["i"]
    factors: list[Expr] = [Integer(draw(st.integers(1, 5))), c]
    for n in range(draw(st.integers(0, 4))):
        parent, new = draw(st.sampled_from(indices)), f"_{n + 1}"
        matrix = st.sampled_from(
            [gradient(parent, new), S(parent, new), S(parent, parent, new), S(new, new, parent)]
        )
        factors += draw(st.lists(matrix, min_size=1, max_size=2))
        indices.append(new)
    for index in draw(st.lists(st.sampled_from(indices), max_size=4)):
        factors.append(draw(st.sampled_from([x(index), y(index) ** 2, P(x(index)), S(index, index)])))
    return Mul(*factors)


@settings(max_examples=80, derandomize=True, deadline=None)
@given(trees())
def test_a_tree_has_the_value_of_its_term(term: Expr) -> None:
    for i in "12":
        assert value_of_tree(contract(term), i) == value(term, i)


def test_the_shape_of_a_tree() -> None:
    term = 2 * c * P(x("i")) * gradient("i", "_1") * x("_1") * S("_1", "_2") * y("_2")
    assert contract(term) == Contraction(
        2 * c * P(x("i")),
        ((gradient("i", "j"), Contraction(x("i"), ((S("i", "j"), Contraction(y("i"), ())),))),),
    )
    squared = contract(S("i", "_1") ** 2 * y("_1"))
    assert squared.links == ((S("i", "j") ** 2, Contraction(y("i"), ())),)


@pytest.mark.parametrize(
    "term",
    [
        gradient("i", "_1", "_2") * x("_1") * y("_2"),
        gradient("i", "_1", "_2") * S("_1", "_2"),
        gradient("i", "_1")
        * gradient("i", "_2")
        * S("_1", "_2"),  # a triangle: order 3 of RMSprop contains it
        gradient("i", "_1") * S("_1", "_2") * gradient("_2", "_3") * S("_3", "i"),
        gradient("_1", "_2") * gradient("_1", "_3") * S("_2", "_3") * x("i"),
    ],
)
def test_what_is_no_tree_is_refused(term: Expr) -> None:
    with pytest.raises(ValueError, match="is not a product of matrices and vectors"):
        contract(term)


def test_a_factor_that_shares_no_index_is_a_number() -> None:
    number = x("_1") * B("_1", "_2") * zeta1("_2")
    tree = contract(2 * y("i") * number)
    assert tree == Contraction(2 * y("i"), (), (contract_closed(number),))
    assert contract_closed(number) == Contraction(x("i"), ((B("i", "j"), Contraction(zeta1("i"), ())),))


def test_a_number_is_read_at_the_index_that_needs_fewest_products() -> None:
    chain = x("_1") * gradient("_1", "_2") * S("_2", "_3") * y("_3")
    (left, right) = contract_closed(chain).links
    assert {left[0], right[0]} == {gradient("i", "j"), S("i", "j")}


def test_norms_are_found_in_sums_of_squares() -> None:
    x1, y1 = x("_1"), y("_1")
    assert root_of(total_of(x1**2 + 2 * c * x1 * y1 + c**2 * y1**2)) in (x1 + c * y1, -x1 - c * y1)
    assert root_of(total_of(P(x1) ** 2 * y1**4)) == P(x1) * y1**2
    for body in (x1 * y1, x1**2 + y1**2, S("_1", "_1") ** 2, gradient("_1", "_2") * x1 * x("_2")):
        assert root_of(total_of(body)) is None


def test_readable_names_dummies_by_free_letters() -> None:
    ((summed, term),) = readable(gradient("i", "_1") * S("_1", "_2") * x("_2") * y("j"), ("i", "j"))
    assert summed == ["k", "l"]
    assert term == gradient("i", "k") * S("k", "l") * x("l") * y("j")
    assert readable(Integer(0), ("i",)) == [([], 0)]
    assert [names for names, _ in readable(x("i") + gradient("i", "_1") * x("_1"), ("i",))] in (
        [[], ["j"]],
        [["j"], []],
    )
