"""Codes of expressions: what is read is what was written, whatever is not written here is refused."""

import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from random_symbols import random_symbols
from sympy import (
    Abs,
    Dummy,
    E,
    Expr,
    Float,
    Function,
    I,
    Integer,
    Lambda,
    Max,
    Mul,
    Piecewise,
    Rational,
    Symbol,
    erf,
    exp,
    pi,
    sqrt,
    srepr,
)

from optsde.derive import adam, batch_equivalent, general, sgd
from optsde.derive.derivation.chain import Chain
from optsde.derive.equations.certificate import Certificate, Obstruction
from optsde.derive.notation.symbols import Field, element_function, gradient, t, tau
from optsde.derive.storage.encoding import NotEncodable, decode, encode

x, y = Symbol("x", real=True), Symbol("y", positive=True)
v, S = Field("v")("i"), Field("S", rank=2, symmetric=True, varies=True)
Q = element_function("Q", (0, 2))


def through_text(value):
    return json.loads(json.dumps(encode(value)))


@pytest.mark.parametrize(
    "expression",
    [
        x,
        Symbol("x"),
        y,
        tau,
        Integer(0),
        Integer(-(10**30)),
        Rational(-3, 7),
        pi,
        E,
        exp(-y * t) / (1 - exp(-y * t)) ** 2,
        sqrt(x**2 + 1),
        Abs(x) * Max(x, y, 2),
        erf(x / sqrt(2)),
        v,
        gradient("j", "i", "_1"),
        S("j", "i", "l", "k"),
        Q(v, t) * S("i", "_1") ** 2 - v / 3,
        Function("P")(x),
        Lambda((x, t), x**t),
        Lambda((), y),
        Mul(2, x + y, evaluate=False),
        2 * (x + y) - (1 + x) * (1 + y) ** -3,
    ],
    ids=str,
)
def test_expressions_come_back_as_they_were(expression: Expr) -> None:
    found = decode(through_text(expression))
    assert found == expression
    assert type(found) is type(expression)
    assert srepr(found) == srepr(expression)  # the order of arguments too
    assert str(found) == str(expression)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(random_symbols(3))
def test_symbols_of_operators_come_back(symbol: Expr) -> None:
    found = decode(through_text(symbol))
    assert found == symbol
    assert found.args == symbol.args


def test_components_keep_their_field() -> None:
    found = decode(through_text(S("i", "j", "k")))
    assert (found.field, found.indices) == (S, ("i", "j", "k"))
    assert found is S("i", "j", "k")


def test_data_come_back() -> None:
    certificate = Certificate(
        1, (Obstruction(Integer(1), ("theta", "v"), x * v), Obstruction(Rational(1, 2), (), y)), 2
    )
    value = (None, True, 3, 0.1, "text", {"a": (1, x), "b": {}}, certificate)
    assert decode(through_text(value), (Certificate, Obstruction)) == value


def test_codes_tell_questions_apart() -> None:
    questions = [
        Chain(rule, batch_equivalent, law)
        for rule in (adam(), adam("torch"), sgd())
        for law in (general(), general(True))
    ]
    assert len({json.dumps(encode(question)) for question in questions}) == len(questions)
    assert encode(questions[0]) == encode(Chain(adam(), batch_equivalent, general()))


@pytest.mark.parametrize(
    "value",
    [
        Float("0.5"),
        I,
        Dummy("x"),
        Piecewise((x, x > 0), (0, True)),
        Function("f", real=True)(x),
        Function("f")(x).diff(x),
        Fraction(1, 2),
        [x],
        {1, 2},
        print,
        b"bytes",
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_code_is_refused(value) -> None:
    with pytest.raises(NotEncodable, match="expected"):
        encode((1, value))


class Louder(Field):
    """A dataclass of somebody else, whose methods may do anything."""


def test_foreign_dataclasses_are_refused() -> None:
    with pytest.raises(NotEncodable, match="Louder; expected an expression or a dataclass of this package"):
        encode(Louder("v"))


SYMBOL = ["Symbol", "x", []]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"nodes": [], "value": {"node": 0}},
        {"nodes": [SYMBOL], "value": {"node": -1}},
        {"nodes": [SYMBOL], "value": {"node": "0"}},
        {"nodes": [SYMBOL, SYMBOL], "value": {"node": 1}},  # one node twice
        {"nodes": [["Add", 0, 0]], "value": {"node": 0}},  # a node that contains itself
        {"nodes": [["Symbol", "x", [["positive", True], ["negative", True]]]], "value": {"node": 0}},
        {"nodes": [["Symbol", "x", [["positive", "yes"]]]], "value": {"node": 0}},
        {"nodes": [["Symbol", ["x"], []]], "value": {"node": 0}},
        {"nodes": [["Integer", "9**9"]], "value": {"node": 0}},
        {"nodes": [["Rational", 2, 4]], "value": {"node": 0}},
        {"nodes": [["Rational", 1, 0]], "value": {"node": 0}},
        {"nodes": [["Constant", "I"]], "value": {"node": 0}},
        {"nodes": [["print", 0]], "value": {"node": 0}},
        {"nodes": [["__import__", "os"]], "value": {"node": 0}},
        {"nodes": [["Integral", 0]], "value": {"node": 0}},
        {
            "nodes": [["Component", {"Field": [["name", "v"]]}, "i"]],
            "value": {"node": 0},
        },  # without its other fields
        {"nodes": [], "value": {"Certificate": [["weak_order", 2], ["obstruction", []]]}},  # not asked for
        {"nodes": [], "value": {"Path": [["path", "/"]]}},
        {"nodes": [], "value": {"Field": [["name", "v"], ["rank", 1]], "Certificate": []}},
        [],
        None,
    ],
)
def test_foreign_data_are_refused(data) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        decode(data)


def test_a_huge_power_is_not_evaluated() -> None:
    nodes = [["Integer", 9], ["Pow", 0, 0], ["Pow", 0, 1], ["Pow", 0, 2]]
    assert str(decode({"nodes": nodes, "value": {"node": 3}})) == "9**(9**(9**9))"
