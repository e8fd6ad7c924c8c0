"""The shape of the project: what is packaged, who imports whom, what the sources must not contain."""

import ast
import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import rooms

import optsde.codegen
import optsde.derive
import optsde.runtime

ROOT = Path(__file__).parents[1]
LAYERS = ("derive", "codegen", "runtime")
FACE = "optsde"
SOURCES = sorted(path for layer in (FACE, *LAYERS) for path in (ROOT / layer).rglob("*.py"))
OTHERS = sorted(
    path for folder in ("tests", "benchmarks", "notebooks") for path in (ROOT / folder).rglob("*.py")
)
MODULES = sorted(
    module.name
    for package in (optsde.derive, optsde.codegen, optsde.runtime)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
)
BANNED_CALLS = {"eval", "exec", "compile", "__import__", "sympify", "parse_expr", "lambdify", "parse_latex"}
BANNED_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "yaml"}


def _name(path):
    return path.relative_to(ROOT).as_posix()


def _packaged(parts):
    """The name of a folder or module inside the package."""
    return ".".join(parts if parts[0] == FACE else (FACE, *parts))


def _imports(path):
    """Absolute names of what a source imports, down to the imported name, each with its line."""
    package = _packaged(path.relative_to(ROOT).parent.parts).split(".")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else ()
            base = ".".join([*start, *([node.module] if node.module else [])])
            yield from ((f"{base}.{alias.name}", node) for alias in node.names)


def test_every_folder_of_modules_is_packaged():
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {path.parent.relative_to(ROOT) for path in SOURCES}
    assert set(setuptools["packages"]) == {_packaged(folder.parts) for folder in folders}
    assert setuptools["package-dir"] == {FACE: FACE} | {f"{FACE}.{layer}": layer for layer in LAYERS}
    assert not [folder for folder in folders if not (ROOT / folder / "__init__.py").is_file()]


def test_no_modules_outside_the_known_folders():
    known = {FACE, *LAYERS, "tests", "benchmarks", "notebooks"}
    folders = [
        path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "build", "dist"))
    ]
    assert {path.name for path in folders if any(path.rglob("*.py"))} <= known
    assert not list(ROOT.glob("*.py"))


def test_every_module_can_be_imported_by_its_packaged_name():
    packages = {FACE, *(f"{FACE}.{layer}" for layer in LAYERS)}
    names = {_packaged(path.relative_to(ROOT).with_suffix("").parts) for path in SOURCES}
    assert {name.removesuffix(".__init__") for name in names} - packages == set(MODULES)


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_imports_flow_one_way_and_are_relative_inside(path):
    order = (*LAYERS, FACE)
    layer = order.index(path.relative_to(ROOT).parts[0])
    for name, node in _imports(path):
        parts = name.split(".")
        where = f"{_name(path)}:{node.lineno} imports {name}"
        assert parts[0] not in LAYERS, f"{where}; write it with leading dots"
        if parts[0] == "optsde":
            assert isinstance(node, ast.ImportFrom), f"{where}; write it with leading dots"
            assert node.level > 0, f"{where}; write it with leading dots"
            assert order.index(parts[1]) <= layer, f"{where}, against derive <- codegen <- runtime"


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_source_runs_text_as_code(path):
    for name, node in _imports(path):
        parts = set(name.split("."))
        assert not parts & BANNED_MODULES, f"{_name(path)}:{node.lineno} imports {name}"
        assert not parts & BANNED_CALLS, f"{_name(path)}:{node.lineno} imports {name}"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            function = node.func
            plain = function.id if isinstance(function, ast.Name) else None
            # re.compile and model.eval are other functions; sympy.sympify and sp.lambdify are not
            dotted = function.attr if isinstance(function, ast.Attribute) else None
            banned = plain in BANNED_CALLS or dotted in BANNED_CALLS - {"compile", "eval", "exec"}
            assert not banned, f"{_name(path)}:{node.lineno} calls {plain or dotted}"
            pickles = [
                k for k in node.keywords if k.arg == "allow_pickle" and ast.unparse(k.value) != "False"
            ]
            assert not pickles, f"{_name(path)}:{node.lineno} allows pickle"


@pytest.mark.parametrize("path", SOURCES + OTHERS, ids=_name)
def test_files_are_short(path):
    longest = 300 if path in SOURCES else 400
    assert len(path.read_text(encoding="utf-8").splitlines()) <= longest


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_every_module_says_what_it_is_for(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree), f"{_name(path)} has no docstring"


def test_deriving_needs_neither_numba_nor_matplotlib():
    script = (
        "import pkgutil, importlib, sys, optsde.derive\n"
        "for module in pkgutil.walk_packages(optsde.derive.__path__, 'optsde.derive.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(sorted({'numba', 'llvmlite', 'matplotlib', 'optsde.codegen', 'optsde.runtime'} & "
        "set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_nothing_imports_in_a_circle():
    """Neither modules nor rooms; imports for type checking and those within functions count."""
    assert rooms.circles(rooms.module_arrows()) == []
    for layer in LAYERS:
        assert rooms.circles(rooms.room_arrows(layer)) == []


SAME = {"quadratic", "formula", "leading_error", "report", "weak_error"}
"""Modules of one name that mean one thing: the form of an objective and its numbers, and the like."""


def test_a_name_of_a_module_means_one_thing():
    names = [path.stem for path in SOURCES if path.name != "__init__.py"]
    assert {name for name in names if names.count(name) > 1} <= SAME


def test_what_kernels_import_is_there():
    """Texts for kernels name modules and functions of runtime: each line that can be written is held against
    them.
    """
    line = re.compile(r"from (optsde\.[\w.]+) import ([^\"\n]+)")
    found = []
    for path in (ROOT / "codegen").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and node.value.startswith("from optsde.")
            ):
                found.append((path, node.value))
    assert found
    for path, text in found:
        module = importlib.import_module(text.split()[1])
        for name in line.fullmatch(text).group(2).split(", ") if line.fullmatch(text) else ():
            assert hasattr(module, name), f"{_name(path)} writes {text}"


def test_the_names_that_kernels_draw_by_are_there():
    from optsde.runtime.kernels import device_functions, rng

    drawn = [f"{name}{bits}" for name in ("draw", "threes", "signs", "stream") for bits in (64, 32)]
    assert not [name for name in [*drawn, "plus"] if not hasattr(rng, name)]
    assert not [name for name in drawn if not hasattr(device_functions, name)]
