import math
from statistics import NormalDist

import numpy as np
import pytest

from optsde.runtime.kernels import rng

M64, M32 = 2**64 - 1, 2**32 - 1


def splitmix(state: int) -> tuple[int, int]:
    """Next state and output, after Vigna's public-domain C (https://prng.di.unimi.it/splitmix64.c)."""
    state = (state + 0x9E3779B97F4A7C15) & M64
    z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & M64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M64
    return state, z ^ (z >> 31)


def xoshiro(s: list[int], bits: int, out: int, shift: int, rotation: int) -> int:
    """One word of xoshiro256++ or xoshiro128++ (https://prng.di.unimi.it); changes the state."""
    mask = 2**bits - 1

    def rotate(x: int, k: int) -> int:
        return ((x << k) | (x >> (bits - k))) & mask

    word = (rotate((s[0] + s[3]) & mask, out) + s[0]) & mask
    t = (s[1] << shift) & mask
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotate(s[3], rotation)
    return word


def reference_stream(seed: int, path: int) -> list[int]:
    hashed = splitmix(seed)[1]
    # the stream's key is the hash of (hashed seed xor path); `splitmix` adds its constant first, so take it
    # off
    state = splitmix(((hashed ^ path) - 0x9E3779B97F4A7C15) & M64)[1]
    words = []
    for _ in range(4):
        state, word = splitmix(state)
        words.append(word)
    return words


def test_the_reference_generators_give_the_published_words() -> None:
    state, words = 1234567, []
    for _ in range(3):
        state, word = splitmix(state)
        words.append(word)
    assert words == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    s = [1, 2, 3, 4]
    assert [xoshiro(s, 64, 23, 17, 45) for _ in range(4)] == [
        41943041,
        58720359,
        3588806011781223,
        3591011842654386,
    ]
    s = [1, 2, 3, 4]
    assert [xoshiro(s, 32, 7, 9, 11) for _ in range(4)] == [641, 1573767, 3222811527, 3517856514]


def test_words_equal_the_reference() -> None:
    state = [1, 2, 3, 2**64 - 5]
    words = list(state)
    for _ in range(20):
        word, *words = rng.next64(*(np.uint64(w) for w in words))
        assert word == xoshiro(state, 64, 23, 17, 45)
        assert words == state
    state = [1, 2, 3, 2**32 - 5]
    words = list(state)
    for _ in range(20):
        word, *words = rng.next32(*(np.uint32(w) for w in words))
        assert word == xoshiro(state, 32, 7, 9, 11)
        assert words == state


@pytest.mark.parametrize(("seed", "path"), [(0, 0), (1, 0), (0, 1), (M64, 12345), (17, M64)])
def test_streams_equal_the_reference(seed: int, path: int) -> None:
    words = reference_stream(seed, path)
    assert [int(w) for w in rng.stream64(np.uint64(seed), np.uint64(path))] == words
    assert [int(w) for w in rng.stream32(np.uint64(seed), np.uint64(path))] == [w >> 32 for w in words]


def test_streams_of_many_seeds_and_paths_differ() -> None:
    firsts = {rng.normals(seed, path, 1)[0] for seed in range(40) for path in range(40)}
    assert len(firsts) == 1600  # two of 2^64 words agree with probability 1e-13


WORDS = [
    0,
    M64,
    1,
    1 << 63,
    M32,
    M32 << 32,
    *np.random.default_rng(3).integers(0, M64, 2000, dtype=np.uint64).tolist(),
]


def test_pairs_are_box_muller_pairs() -> None:
    """The polynomials' errors are 3.1e-10 in r^2 (less near r = 0) and 2.2e-10 in cosine and sine, times r <
    6.8.
    """
    for word in WORDS:
        u = ((word >> 32) + 0.5) / 2**32
        a = (((word >> 1) & (2**31 - 1)) + 0.5) / 2**31 - 0.5
        r = math.sqrt(-2 * math.log(u)) * (-1 if word & 1 else 1)
        x, y = rng.pair64(np.uint64(word))
        assert abs(x - r * math.cos(math.pi * a)) < 2.1e-9
        assert abs(y - r * math.sin(math.pi * a)) < 2.1e-9


