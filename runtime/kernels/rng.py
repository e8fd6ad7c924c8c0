"""Normal random numbers addressed by (seed, path): functions that the generated kernels call, lane by lane.

Each path has a stream of its own, so its draws depend neither on its neighbours nor on threads or slices. The
generators are xoshiro256++ (float64) and xoshiro128++ (float32) of Blackman and Vigna (ACM TOMS 47, 36,
2021), their states filled by SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). Pairs of normals come from Box and
Muller's transform

    x, y = r cos(pi a), r sin(pi a),  r = +-sqrt(-2 ln u),  u in (0, 1), a in (-1/2, 1/2)

with polynomials for the logarithm, cosine and sine (`benchmarks/box_muller.py` fits them; errors below
3.1e-10, and 7.5e-8 in float32), because LLVM vectorises polynomials and no call of libm. u and a are
midpoints of 2^32 and 2^31 equal cells, hence |x| < 6.8.

Numerical schemes need no normals: signs are the first bits of a word, and three-point numbers, 0 or
``+-sqrt(3)``, are not 0 where 31 bits make less than ``round(2^31 / 3)``, so their variance is 1 + 2^-31.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

W = np.uint64
H = np.uint32
F = np.float32

# fmt: off
LOG64 = (0.9999999898210772, -0.6666659329465419, 0.500000784728037, -0.4000598771969325, 0.3333593690787268,
         -0.2840919652562487, 0.24786695764795538, -0.23944574697557078, 0.23570443340829883,
         -0.1342410903564561)
COS64 = (0.999999999780654, -4.934802137228659, 4.058709164348341, -1.3352120567026928, 0.2349375590228372,
         -0.02439671660527728)
SIN64 = (3.141592653246881, -5.1677127414078425, 2.550162798251982, -0.5992474338348021, 0.0820313371594274,
         -0.007000647125998995)
LOG32 = tuple(F(c) for c in (1.0000116418624083, -0.6667051945971424, 0.499230822716159, -0.39776686743316286,
                             0.34650663915829316, -0.32670069884397707, 0.2007137933524164))
COS32 = tuple(F(c) for c in (0.9999999534669175, -4.934792858670675, 4.058411914089284, -1.3318801610532782,
                             0.21969679864598243))
SIN32 = tuple(F(c) for c in (3.1415925805694087, -5.167706900213051, 2.550031641002584, -0.5980464508833013,
                             0.07722224958481112))
# fmt: on
LOG4 = 2.0 * math.log(2.0)  # numbers, not calls: only some compilers evaluate a logarithm beforehand
LOG4_SINGLE = F(LOG4)

# No reassociation: it would undo the exact integer-to-float steps below.
ARITHMETIC: dict[str, Any] = {"fastmath": {"contract", "nsz", "arcp"}, "error_model": "numpy"}


def _bits(source: types.Type, target: types.Type, llvm: ir.Type) -> Any:
    """A function that reads the bits of one machine type as another."""

    @intrinsic
    def read(typing_context, value):
        return target(source), lambda context, builder, signature, arguments: builder.bitcast(
            arguments[0], llvm
        )

    return read


_word_of_double = _bits(types.float64, types.uint64, ir.IntType(64))
_double_of_word = _bits(types.uint64, types.float64, ir.DoubleType())
_word_of_single = _bits(types.float32, types.uint32, ir.IntType(32))
_single_of_word = _bits(types.uint32, types.float32, ir.FloatType())


@njit(**ARITHMETIC)
def _mix(z):
    """SplitMix64's output function, a bijection of the 64-bit words."""
    z = (z ^ (z >> W(30))) * W(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> W(27))) * W(0x94D049BB133111EB)
    return z ^ (z >> W(31))


@njit(**ARITHMETIC)
def stream64(seed, path):
    """State of the stream (seed, path): four successive SplitMix64 outputs from a hash of both."""
    step = W(0x9E3779B97F4A7C15)
    x = _mix(_mix(W(seed) + step) ^ W(path))
    return _mix(x + step), _mix(x + W(2) * step), _mix(x + W(3) * step), _mix(x + W(4) * step)


