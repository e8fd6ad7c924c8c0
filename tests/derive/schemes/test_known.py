"""The steps as their sources print them, written a second time with loops over components and compared in
exact numbers.
"""

import pytest
from exact_sde import OUTCOME, SIGNS, START, ExactSde, H
from sympy import Matrix, Rational, simplify, sqrt, symbols, zeros

from optsde.derive.schemes.known import (
    SCHEMES,
    additive_heun,
    euler_step,
    heun_step,
    named_scheme,
    platen_step,
    runge_kutta_step,
    whole_noise_step,
)

MOTIONS = range(3)


def test_names_are_different() -> None:
    assert len({scheme.name for scheme in SCHEMES}) == len(SCHEMES)
    assert all(scheme.reference for scheme in SCHEMES)


def test_linear_equation_without_noise() -> None:
    """``x' = lam x``: the partial sums of the exponential series."""
    h, lam, x = symbols("h lam x", positive=True)

    class Linear(ExactSde):
        def drift(self, x):
            return lam * x

        def diffusion(self, x):
            return 0

    z = lam * h
    assert simplify(euler_step(Linear(), x, h) / x - (1 + z)) == 0
    assert simplify(heun_step(Linear(), x, h) / x - (1 + z + z**2 / 2)) == 0
    assert simplify(runge_kutta_step(Linear(), x, h) / x - (1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24)) == 0


def same(left: Matrix, right: Matrix) -> bool:
    return all(entry.expand() == 0 for entry in left - right)


def test_heun() -> None:
    sde = ExactSde()
    a, b = sde.drift, [lambda x, j=j: sde.column(x, str(j)) for j in MOTIONS]
    moved = START + a(START) * H + sum((b[j](START) * OUTCOME[j] for j in MOTIONS), zeros(2, 1))
    result = START + (a(START) + a(moved)) * H / 2
    for j in MOTIONS:
        result += (b[j](START) + b[j](moved)) * OUTCOME[j] / 2
    assert same(heun_step(sde, START, H), result)


def test_whole_noise() -> None:
    """Written with the areas of all pairs and their columns one by one."""
    sde, dw = ExactSde(), OUTCOME
    root, aslant = sqrt(H), sqrt(H / 2)

    def whole(x: Matrix, numbers) -> Matrix:
        return sum((numbers[j] * sde.column(x, str(j)) for j in MOTIONS), zeros(2, 1))

    drift = sde.drift(START)
    ahead = START + H * drift + whole(START, dw)
    result = START + H / 2 * (drift + sde.drift(ahead))
    y = Matrix(symbols("y:2"))
    for j in MOTIONS:
        column = sde.column(y, str(j))
        result -= H / 2 * (column.jacobian(y) * column).subs(dict(zip(y, START, strict=True)))
        result -= aslant / 2 * SIGNS[j] * (sde.column(ahead, str(j)) - sde.column(START, str(j)))
        for sign in (1, -1):
            aside = START + H / 2 * drift + sign * aslant * whole(START, SIGNS)
            result += (2 + sign) * dw[j] / 4 * sde.column(aside, str(j))
            result += sign * dw[j] / (4 * root) * sde.column(START + sign * root * whole(START, dw), str(j))
    assert same(whole_noise_step(sde, START, H), result)


def test_platen() -> None:
    """Kloeden, Platen 1992, (15.1.3), with ``V_jj = -h`` and ``V_rj = h`` times a sign."""
    sde = ExactSde()
    a, b = sde.drift, [lambda x, j=j: sde.column(x, str(j)) for j in MOTIONS]
    root = sqrt(H)
    v = [[-H if r == j else H * sde.sign(str(r), str(j)) for j in MOTIONS] for r in MOTIONS]
    upsilon = START + a(START) * H + sum((b[j](START) * OUTCOME[j] for j in MOTIONS), zeros(2, 1))
    r_plus, r_minus = ([START + a(START) * H + s * b[j](START) * root for j in MOTIONS] for s in (1, -1))
    u_plus, u_minus = ([START + s * b[j](START) * root for j in MOTIONS] for s in (1, -1))
    result = START + (a(upsilon) + a(START)) * H / 2
    for j in MOTIONS:
        even, odd = b[j](r_plus[j]) + b[j](r_minus[j]) + 2 * b[j](START), b[j](r_plus[j]) - b[j](r_minus[j])
        result += even * OUTCOME[j] / 4 + odd * (OUTCOME[j] ** 2 - H) / root / 4
        for r in MOTIONS:
            if r != j:
                even, odd = (
                    b[j](u_plus[r]) + b[j](u_minus[r]) - 2 * b[j](START),
                    b[j](u_plus[r]) - b[j](u_minus[r]),
                )
                result += even * OUTCOME[j] / 4 + odd * (OUTCOME[j] * OUTCOME[r] + v[r][j]) / root * Rational(
                    1, 4
                )
    assert same(platen_step(sde, START, H), result)


def test_schemes_by_name():
    assert named_scheme("heun_for-Additive noise") == additive_heun
    assert {named_scheme(s.name) for s in SCHEMES} == set(SCHEMES)
    with pytest.raises(
        ValueError,
        match="unknown scheme 'euler'; expected one of euler-maruyama, simplified-euler-maruyama, ",
    ):
        named_scheme("euler")
