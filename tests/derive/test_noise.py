"""Joint moments from cumulants, against the derivatives of a moment generating function and against laws with known moments."""

from collections.abc import Sequence
from itertools import combinations, product

import pytest
from sympy import Add, Expr, Integer, Rational, Symbol, exp, symbols

from smelt.derive.indices import components
from smelt.derive.noise import NoiseModel, batch_mean, gaussian, general, student_t, symmetric, two_point

LAW = NoiseModel("x", (2, 3, 4))
S, K3, K4 = (LAW.cumulant_field(order) for order in (2, 3, 4))


def generated(law: NoiseModel, indices: Sequence[str]) -> Expr:
    """``d^n/dk_i dk_j ... exp(K(k))`` at k = 0, K the cumulant generating function over the coordinates that occur."""
    names = sorted(set(indices))
    momenta = dict(zip(names, symbols(f"k:{len(names)}"), strict=True))
    potential = Integer(0)
    for order in law.orders:
        for chosen in product(names, repeat=order):
            weight = Integer(1)
            for n in range(1, order + 1):
                weight /= n
            for name in chosen:
                weight *= momenta[name]
            potential += weight * law.cumulant_field(order)(*chosen)
    value = exp(potential)
    for index in indices:
        value = value.diff(momenta[index])
    return value.subs(dict.fromkeys(momenta.values(), 0)).expand()


@pytest.mark.parametrize("indices", ["", "i", "ij", "iii", "iijj", "ijjk", "iiiij", "ijijij", "iiijjj", "iijjkk"])
def test_moments_by_the_generating_function(indices: str) -> None:
    for law in (gaussian(), LAW):
        assert law.moment(tuple(indices)).expand() == generated(law, indices)


def test_isserlis() -> None:
    law, cov = gaussian(), gaussian().cumulant_field(2)
    assert law.moment("ijkl") == cov("i", "j") * cov("k", "l") + cov("i", "k") * cov("j", "l") + cov("i", "l") * cov("j", "k")
    six = law.moment("abcdef")
    fifteen = {
        frozenset(map(frozenset, (pair, second, set("abcdef") - set(pair) - set(second))))
        for pair in combinations("abcdef", 2)
        for second in combinations(sorted(set("abcdef") - set(pair)), 2)
    }
    found = {frozenset(frozenset(c.indices) for c in components(term)) for term in Add.make_args(six)}
    assert len(fifteen) == len(Add.make_args(six)) == 15
    assert found == fifteen
    assert law.moment("abcde") == 0


def test_raw_moments_in_one_dimension() -> None:
    s, k3, k4 = S("i", "i"), K3("i", "i", "i"), K4("i", "i", "i", "i")
    assert LAW.moment("iii") == k3
    assert LAW.moment("iiii") == k4 + 3 * s**2
    assert LAW.moment("iiiii") == 10 * k3 * s
    assert LAW.moment("iiiiii") == 15 * s**3 + 10 * k3**2 + 15 * k4 * s


def test_covariance_of_squares() -> None:
    assert gaussian().square_covariance("i", "j") == 2 * gaussian().cumulant_field(2)("i", "j") ** 2
    assert LAW.square_covariance("i", "j") == 2 * S("i", "j") ** 2 + K4("i", "i", "j", "j")


def test_the_square_of_two_point_noise_is_certain() -> None:
    """Along one direction; the covariance has rank one, so S_ij^2 = S_ii S_jj."""
    s = two_point().cumulant_field(2)("i", "i")
    assert two_point().square_covariance("i", "i") == 0
    assert two_point().moment("iiii") == s**2


def test_student_has_its_known_fourth_moment() -> None:
    nu = Symbol("nu", positive=True)
    s = student_t().cumulant_field(2)("i", "i")
    assert (student_t().moment("iiii") - 3 * s**2 * (nu - 2) / (nu - 4)).simplify() == 0
    with pytest.raises(ValueError, match="4 degrees of freedom has no fourth moment; expected more than 4"):
        student_t(Integer(4))


def test_elliptical_kurtosis() -> None:
    kappa, cov = Symbol("kappa", real=True), symmetric().cumulant_field(2)
    pairs = cov("i", "j") * cov("k", "l") + cov("i", "k") * cov("j", "l") + cov("i", "l") * cov("j", "k")
    assert (symmetric().moment("ijkl") - (1 + kappa / 3) * pairs).expand() == 0
    assert symmetric().moment("ijk") == 0


def test_batch_means() -> None:
    """Moments of (x_1 + x_2 + x_3)/3 for independent equal draws, multiplied out."""
    s, k3, k4 = S("i", "i"), K3("i", "i", "i"), K4("i", "i", "i", "i")
    raw = {0: 1, 1: 0, 2: s, 3: k3, 4: k4 + 3 * s**2}
    law = batch_mean(general(), Integer(3))
    for order in (2, 3, 4):
        drawn = Add(*(raw[order_of(n, 0)] * raw[order_of(n, 1)] * raw[order_of(n, 2)] for n in product(range(3), repeat=order)))
        assert (law.moment("i" * order) - drawn * Rational(1, 3) ** order).expand() == 0
    twice = batch_mean(batch_mean(general(), Integer(2)), Integer(5))
    assert twice.moment("iiii") == batch_mean(general(), Integer(10)).moment("iiii")


def order_of(draws: Sequence[int], draw: int) -> int:
    return list(draws).count(draw)


def test_constant_noise_does_not_vary() -> None:
    assert gaussian().cumulant_field(2).varies
    assert not gaussian(constant=True).cumulant_field(2).varies
    assert K4("l", "i", "k", "j") is K4("i", "j", "k", "l")
