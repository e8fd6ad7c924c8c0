"""Helper modules of the tests are imported by their plain name: their folders go on the path once, here."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

for folder in (".", "derive", "codegen", "runtime"):
    sys.path.insert(0, str(Path(__file__).parent / folder))


def pytest_configure(config: pytest.Config) -> None:
    """Compile each kernel once per run: all processes share a folder that is thrown away, unless one is
    given.

    Derivations are not kept: tests are to derive.
    """
    os.environ["OPTSDE_DERIVATION_CACHE"] = "off"
    os.environ["SYMPY_CACHE_SIZE"] = (
        "100000"  # read when SymPy is imported; its 1000 are too few for many derivations
    )
    if "OPTSDE_CACHE_DIR" not in os.environ:
        os.environ["OPTSDE_CACHE_DIR"] = folder = tempfile.mkdtemp(prefix="optsde-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
