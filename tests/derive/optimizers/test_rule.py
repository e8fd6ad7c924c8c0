"""Update rules check themselves; assignments done in order."""

from dataclasses import replace

import pytest
from sympy import Symbol

from optsde.derive import Block, Hyperparameter, UpdateRule
from optsde.derive.notation.symbols import g
from optsde.derive.optimizers.reductions import old
from optsde.derive.optimizers.rule import RESERVED, in_order

LR = Hyperparameter("lr", "learning rate")
THETA = Block("theta")


def rule(name: str = "b", first: Block = THETA, rate: Hyperparameter = LR, **changes: object) -> UpdateRule:
    block = Block(name)
    update = {first.name: first.symbol - rate.symbol * g, name: block.symbol * (1 - rate.symbol)} | changes
    return UpdateRule(
        "own", "test", blocks=(first, block), hyperparameters=(rate,), update=update, reference=""
    )  # type: ignore[arg-type]


def test_a_rule_is_accepted() -> None:
    assert [b.name for b in rule().blocks] == ["theta", "b"]


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_reserved_names(name: str) -> None:
    """A block named xi would be read as the noise, one named t as time."""
    with pytest.raises(ValueError, match=f"block or hyperparameter {name}, a reserved name; rename it"):
        rule(name)
    with pytest.raises(ValueError, match=f"block or hyperparameter {name}"):
        rule(rate=Hyperparameter(name, "learning rate"))


def test_theta_comes_first() -> None:
    """Only derivatives by theta reach the gradient's tensors."""
    with pytest.raises(ValueError, match="own has the state x, b; expected theta as its first block"):
        rule(first=Block("x"))


def test_unknown_symbols_and_missing_blocks() -> None:
    with pytest.raises(ValueError, match=r"unknown symbol lrr in the update of b; did you mean lr\?"):
        rule(b=Symbol("lrr"))
    with pytest.raises(ValueError, match="expected one next value for each of theta, b"):
        rule(c=Symbol("lr", positive=True))
    with pytest.raises(ValueError, match="lr in the update of b has other assumptions"):
        rule(b=Symbol("lr"))


def test_assignments_in_order() -> None:
    v, w, x = (Symbol(name, real=True) for name in "vwx")
    assert in_order({v: v + g, w: v + old(v) + old(w), x: x - w}) == {
        "v": v + g,
        "w": 2 * v + g + w,
        "x": x - 2 * v - g - w,
    }
    assert in_order({v: w, w: old(v)}) == {"v": w, "w": v}


def test_samples_are_numbers_of_gradients() -> None:
    own = replace(rule(), gradients={"g": THETA.symbol, "h": THETA.symbol}, samples={"h": 3})
    assert ([own.sample(name) for name in ("g", "h")], own.sample_count) == ([1, 3], 2)
    assert (rule().sample("g"), rule().sample_count) == (1, 1)
    with pytest.raises(ValueError, match="own numbers the sample of f; expected one of g"):
        replace(rule(), samples={"f": 1})
    for number in (0, -1, 1.5, "2", True):
        with pytest.raises(
            ValueError, match=r"own takes g with the sample .*; expected its number, 1, 2, \.\.\."
        ):
            replace(rule(), samples={"g": number})


def test_a_gradient_has_a_name_of_its_own() -> None:
    with pytest.raises(
        ValueError, match="own has a gradient b, the name of a block or hyperparameter; rename it"
    ):
        replace(rule(), gradients={"g": THETA.symbol, "b": THETA.symbol})
