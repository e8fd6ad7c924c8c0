import os
import subprocess
import sys
from pathlib import Path

import pytest
from rmsprop_kernels import RMSPROP, Numbers, one_track

from optsde.derive.storage.directory import cache_directory, store
from optsde.runtime.kernels import modules
from optsde.runtime.kernels.compiled import compile_kernel
from optsde.runtime.kernels.modules import load, name_of

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
    assert sorted(path.suffix for path in directory.glob("optsde_*")) == [".json", ".py"]
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


def test_the_name_is_a_hash_of_the_text_and_of_what_it_links_to(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from optsde.runtime.kernels.rng import plus\n"
    assert name_of(text) == name_of(text)
    assert len({name_of(text), name_of(text + "#"), name_of(text.replace("rng", "totals"))}) == 3
    before = name_of(text)
    monkeypatch.setattr(modules, "_compilers", lambda: ("another version",))
    assert name_of(text) != before
    with pytest.raises(ImportError, match="which is not there"):
        name_of("from optsde.runtime.kernels.nothing import plus\n")


def _changed(path: Path, how: str) -> None:
    data = path.read_bytes()
    match how:
        case "emptied":
            path.write_bytes(b"")
        case "cut off":
            path.write_bytes(data[: len(data) // 2])
        case "a bit flipped":
            path.write_bytes(data[:-9] + bytes([data[-9] ^ 4]) + data[-8:])
        case "foreign":
            path.write_bytes(b"text of another program")


@pytest.mark.parametrize("how", ["emptied", "cut off", "a bit flipped", "foreign"])
@pytest.mark.parametrize("suffix", [".nbi", ".nbc", ".py", ".json"])
def test_a_damaged_file_is_made_again(directory: Path, suffix: str, how: str) -> None:
    """The files of a small module: what is read back is what was compiled, or is compiled again."""
    directory.mkdir(mode=0o700)
    text = (
        "from numba import njit\n\n\n@njit('float64(float64)', cache=True)\ndef kernel(x):\n    return 2.0*x "
        "+ 1.0\n"
    )
    made = modules.written("optsde_small.py", text)
    assert load(made).kernel(3.0) == 7.0
    del sys.modules["optsde_small"]
    for path in [p for p in directory.rglob("optsde_small*") if p.suffix == suffix]:
        _changed(path, how)
    again = modules.written("optsde_small.py", text)
    assert load(again).kernel(3.0) == 7.0
    del sys.modules["optsde_small"]
    assert sum(load(again).kernel.stats.cache_hits.values()) == 1
    del sys.modules["optsde_small"]


def test_machine_code_stays_in_the_private_directory(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modules.config, "CACHE_DIR", str(tmp_path / "elsewhere"))
    text = "from numba import njit\n\n\n@njit('float64(float64)', cache=True)\ndef kernel(x):\n    return x\n"
    load(modules.written("optsde_private.py", text))
    del sys.modules["optsde_private"]
    assert not (tmp_path / "elsewhere").exists()
    assert any(directory.rglob("*.nbi"))
    assert str(tmp_path / "elsewhere") == modules.config.CACHE_DIR


def test_without_a_directory_kernels_are_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(modules, "cache_directory", refuse)
    monkeypatch.setattr(modules, "_TEMPORARY", [])
    with pytest.warns(
        UserWarning, match=r"cannot be used \(Permission denied\); set OPTSDE_CACHE_DIR to a directory"
    ):
        path = modules.written("optsde_alone.py", "VALUE = 3\n")
    assert load(path).VALUE == 3
    assert modules.written("optsde_alone.py", "VALUE = 3\n") == path  # and it is said once
    del sys.modules["optsde_alone"]
