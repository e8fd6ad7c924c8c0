import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sympy as sp
from rmsprop_kernels import every_pace

from optsde.codegen.numba.signature import canonical, signature
from optsde.codegen.program.statements import Vector

SCRIPT = """
import sys; sys.path.insert(0, sys.argv[1])
from rmsprop_kernels import every_pace
from optsde.codegen.numba.cpu import emit
from optsde.codegen.numba.signature import signature
for shape in ("unrolled", "looped"):
    print(signature(every_pace(3), shape), emit(every_pace(3), "test", shape))
"""


def test_signature_and_source_do_not_depend_on_the_hash_seed() -> None:
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parents[1])]
    processes = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={"PYTHONHASHSEED": seed, "SYMPY_USE_CACHE": "yes"}
        )
        for seed in ("1", "2", "77")
    ]
    found = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(found) == 1
    assert signature(every_pace(3), "unrolled") in found.pop()


def test_whatever_changes_the_code_changes_the_signature() -> None:
    kernel = every_pace(2)
    track = kernel.tracks[0]
    renamed = replace(
        track, step=replace(track.step, statements=(*track.step.statements, Vector("more", sp.Symbol("v"))))
    )
    variants = [
        signature(kernel),
        signature(kernel, "version 2"),
        signature(kernel, "version", " 2"),
        signature(every_pace(3)),
        signature(every_pace(2, "float32")),
        signature(replace(kernel, contrasts=((1.0, 0.0, 0.0, 0.0), (2.0, -1.0, 0.5, -1.0)))),
        signature(replace(kernel, tracks=(renamed, *kernel.tracks[1:]))),
        signature(replace(kernel, observables=kernel.observables[:2])),
        signature(replace(kernel, tracks=(replace(track, pace="step"), *kernel.tracks[1:]))),
    ]
    assert len(set(variants)) == len(variants)
    assert signature(every_pace(2)) == variants[0]


def test_only_frozen_data_has_canonical_text() -> None:
    assert canonical(("a", 1, 2.0, sp.Symbol("x"))) == "('a', 1, 2.0, Symbol('x'))"
    with pytest.raises(ValueError, match="no canonical text for dict"):
        canonical({"a": 1})
