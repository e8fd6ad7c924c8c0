"""Time and memory of the derivations: ``python benchmarks/derivation.py`` prints a table, a fresh process for each row."""

import json
import subprocess
import sys

ROW = """
import json, resource, sys, time
start = time.perf_counter()
from smelt.derive import catalogue, regimes, gaussian, modified_equation
loaded = time.perf_counter()
rule, regime, order = getattr(catalogue, sys.argv[1]), getattr(regimes, sys.argv[2]), int(sys.argv[3])
modified_equation(rule(), regime(), gaussian(), order).certificate
done = time.perf_counter()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"import_s": loaded - start, "derive_s": done - loaded, "peak_mb": peak}))
"""


def main() -> None:
    """Print the table: rule, regime, order; seconds to import and to derive; peak memory."""
    print(f"{'rule':12} {'regime':18} {'order':>5} {'import s':>9} {'derive s':>9} {'peak MB':>8}")
    for rule in ("sgd", "heavy_ball", "rmsprop", "adam"):
        for regime in ("ballistic", "batch_equivalent"):
            for order in (1, 2, 3):
                command = [sys.executable, "-c", ROW, rule, regime, str(order)]
                row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                print(f"{rule:12} {regime:18} {order:5d} {row['import_s']:9.2f} {row['derive_s']:9.2f} {row['peak_mb']:8.0f}")


if __name__ == "__main__":
    main()
