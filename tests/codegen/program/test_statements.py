"""Antithetic kernels, run in both shapes."""

import numpy as np
import pytest
import sympy as sp
from rmsprop_kernels import RMSPROP, Numbers, one_track, reference

from optsde.codegen.numba.frame import Shape
from optsde.codegen.program.kernel import Kernel, Observable, Step, Track, antithetic
from optsde.codegen.program.statements import Total, Vector
from optsde.runtime.kernels.compiled import compile_kernel


@pytest.mark.parametrize("shape", ["unrolled", "looped"])
def test_mirrored_tracks_have_the_noise_with_the_other_sign(shape: Shape) -> None:
    """A step made of noise, past noise and time alone: mirrored it is as drawn but for the sign; RMSprop as
    NumPy's.
    """
    x, z, past = sp.symbols("x z past_z")
    odd = Step(
        "odd", ("x",), (), ("z",), (), (), (), (Vector("y", x + z + past / 3 + z**3 / 7),), ("y",), ("z",)
    )
    every = tuple(Track(pace, odd, pace) for pace in ("substep", "pair", "quad", "step"))
    pairs = antithetic(
        Kernel(3, every, (Observable("x", (Total("a", x),), sp.Symbol("a")),), ((1.0, 0.0, 0.0, 0.0),))
    )
    inputs = {
        "parameters": {t.name: {} for t in pairs.tracks},
        "matrices": {},
        "vectors": {},
        "tau": 0.5,
        "n_steps": 2,
    }
    inputs |= {
        "start": {t.name: np.zeros((1, 3)) for t in pairs.tracks},
        "substeps": 8,
        "n_paths": 40,
        "seed": 1,
        "n_keep": 40,
    }
    totals = compile_kernel(pairs, shape).run(**inputs, record_steps=[1, 2])
    for track in every:
        assert np.array_equal(totals.finals[f"mirrored_{track.name}"], -totals.finals[track.name])
        assert np.abs(totals.finals[track.name]).min() > 0
    assert totals.exact[1:3] == (0, 0)
    kernel, numbers = antithetic(one_track(3, RMSPROP, "step")), Numbers(3)
    totals = compile_kernel(kernel, shape).run(
        **numbers.inputs(kernel), n_paths=40, seed=5, record_steps=[3], n_keep=40
    )
    both = reference(kernel, numbers, range(40), 5)
    for name, states in both.items():
        np.testing.assert_allclose(totals.finals[name], states[-1], rtol=1e-12)
    means = sum((states[-1][:, 0] ** 2).sum(-1) for states in both.values()) / 2
    np.testing.assert_allclose(
        [totals.sums[0, 0, 0], totals.squares[0, 0, 0]], [means.sum(), (means**2).sum()], rtol=1e-12
    )
