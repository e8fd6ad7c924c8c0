"""Weak orders proved in index notation, held against brute force in components and against planted errors."""

import random
from dataclasses import fields, replace
from fractions import Fraction
from functools import cache
from itertools import product

import pytest
from explicit_sde import ExplicitSde, explicit_generator, in_components
from sympy import Add, Expr, Integer, Rational

from optsde.derive.derivation.generator import modified_generator
from optsde.derive.notation.indices import canonical, terms
from optsde.derive.notation.operators import TIME, momentum, split
from optsde.derive.notation.series import Series
from optsde.derive.notation.symbols import Field
from optsde.derive.schemes.increment_laws import motions, two_point_increments
from optsde.derive.schemes.known import (
    SCHEMES,
    additive_heun,
    dri1,
    euler_maruyama,
    platen,
    ri6,
    runge_kutta,
    simplified_euler,
    stochastic_heun,
    talay_tubaro,
    whole_noise,
)
from optsde.derive.schemes.order import DRIFT, SchemeChain, scheme_defect, sde_generator, weak_order
from optsde.derive.schemes.scheme import Scheme, Sde, X
from optsde.derive.schemes.stochastic_runge_kutta import DRI1, RI6, Tableau, stochastic_runge_kutta

d = momentum("theta")


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda s: s.name)
def test_a_scheme_has_the_order_it_claims(scheme: Scheme) -> None:
    assert scheme_defect(scheme, scheme.weak_order) == {}
    assert weak_order(scheme, scheme.weak_order) == scheme.weak_order


LONG = (talay_tubaro, additive_heun, platen, whole_noise)


@pytest.mark.parametrize(
    "scheme",
    [pytest.param(s, marks=pytest.mark.slow) if s in LONG else s for s in SCHEMES if s not in (ri6, dri1)],
    ids=lambda s: s.name,
)
def test_and_no_higher_one(scheme: Scheme) -> None:
    assert set(scheme_defect(scheme, scheme.weak_order + 1)) == {Rational(scheme.weak_order + 1)}
    assert weak_order(scheme, scheme.weak_order + 1) == scheme.weak_order


def test_the_modified_generator_of_a_scheme_is_that_of_its_equation() -> None:
    """The order by the other route: L_0 is the equation's generator, and L_1 = 0 for order 2."""
    for scheme in SCHEMES:
        if len(scheme.extrapolation) == 1 and scheme != dri1:
            generator = modified(scheme)
            assert canonical(generator[0] - sde_generator(scheme)[Rational(0)]) == 0
            assert (generator[1] == 0) == (scheme.weak_order > 1)


def test_modified_equation_of_euler_maruyama_with_additive_noise() -> None:
    """Drift ``A - tau/2 (A' A + A'' sigma**2 / 2)``, diffusion ``sigma (1 - tau/2 A')`` (Shardlow 2006;
    Zygalakis 2011).
    """
    g = Field("G", rank=2)
    square = g("_2", "_4") * g("_3", "_4")
    drift = DRIFT("_1", "_2") * DRIFT("_2") / 2 + DRIFT("_1", "_2", "_3") * square / 4
    wanted = -drift * d("_1") - DRIFT("_1", "_2") * square * d("_1") * d("_3") / 2
    found = modified_generator(SchemeChain(replace(euler_maruyama, noise="additive")), 2)[1]
    assert canonical(found - wanted) == 0


def test_multiplicative_noise_obstructs_a_modified_equation_of_euler_maruyama() -> None:
    """The third-order part ``-1/2 G G d(G G) d d d`` of L_1: no diffusion has it (Shardlow 2006)."""
    g = Field("G", rank=2, varies=True)
    generator = modified_generator(SchemeChain(euler_maruyama), 2)[1]
    third = (
        g("_1", "_4") * g("_2", "_4") * g("_3", "_5") * g("_6", "_5", "_2") * d("_1") * d("_3") * d("_6") / 2
    )
    of_third_order = Add(*(term for term in terms(generator) if len(split(term)[1]) > 2))
    assert canonical(of_third_order + third) == 0


