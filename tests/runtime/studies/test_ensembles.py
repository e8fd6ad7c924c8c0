import math
from itertools import pairwise

import numpy as np
import pytest
from flat import simulated
from linear_gaussian import equation as exact_equation
from linear_gaussian import euler, optimizer
from quadratics import quadratic

from optsde.derive import adam, ballistic, batch_equivalent, gaussian, modified_equation, rmsprop, sgd
from optsde.derive.derivation.chain import Chain
from optsde.derive.schemes.known import euler_maruyama, heun, runge_kutta
from optsde.runtime import Run
from optsde.runtime.problems.formula import Formula

PROBLEM = quadratic([[1.0, 0.5], [0.5, 1.5]], [[0.5, 0.2], [0.2, 0.8]], minimum=[0.3, -0.2])
START = np.array([1.0, -0.5])
OBSERVABLES = ("theta[0]", "norm(theta)**2", "mean(2)")
REGIMES = [ballistic, batch_equivalent]
PATHS = 20_000


def run(target, **changes) -> Run:
    """Simulate, always with the same kernels."""
    asked = {
        "tau": 0.25,
        "horizon": 2.0,
        "start": {"theta": START},
        "observables": OBSERVABLES,
        "paths": PATHS,
        "seed": 5,
    }
    return simulated(target, PROBLEM, **(asked | changes))


def chain(regime=REGIMES[0]) -> Chain:
    return Chain(sgd(), regime, gaussian())


def noise_scale(regime, tau: float) -> float:
    return 1.0 if regime.name == "ballistic" else tau**-0.5


def check_moments(found: Run, record: int, law) -> None:
    """Means within 4 standard errors of the exact ones, standard errors as the exact variances say."""
    for n, (mean, variance) in enumerate((law.first(), law.norm2())):
        error = math.sqrt(variance / found.paths)
        assert abs(found.means[record, n] - mean) < 4 * error
        # a variance's relative spread is sqrt((kurtosis - 1) / paths), kurtosis at most 15 for a square of
        # Gaussians
        assert found.standard_errors[record, n] == pytest.approx(
            error, rel=4 * math.sqrt(14 / found.paths) / 2
        )


@pytest.mark.parametrize("regime", REGIMES, ids=lambda r: r.name)
def test_the_optimizer_has_its_exact_moments(regime):
    found = run(chain(regime))
    scale = noise_scale(regime, 0.25)
    np.testing.assert_allclose(found.times, 0.25 * np.arange(1, 9))
    for record in (0, 3, 7):
        check_moments(found, record, optimizer(PROBLEM, START, 0.25, record + 1, scale))
    assert (found.finite == PATHS).all()
    assert (found.nonfinite, found.negative, found.paths) == (0, 0, PATHS)
    np.testing.assert_array_equal(found.means[:, 2], 2.0)


def test_antithetic_pairs_leave_the_even_part_of_the_spread():
    """With theta = m + C^(1/2) z the mean of |theta|**2 over z and -z is |m|**2 + z.C z, of variance 2 tr
    C**2.
    """
    found = run(chain(), antithetic=True)
    law = optimizer(PROBLEM, START, 0.25, 8, 1.0)
    error = math.sqrt(2 * np.trace(law.covariance @ law.covariance) / found.paths)
    assert abs(found.means[7, 1] - law.norm2()[0]) < 4 * error
    assert found.standard_errors[7, 1] == pytest.approx(error, rel=4 * math.sqrt(14 / found.paths) / 2)
    assert found.means[7, 0] == pytest.approx(law.mean[0], rel=1e-12)
    assert found.standard_errors[7, 0] < 1e-9


@pytest.mark.parametrize("regime", REGIMES, ids=lambda r: r.name)
def test_an_equation_has_the_exact_moments_of_euler_maruyama(regime):
    made = modified_equation(sgd(), regime, gaussian(), 2)
    found = run(made, substeps=4)
    scale = noise_scale(regime, 0.25)
    for record in (0, 7):
        check_moments(found, record, euler(PROBLEM, START, 0.25, record + 1, 4, 2, scale))


