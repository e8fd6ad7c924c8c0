import random
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import sympy as sp
from limit_values import measured, numbers, value
from simulated_rmsprop import limiting, optimizer

from optsde import derive
from optsde.derive.display.text import text
from optsde.derive.limits.cells import regime_map
from optsde.derive.optimizers.momentum import extragradient, nesterov

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
    "adam, all": (derive.adam("torch"), "", None),
    "adamw": (derive.adamw("torch"), "beta2=2, weight_decay=w, noise=-1", None),
    "nadam": (derive.nadam("optax"), "beta2=1+s", None),
}


@cache
def found(name):
    rule, exponents, start = RULES[name]
    return regime_map(rule, derive.gaussian(constant=True), exponents, start)


LONG = (
    "nadam",
    "adam, torch",
    "adam, all",
    "rmsprop, optax",
    "momentum, nesterov",
    "rmsprop, open eps",
    "rmsprop, centred",
    "rmsprop, momentum",
)
NAMES = [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in RULES]


@pytest.mark.parametrize("name", NAMES)
def test_cells_fill_the_domain_without_overlap(name):
    """Euler's characteristic with compact support is (-1)**n for a space, 0 for the half-spaces and corners
    of memories.
    """
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
    """A point of a cell within a few units of the origin, at least 1/12 off its faces: 1e-40 to that power is
    below 1e-3.
    """
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
            assert (
                text(limit.drift["v"])
                == " + ".join(f"{part}*c" for part in source.split(" + ")) + " - v[i]*c"
            )
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
    for regime, place in ((derive.ballistic, ballistic), (derive.batch_equivalent, batch)):
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
            number = sp.Mul(
                *(
                    f
                    for f in sp.Mul.make_args(pieces[0])
                    if not any(hasattr(s, "field") for s in f.free_symbols)
                )
            )
            assert (
                sp.simplify(number - sp.sympify(weight, {str(x): x for x in pieces[0].free_symbols}) / 2) == 0
            )
            assert "S[i,i,j]" in text(pieces[0])
    # P(v) in the memory's own source is Ito's: it is taken when the noise is
    model = regime_map(derive.rmsprop("torch-momentum"), derive.gaussian(), "noise=-1")
    assert "S[" not in text(model.cell_at((Q(1, 4), Q(1, 8))).limit.drift["theta"])


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
        _ = regime_map(rule, derive.gaussian()).cells


def test_what_is_asked_for_wrongly_is_refused():
    with pytest.raises(ValueError, match="expected noise without third cumulants"):
        regime_map(derive.sgd(), derive.general())
    for variant, constant, reason in (
        ("independent", True, "2 samples"),
        ("same-sample", False, "a gradient where"),
    ):
        with pytest.raises(ValueError, match=f"regimes of extragradient, which takes {reason}"):
            regime_map(extragradient(variant), derive.gaussian(constant))
    assert regime_map(extragradient("same-sample"), derive.gaussian(constant=True)).cells
    with pytest.raises(ValueError, match="expected the start zero"):
        regime_map(derive.adam(), derive.gaussian(), start="warm")
    with pytest.raises(ValueError, match="an exponent for 'beta'; expected one for noise, alpha, eps"):
        regime_map(derive.rmsprop(), derive.gaussian(), "beta=1")
    for exponent in ("s**2", "sqrt(2)*s", "s*q", "exp(s)", "s/100", "100"):
        with pytest.raises(
            ValueError, match="of alpha; expected one linear in the unknowns with rational numbers up to 4"
        ):
            regime_map(derive.rmsprop(), derive.gaussian(), f"alpha={exponent}")
    with pytest.raises(ValueError, match="s, b1, b2, e are unknown; expected at most 3"):
        regime_map(derive.adam(), derive.gaussian(), "eps=e")
    with pytest.raises(ValueError, match="leave no memory between 0 and 1"):
        _ = regime_map(derive.rmsprop(), derive.gaussian(), "alpha=-1").cells


def test_centred_second_moment_cancels_without_noise():
    cell = found("rmsprop, centred").cell_at((Q(-1), Q(1, 2)))
    assert cell.limit is None
    assert "cancels at leading order" in cell.refusal


STEPS = {Q(1): (2**-6, 2**-9), Q(3, 2): (2**-4, 2**-6), Q(2): (2**-3, 2**-5)}


