"""Increments that are not normal, and signs: their words, their moments, and what kernels do with them."""

import math
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from optsde.codegen.numba.frame import Shape
from optsde.codegen.program.kernel import Kernel, Observable, Step, Track
from optsde.codegen.program.statements import Total, Vector
from optsde.derive.schemes.increment_laws import Law
from optsde.runtime.kernels import rng
from optsde.runtime.kernels.compiled import compile_kernel

DRAWS = {"gaussian": "draw", "three-point": "threes", "two-point": "signs"}
BITS = {"float64": 64, "float32": 32}


def drawn(name: str, dtype: str, seed: int, path: int, count: int) -> list[tuple]:
    """The first pairs of a stream."""
    bits, pairs = BITS[dtype], []
    draw, state = getattr(rng, f"{name}{bits}"), getattr(rng, f"stream{bits}")(seed, path)
    word = np.uint64 if bits == 64 else np.uint32
    for _ in range(count):
        x, y, *state = draw(*(word(s) for s in state))
        pairs.append((x, y))
    return pairs


def words(dtype: str, seed: int, path: int, count: int) -> list[int]:
    bits, found = BITS[dtype], []
    state, word = getattr(rng, f"stream{bits}")(seed, path), np.uint64 if bits == 64 else np.uint32
    for _ in range(count):
        out, *state = getattr(rng, f"next{bits}")(*(word(s) for s in state))
        found.append(int(out))
    return found


def three(sign: int, choice: int) -> float:
    """In integers: 31 bits below the third of 2^31."""
    return 0.0 if choice * 3 >= 2**31 else -math.sqrt(3) if sign else math.sqrt(3)


def test_signs_are_the_first_bits_of_words() -> None:
    for dtype, bits in BITS.items():
        wanted = [
            (1 - 2 * (w >> (bits - 1)), 1 - 2 * ((w >> (bits - 2)) & 1)) for w in words(dtype, 5, 9, 200)
        ]
        assert drawn("signs", dtype, 5, 9, 200) == wanted


def test_three_point_numbers_are_made_of_32_bits() -> None:
    half, low = 2**32 - 1, 2**31 - 1
    wanted = [
        (three(w >> 63, (w >> 32) & low), three((w & half) >> 31, w & low))
        for w in words("float64", 5, 9, 200)
    ]
    assert drawn("threes", "float64", 5, 9, 200) == wanted
    single = words("float32", 5, 9, 400)
    wanted = [
        tuple(np.float32(three(w >> 31, w & low)) for w in pair)
        for pair in zip(single[::2], single[1::2], strict=True)
    ]
    assert drawn("threes", "float32", 5, 9, 200) == wanted
    assert abs(rng.THIRD / 2**31 - 1 / 3) < 2**-32


@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize(("name", "fourth"), [("signs", 1), ("threes", 3)])
def test_moments(name: str, fourth: int, dtype: str) -> None:
    """Five standard errors, fixed seed: ``z``, ``z**2`` and products of two numbers or their squares have
    mean 0, 1, 0, 1.
    """
    z = np.concatenate([np.array(drawn(name, dtype, 11, path, 5000), dtype=float) for path in range(20)])
    n = len(z)
    assert np.abs(z.mean(axis=0)).max() < 5 / math.sqrt(n)
    assert np.abs((z**2).mean(axis=0) - 1).max() <= 5 * math.sqrt((fourth - 1) / n) + 2**-31
    x, y = z.T
    for first, second in ((x, y), (x[1:], y[:-1]), (x[1:], x[:-1])):
        assert abs((first * second).mean()) < 5 / math.sqrt(n)
        assert abs((first**2 * second**2).mean() - 1) <= 5 * math.sqrt((fourth**2 - 1) / n) + 2**-30


X, ZETA, A, B = (sp.Symbol(name, real=True) for name in ("x", "zeta1", "signs1", "signs2"))
STEP = Step(
    "signs",
    ("x",),
    (),
    ("zeta1",),
    (),
    (),
    (),
    (Vector("x_next", X / 2 + ZETA + 10 * A + 100 * B * X),),
    ("x_next",),
    signs=("signs1", "signs2"),
)
SUM = Observable("sum", (Total("s", X),), sp.Symbol("s"))