def test_two_point_increments_miss_the_fourth_moment() -> None:
    """``E dW**4 = h**2`` instead of ``3 h**2``, seen at ``tau**2`` only."""
    g = Field("G", rank=2, varies=True)
    gaussian, simple = (
        scheme_defect(scheme, 2)[Rational(2)] for scheme in (euler_maruyama, simplified_euler)
    )
    fourth = (
        g("_1", "_5") * g("_2", "_5") * g("_3", "_5") * g("_4", "_5") * d("_1") * d("_2") * d("_3") * d("_4")
    )
    assert canonical(simple - gaussian - fourth / 12) == 0


def test_platen_needs_the_fourth_moment() -> None:
    assert weak_order(replace(platen, increments=two_point_increments), 2) == 1


def test_heun_solves_the_stratonovich_equation() -> None:
    g = Field("G", rank=2, varies=True)
    missing = scheme_defect(replace(stochastic_heun, calculus="Ito"), 1)
    assert set(missing) == {Rational(1)}
    assert canonical(missing[Rational(1)] + g("_2", "_3") * g("_1", "_3", "_2") * d("_1") / 2) == 0


ONE, TWO, THREE = map(Integer, (1, 2, 3))


@pytest.mark.parametrize("weights", [((1, ONE),), ((2, THREE), (1, -TWO)), ((3, TWO), (1, -ONE))])
def test_other_weights_extrapolate_to_order_one(weights: tuple[tuple[int, Rational], ...]) -> None:
    assert weak_order(replace(talay_tubaro, extrapolation=weights), 2) == 1


@pytest.mark.slow
def test_a_second_extrapolation_reaches_order_three() -> None:
    weights = ((1, Rational(1, 3)), (2, Integer(-2)), (4, Rational(8, 3)))
    assert scheme_defect(replace(talay_tubaro, extrapolation=weights), 3) == {}


RIGHT = Series.__rmul__


@pytest.mark.parametrize(
    "scheme",
    [euler_maruyama, talay_tubaro, additive_heun, platen, whole_noise, runge_kutta],
    ids=lambda s: s.name,
)
def test_a_wrong_factor_anywhere_is_caught(scheme: Scheme, monkeypatch: pytest.MonkeyPatch) -> None:
    """One product ``number * state`` of the step after the other is made a tenth too large; the last round
    changes none.
    """
    seen, wrong = 0, 0

    def product_or_wrong(series: Series, scalar: Expr) -> Series:
        nonlocal seen
        seen += 1
        return RIGHT(series, scalar * (Rational(11, 10) if seen == wrong else 1))

    def step(sde: Sde[X], x: X, h: Expr) -> X:
        nonlocal seen
        seen = 0
        return scheme.step(sde, x, h)

    monkeypatch.setattr(Series, "__rmul__", product_or_wrong)
    while wrong <= seen:
        wrong += 1
        assert (scheme_defect(replace(scheme, step=step), scheme.weak_order) == {}) == (wrong > seen), wrong
    assert wrong > 2


def entries(tableau: Tableau) -> list[tuple[str, int, int | None]]:
    """The places of the coefficients that do not vanish."""
    found: list[tuple[str, int, int | None]] = []
    for name in (f.name for f in fields(tableau)):
        for i, row in enumerate(getattr(tableau, name)):
            if isinstance(row, tuple):
                found += [(name, i, j) for j, entry in enumerate(row) if entry != 0]
            elif row != 0:
                found.append((name, i, None))
    return found


def with_wrong_entry(tableau: Tableau, name: str, i: int, j: int | None) -> Tableau:
    rows = list(getattr(tableau, name))
    if j is None:
        rows[i] *= Rational(11, 10)
    else:
        rows[i] = tuple(entry * (Rational(11, 10) if n == j else 1) for n, entry in enumerate(rows[i]))
    return replace(tableau, **{name: tuple(rows)})


SOME = [("b1", 2, 0), ("beta4", 2, None)]