@njit(**ARITHMETIC)
def stream32(seed, path):
    """The upper halves of `stream64`'s four words."""
    a, b, c, d = stream64(seed, path)
    return H(a >> W(32)), H(b >> W(32)), H(c >> W(32)), H(d >> W(32))


@njit(**ARITHMETIC)
def next64(a, b, c, d):
    """xoshiro256++: a 64-bit word and the next state."""
    word = a + d
    word = ((word << W(23)) | (word >> W(41))) + a
    t = b << W(17)
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = (d << W(45)) | (d >> W(19))
    return word, a, b, c, d


@njit(**ARITHMETIC)
def next32(a, b, c, d):
    """xoshiro128++: a 32-bit word and the next state. The casts undo Numba's promotion to 64 bits."""
    word = H(a + d)
    word = H(H(H(word << H(7)) | H(word >> H(25))) + a)
    t = H(b << H(9))
    c = H(c ^ a)
    d = H(d ^ b)
    b = H(b ^ c)
    a = H(a ^ d)
    c = H(c ^ t)
    d = H(H(d << H(11)) | H(d >> H(21)))
    return word, a, b, c, d


@njit(fastmath={"reassoc", "nsz"})
def plus(a, b):
    """a + b, as a step of a sum whose order does not matter: with it a sum over lanes is vectorised."""
    return a + b


@njit(**ARITHMETIC)
def _polynomial(coefficients, z):
    value = coefficients[len(coefficients) - 1]
    for i in range(len(coefficients) - 2, -1, -1):
        value = value * z + coefficients[i]
    return value


