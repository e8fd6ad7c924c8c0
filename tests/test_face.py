"""The face of the package: one import, names loaded when they are used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import optsde

ROOT = Path(__file__).parents[1]
SOURCE = (ROOT / "optsde" / "__init__.py").read_text(encoding="utf-8")


def _child(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_names_are_said_once_more_for_type_checkers():
    tree = ast.parse(SOURCE)
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    checked = {
        (alias.asname or alias.name): (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(checked) == set(optsde.__all__) == set(optsde._PLACES)
    for name, (module, attribute) in checked.items():
        place, found = optsde._PLACES[name]
        assert (module, attribute) == ((place, found) if found else tuple(place.rsplit(".", 1))), name


@pytest.mark.parametrize("name", optsde.__all__)
def test_every_name_is_there_and_documented(name):
    assert getattr(optsde, name).__doc__
    assert name in dir(optsde)


def test_what_is_not_there_is_said():
    assert optsde.__version__
    with pytest.raises(
        AttributeError, match="module 'optsde' has no attribute 'sgd'; it has Auxiliary, BadInput, Block"
    ):
        _ = optsde.sgd


def test_importing_loads_nothing_and_deriving_no_numba():
    heavy = "sorted({'sympy', 'numpy', 'numba', 'llvmlite', 'matplotlib'} & set(sys.modules))"
    assert _child(f"import sys, optsde; print({heavy})") == "[]"
    derived = (
        "import sys, optsde\n"
        "optsde.modified_equation(optsde.optimizers.sgd(), optsde.regimes.ballistic, "
        "optsde.noise.gaussian()).drift\n"
        f"print({heavy})"
    )
    assert _child(derived) == "['sympy']"


def test_the_name_of_another_project_is_nowhere():
    """The first name of this project belongs to another distribution on the package index."""
    old = "sm" + "elt"
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    texts = [ROOT / name for name in files if not name.endswith(".png")]
    assert len(texts) > 300
    found = [p.name for p in texts if p.is_file() and old in p.read_text(encoding="utf-8").lower()]
    assert found == []
    assert not [name for name in files if old in name.lower()]


@pytest.mark.slow
def test_a_wheel_runs_the_lines_of_the_readme(tmp_path):
    """Built, installed beside the dependencies of this environment, and run where the sources are not."""
    wheels, target = tmp_path / "wheels", tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)], check=True)
    (wheel,) = wheels.glob("optsde-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True)
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = page.split("```python\n", 1)[1].split("```", 1)[0]
    (tmp_path / "lines.py").write_text(lines, encoding="utf-8")
    command = [sys.executable, "-S", "-c", f"import sys, site; site.addsitedir({str(target)!r}); "
               f"sys.path[:0] = [{str(target)!r}]; sys.path += "
               f"{[p for p in sys.path if 'site-packages' in p]!r}; "
               "import runpy; runpy.run_path('lines.py')"]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "certificate: weak order 2" in done.stdout
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")