@pytest.mark.slow
@pytest.mark.parametrize("s", [Q(-1), Q(0), Q(1, 2), Q(1), Q(2)])
@pytest.mark.parametrize("place", ["fixed", "fast", "critical", "slow"])
def test_rmsprop_itself_comes_to_the_limit_of_its_cell(s, place):
    """A point in each of the 20 cells; E theta**2 of the optimizer against the limit.

    What is left out of the limit is smaller by h**gap, the smallest distance of another monomial's exponent.
    Drift and covariance are at most about 2 and the horizon is 1/2, so E theta**2 is off by at most about 2
    h**gap.
    """
    regimes = found("rmsprop, paper")
    kappa = regimes.cell_at((s, Q(0))).limit.time_step.at((s, Q(0)))
    b = {"fixed": Q(0), "fast": kappa / 2, "critical": kappa, "slow": kappa + 1}[place]
    gaps = [abs(2 * s), abs(1 - s) if s > 0 else Q(1), abs(kappa - b), b, kappa]
    gap = float(min(x for x in gaps if x > 0))
    wanted = limiting(regimes.cell_at((s, b)).limit, s)
    errors = []
    for seed, h in enumerate(STEPS[kappa]):
        mean, standard_error = optimizer(h, s, b, kappa, 40_000, seed)
        errors.append((abs(mean - wanted), standard_error))
        assert errors[-1][0] < 2 * h**gap + 4 * standard_error
    assert errors[1][0] < errors[0][0] + 4 * (errors[0][1] + errors[1][1])


@pytest.mark.slow
@pytest.mark.parametrize(("s", "b", "speed"), [(Q(1, 2), 0, 2), (Q(3, 8), Q(1, 4), 2), (Q(5, 8), Q(1, 8), 0)])
def test_momentum_itself_comes_to_the_limit_of_its_cell(s, b, speed):
    """f = theta**2/2, S = 1, c = 1/2: d theta = -theta/c dt + dW/c, or noise alone; E theta**2 at time 1/2 is
    known.

    The memory lags by h**(kappa - b)/c, and 3/2 of that is taken from the time in which noise of covariance
    1/c**2 acts: at most 12 h**(kappa - b). A drift left out acts as 1/c h**(1 - b - kappa) theta, and 2/c E
    theta**2 / 2 is at most 6.
    """
    spread = 4
    limit = found("momentum").cell_at((s, Q(b))).limit
    known = {"c": sp.Rational(1, 2), "dampening": sp.Integer(0), "theta": sp.Integer(1)}
    assert value(limit.drift["theta"], limit, known) == -speed * sp.Rational(7, 10)
    assert value(limit.covariance["theta", "theta"], limit, known) == spread * sp.Rational(13, 10)
    decay = np.exp(-speed)
    wanted = decay + (spread * (1 - decay) / (2 * speed) if speed else spread / 2)
    kappa, errors, paths = float(limit.time_step.at((s, Q(b)))), [], 20_000
    gap = min(kappa - float(b), 1 - float(b) - kappa if speed == 0 else kappa)
    for steps in (2**7, 2**11):
        rng, h = np.random.default_rng(7), (2 * steps) ** (-1 / kappa)
        theta, m = np.ones(paths), np.zeros(paths)
        for _ in range(steps):
            m = (1 - 0.5 * h ** float(b)) * m + theta + h ** -float(s) * rng.standard_normal(paths)
            theta = theta - h * m
        error = (theta**2).std() / paths**0.5
        errors.append(abs((theta**2).mean() - wanted))
        assert errors[-1] < 18 * h**gap + 4 * error
    assert errors[1] < errors[0] + 4 * error


@pytest.mark.slow
@pytest.mark.parametrize(("b1", "b2", "weight"), [(1, 0.5, 1), (1, 1, 0.25), (0.5, 1, 0)])
def test_the_drift_of_coloured_noise_is_there(b1, b2, weight):
    """f = 0, S = exp(2 theta), eps = 0: A = S**-1/2, so the drift is 1/2 w S A A' = -w/2 and E theta = -w/4
    at time 1/2.

    Ito's reading of the limit, w = 0, is 0.25 away from w = 1; the corrections are of relative order h**(1/2)
    at h = 2**-6 (of order h where both forget alike), at most half that in E theta.
    """
    h, c1, c2, paths = 2**-6, *((0.75, 0.25) if b1 == b2 else (1.0, 0.5)), 20_000
    rng = np.random.default_rng(1)
    theta, m, v = np.zeros(paths), np.zeros(paths), np.full(paths, h**-2)
    for _ in range(round(0.5 / h**2)):
        g = np.exp(theta) * rng.standard_normal(paths) / h
        m += c1 * h**b1 * (g - m)
        v += c2 * h**b2 * (g**2 - v)
        theta -= h * m / np.sqrt(v)
    bound = 4 * theta.std() / paths**0.5 + (h if b1 == b2 else h**0.5) / 2
    assert abs(theta.mean() + weight / 4) < bound