def kernel(tracks: dict[str, str], d: int, law: Law = "gaussian", dtype: str = "float64") -> Kernel:
    step = replace(STEP, law=law)
    made = tuple(Track(name, step, pace, name == "mirrored") for name, pace in tracks.items())
    return Kernel(d, made, (SUM,), ((1.0,) * len(tracks),), dtype)


def by_hand(made: Kernel, start: np.ndarray, path: int, substeps: int) -> dict[str, np.ndarray]:
    """One step of tau: per substep increments in pairs, then both vectors of signs in pairs."""
    d, bits = made.dimension, BITS[made.dtype]
    word, state = (np.uint64 if bits == 64 else np.uint32), getattr(rng, f"stream{bits}")(3, path)
    x = {track.name: start.astype(float) for track in made.tracks}
    summed = np.zeros(d)
    for n in range(substeps):
        numbers = {}
        for name, count in ((DRAWS[made.tracks[0].step.law], d), ("signs", 2 * d)):
            found = []
            while len(found) < count:
                *pair, a, b, c, e = getattr(rng, f"{name}{bits}")(*(word(s) for s in state))
                found, state = [*found, *pair], (a, b, c, e)
            numbers[count] = np.array(found[:count], dtype=float)
        zeta, a, b = numbers[d], numbers[2 * d][:d], numbers[2 * d][d:]
        summed += zeta
        for track in made.tracks:
            if track.pace == "substep" or n % 2 == 1:
                increment = zeta if track.pace == "substep" else summed / math.sqrt(2)
                old = x[track.name]
                x[track.name] = (
                    old / 2 + (-increment if track.mirrored else increment) + 10 * a + 100 * b * old
                )
        if n % 2 == 1:
            summed = np.zeros(d)
    return x


CASES: list[tuple[dict[str, str], Law, str, Shape]] = [
    ({"alone": "substep"}, "three-point", "float64", "unrolled"),
    ({"alone": "substep", "mirrored": "substep"}, "three-point", "float64", "looped"),
    ({"alone": "substep"}, "two-point", "float32", "unrolled"),
    ({"alone": "substep"}, "three-point", "float32", "looped"),
    ({"alone": "substep", "coarse": "pair", "mirrored": "pair"}, "gaussian", "float64", "unrolled"),
    ({"alone": "substep", "coarse": "pair", "mirrored": "pair"}, "gaussian", "float64", "looped"),
]


@pytest.mark.parametrize(("tracks", "law", "dtype", "shape"), CASES)
def test_kernels_take_them_in_their_order(tracks: dict[str, str], law: Law, dtype: str, shape: Shape) -> None:
    made, start = kernel(tracks, 3, law, dtype), np.array([0.3, -0.2, 0.7])
    totals = compile_kernel(made, shape).run(
        parameters={name: {} for name in tracks},
        matrices={},
        vectors={},
        start={name: [start] for name in tracks},
        tau=1.0,
        n_steps=1,
        substeps=4,
        n_paths=5,
        seed=3,
        record_steps=[1],
        n_keep=5,
    )
    for path in range(5):
        for name, x in by_hand(made, start, path, 4).items():
            np.testing.assert_allclose(
                totals.finals[name][path, 0], x, rtol=1e-5 if dtype == "float32" else 1e-12
            )


def test_increments_whose_sums_have_another_law_need_a_single_pace() -> None:
    with pytest.raises(ValueError, match="three-point increments on several tracks; expected gaussian ones"):
        compile_kernel(kernel({"alone": "substep", "coarse": "pair"}, 3, "three-point"))
    mixed = kernel({"alone": "substep", "other": "substep"}, 3, "three-point")
    mixed = replace(mixed, tracks=(mixed.tracks[0], replace(mixed.tracks[1], step=STEP)))
    with pytest.raises(ValueError, match="gaussian and three-point increments on several tracks"):
        compile_kernel(mixed)