def test_the_ode_converges_with_order_one_to_the_exact_solution():
    made = modified_equation(sgd(), ballistic, gaussian(), 1, "ode")
    exact = exact_equation(PROBLEM, START, 0.25, 2.0, 1, 0.0).mean
    errors = []
    for substeps in (8, 16, 32):
        found = run(made, substeps=substeps, paths=2, scheme=euler_maruyama)
        discrete = euler(PROBLEM, START, 0.25, 8, substeps, 1, 0.0).mean
        assert found.means[-1, 0] == pytest.approx(discrete[0], rel=1e-12)
        assert found.means[-1, 1] == pytest.approx(discrete @ discrete, rel=1e-12)
        np.testing.assert_array_equal(found.standard_errors[-1, :2], 0.0)
        errors.append(found.means[-1, 0] - exact[0])
    # errors are c h (1 + O(h)) with h = 1/32, 1/64, 1/128 and rates up to 2: ratios 2 (1 + O(0.06))
    np.testing.assert_allclose([errors[0] / errors[1], errors[1] / errors[2]], 2.0, rtol=0.06)


@pytest.mark.parametrize(("scheme", "order"), [(heun, 2), (runge_kutta, 4)], ids=["Heun", "Runge-Kutta"])
@pytest.mark.parametrize(
    "make", [rmsprop, pytest.param(adam, marks=pytest.mark.slow)], ids=["rmsprop", "adam"]
)
def test_an_ode_converges_with_the_order_of_its_scheme(make, scheme, order):
    """Errors ``c h^p (1 + O(h))`` with h = 1/16, 1/32, 1/64 and rates near 1: halving h divides by
    ``2^p (1 + O(h / 2))``.
    """
    made = modified_equation(make(), ballistic, gaussian(True), 1, "ode")
    constants = {"eps": 0.5} | ({"c": 0.8} if make is rmsprop else {"c1": 0.9, "c2": 0.6})
    asked = {
        "start": {"theta": START, "v": 1.0},
        "t0": 1.0,
        "constants": constants,
        "paths": 2,
        "horizon": 1.0,
    }
    names = ("theta[0]", "theta[1]", "v[0]")

    def final(substeps: int, by=scheme) -> np.ndarray:
        return run(made, substeps=substeps, scheme=by, observables=names, **asked).means[-1]

    # the errors of the reference are 8^-4 of those of the finest steps, or smaller
    right = final(128, runge_kutta)
    errors = [final(substeps) - right for substeps in (4, 8, 16)]
    for coarse, fine in pairwise(errors):
        np.testing.assert_allclose(coarse / fine, 2.0**order, rtol=0.1)


def test_an_ode_of_many_coordinates_is_stepped_by_runge_kutta():
    """Linear: the step is the exponential series through the fourth order; by default, and where kernels
    loop.
    """
    random = np.random.default_rng(7)
    root = random.normal(size=(40, 40)) / 10
    problem, start = quadratic(root @ root.T + np.eye(40), 1.0), random.normal(size=40)
    made = modified_equation(sgd(), ballistic, gaussian(True), 1, "ode")
    found = simulated(
        made, problem, tau=0.25, horizon=1.0, start={"theta": start}, substeps=2, paths=2, keep=1
    )
    step = sum(np.linalg.matrix_power(-problem.matrices["H"] / 8, n) / math.factorial(n) for n in range(5))
    np.testing.assert_allclose(
        found.finals[0, 0], np.linalg.matrix_power(step, 8) @ start, rtol=1e-12, atol=1e-14
    )


def test_numbers_do_not_depend_on_threads_or_repetition():
    first, again, parallel = run(chain()), run(chain()), run(chain(), threads=2)
    alone = run(chain(), threads=1)
    for other in (again, parallel, alone):
        np.testing.assert_array_equal(other.means, first.means)
        np.testing.assert_array_equal(other.standard_errors, first.standard_errors)
    assert (run(chain(), seed=6).means != first.means)[:, :2].all()


def test_records_are_spread_over_the_horizon_and_end_with_it():
    many = run(chain(), paths=10)
    few = run(chain(), paths=10, records=3)
    np.testing.assert_allclose(few.times, [0.5, 1.0, 1.5, 2.0])
    np.testing.assert_array_equal(few.means, many.means[[1, 3, 5, 7]])
    np.testing.assert_allclose(run(chain(), paths=10, records=1).times, [2.0])
    np.testing.assert_allclose(run(chain(), paths=10, t0=1.0, records=1).times, [3.0])


def test_the_first_paths_are_kept_where_asked():
    found = run(chain(), paths=100, keep=100)
    assert found.finals.shape == (100, 1, 2)
    np.testing.assert_allclose(found.finals[:, 0, 0].mean(), found.means[-1, 0], rtol=1e-12)
    np.testing.assert_allclose((found.finals**2).sum(axis=(1, 2)).mean(), found.means[-1, 1], rtol=1e-12)
    np.testing.assert_array_equal(run(chain(), paths=100, keep=3).finals, found.finals[:3])
    assert run(chain(), paths=100).finals.shape == (0, 1, 2)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("number", [0, 1, 1337])
