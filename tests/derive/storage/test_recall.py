"""Derivations kept between processes: equal to those made anew, and never anything else than what was
written.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from recalled import equations, everything
from sympy import Float, srepr

from optsde.derive import ballistic, gaussian, modified_equation, sgd, signum
from optsde.derive.derivation import equation as module
from optsde.derive.notation.symbols import g
from optsde.derive.optimizers.rule import THETA
from optsde.derive.storage import recall as stored

SCRIPT = """
import sys; sys.path.insert(0, sys.argv[1])
import recalled
for equation in recalled.equations(sys.argv[2]):
    recalled.everything(equation)
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cache"
    monkeypatch.setenv("OPTSDE_CACHE_DIR", str(path))
    monkeypatch.setenv(stored.SWITCH, "on")
    return path


def forbidden(*_: object) -> None:
    raise AssertionError("derived, not read")


@pytest.mark.parametrize("rules", ["few", pytest.param("all", marks=pytest.mark.slow)])
def test_another_process_reads_what_one_derived(
    directory: Path, monkeypatch: pytest.MonkeyPatch, rules: str
) -> None:
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parents[1]), rules]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "7"}, timeout=600)
    files = {path: path.read_bytes() for path in directory.iterdir()}
    with monkeypatch.context() as context:
        for name in ("modified_generator", "defect", "synchronised_defect"):
            context.setattr(module, name, forbidden)
        found = [everything(equation) for equation in equations(rules)]
    assert {path: path.read_bytes() for path in directory.iterdir()} == files
    monkeypatch.setenv(stored.SWITCH, "off")
    derived = [everything(equation) for equation in equations(rules)]
    assert found == derived
    for (generator, definitions, *_), (wanted, meant, *_) in zip(found, derived, strict=True):
        assert list(map(srepr, generator)) == list(map(srepr, wanted))
        assert {name: srepr(d) for name, d in definitions.items()} == {
            name: srepr(d) for name, d in meant.items()
        }


def test_a_changed_equation_has_its_own_certificate(directory: Path) -> None:
    """Answers belong to the content of an equation, not to the words that led to it."""
    equation = modified_equation(sgd(), ballistic, gaussian())
    assert equation.certificate.weak_order == 2
    assert (
        replace(equation, generator=(equation.generator[0], -equation.generator[1])).certificate.weak_order
        == 1
    )


def one_file(directory: Path) -> Path:
    modified_equation(sgd(), ballistic, gaussian())
    (path,) = directory.iterdir()
    return path


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-9],
        lambda text: "",
        lambda text: text.replace("1", "2", 1),
        lambda text: text.replace("-1", "1"),
        lambda text: "\x00" * 99,
        lambda text: "[" * 10**5,
        lambda text: '"é"',
        lambda text: json.dumps({"name": "other"}),
        lambda text: text.replace("Add", "print").replace("Mul", "print"),
    ],
)
def test_a_damaged_file_is_written_anew(directory: Path, spoil) -> None:
    path = one_file(directory)
    right = path.read_text()
    path.write_text(spoil(right))
    assert path.read_text() != right
    modified_equation(sgd(), ballistic, gaussian())
    assert path.read_text() == right


def test_a_file_of_another_kind_with_a_right_sum_is_written_anew(directory: Path) -> None:
    path = one_file(directory)
    right = path.read_text()
    for nodes in ([["print", 0]], [["Integer", 1], ["Integer", 1]], "nodes"):
        path.write_text(stored._written(path.stem, {"nodes": nodes, "value": {"node": 0}}))
        modified_equation(sgd(), ballistic, gaussian())
        assert path.read_text() == right


def test_another_version_derives_anew(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_file(directory)
    for version in (["0.0", stored._VERSION[1]], [stored._VERSION[0], "other sources"]):
        before = len(list(directory.iterdir()))
        monkeypatch.setattr(stored, "_VERSION", version)
        modified_equation(sgd(), ballistic, gaussian())
        assert len(list(directory.iterdir())) == before + 1


def test_the_switch(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(stored.SWITCH, "off")
    modified_equation(sgd(), ballistic, gaussian())
    assert not directory.exists()
    monkeypatch.setenv(stored.SWITCH, "maybe")
    with pytest.raises(ValueError, match="OPTSDE_DERIVATION_CACHE is 'maybe'; expected on or off"):
        modified_equation(sgd(), ballistic, gaussian())


def test_what_cannot_be_kept_is_derived_each_time(directory: Path) -> None:
    """A rule with a kind of number that has no code, and a directory that is open to others."""
    half = replace(sgd(), update={"theta": THETA - Float("0.5") * sgd().hyperparameters[0].symbol * g})
    assert modified_equation(half, ballistic, gaussian()).certificate.weak_order == 2
    assert not directory.exists()
    directory.mkdir(mode=0o755)
    assert modified_equation(sgd(), ballistic, gaussian()).certificate.weak_order == 2
    assert not list(directory.iterdir())


def test_a_refusal_is_not_kept(directory: Path) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="is not smooth"):
            modified_equation(signum(), ballistic, gaussian())
    assert not list(directory.glob("*"))
