"""Generated modules: named by what they are compiled from, kept in the private directory, imported by their
path.

Numba keeps machine code in files beside the module, which it unpickles. So the files are held against sums
taken when they were written, before Numba reads them: what is damaged, cut off or foreign is compiled again.
"""

import atexit
import hashlib
import importlib.util
import json
import platform
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import RLock
from types import ModuleType

import llvmlite
import numba
from numba.core import config

from ...derive.storage.directory import VARIABLE, cache_directory, store

_LINKED = re.compile(r"^from (optsde\.[\w.]+) import", re.MULTILINE)
_LOCK = RLock()


def name_of(text: str) -> str:
    """Return 32 hexadecimal digits for a text, the sources of this package that it imports, and the
    compilers.
    """
    parts = [text, *_compilers()]
    for name in sorted({*_LINKED.findall(text)}):
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            raise ImportError(f"a kernel imports {name}, which is not there")
        parts.append(Path(found.origin).read_text(encoding="utf-8"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


@cache
def _compilers() -> tuple[str, ...]:
    try:
        cuda = version("numba-cuda")
    except PackageNotFoundError:
        cuda = ""
    return numba.__version__, llvmlite.__version__, platform.python_version(), cuda


def written(file: str, text: str) -> Path:
    """Write a module into the private directory, unless it is there as it should be.

    Where the directory cannot be made or written to, a directory of this process takes its place, and a
    warning says so once.
    """
    try:
        path = cache_directory() / file
        if not _holds(path, text):
            store(path, text)
    except OSError as error:
        path = _of_this_process(error.strerror or str(error)) / file
        if not _holds(path, text):
            store(path, text)
    return path


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode("ascii")
    except FileNotFoundError:
        return False


_TEMPORARY: list[str] = []


def _of_this_process(reason: str) -> Path:
    if not _TEMPORARY:
        _TEMPORARY.append(tempfile.mkdtemp(prefix="optsde-"))
        atexit.register(shutil.rmtree, _TEMPORARY[0], ignore_errors=True)
        warnings.warn(
            f"kernels are compiled anew by each process: their directory cannot be used ({reason}); set "
            f"{VARIABLE} to a "
            "directory of your own",
            stacklevel=2,
        )
    return Path(_TEMPORARY[0])


def load(path: Path) -> ModuleType:
    """Import a module by its path, with machine code from the files beside it where they are as they were
    written.
    """
    name = path.stem
    with _LOCK:
        if name in sys.modules and sys.modules[name].__file__ == str(path):
            return sys.modules[name]
        _discard_damaged(path)
        with _beside_the_module():
            try:
                module = _executed(name, path)
            except Exception:  # whatever unpickling a foreign file may raise
                _discard(path, _machine_code(path))
                module = _executed(name, path)
        _note(path)
        return module


def _executed(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: Numba looks up the functions of its cache by module name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _beside_the_module() -> Iterator[None]:
    """Keep machine code out of ``NUMBA_CACHE_DIR``, which others may write to."""
    settings = config.__dict__
    given, settings["CACHE_DIR"] = settings["CACHE_DIR"], ""
    try:
        yield
    finally:
        settings["CACHE_DIR"] = given


def _machine_code(path: Path) -> list[Path]:
    return sorted(
        p for p in (path.parent / "__pycache__").glob(f"{path.stem}.*") if p.suffix in (".nbi", ".nbc")
    )


def _sums(path: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in _machine_code(path)}


def _noted(path: Path) -> Mapping[str, str]:
    try:
        found = json.loads(path.with_suffix(".json").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _note(path: Path) -> None:
    try:
        if (found := _sums(path)) != _noted(path):
            store(path.with_suffix(".json"), json.dumps(found))
    except OSError:
        pass  # without sums the machine code is made again next time


def _discard_damaged(path: Path) -> None:
    noted = _noted(path)
    try:
        found = _sums(path)
    except OSError:
        found = {}
    if any(noted.get(name) != digest for name, digest in found.items()):
        _discard(path, _machine_code(path))


def _discard(path: Path, files: list[Path]) -> None:
    for file in [*files, path.with_suffix(".json")]:
        with suppress(OSError):
            file.unlink(missing_ok=True)
