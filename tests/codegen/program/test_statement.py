"""What every statement says of itself: what it reads, its kind and length, and itself with other inputs."""

import pytest
import sympy as sp
from row_functions import logistic, shifted_product

from optsde.codegen.program.statement import Scope
from optsde.codegen.program.statements import (
    Apply,
    Entry,
    Function,
    Matrix,
    Number,
    Scalar,
    Stack,
    Total,
    Vector,
    reads,
)

x, y, p, zero = *sp.symbols("x y p", real=True), sp.Integer(0)
NEW = {"x": sp.Symbol("new", real=True)}
CASES = [
    (Scalar("s", p**2), ("p",), "uniform", Scalar("s", p**2)),
    (Vector("v", p * x + y), ("p", "x", "y"), "vector", Vector("v", p * NEW["x"] + y)),
    (Total("t", x * y), ("x", "y"), "number", Total("t", NEW["x"] * y)),
    (Number("n", p + x), ("p", "x"), "number", Number("n", p + NEW["x"])),
    (Apply("a", Matrix("A"), ("x",), 5), ("x",), "vector", Apply("a", Matrix("A"), ("new",), 5)),
    (Entry("e", "x", 1), ("x",), "number", Entry("e", "new", 1)),
    (Stack("k", ("x", "y")), ("x", "y"), "vector", Stack("k", ("new", "y"))),
]


@pytest.mark.parametrize(("one", "read", "kind", "renamed"), CASES, ids=lambda c: type(c).__name__)
def test_a_statement_knows_what_it_reads_and_of_which_kind_it_is(one, read, kind, renamed):
    assert (one.reads, one.kind) == (read, kind)
    assert one.renamed(NEW) == renamed
    assert one.to("other").target == "other"
    assert one.to("other").to(one.target) == one


def test_lengths_follow_from_what_is_read():
    known = {"x": 4, "z": 5}
    assert Vector("v", 2 * x).size(known, 2) == 4
    assert Vector("v", p).size(known, 2) == 2
    assert Total("t", x).size(known, 2) == 1
    assert Apply("a", Matrix("A"), ("x",)).size(known, 2) == 2
    assert Apply("a", Matrix("A"), ("x",), 7).size(known, 2) == 7
    with pytest.raises(ValueError, match="vectors of several lengths: x of 4, z of 5"):
        Total("t", x * sp.Symbol("z")).span(known, 2)


def test_a_zero_input_leaves_nothing_or_what_remains():
    nothing = {"x": zero}
    assert Vector("v", p * x).with_values("v", nothing) == ()
    assert Vector("v", x + y).with_values("w", nothing) == (Vector("w", y),)
    assert Apply("a", Matrix("A"), ("x",)).with_values("a", nothing) == ()
    assert Entry("e", "x", 0).with_values("e", nothing) == ()
    assert Stack("k", ("x", "y")).with_values("k", nothing) == (
        Number("k_0", zero),
        Stack("k", ("k_0", "y")),
    )
    with pytest.raises(ValueError, match="logistic of a vector that is zero"):
        Apply("a", Function(logistic), ("x",)).with_values("a", nothing)


def test_what_is_read_indirectly_is_found():
    statements = (Vector("a", x), Vector("b", p), Apply("c", Matrix("A"), ("a",)), Total("d", sp.Symbol("c")))
    assert reads(statements, ["d"]) == {"d", "c", "a", "x"}


def _inner(x, y, lanes):
    return None


def test_functions_must_be_importable_and_matrices_take_one_vector():
    scope = Scope(2, {"t"}, {"x": 2, "y": 2}, {"A"})
    Apply("a", Function(shifted_product), ("x", "y")).check(scope)
    for bad, message in [
        (Apply("a", Matrix("A"), ("x", "y")), "a matrix is applied to 2 vectors; expected one"),
        (Apply("a", Function(logistic), ("z",)), "'z' is no earlier vector"),
        (Apply("a", Function(lambda x, y, lanes: None), ("x",)), "cannot be imported; define it at the top"),
    ]:
        with pytest.raises(ValueError, match=message):
            bad.check(scope)
