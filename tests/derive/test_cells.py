import random
from fractions import Fraction
from functools import cache

import pytest
import sympy as sp
from limit_values import measured, numbers, value

from smelt import derive
from smelt.derive.cells import regime_map
from smelt.derive.momentum import nesterov
from smelt.derive.text import text

Q = Fraction
RULES = {
    "sgd": (derive.sgd(), "", None),
    "heavy ball": (derive.heavy_ball(), "", None),
    "nesterov": (nesterov(), "", None),
    "momentum": (derive.momentum(), "", None),
    "momentum, nesterov": (derive.momentum("torch-nesterov"), "", None),
    "rmsprop, paper": (derive.rmsprop(), "", None),
    "rmsprop, torch": (derive.rmsprop("torch"), "", None),
    "rmsprop, optax": (derive.rmsprop("optax"), "", None),
    "rmsprop, from zero": (derive.rmsprop("torch"), "", "zero"),
    "rmsprop, open eps": (derive.rmsprop(), "alpha=1+s, eps=e", None),
    "rmsprop, momentum": (derive.rmsprop("torch-momentum"), "momentum=b2, alpha=1+s", None),
    "rmsprop, centred": (derive.rmsprop("torch-centered"), "", None),
    "adagrad": (derive.adagrad(), "", None),
    "adam, paper": (derive.adam("paper"), "beta2=1+s", None),
    "adam, torch": (derive.adam("torch"), "beta1=b2", None),
    "adamw": (derive.adamw("torch"), "beta2=2, weight_decay=w, noise=-1", None),
    "nadam": (derive.nadam("optax"), "beta2=1+s", None),
}


@cache
def found(name):
    rule, exponents, start = RULES[name]
    return regime_map(rule, derive.gaussian(constant=True), exponents, start)


LONG = ("nadam", "adam, torch", "rmsprop, optax", "momentum, nesterov", "rmsprop, open eps", "rmsprop, centred", "rmsprop, momentum")
NAMES = [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in RULES]


@pytest.mark.parametrize("name", NAMES)
def test_cells_fill_the_domain_without_overlap(name):
    """Euler's characteristic with compact support is (-1)**n for a space, 0 for the half-spaces and corners of memories."""
    regimes = found(name)
    expected = 0 if regimes.model.memories else (-1) ** len(regimes.axes)
    assert sum((-1) ** cell.region.dimension for cell in regimes.cells) == expected
    rng = random.Random(0)
    for _ in range(12):
        point = tuple(Q(rng.randint(-24, 60), 16) for _ in regimes.axes)
        holding = [cell for cell in regimes.cells if point in cell.region]
        here = regimes.cell_at(point)
        assert [cell.region for cell in holding] == ([here.region] if here else [])
        assert not here or (holding[0].limit is None) == (here.limit is None)


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_the_limits_of_exact_one_step_moments(name):
    """Where no memory is fast, mean and covariance of one step at h = 1e-40 are the limit's."""
    regimes, checked = found(name), 0
    for cell in regimes.cells:
        limit = cell.limit
        if limit is None or "fast" in limit.status.values():
            continue
        point = _near(cell.region.vertices)
        known = numbers(regimes.model)
        mean, second = measured(regimes.model, limit, point)
        for block, drift in limit.drift.items():
            assert abs(mean[block] - sp.N(value(drift, limit, known), 30)) < 1e-3
            for other in limit.drift:
                pair = (block, other) if (block, other) in limit.covariance else (other, block)
                expected = limit.covariance.get(pair, sp.Integer(0))
                assert abs(second[block, other] - sp.N(value(expected, limit, known), 30)) < 1e-3
        checked += 1
    assert checked >= 1


def _near(vertices):
    """A point of a cell within a few units of the origin, at least 1/12 off its faces: 1e-40 to that power is below 1e-3."""
    inner = [v for v in vertices if max(map(abs, v)) < 20]
    weights = [(v, 6 if v in inner else 1) for v in vertices]
    total = sum(w for _, w in weights)
    return tuple(sum(w * v[n] for v, w in weights) / total for n in range(len(vertices[0])))


TABLE = [
    # s, time step, critical b, drift of theta, drift of v, covariance
    (Q(-1), Q(1), Q(1), "-F[i]*P(v[i])", "F[i]**2", None),
    (Q(0), Q(1), Q(1), "-F[i]*P(v[i])", "F[i]**2 + S[i,i]", None),
    (Q(1, 2), Q(3, 2), Q(3, 2), "-F[i]*P(v[i])", "S[i,i]", None),
    (Q(1), Q(2), Q(2), "-F[i]*P(v[i])", "S[i,i]", "S[i,j]*P(v[i])*P(v[j])"),
    (Q(3), Q(2), Q(2), "0", "S[i,i]", "S[i,j]*P(v[i])*P(v[j])"),
]


@pytest.mark.parametrize(("s", "step", "critical", "theta", "source", "covariance"), TABLE)
@pytest.mark.parametrize("variant", ["paper", "torch"])
def test_table_of_rmsprop(variant, s, step, critical, theta, source, covariance):
    regimes = found(f"rmsprop, {variant}")
    for b, status in ((critical / 2, "fast"), (critical, "critical"), (critical + 1, "slow")):
        limit = regimes.cell_at((s, b)).limit
        assert limit.time_step.at((s, b)) == step
        assert limit.sizes["v"].at((s, b)) == -2 * max(s, Q(0))
        assert limit.status == {"v": status}
        assert text(limit.drift["theta"]) == theta
        assert {pair: text(e, ("i", "j")) for pair, e in limit.covariance.items()} == (
            {("theta", "theta"): covariance} if covariance else {}
        )
        assert limit.frozen == (("v",) if status == "slow" else ())
        if status == "fast":
            assert text(limit.slaved["v"]) == source
        if status == "critical":
            assert text(limit.drift["v"]) == " + ".join(f"{part}*c" for part in source.split(" + ")) + " - v[i]*c"
    assert len(regimes.cells) == 20


