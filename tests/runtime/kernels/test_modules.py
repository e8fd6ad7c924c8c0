import os
import subprocess
import sys
from pathlib import Path

import pytest
from rmsprop_kernels import RMSPROP, Numbers, one_track

from optsde.derive.storage.directory import cache_directory, store
from optsde.runtime.kernels.compiled import compile_kernel
from optsde.runtime.kernels.modules import load

SCRIPT = """
import sys; sys.path.insert(0, sys.argv[1])
from rmsprop_kernels import RMSPROP, Numbers, one_track
from optsde.runtime.kernels.compiled import compile_kernel
kernel = one_track(2, RMSPROP, "step")
compiled = compile_kernel(kernel)
totals = compiled.run(**Numbers(2).inputs(kernel), n_paths=100, seed=1, record_steps=[3])
print(compiled.path, sum(compiled.module.kernel.stats.cache_hits.values()), totals.exact)
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cache"
    monkeypatch.setenv("OPTSDE_CACHE_DIR", str(path))
    return path


def start() -> subprocess.Popen:
    folder = str(Path(__file__).parents[2] / "codegen")
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, folder], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )


def finish(process: subprocess.Popen) -> list[str]:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return out.split(maxsplit=2)


def test_processes_share_machine_code_even_when_they_start_at_once(directory: Path) -> None:
    first, second = (finish(process) for process in [start(), start()])
    third = finish(start())
    assert third[1] == "1"  # found, not compiled
    assert first[0] == second[0] == third[0]
    assert first[2] == second[2] == third[2]
    assert [path.suffix for path in directory.glob("optsde_*")] == [".py"]
    kernel = one_track(2, RMSPROP, "step")
    compiled = compile_kernel(kernel)
    totals = compiled.run(**Numbers(2).inputs(kernel), n_paths=100, seed=1, record_steps=[3])
    assert str(totals.exact) == third[2].strip()
    assert str(compiled.path) == third[0]
    assert compiled.signature in compiled.source
    assert compiled.path.read_text() == compiled.source


def test_modules_load_once(directory: Path) -> None:
    path = cache_directory() / "optsde_test_module.py"
    store(path, "VALUE = object()\n")
    assert load(path).VALUE is load(path).VALUE
