"""Hostile text in every field of a rule file: refused in one line, in bounded time, nothing executed."""

import time
from pathlib import Path
from typing import Any

import pytest
from hostile import HOSTILE
from own_rules import tables

from optsde.derive.optimizers.rule_files import MAX_BYTES, load_rule, read_rule

NAMES = [
    "__class__",
    "_x",
    "x__y",
    "x_",
    "x y",
    "x;y",
    "x\n",
    "",
    "1x",
    "τ",
    "x.y",
    "x[0]",
    "x'",
    '"""',
    "lambda",
    "import",
    "a" * 41,
    "t",
    "tau",
    "k",
    "old",
    "sqrt",
    "F",
    "S",
    "zeta1",
    "minimum",
    "noise",
]
PLACES = {
    "state": lambda name: tables(state={"v": {}, name: {}}),
    "hyperparameter": lambda name: tables(
        hyperparameters=tables()["hyperparameters"] | {name: {"role": "constant"}}
    ),
    "gradient": lambda name: tables(gradient={"g": "theta", name: "theta"}),
    "result": lambda name: tables(update={name: "g"} | tables()["update"]),
    "auxiliary": lambda name: tables(auxiliary=tables()["auxiliary"] | {f"{name}(v)": "v"}),
}
LABELS = [
    'x"""\nimport os',
    "x\n",
    "x\x1b[31m",
    "x\u202e",
    "{x}",
    "x'",
    "\\x41",
    "",
    " ",
    "a" * 41,
    3,
    True,
    ["x"],
]
NUMBERS = [
    "9**9**9",
    "__import__('os')",
    "x",
    "",
    "1/0",
    0.5,
    True,
    None,
    99,
    -99,
    "10**60",
    [1],
    float("nan"),
    float("inf"),
]
EXPRESSIONS = {
    "update": lambda text: tables(update=tables()["update"] | {"theta": text}),
    "auxiliary": lambda text: tables(auxiliary={"P(v)": text}),
    "gradient": lambda text: tables(gradient={"g": text}),
}


def refused(rule: dict[str, Any]) -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match=r"\w") as caught:
        read_rule(rule)
    assert "\n" not in str(caught.value)
    assert time.process_time() - start < 5.0


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_hostile_names_are_refused(place: str, name: str) -> None:
    refused(PLACES[place](name))


@pytest.mark.parametrize("key", ["name", "variant"])
@pytest.mark.parametrize("value", LABELS, ids=ascii)
def test_hostile_labels_are_refused(key: str, value: object) -> None:
    refused(tables(**{key: value}))


@pytest.mark.parametrize("value", ["x\ny", "\x1b[31m", "x" * 201, 3, None, ["x"]], ids=ascii)
def test_hostile_references_are_refused(value: object) -> None:
    refused(tables(reference=value))


@pytest.mark.parametrize("value", NUMBERS, ids=str)
def test_hostile_numbers_are_refused(value: object) -> None:
    for unit in ("noise_units", "step_units"):
        refused(tables(state={"v": {unit: value}}))
        refused(tables(hyperparameters={"lr": {"role": "constant", unit: value}}))
    if not isinstance(value, int | float) or value != value or isinstance(value, bool) or abs(value) > 1e300:
        refused(tables(hyperparameters={"lr": {"role": "constant", "default": value}}))
    refused(tables(hyperparameters={"lr": {"role": value}}))


@pytest.mark.parametrize("place", EXPRESSIONS)
def test_hostile_expressions_are_refused(place: str) -> None:
    """The parser's own table, with its names turned into names of this rule; none of them is a rule."""
    for text in HOSTILE:
        if len(text) < 5000 and (own_text := text.replace("x", "v").replace("y", "eps")) not in (
            "theta",
            "v",
        ):
            refused(EXPRESSIONS[place](own_text))
    for value in (b"theta", 3, None, ["theta"], {"a": "b"}):
        refused(EXPRESSIONS[place](value))


@pytest.mark.parametrize("lines", [
    {"a": "9**64", "d": "a**64", "e": "d**64", "theta": "theta - e*g"},
    {"a": "(2*g)**64", "d": "a**64", "e": "d**64", "theta": "theta - e"},
    {"theta": "theta - P(P(P(P(2*g))))"},
    {f"a{n}": f"a{n - 1}*a{n - 1}" if n else "g" for n in range(40)} | {"theta": "theta - a39"},
])  # fmt: skip
def test_lines_must_not_grow_huge_together(lines: dict[str, str]) -> None:
    refused(tables(auxiliary={"P(v)": "v**64"}, update={"v": "v"} | lines))


def test_files_that_are_no_rules_are_refused(tmp_path: Path) -> None:
    for data, message in [
        (b"name = ", "own.toml: "),
        (b"\xff\xfe", "own.toml: .*decode"),
        (b"x" * (MAX_BYTES + 1), "expected a rule of at most"),
        (b"a = " + b"[" * 40_000, "own.toml: "),
        (b"name = 'x'\nname = 'y'", "own.toml: "),
        (b"", "own.toml: update has no line for theta"),
    ]:
        (tmp_path / "own.toml").write_bytes(data)
        with pytest.raises(ValueError, match=message):
            load_rule(tmp_path / "own.toml")
    with pytest.raises(ValueError, match="cannot read the rule"):
        load_rule(tmp_path)
    with pytest.raises(ValueError, match="cannot read the rule"):
        load_rule(tmp_path / "none.toml")
