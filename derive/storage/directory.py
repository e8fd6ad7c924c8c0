"""A private directory for what is computed once: generated modules with their machine code, and derivations.

Numba keeps its machine code in files that it unpickles: whoever may write there runs code as us, so the
directory must be ours alone.
"""

import os
import stat
import sys
import tempfile
from pathlib import Path

from ..errors import BadInput

VARIABLE = "OPTSDE_CACHE_DIR"
"""The environment variable that names another directory."""


def cache_directory() -> Path:
    """The directory of ``OPTSDE_CACHE_DIR``, or ``optsde`` in the user's cache; made if missing, readable by
    us alone.

    Raises
    ------
    ValueError
        If it belongs to another user, others may write to it or read it, or it is no directory.
    """
    if given := os.environ.get(VARIABLE):
        path = Path(given).expanduser().absolute()
    elif sys.platform == "win32":
        path = Path(os.environ.get("LOCALAPPDATA", Path.home())) / "optsde"
    elif sys.platform == "darwin":
        path = Path.home() / "Library" / "Caches" / "optsde"
    else:
        path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "optsde"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise BadInput(f"cache directory {path} is a link; set OPTSDE_CACHE_DIR to a directory of your own")
    if hasattr(os, "getuid"):
        if found.st_uid != os.getuid():
            raise BadInput(
                f"cache directory {path} belongs to another user; set OPTSDE_CACHE_DIR to one of your own"
            )
        if found.st_mode & 0o077:
            raise BadInput(f"cache directory {path} is open to other users; run `chmod 700` on it")
    return path


def store(path: Path, text: str) -> None:
    """Write a file so that no process ever sees a part of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
    # Numba recompiles when a source's time changes: two processes that store the same kernel must leave the
    # same time
    os.utime(temporary, (0, 0))
    os.replace(temporary, path)