def test_single_precision_pairs_are_box_muller_pairs() -> None:
    """Rounding: about ten float32 roundings (6e-8) of numbers up to 6.7, and of r^2 near r = 0."""
    for word in WORDS:
        first, second = word >> 32, word & M32
        u = ((first >> 1) + 0.5) / 2**31
        a = ((((second & ~1) ^ 2**31) - 2**31) + 1) / 2**32
        r = math.sqrt(-2 * math.log(u)) * (-1 if second & 1 else 1)
        x, y = rng.pair32(np.uint32(first), np.uint32(second))
        if abs(r) > 1e-3:
            assert abs(x - r * math.cos(math.pi * a)) < 6.7e-6
            assert abs(y - r * math.sin(math.pi * a)) < 6.7e-6


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_moments_tails_and_independence(dtype: str) -> None:
    """Five standard errors, fixed seed. For N normals: 1/N, 2/N, 15/N, 96/N are the variances of the first
    four moments.
    """
    z = np.concatenate([rng.normals(2024, path, 200_000, dtype) for path in range(10)]).astype(float)
    n = z.size
    for moment, exact, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(np.mean(z**moment) - exact) < 5 * math.sqrt(variance / n)
    for level in (0.5, 1.0, 2.0, 3.0, 4.0):
        tail = math.erfc(level / math.sqrt(2)) / 2
        for sample in (z, -z):
            assert abs(np.mean(sample > level) - tail) < 5 * math.sqrt(tail / n)
    assert np.abs(z).max() < 6.8
    x, y = z[::2], z[1::2]
    for first, second in ((x, y), (x**2 - 1, y**2 - 1), (y[:-1], x[1:]), (x**2 - 1, np.roll(x, 1) ** 2 - 1)):
        spread = np.std(first) * np.std(second) / math.sqrt(first.size)
        assert abs(np.mean(first * second)) < 5 * spread


def test_first_draws_of_neighbouring_paths_are_independent_normals() -> None:
    z = np.array([rng.normals(7, path, 2) for path in range(40_000)]).ravel()
    assert abs(z.mean()) < 5 / math.sqrt(z.size)
    assert abs(np.mean(z**2) - 1) < 5 * math.sqrt(2 / z.size)
    assert abs(np.mean(z[:-2] * z[2:])) < 5 / math.sqrt(z.size)


def test_draws_are_a_prefix_of_longer_draws() -> None:
    assert np.array_equal(rng.normals(1, 2, 7), rng.normals(1, 2, 8)[:7])
    assert rng.normals(1, 2, 0).shape == (0,)


def test_sums_over_lanes_add() -> None:
    assert rng.plus(0.25, 0.5) == 0.75


def normal_moment(order: int) -> int:
    """``E z**order`` for even orders: 1, 3, 15, 105, ..."""
    return math.prod(range(1, order, 2))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_moments_tails_and_histogram_of_a_hundred_million_draws(dtype: str) -> None:
    """Five standard errors, which the exact law gives beforehand; the statistics are sums over 100
    streams.
    """
    paths, count, bins = 100, 1_000_000, 1000
    edges = np.array([NormalDist().inv_cdf(n / bins) for n in range(1, bins)])
    levels = (4.0, 4.5, 5.0, 5.5)
    powers, beyond, histogram = np.zeros(9), np.zeros((len(levels), 2)), np.zeros(bins)
    for path in range(paths):
        z = rng.normals(99, path, count, dtype).astype(float)
        powers += [np.sum(z**order) for order in range(9)]
        beyond += [[np.sum(z > level), np.sum(z < -level)] for level in levels]
        histogram += np.bincount(np.searchsorted(edges, z), minlength=bins)
    n = paths * count
    for order in range(1, 9):
        exact = 0 if order % 2 else normal_moment(order)
        assert abs(powers[order] / n - exact) < 5 * math.sqrt((normal_moment(2 * order) - exact**2) / n), (
            f"moment {order}"
        )
    for level, found in zip(levels, beyond, strict=True):
        expected = n * math.erfc(level / math.sqrt(2)) / 2
        assert (abs(found - expected) < 5 * math.sqrt(expected)).all(), (
            f"beyond {level}: {found}, expected {expected}"
        )
    chi_square = np.sum((histogram - n / bins) ** 2) / (n / bins)
    assert abs(chi_square - (bins - 1)) < 5 * math.sqrt(2 * (bins - 1))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_neighbouring_streams_are_independent(dtype: str) -> None:
    """Lanes of a block are neighbouring paths: correlations between them, between seeds and within a path, of
    z and of z**2.
    """
    paths, count, lags = 512, 100_000, (1, 2, 8, 16, 32)
    z = np.array([rng.normals(5, path, count, dtype) for path in range(paths)])
    other = np.array([rng.normals(6, path, count, dtype) for path in range(paths)])
    pairs = [(z[lag:], z[:-lag]) for lag in lags] + [(z[:, lag:], z[:, :-lag]) for lag in lags] + [(z, other)]
    for first, second in pairs:
        assert abs(np.mean(first * second)) < 5 / math.sqrt(first.size)
        squares = (first**2 - 1) * (second**2 - 1)
        assert abs(np.mean(squares)) < 5 * 2 / math.sqrt(first.size)
