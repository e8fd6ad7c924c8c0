"""Joint moments from cumulants, against the derivatives of a moment generating function and against laws with
known moments.
"""

from collections.abc import Sequence
from itertools import combinations, combinations_with_replacement, product
from math import factorial, prod

import pytest
from sympy import Add, Expr, Integer, Rational, Symbol, cancel, exp, limit, symbols
from sympy.utilities.iterables import multiset_partitions

from optsde.derive import ballistic, batch_equivalent, modified_equation, rmsprop, sgd
from optsde.derive.derivation.equation import Form
from optsde.derive.noise.laws import batch_mean, gaussian, general, student_t, symmetric, two_point
from optsde.derive.noise.model import NoiseModel
from optsde.derive.notation.indices import components

LAW = NoiseModel("x", (2, 3, 4))
S, K3, K4 = (LAW.cumulant_field(order) for order in (2, 3, 4))


def generated(law: NoiseModel, indices: Sequence[str]) -> Expr:
    """``d^n/dk_i dk_j ... exp(K(k))`` at k = 0, K the cumulant generating function over the coordinates that
    occur.
    """
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


@pytest.mark.parametrize(
    "indices", ["", "i", "ij", "iii", "iijj", "ijjk", "iiiij", "ijijij", "iiijjj", "iijjkk"]
)
def test_moments_by_the_generating_function(indices: str) -> None:
    for law in (gaussian(), LAW):
        assert law.moment(tuple(indices)).expand() == generated(law, indices)


def test_isserlis() -> None:
    law, cov = gaussian(), gaussian().cumulant_field(2)
    assert law.moment("ijkl") == cov("i", "j") * cov("k", "l") + cov("i", "k") * cov("j", "l") + cov(
        "i", "l"
    ) * cov("j", "k")
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
        drawn = Add(
            *(
                raw[order_of(n, 0)] * raw[order_of(n, 1)] * raw[order_of(n, 2)]
                for n in product(range(3), repeat=order)
            )
        )
        assert (law.moment("i" * order) - drawn * Rational(1, 3) ** order).expand() == 0
    twice = batch_mean(batch_mean(general(), Integer(2)), Integer(5))
    assert twice.moment("iiii") == batch_mean(general(), Integer(10)).moment("iiii")


def order_of(draws: Sequence[int], draw: int) -> int:
    return list(draws).count(draw)


def test_constant_noise_does_not_vary() -> None:
    assert gaussian().cumulant_field(2).varies
    assert not gaussian(constant=True).cumulant_field(2).varies
    assert K4("l", "i", "k", "j") is K4("i", "j", "k", "l")


POINTS = [((3, -1), (-1, 4), (5, 0), (-7, -3)), ((1, 1), (2, -3), (Rational(1, 2), 2), (Rational(-7, 2), 0))]


def mean_of_product(samples: Sequence[Sequence[Expr]], coordinates: Sequence[int]) -> Expr:
    return Add(*(prod(sample[i] for i in coordinates) for sample in samples)) / len(samples)


def joint_cumulant(samples: Sequence[Sequence[Expr]], coordinates: Sequence[int]) -> Expr:
    """``sum over partitions of (-1)**(m-1) (m-1)! prod of moments``."""
    total = Integer(0)
    for parts in multiset_partitions(list(range(len(coordinates)))):
        moments = (mean_of_product(samples, [coordinates[n] for n in part]) for part in parts)
        total += (-1) ** (len(parts) - 1) * factorial(len(parts) - 1) * prod(moments)
    return total


@pytest.mark.parametrize("data", POINTS)
@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("replacement", [True, False])
def test_finite_sums_by_enumeration(data: Sequence[Sequence[Expr]], size: int, replacement: bool) -> None:
    """All batches of four data points: joint moments of their means in two dimensions, through order 5 in the
    first.
    """
    every = list(product(data, repeat=size) if replacement else combinations(data, size))
    means = [tuple(Add(*(point[i] for point in batch)) / size for i in range(2)) for batch in every]
    law = batch_mean(NoiseModel("data", (2, 3, 4, 5)), Integer(size), None if replacement else Integer(4))
    for order in range(1, 6):
        for coordinates in combinations_with_replacement(range(2 if order < 5 else 1), order):
            found = law.moment(tuple(map(str, coordinates)))
            values = {c: joint_cumulant(data, [int(i) for i in c.indices]) for c in components(found)}
            assert found.xreplace(values) == mean_of_product(means, coordinates), coordinates