@pytest.mark.parametrize(
    ("tableau", "place"),
    [
        pytest.param(
            t, place, id=f"{name} {place}", marks=[] if t is RI6 and place in SOME else pytest.mark.slow
        )
        for name, t in (("RI6", RI6), ("DRI1", DRI1))
        for place in entries(t)
    ],
)
def test_a_wrong_entry_of_a_tableau_is_caught(tableau: Tableau, place: tuple[str, int, int | None]) -> None:
    assert weak_order(replace(ri6, step=stochastic_runge_kutta(with_wrong_entry(tableau, *place))), 2) < 2


def equation(coordinates: int, motions: int, degree: int, seed: int, **options) -> ExplicitSde:
    """Random polynomials with small rational coefficients at a random rational point."""
    rng = random.Random(seed)

    def polynomial() -> dict[tuple[int, ...], Fraction]:
        exponents = (e for e in product(range(degree + 1), repeat=coordinates) if sum(e) <= degree)
        return {e: Fraction(rng.randint(-4, 4), rng.randint(1, 3)) for e in exponents}

    drift = tuple(polynomial() for _ in range(coordinates))
    columns = tuple(tuple(polynomial() for _ in range(coordinates)) for _ in range(motions))
    point = tuple(Fraction(rng.randint(1, 4), 3) for _ in range(coordinates))
    return ExplicitSde(drift, columns, point, **options)


def counting_step(sde: Sde[X], x: X, h: Expr) -> X:
    """Euler-Maruyama with as many drifts as there are ordered pairs of different Brownian motions."""
    return sde.total(lambda p: sde.total(lambda r: h * sde.drift(x), without=p)) + sde.diffusion(x) + x


def doubled_signs(sde: Sde[X], x: X, h: Expr) -> X:
    """Every derivative of a column along another one, with a sign: the sign's variance and symmetry stand in
    L_1.
    """
    ahead = sde.total(
        lambda p: sde.total(lambda r: sde.sign(p, r) * sde.column(x + h * sde.column(x, r), p), without=p)
    )
    none = sde.total(lambda p: sde.total(lambda r: sde.sign(p, r) * sde.column(x, p), without=p))
    return x + sde.diffusion(x) + h * sde.drift(x) + ahead - none


EXPLICIT = [
    *(s for s in (euler_maruyama, stochastic_heun, platen, ri6, whole_noise)),
    replace(euler_maruyama, name="counting", step=counting_step),
    replace(euler_maruyama, name="signs", step=doubled_signs),
]


@cache
def modified(scheme: Scheme) -> tuple[Expr, ...]:
    return modified_generator(SchemeChain(scheme), 2)


@pytest.mark.parametrize(("coordinates", "motions", "degree"), [(1, 1, 4), (2, 2, 2), (1, 3, 2), (3, 1, 2)])
@pytest.mark.parametrize("scheme", EXPLICIT, ids=lambda s: s.name)
def test_index_notation_agrees_with_components(
    scheme: Scheme, coordinates: int, motions: int, degree: int
) -> None:
    """L_0 and L_1 of the scheme on all monomials, against the same step function in exact components."""
    sde = equation(coordinates, motions, degree, seed=motions)
    generator = modified(scheme)
    found = [
        in_components((symbol - (momentum(TIME)() if n == 0 else 0)).expand(), sde)
        for n, symbol in enumerate(generator)
    ]
    assert found == explicit_generator(scheme, sde)
    assert found[0]
    assert (found[1] == {}) == (scheme.weak_order == 2)


@pytest.mark.parametrize("scheme", [platen, ri6], ids=lambda s: s.name)
def test_signs_shared_between_pairs_lose_order_two(scheme: Scheme) -> None:
    """One sign for each p, used for all pairs ``(p, r)``: from three Brownian motions on it correlates their
    areas.
    """
    shared = {"pair": lambda p, r: (p,)}
    assert explicit_generator(scheme, equation(1, 2, 2, seed=2, **shared))[1] == {}
    assert explicit_generator(scheme, equation(1, 3, 2, seed=2, **shared))[1] != {}


def test_sums_of_ones_are_counted() -> None:
    """``sum over p != r of A`` is ``(M**2 - M) A``."""
    (generator,) = modified_generator(SchemeChain(replace(euler_maruyama, step=counting_step)), 1)
    assert generator.expand().coeff(DRIFT("_1") * d("_1")) == motions**2 - motions