def test_a_fixed_memory_leaves_an_expectation():
    old, new = found("rmsprop, paper"), found("rmsprop, torch")
    limit = old.cell_at((Q(1), Q(0))).limit
    assert limit.slaved == {"v": None}
    assert text(limit.drift["theta"]) == "-E[P(v)][i]*F[i]"
    assert text(limit.covariance["theta", "theta"], ("i", "j")) == "E[P(v) P(v)][i,j]*S[i,j]"
    limit = new.cell_at((Q(1), Q(0))).limit
    assert text(limit.drift["theta"]) == "-E[P(g**2*c - v*c + v) g][i]"
    assert old.cell_at((Q(-1), Q(0))).limit.slaved["v"] is not None


@pytest.mark.parametrize(
    ("name", "ballistic", "batch"),
    [
        ("sgd", (Q(0),), (Q(1, 2),)),
        ("momentum", (Q(0), Q(1, 2)), (Q(1, 4), Q(1, 2))),
        ("rmsprop, paper", (Q(0), Q(1)), (Q(1), Q(2))),
        ("adagrad", (Q(0),), None),
        ("adam, paper", (Q(0), Q(1)), (Q(1), Q(2))),
    ],
)
def test_named_regimes_have_a_place_and_their_equation(name, ballistic, batch):
    regimes = found(name)
    for regime, place in ((derive.ballistic(), ballistic), (derive.batch_equivalent(), batch)):
        assert regimes.place(regime) == place
        if place is None or name == "adagrad":
            continue
        limit = regimes.cell_at(place).limit
        equation = derive.modified_equation(regimes.model.rule, regime, regimes.noise, order=1)
        known = numbers(regimes.model)
        engine = limit.__class__(**{**limit.__dict__, "definitions": equation.definitions})
        for block, drift in equation.drift[0].items():
            assert sp.simplify(value(drift, engine, known) - value(limit.drift[block], limit, known)) == 0
        for pair, entry in equation.covariance[0].items():
            ours = limit.covariance.get(pair, sp.Integer(0))
            assert sp.simplify(value(entry, engine, known) - value(ours, limit, known)) == 0


def test_momentum_meets_langevin_at_a_corner():
    regimes = found("momentum")
    corner = regimes.cell_at((Q(1, 4), Q(1, 2)))
    assert corner.region.dimension == 0
    assert corner.limit.status == {"b": "critical"}
    fast = regimes.cell_at((Q(3, 8), Q(1, 4))).limit
    assert fast.time_step.at((Q(3, 8), Q(1, 4))) == Q(3, 4)
    assert set(fast.covariance) == {("theta", "theta")}


def test_coloured_noise_leaves_a_drift_where_v_follows_theta():
    for b1, b2, weight in ((Q(1), Q(1, 2), "1"), (Q(1), Q(1), "c2/(c1 + c2)"), (Q(1, 2), Q(1), "0")):
        regimes = regime_map(derive.adam("torch"), derive.gaussian(), "noise=-1")
        limit = regimes.cell_at((b1, b2)).limit
        pieces = [term for term in sp.Add.make_args(limit.drift["theta"]) if "S[" in str(term)]
        assert len(pieces) == (weight != "0")
        if pieces:
            number = sp.Mul(*(f for f in sp.Mul.make_args(pieces[0]) if not any(hasattr(s, "field") for s in f.free_symbols)))
            assert sp.simplify(number - sp.sympify(weight, {str(x): x for x in pieces[0].free_symbols}) / 2) == 0
            assert "S[i,i,j]" in text(pieces[0])


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (derive.adadelta(), "the step of u is not linear in u"),
        (derive.amsgrad(), "is not smooth"),
        (derive.lion(), "is not smooth"),
        (derive.nadam("torch"), r"cannot compare 24\*\*\(k\*momentum_decay\)"),
    ],
)
def test_rules_outside_are_refused_by_name(rule, complaint):
    with pytest.raises(ValueError, match=complaint):
        regime_map(rule, derive.gaussian()).cells  # noqa: B018


def test_what_is_asked_for_wrongly_is_refused():
    with pytest.raises(ValueError, match="expected noise without third cumulants"):
        regime_map(derive.sgd(), derive.general())
    with pytest.raises(ValueError, match="expected the start zero"):
        regime_map(derive.adam(), derive.gaussian(), start="warm")
    with pytest.raises(ValueError, match="an exponent for 'beta'; expected one for noise, alpha, eps"):
        regime_map(derive.rmsprop(), derive.gaussian(), "beta=1")
    with pytest.raises(ValueError, match=r"the exponent s\*\*2 of alpha is not linear"):
        regime_map(derive.rmsprop(), derive.gaussian(), "alpha=s**2")


def test_centred_second_moment_cancels_without_noise():
    cell = found("rmsprop, centred").cell_at((Q(-1), Q(1, 2)))
    assert cell.limit is None
    assert "cancels at leading order" in cell.refusal