def test_batches_without_replacement() -> None:
    """The known variance and third moment, no noise in a full batch, one draw, and independent draws from
    many points.
    """
    b, n = symbols("b n", positive=True)
    law, s, k3 = batch_mean(general(), b, n), S("i", "i"), K3("i", "i", "i")
    assert cancel(law.variance - (n - b) / (b * (n - 1))) == 0
    assert cancel(law.moment("ii") - law.variance * s) == 0
    assert cancel(law.moment("iii") - (n - b) * (n - 2 * b) / ((n - 1) * (n - 2)) * k3 / b**2) == 0
    full = batch_mean(general(), b, b)
    assert [cancel(full.moment("i" * order)) for order in (2, 3, 4)] == [0, 0, 0]
    for order in (2, 3, 4):
        assert (
            cancel(batch_mean(general(), Integer(1), n).moment("i" * order) - general().moment("i" * order))
            == 0
        )
        assert (
            cancel(limit(law.moment("i" * order), n, "oo") - batch_mean(general(), b).moment("i" * order))
            == 0
        )
    assert batch_mean(symmetric(), Integer(5), Integer(5)).spread == 1


@pytest.mark.parametrize("population", [None, Integer(4), Integer(100), Symbol("points", positive=True)])
@pytest.mark.parametrize("make", [gaussian, symmetric, two_point, student_t])
def test_fourth_moments_of_elliptical_batches_stay_elliptical(make, population: Expr | None) -> None:
    law = batch_mean(make(), Integer(3), population)
    cov = law.cumulant_field(2)
    pairs = cov("i", "j") * cov("k", "l") + cov("i", "k") * cov("j", "l") + cov("i", "l") * cov("j", "k")
    assert cancel(law.moment("ijkl") - law.spread * law.variance**2 * pairs) == 0


@pytest.mark.parametrize("population", [None, Symbol("points", positive=True)])
@pytest.mark.parametrize("make", [gaussian, symmetric])
def test_equations_of_batches_have_their_factor(make, population: Expr | None) -> None:
    """The property `diffusion` squares the factor and compares it with the covariance; terms of both chaos
    degrees occur.
    """
    law = batch_mean(make(constant=True), Symbol("size", positive=True), population)
    for rule in (rmsprop("torch"), sgd()):
        assert modified_equation(rule, ballistic, law).certificate.weak_order == 2
        for regime in (ballistic, batch_equivalent):
            assert len(modified_equation(rule, regime, law).diffusion.coefficients) == 3


def test_a_batch_of_gaussian_draws_has_a_synchronised_equation() -> None:
    law = batch_mean(gaussian(constant=True))
    form: Form = "synchronised"
    assert modified_equation(rmsprop(), batch_equivalent, law, 2, form).certificate.weak_order == 2
    with pytest.raises(
        ValueError, match="synchronised equation for mean of 2 out of 9 gaussian noise; expected Gaussian"
    ):
        _ = modified_equation(
            sgd(), ballistic, batch_mean(gaussian(), Integer(2), Integer(9)), 2, form
        ).diffusion


@pytest.mark.parametrize(
    ("law", "size", "population", "message"),
    [
        (general(), Integer(0), None, "batch 0; expected a positive integer or a symbol"),
        (general(), Rational(3, 2), None, "batch 3/2; expected a positive integer"),
        (general(), Integer(2), Rational(5, 2), "population 5/2; expected a positive integer"),
        (general(), Integer(3), Integer(2), "a batch of 3 out of 2 without replacement; expected at most 2"),
        (
            batch_mean(general(), Integer(2)),
            Integer(2),
            Integer(9),
            "a batch of mean of 2 general without replacement",
        ),
        (
            batch_mean(general(), Integer(2), Integer(9)),
            Integer(2),
            None,
            "means of whole batches are not known",
        ),
    ],
)
def test_what_is_no_batch_is_refused(
    law: NoiseModel, size: Expr, population: Expr | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        batch_mean(law, size, population)


@pytest.mark.parametrize("make", [general, symmetric, two_point, student_t])
@pytest.mark.parametrize("population", [None, Integer(9)])
def test_cumulants_that_are_not_known_are_not_taken_for_zero(make, population: Expr | None) -> None:
    for law in (make(), batch_mean(make(), Integer(3), population)):
        with pytest.raises(
            ValueError, match=f"moment of order 6 of {law.name} noise, known through order {law.known}; take"
        ):
            law.moment("iijjkk")
        with pytest.raises(ValueError, match=r"a moment of order [56] of"):
            modified_equation(rmsprop(), ballistic, law, order=3)
        assert modified_equation(rmsprop(), ballistic, law).order == 2