@njit(**ARITHMETIC)
def pair64(word):
    """Two independent normals of one word: upper 32 bits for u, 31 bits for a, the last bit for the sign of
    r.

    Or-ing bits below the exponent of 1.0 gives 1 + u exactly, on every vector instruction set.
    """
    one = W(0x3FF0000000000000)
    u = _double_of_word(((word >> W(12)) & W(0x000FFFFFFFF00000)) | one) - (1.0 - 2.0**-33)
    a = _double_of_word(((word << W(20)) & W(0x000FFFFFFFE00000)) | one) - (1.5 - 2.0**-32)
    # u = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); 0x3FE6A09E667F3BCD are the bits of sqrt(1/2)
    shifted = _word_of_double(u) + W(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
    e = _double_of_word((shifted >> W(52)) | W(0x4330000000000000)) - (2.0**52 + 1023.0)
    f = _double_of_word((shifted & W(0x000FFFFFFFFFFFFF)) + W(0x3FE6A09E667F3BCD)) - 1.0
    square = e * -LOG4 + f * (f * _polynomial(LOG64, f) - 2.0)
    r = _double_of_word(_word_of_double(math.sqrt(square)) ^ (word << W(63)))
    z = a * a
    return r * _polynomial(COS64, z), r * (a * _polynomial(SIN64, z))


@njit(**ARITHMETIC)
def pair32(first, second):
    """Two independent float32 normals of two words: 32 bits for u, 31 bits for a, one for the sign of r."""
    u = (F(np.int32(first >> H(1))) + F(0.5)) * F(2.0**-31)
    a = (F(np.int32(second & H(0xFFFFFFFE))) + F(1.0)) * F(2.0**-32)
    shifted = H(_word_of_single(u) + H(0x3F800000 - 0x3F3504F3))
    e = F(np.int32(H((shifted >> H(23)) - H(127))))
    f = _single_of_word(H(H(shifted & H(0x007FFFFF)) + H(0x3F3504F3))) - F(1.0)
    square = e * -LOG4_SINGLE + f * (f * _polynomial(LOG32, f) - F(2.0))
    r = _single_of_word(H(_word_of_single(math.sqrt(square)) ^ H(second << H(31))))
    z = a * a
    return r * _polynomial(COS32, z), r * (a * _polynomial(SIN32, z))


@njit(**ARITHMETIC)
def draw64(a, b, c, d):
    """Two float64 normals and the next state of the stream."""
    word, a, b, c, d = next64(a, b, c, d)
    x, y = pair64(word)
    return x, y, a, b, c, d


@njit(**ARITHMETIC)
def draw32(a, b, c, d):
    """Two float32 normals and the next state of the stream."""
    first, a, b, c, d = next32(a, b, c, d)
    second, a, b, c, d = next32(a, b, c, d)
    x, y = pair32(first, second)
    return x, y, a, b, c, d


THIRD = round(2**31 / 3)
ROOT3 = math.sqrt(3.0)
ROOT3_SINGLE = F(ROOT3)


@njit(**ARITHMETIC)
def signs64(a, b, c, d):
    """Two independent float64 signs, the two first bits of a word, and the next state of the stream."""
    word, a, b, c, d = next64(a, b, c, d)
    one, last = W(0x3FF0000000000000), W(0x8000000000000000)
    return _double_of_word((word & last) | one), _double_of_word(((word << W(1)) & last) | one), a, b, c, d


@njit(**ARITHMETIC)
def signs32(a, b, c, d):
    """Two independent float32 signs, the two first bits of a word, and the next state of the stream."""
    word, a, b, c, d = next32(a, b, c, d)
    one, last = H(0x3F800000), H(0x80000000)
    return (
        _single_of_word(H(H(word & last) | one)),
        _single_of_word(H(H(H(word << H(1)) & last) | one)),
        a,
        b,
        c,
        d,
    )


@njit(**ARITHMETIC)
def threes64(a, b, c, d):
    """Two independent numbers 0 or +-sqrt(3), each of half a word: one sign bit, 31 bits for the choice."""
    word, a, b, c, d = next64(a, b, c, d)
    root, last = _word_of_double(ROOT3), W(0x8000000000000000)
    x = _double_of_word(((word & last) | root) if ((word >> W(32)) & W(0x7FFFFFFF)) < W(THIRD) else W(0))
    y = _double_of_word((((word << W(32)) & last) | root) if (word & W(0x7FFFFFFF)) < W(THIRD) else W(0))
    return x, y, a, b, c, d


@njit(**ARITHMETIC)
def threes32(a, b, c, d):
    """Two independent float32 numbers 0 or +-sqrt(3), each of a word: one sign bit, 31 bits for the
    choice.
    """
    root, last, choice = _word_of_single(ROOT3_SINGLE), H(0x80000000), H(0x7FFFFFFF)
    first, a, b, c, d = next32(a, b, c, d)
    second, a, b, c, d = next32(a, b, c, d)
    x = _single_of_word(H(H(first & last) | root) if H(first & choice) < H(THIRD) else H(0))
    y = _single_of_word(H(H(second & last) | root) if H(second & choice) < H(THIRD) else H(0))
    return x, y, a, b, c, d


@njit(**ARITHMETIC)
def _fill64(seed, path, out):
    a, b, c, d = stream64(seed, path)
    for i in range(0, out.size, 2):
        out[i], out[i + 1], a, b, c, d = draw64(a, b, c, d)


@njit(**ARITHMETIC)
def _fill32(seed, path, out):
    a, b, c, d = stream32(seed, path)
    for i in range(0, out.size, 2):
        out[i], out[i + 1], a, b, c, d = draw32(a, b, c, d)


def normals(seed: int, path: int, count: int, dtype: str = "float64") -> NDArray[Any]:
    """The first `count` normals of a path's stream, in the order in which a kernel draws them.

    Parameters
    ----------
    seed, path : int
        Address of the stream, each in 0 ... 2**64 - 1.
    count : int
        How many.
    dtype : {"float64", "float32"}
        The two types have different streams.

    Returns
    -------
    ndarray, shape (count,)
    """
    out = np.empty(count + count % 2, dtype=dtype)
    (_fill64 if dtype == "float64" else _fill32)(np.uint64(seed), np.uint64(path), out)
    return out[:count]
