"""Times optsde's kernels, and other programs for the same problem, in turns.

The problem: RMSprop in the ballistic regime on a noisy quadratic, g = A (theta - s z), and its order-2 SDE by
Euler's method with dt = tau^2, both derived and generated, recorded after every tau. A row is CPU nanoseconds
per path and step on one thread.

Usage: python benchmarks/kernels.py [--peers DIR] [--names c_simd,nb_block,...] [--dimensions 2,10] [--dtypes
f64] [--diagonal]

With --diagonal A is a vector, and `--dimensions 100,1000,10000` shows the cost linear in d; peers have no
such problem.

DIR holds the peers: ``worker.py MODULE THREADS`` reads a line of JSON with name, what ("sde2" or "disc"), d,
dtype ("f64" or "f32") and N (paths) and answers with one that has ``cpu`` (seconds). Those whose packages are
not installed (the extra "peers") or that do not have the problem are left out, by name. Results go to
benchmarks/results.json.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from optsde.codegen.lowering.kernels import simulation_kernel
from optsde.codegen.lowering.regularisation import floor
from optsde.codegen.program.statements import Kernel
from optsde.derive import Chain, ballistic, gaussian, modified_equation, rmsprop
from optsde.runtime.kernels.compiled import compile_kernel
from optsde.runtime.problems.quadratic import Quadratic

MODULES = {
    "c_simd": "w_native",
    "c_scalar": "w_native",
    "nb_block": "w_native",
    "nb_blas": "w_native",
    "numpy": "w_numpy",
    "scan": "w_jax",
    "diffrax": "w_jax",
    "tsde": "w_torch",
    "tsde_fast": "w_torch",
}
TAU, HORIZON = 1 / 8, 10
STEPS, SUBSTEPS = round(HORIZON / TAU), round(1 / TAU)
CONSTANTS = {"c": 0.5, "eps": 1e-3, "tau": TAU, "dt": TAU / SUBSTEPS}

RULE, REGIME, LAW = rmsprop(), ballistic, gaussian(constant=True)
TARGETS = {"sde2": modified_equation(RULE, REGIME, LAW, order=2), "disc": Chain(RULE, REGIME, LAW)}
OBSERVABLES = ("norm(theta)**2", "norm(v)**2")

PATHS = {2: 100_000, 10: 10_000}
OF_PEERS = {
    "scan": {2: 20_000, 10: 4000}, "diffrax": {2: 20_000, 10: 4000}, "tsde_fast": {2: 20_000, 10: 4000},
    "tsde": {2: 20_000, 10: 2000, 100: 64}, "numpy": {2: 4000, 10: 1000, 100: 200},
}  # fmt: skip
"""Paths of a run, where fewer than `PATHS` are as fast or fit the cache better."""
FOR_EQUATIONS = ("diffrax", "tsde", "tsde_fast")
WORDS = {"f64": "float64", "f32": "float32"}


def dense_hessian(d: int) -> np.ndarray:
    """The matrix A of the problem."""
    m = np.random.default_rng(d).standard_normal((d, d))
    return np.array([[1.0, 0.5], [0.5, 1.0]]) if d == 2 else m @ m.T / d + 0.1 * np.eye(d)


def workload(what: str, d: int, dtype: str, diagonal: bool = False) -> tuple[Kernel, dict]:
    """A kernel of one track, and all that its `run` takes but the number of paths."""
    problem = Quadratic(np.linspace(0.5, 2, d) if diagonal else dense_hessian(d), minimum_noise=0.25)
    kernel = simulation_kernel(
        TARGETS[what], problem.fields, d, OBSERVABLES, regularisation=floor(), dtype=WORDS[dtype]
    )
    (track,) = kernel.tracks
    inputs = {
        "parameters": {
            track.name: {name: (CONSTANTS | problem.numbers)[name] for name in track.step.parameters}
        },
        "matrices": {name: problem.matrices[name] for name in track.step.matrices},
        "vectors": {name: problem.vectors[name] for name in track.step.vectors},
        "start": {track.name: np.stack([np.resize([10.0, 5.0], d), np.ones(d)])},
        "tau": TAU,
        "n_steps": STEPS,
        "substeps": SUBSTEPS if what == "sde2" else 1,
        "seed": 1,
        "record_steps": range(1, STEPS + 1),
        "threads": 1,
    }
    return kernel, inputs


def optsde_runner(what: str, d: int, dtype: str, diagonal: bool) -> tuple[Callable[[int], float], float]:
    """A function that runs a number of paths and returns CPU seconds, and the seconds of compilation."""
    kernel, inputs = workload(what, d, dtype, diagonal)
    began = time.perf_counter()
    compiled = compile_kernel(kernel)
    seconds = time.perf_counter() - began

    def run(paths: int) -> float:
        began = time.process_time()
        compiled.run(**inputs, n_paths=paths)
        return time.process_time() - began

    return run, seconds


class Peer:
    """A peer's worker process."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        command = [sys.executable, "-B", "worker.py", MODULES[name], "1"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, cwd=folder, text=True, **pipes)
        self._answer()

    def _answer(self) -> dict:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("its process ended; are its packages installed?")
        return json.loads(line)

    def run(self, what: str, d: int, dtype: str, paths: int) -> float:
        assert self.process.stdin is not None
        request = {"name": self.name, "what": what, "d": d, "dtype": dtype, "N": paths}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["cpu"]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def compare(what: str, d: int, dtype: str, peers: list[Peer], rounds: int, diagonal: bool) -> list[dict]:
    """Rows of optsde and the peers; each round runs every one once."""
    own, compile_seconds = optsde_runner(what, d, dtype, diagonal)
    runners: dict[str, Callable[[int], float]] = {"optsde": own}
    able = [peer for peer in peers if what == "sde2" or peer.name not in FOR_EQUATIONS]
    runners |= {peer.name: lambda n, peer=peer: peer.run(what, d, dtype, n) for peer in able}
    least = max(256, 40_000 // d)
    paths = {name: OF_PEERS.get(name, PATHS).get(d, least) * (4 if what == "disc" else 1) for name in runners}
    steps = STEPS * (SUBSTEPS if what == "sde2" else 1)
    for name in list(runners):
        try:
            runners[name](paths[name])  # compiles, warms up
        except RuntimeError as error:
            del runners[name]
            print(f"{what} d={d} {dtype}: {name} left out: {error}")
    found: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, run in runners.items():
            found[name].append(run(paths[name]) / paths[name] / steps * 1e9)
    rows = []
    for name, times in found.items():
        row = {
            "name": name,
            "what": what,
            "d": d,
            "dtype": dtype,
            "cpu_med": statistics.median(times),
            "cpu_min": min(times),
        }
        rows.append(row | ({"compile_s": compile_seconds} if name == "optsde" else {}))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--peers", type=Path, default=os.environ.get("PEERS"), help="folder of the peers (default: $PEERS)"
    )
    parser.add_argument("--names", default=",".join(MODULES), help="which peers, separated by commas")
    parser.add_argument("--whats", default="sde2,disc")
    parser.add_argument("--dimensions", default="2,10")
    parser.add_argument("--dtypes", default="f64")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--diagonal", action="store_true", help="A is diagonal; without peers")
    options = parser.parse_args()
    if options.diagonal and options.peers:
        parser.error("got --diagonal with --peers; expected one of them: the peers know dense matrices only")
    peers = []
    for name in options.names.split(",") if options.peers else ():
        try:
            peers.append(Peer(options.peers, name))
        except RuntimeError as error:
            print(f"{name} left out: {error}")
    rows: list[dict] = []
    print(f"{'':18}{'name':12}{'ns, median':>12}{'least':>10}{'optsde / it':>12}")
    for d in map(int, options.dimensions.split(",")):
        for dtype in options.dtypes.split(","):
            for what in options.whats.split(","):
                new = compare(what, d, dtype, peers, options.rounds, options.diagonal)
                rows += new
                for row in new:
                    label = f"{what} d={d} {dtype}"
                    ratio = new[0]["cpu_med"] / row["cpu_med"]
                    print(
                        f"{label:18}{row['name']:12}{row['cpu_med']:12.2f}{row['cpu_min']:10.2f}{ratio:12.3f}",
                        flush=True,
                    )
    for peer in peers:
        peer.close()
    path = Path(__file__).with_name("results.json")
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(f"rows written to {path}")


if __name__ == "__main__":
    main()
