"""CPU time and memory of derivations: ``python benchmarks/derivation.py`` prints a table, a fresh process for
each number.
"""

import json
import os
import subprocess
import sys
import tempfile

ROW = """
import json, resource, sys, time
start = time.process_time()
from optsde.derive import gaussian, modified_equation, regimes
from optsde.derive.optimizers import catalogue
from optsde.derive.optimizers.rule import THETA
loaded = time.process_time()
name, order = sys.argv[1], int(sys.argv[3])
rules = list(catalogue.all_rules()) if name == "catalogue" else [getattr(catalogue, name)()]
chosen = regimes.REGIMES if sys.argv[2] == "both" else [getattr(regimes, sys.argv[2])]
for rule in rules:
    shifted = any(point != THETA for point in rule.gradients.values())
    for regime in chosen:
        try:
            modified_equation(rule, regime, gaussian(constant=shifted), order).certificate
        except ValueError:
            assert name == "catalogue"  # some have no equation: finding that out counts too
done = time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"import_s": loaded - start, "derive_s": done - loaded, "peak_mb": peak}))
"""


def measure(folder: str, *question: str) -> dict[str, float]:
    """Ask one question in a fresh process that keeps derivations in a folder."""
    environment = {**os.environ, "OPTSDE_CACHE_DIR": folder, "OPTSDE_DERIVATION_CACHE": "on"}
    done = subprocess.run(
        [sys.executable, "-c", ROW, *question], check=True, capture_output=True, text=True, env=environment
    )
    return json.loads(done.stdout)


def main() -> None:
    """Print the table: rule, regime, order; CPU seconds to import, to derive, to read what was derived
    before; peak memory.
    """
    heads = ("import s", "derive s", "read s", "peak MB")
    print(f"{'rule':12} {'regime':18} {'order':>5} " + " ".join(f"{head:>9}" for head in heads))
    rows = [
        (rule, regime, str(order))
        for rule in ("sgd", "heavy_ball", "rmsprop", "adam")
        for regime in ("ballistic", "batch_equivalent")
        for order in (1, 2, 3)
    ]
    for rule, regime, order in [*rows, ("catalogue", "both", "2")]:
        with tempfile.TemporaryDirectory() as folder:
            first, second = (measure(folder, rule, regime, order) for _ in range(2))
        print(
            f"{rule:12} {regime:18} {order:>5} {first['import_s']:9.2f} {first['derive_s']:9.2f} "
            f"{second['derive_s']:9.3f} "
            f"{first['peak_mb']:9.0f}"
        )


if __name__ == "__main__":
    main()
