"""The text of a kernel imports functions by name: what it may import is there."""

import ast
import importlib
import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import sympy as sp
from rmsprop_kernels import RMSPROP, SDE, one_track

from optsde.codegen.numba.cpu import emit
from optsde.codegen.numba.cuda import emit_cuda
from optsde.codegen.numba.target import CPU, CUDA, Target
from optsde.codegen.program.statements import Vector
from optsde.derive.schemes.increment_laws import Law

LAWS = get_args(Law)


def imported(text: str) -> set[tuple[str, str]]:
    """Return module and name of all that a text imports from this package."""
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    return {(str(n.module), a.name) for n in found for a in n.names if str(n.module).startswith("optsde")}


def defined(module: str) -> set[str]:
    """Return the names that a module defines or imports, from its source: not every machine can load all."""
    spec = importlib.util.find_spec(module)
    assert spec is not None, f"{module} is not there"
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    names = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    names |= {str(a.asname or a.name) for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    targets = (t for n in tree.body if isinstance(n, ast.Assign) for t in n.targets)
    return names | {node.id for t in targets for node in ast.walk(t) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("target", [CPU, CUDA], ids=["cpu", "cuda"])
def test_every_name_that_a_kernel_may_import_exists(target: Target, signs: bool, bits, law: Law) -> None:
    found = imported("\n".join(target.imports(law, bits, signs)))
    assert len(found) == 2 + signs + len(target.beside) + len(target.hinted) - (law == "two-point" and signs)
    for module, name in found:
        assert name in defined(module), f"{module} has no {name}"


@pytest.mark.parametrize("shape", ["unrolled", "looped"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("law", LAWS)
def test_a_text_imports_nothing_else_of_this_package(shape, dtype, law: Law) -> None:
    both = Vector("both", sum((sp.Symbol(name) for name in (*RMSPROP.state, "signs1")), sp.Integer(0)))
    signed = replace(
        RMSPROP, law=law, signs=("signs1",), statements=(*RMSPROP.statements, both), result=("both", "both")
    )
    for step, signs in ((replace(SDE, law=law), False), (signed, True)):
        kernel = replace(one_track(2, step, "step"), dtype=dtype)
        for write, target in ((emit, CPU), (emit_cuda, CUDA)):
            allowed = imported("\n".join(target.imports(law, 64 if dtype == "float64" else 32, signs)))
            assert imported(write(kernel, "name", shape)) == allowed


def test_every_function_can_be_imported_on_this_machine() -> None:
    for law in LAWS:
        for module, name in imported("\n".join([*CPU.imports(law, 64, True), *CPU.imports(law, 32, True)])):
            assert callable(getattr(importlib.import_module(module), name))
