"""A problem bound to a compiled kernel: what its steps read, under the names they read it by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...codegen.program.statements import SUBSTEPS, Kernel, Track
from ..kernels.compiled import CompiledKernel
from ..kernels.device import Device, compile_for
from ..kernels.totals import Totals
from ..problems.problem import Problem
from .requests import step_parameters

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Binding:
    """A compiled kernel with the numbers, matrices and vectors of a problem, ready to run for any tau.

    Attributes
    ----------
    compiled : CompiledKernel
    problem : Problem
    constants : mapping of str to float
        Of the regime, the noise and the regularisation.
    threads : int, optional
    """

    compiled: CompiledKernel
    problem: Problem
    constants: Mapping[str, float]
    threads: int | None = None

    @property
    def kernel(self) -> Kernel:
        """What was compiled."""
        return self.compiled.kernel

    def numbers(self, track: Track, tau: float, substeps: int) -> dict[str, float]:
        """Return the parameters of a track's step, `tau` and the length `dt` of its own steps among them."""
        dt = tau * SUBSTEPS.get(track.pace, substeps) / substeps
        return step_parameters(track.step, {**self.constants, **self.problem.numbers}, tau, dt)

    def run(
        self,
        *,
        tau: float,
        n_steps: int,
        substeps: int = 1,
        t0: float,
        start: Array | Mapping[str, Array],
        n_paths: int,
        first_path: int = 0,
        seed: int,
        record_steps: Sequence[int],
        n_keep: int = 0,
        progress: Callable[[int, int], None] | None = None,
    ) -> Totals:
        """Run paths; `start` is the state (blocks, d) of all tracks, or by track that of each path (paths,
        blocks, d).

        The other arguments are those of `optsde.runtime.kernels.compiled.CompiledKernel.run`.
        """
        tracks, problem = self.kernel.tracks, self.problem
        if not isinstance(start, Mapping):
            start = {track.name: on_track(track, start) for track in tracks}
        return self.compiled.run(
            parameters={track.name: self.numbers(track, tau, substeps) for track in tracks},
            matrices={n: problem.matrices[n] for n in {m for t in tracks for m in t.step.matrices}},
            vectors={n: problem.vectors[n] for n in {v for t in tracks for v in t.step.vectors}},
            start=start,
            tau=tau,
            n_steps=n_steps,
            substeps=substeps,
            t0=t0,
            n_paths=n_paths,
            first_path=first_path,
            seed=seed,
            record_steps=record_steps,
            threads=self.threads,
            n_keep=n_keep,
            progress=progress,
        )


def bind(
    kernel: Kernel,
    problem: Problem,
    constants: Mapping[str, float],
    device: Device = "cpu",
    threads: int | None = None,
) -> Binding:
    """Compile a kernel and bind a problem to it."""
    return Binding(compile_for(device, kernel), problem, constants, threads)


def on_track(track: Track, state: Array) -> Array:
    """Return the start of a track from the state, shape (blocks, d): a linearised step has each block
    twice.
    """
    return np.tile(state, (len(track.step.state) // len(state), 1))
