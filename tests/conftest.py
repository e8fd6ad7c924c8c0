"""Helper modules of the tests are imported by their plain name: their folders go on the path once, here."""

import sys
from pathlib import Path

for folder in ("derive", "codegen"):
    sys.path.insert(0, str(Path(__file__).parent / folder))