def test_a_path_alone_has_the_bits_it_has_in_the_ensemble(number, dtype):
    target = modified_equation(sgd(), batch_equivalent, gaussian(constant=True), 1)
    all_, alone = run(target, paths=1400, keep=1400, dtype=dtype), run(target, only_path=number, dtype=dtype)
    np.testing.assert_array_equal(alone.finals[0], all_.finals[number])
    np.testing.assert_allclose(
        alone.means[-1, 0], all_.finals[number, 0, 0], rtol=1e-6 if dtype == "float32" else 1e-15
    )
    assert (alone.paths, alone.settings["only_path"], alone.standard_errors.max()) == (1, number, 0)
    with pytest.raises(ValueError, match="only_path is -1; expected a whole number"):
        run(target, only_path=-1)


def test_single_precision_is_close_to_double():
    double, single = run(chain(), paths=100, keep=100), run(chain(), paths=100, keep=100, dtype="float32")
    assert single.finals.dtype == np.float32
    # other random numbers, so compare the ensemble: difference of two means of 100 paths
    spread = math.hypot(double.standard_errors[-1, 0], single.standard_errors[-1, 0])
    assert abs(double.means[-1, 0] - single.means[-1, 0]) < 4 * spread


def test_progress_counts_the_paths():
    calls = []
    run(chain(), progress=lambda label, done, total: calls.append((done, total)))
    assert [total for _, total in calls] == [PATHS] * len(calls)
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})
    assert calls[-1] == (PATHS, PATHS)


def test_divergence_is_counted_and_refused_where_nothing_is_left():
    problem = quadratic([[1.0]], 1.0)
    asked = {"tau": 0.5, "horizon": 1.0, "paths": 100, "observables": ("theta[0]",)}
    made = modified_equation(rmsprop(), batch_equivalent, gaussian(), 1)
    with pytest.raises(
        ValueError, match=r"100 of 100 paths became non-finite \(100 by time 0\.5\); expected a stable scheme"
    ):
        simulated(made, problem, start={"theta": 1e300, "v": 1.0}, **asked)


def test_a_run_says_by_when_how_many_paths_were_lost():
    """With the drift ``-2 theta^3`` Euler's steps blow up on the paths that the noise has carried far out."""
    asked = {
        "tau": 0.25,
        "horizon": 2.0,
        "paths": 2000,
        "substeps": 1,
        "start": {"theta": 0.0},
        "observables": ("theta[0]",),
    }
    made = modified_equation(sgd(), batch_equivalent, gaussian(True), 1)
    found = simulated(made, Formula("theta**4/2", "4"), **asked)
    lost = [found.paths - int(count) for count in found.finite]
    assert 0 < lost[-1] < 2000
    assert lost[-1] == found.nonfinite
    steps = [n for n in range(len(lost)) if lost[n] > ([0, *lost])[n]]
    assert found.lost == tuple((0.25 * (n + 1), lost[n]) for n in steps)
    (t1, n1), *_, (t2, n2) = found.lost
    assert f"became non-finite ({n1} by time {t1:g}, {n2} by time {t2:g}), are left out" in str(found)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"tau": 0.3}, "horizon 2 is not a multiple of tau 0.3"),
        ({"tau": -1.0}, r"tau is -1\.0"),
        ({"start": {"v": 1}}, "start has a block 'v'; sgd has theta"),
        ({"start": {"theta": math.nan}}, "start of theta is nan"),
        ({"t0": 0.1}, r"t0 0\.1 is not a multiple of tau 0\.25"),
        ({"constants": {"lr": 1.0}}, "constant 'lr'"),
        ({"observables": ("theta",)}, "observable 'theta' is a vector"),
        ({"paths": 1}, "paths is 1; expected a whole number of at least 2"),
        ({"paths": 2.5}, r"paths is 2\.5"),
        ({"seed": -1}, "seed is -1; expected a whole number of at least 0"),
        ({"keep": -1}, "keep is -1"),
        ({"substeps": 0}, "substeps is 0; expected a whole number of at least 1"),
        ({"dtype": "float16"}, "dtype 'float16'; expected float64 or float32"),
        ({"threads": 0}, "threads is 0"),
        (
            {"scheme": heun},
            "Heun for an optimizer, which takes steps of its own; expected an equation or no scheme",
        ),
    ],
)
def test_bad_input_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint) as refusal:
        run(chain(), **changes)
    assert "\n" not in str(refusal.value)
