"""The program: what a kernel computes, as frozen data between the mathematics and the text.

A `Step` is one map ``x' = x + Delta(x, noise)`` of vectors of length d, as single assignments over public
SymPy expressions; a `Kernel` runs several steps side by side on the same Brownian path and accumulates
observables.
"""

from dataclasses import dataclass, replace
from typing import Literal

from sympy import Expr

from ...derive.schemes.increment_laws import Law
from .statement import Statement

SUBSTEPS = {"substep": 1, "pair": 2, "quad": 4}
"""Substeps in a step of the tracks that do not go by the whole `tau`."""

PACES = (*SUBSTEPS, "step")
"""From the finest to the coarsest."""

Pace = Literal["substep", "pair", "quad", "step"]


@dataclass(frozen=True)
class Step:
    """One step of a chain.

    Attributes
    ----------
    name : str
        For people: stands in the kernel's comments.
    state : tuple of str
        The blocks, each a vector of length d.
    nonnegative : tuple of str
        Blocks whose entries should not become negative; paths where they do are counted.
    noise : tuple of str
        Vectors of independent numbers of mean 0 and variance 1, drawn anew at each step.
    parameters, matrices, vectors : tuple of str
        Numbers, constant matrices and constant vectors of length d given at run time, each sorted by name.
        The symbol `t` is the time at the start of the step and belongs to none of them.
    statements : tuple of Statement
        In order; each target once.
    result : tuple of str
        For each block of `state`, the vector that holds its next value.
    past : tuple of str
        Noise vectors, of which the sum over the track's own earlier steps within the current `tau` is wanted
        as well; the vector ``past_NAME`` holds it, zero in the first step of each `tau`.
    widths : tuple of (str, int)
        The lengths of noise vectors, vectors of signs and constant vectors that are not of length d.
    law : {"gaussian", "three-point", "two-point"}
        Of the noise.
    signs : tuple of str
        Vectors of independent signs, drawn anew with the noise; a coarser track takes the latest ones.
    """

    name: str
    state: tuple[str, ...]
    nonnegative: tuple[str, ...]
    noise: tuple[str, ...]
    parameters: tuple[str, ...]
    matrices: tuple[str, ...]
    vectors: tuple[str, ...]
    statements: tuple[Statement, ...]
    result: tuple[str, ...]
    past: tuple[str, ...] = ()
    widths: tuple[tuple[str, int], ...] = ()
    law: Law = "gaussian"
    signs: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """All vectors a step starts from."""
        return (*self.state, *self.noise, *self.signs, *(f"past_{name}" for name in self.past), *self.vectors)


@dataclass(frozen=True)
class Track:
    """A step and how often it is taken: each ``substep``, ``pair`` or ``quad`` of substeps, or once per
    ``step`` of `tau`.

    A track that steps more rarely receives the sum of the Brownian increments over its step, normalised to
    variance 1: tracks of one kernel follow the same Brownian path, a `mirrored` one with the sign reversed.
    """

    name: str
    step: Step
    pace: Pace
    mirrored: bool = False


@dataclass(frozen=True)
class Observable:
    """A number per path, of the state's blocks: statements, none of them a Scalar, and an expression of their
    numbers per path.

    `vectors` are the constant vectors that the statements read, all of length d unless a step says otherwise.
    """

    name: str
    statements: tuple[Statement, ...]
    expression: Expr
    vectors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kernel:
    """Tracks, observables and contrasts.

    `contrasts` are linear combinations over the tracks: for each observable ``phi`` and contrast ``w`` the
    kernel accumulates the sum and the sum of squares of ``sum_t w_t phi(x_t)`` over paths, at each recorded
    time.
    """

    dimension: int
    tracks: tuple[Track, ...]
    observables: tuple[Observable, ...]
    contrasts: tuple[tuple[float, ...], ...]
    dtype: Literal["float64", "float32"] = "float64"

    @property
    def matrices(self) -> tuple[str, ...]:
        """The constant matrices that steps and observables read, sorted by name."""
        observed = {m for phi in self.observables for s in phi.statements for m in s.matrices}
        return tuple(sorted(observed.union(*(track.step.matrices for track in self.tracks))))

    @property
    def vectors(self) -> tuple[str, ...]:
        """The constant vectors likewise."""
        observed = {v for phi in self.observables for v in phi.vectors}
        return tuple(sorted(observed.union(*(track.step.vectors for track in self.tracks))))


def antithetic(kernel: Kernel) -> Kernel:
    """Return the kernel with a mirrored track beside each of its own; its contrasts are means over a path and
    its mirror image.

    What is odd in the noise cancels, what is even becomes no better: two paths for one then lose a factor 2.
    """
    mirrored = tuple(replace(track, name=f"mirrored_{track.name}", mirrored=True) for track in kernel.tracks)
    halves = tuple(tuple(weight / 2 for weight in contrast) * 2 for contrast in kernel.contrasts)
    return replace(kernel, tracks=(*kernel.tracks, *mirrored), contrasts=halves)
