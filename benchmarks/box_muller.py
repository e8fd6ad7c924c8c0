"""Fits the polynomials of `runtime/kernels/rng.py` by Remez exchange and prints them with their greatest
errors.

With the words of a 64-bit draw as u in (0, 1) and a in (-1/2, 1/2) the pair of normals is
r cos(pi a), r sin(pi a), r = sqrt(-2 ln u). Three polynomials stand for the three functions:

    -2 ln(1 + f) = f (-2 + f LOG(f)),   f in [sqrt(1/2) - 1, sqrt(2) - 1]
    cos(pi a)    = COS(a^2)
    sin(pi a)    = a SIN(a^2)

Usage: python benchmarks/box_muller.py        (about ten seconds; needs only mpmath, which SymPy brings along)
"""

from collections.abc import Callable

from mpmath import cos, log1p, lu_solve, matrix, mp, mpf, pi, polyval, sin, sqrt

DEGREES = {"64": {"LOG": 9, "COS": 5, "SIN": 5}, "32": {"LOG": 6, "COS": 4, "SIN": 4}}


def exponent_part(f: mpf) -> mpf:
    """-2 (ln(1 + f) - f) / f^2."""
    return -2 * (log1p(f) - f) / f**2 if f else mpf(1)


def remez(
    function: Callable, weight: Callable, low: mpf, high: mpf, degree: int
) -> tuple[list[float], float]:
    """Coefficients, lowest first, whose greatest weighted error on [low, high] is smallest, and that
    error.
    """
    unknowns = degree + 2
    nodes = [low + (high - low) * (1 - cos(pi * i / (unknowns - 1))) / 2 for i in range(unknowns)]
    grid = [low + (high - low) * (1 - cos(pi * i / 1500)) / 2 for i in range(1501)]
    samples = [(g, function(g), weight(g)) for g in grid]
    coefficients: list[mpf] = []
    error = mpf(0)
    for _ in range(8):
        rows = [[x**j for j in range(degree + 1)] + [(-1) ** i / weight(x)] for i, x in enumerate(nodes)]
        coefficients = list(lu_solve(matrix(rows), matrix([function(x) for x in nodes])))[:-1]
        errors = [(g, (polyval(coefficients[::-1], g) - value) * w) for g, value, w in samples]
        error = max(abs(e) for _, e in errors)
        peaks: list[tuple[mpf, mpf]] = []
        for g, e in errors:
            if peaks and (peaks[-1][1] > 0) == (e > 0):
                peaks[-1] = max(peaks[-1], (g, e), key=lambda peak: abs(peak[1]))
            else:
                peaks.append((g, e))
        while len(peaks) > unknowns:
            peaks.pop(0 if abs(peaks[0][1]) < abs(peaks[-1][1]) else -1)
        if len(peaks) < unknowns:
            break
        nodes = [g for g, _ in peaks]
    return [float(c) for c in coefficients], float(error)


def main() -> None:
    mp.dps = 40
    quarter = mpf(1) / 4
    functions = {
        # the weights make the errors those of -2 ln(1 + f), cos and sin themselves (bounded away from 0)
        "LOG": (exponent_part, lambda f: f**2 + mpf("1e-4"), 1 / sqrt(2) - 1, sqrt(2) - 1),
        "COS": (lambda z: cos(pi * sqrt(z)), lambda z: mpf(1), mpf(0), quarter),
        "SIN": (
            lambda z: sin(pi * sqrt(z)) / sqrt(z) if z else pi,
            lambda z: sqrt(z) + mpf("1e-3"),
            mpf(0),
            quarter,
        ),
    }
    for bits, degrees in DEGREES.items():
        for name, degree in degrees.items():
            coefficients, error = remez(*functions[name], degree)
            print(f"{name}{bits} = {tuple(coefficients)!r}  # greatest error {error:.1e}")


if __name__ == "__main__":
    main()
