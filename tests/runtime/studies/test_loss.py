"""The objective itself as an observable, against the same written out, on the same paths."""

import numpy as np
import pytest
from flat import measured, predicted, simulated

from optsde.codegen.lowering.kernels import degree, simulation_kernel
from optsde.codegen.lowering.regularisation import smooth, unregularised
from optsde.codegen.numba.cpu import emit
from optsde.codegen.numba.cuda import emit_cuda
from optsde.codegen.program.observables import observable
from optsde.derive import Chain, ballistic, gaussian, modified_equation, sgd
from optsde.runtime.kernels.compiled import compile_kernel
from optsde.runtime.problems.formula import Formula
from optsde.runtime.problems.quadratic import Quadratic

LAW = gaussian(constant=True)
DENSE = "(theta[0] - 0.5)**2 + (theta[0] - 0.5)*(theta[1] + 1)/2 + 3*(theta[1] + 1)**2/2"
H = [[2.0, 0.5], [0.5, 3.0]]
MINIMUM = [0.5, -1.0]
PROBLEMS = {
    "dense": (Quadratic(H, minimum=MINIMUM, minimum_noise=0.3), DENSE),
    "diagonal": (Quadratic([2.0, -3.0], variances=[0.1, 0.2]), "theta[0]**2 - 3*theta[1]**2/2"),
    "factor": (Quadratic(H, minimum=MINIMUM, factor=[[0.3], [0.1]]), DENSE),
    "formula": (
        Formula("theta_1**4/4 + theta_1*theta_2 + theta_2**2", dimension=2, factor=0.3),
        "theta[0]**4/4 + theta[0]*theta[1] + theta[1]**2",
    ),
}
START = {"theta": [0.4, -0.3]}


@pytest.mark.parametrize(("problem", "written"), PROBLEMS.values(), ids=PROBLEMS)
def test_the_loss_is_the_objective_at_the_state(problem, written):
    run = simulated(
        Chain(sgd(), ballistic, LAW), problem, start=START, tau=0.125, horizon=1.0, paths=2000, seed=3,
        observables=("loss", written, "2*loss + 1", "sqrt(loss**2)"),
    )  # fmt: skip
    loss, other, affine, size = run.means.T
    np.testing.assert_allclose(loss, other, rtol=1e-11)
    np.testing.assert_allclose(affine, 2 * loss + 1, rtol=1e-11)
    assert (size >= np.abs(loss) * (1 - 1e-12)).all()


@pytest.mark.parametrize("name", ["dense", "diagonal", "factor"])
def test_both_shapes_agree_on_the_loss(name):
    problem = PROBLEMS[name][0]
    kernel = simulation_kernel(
        Chain(sgd(), ballistic, LAW), problem.fields, 2, ["loss"], regularisation=unregularised()
    )
    track = kernel.tracks[0]
    given = {"tau": 0.125} | dict(problem.numbers)
    totals = [
        compile_kernel(kernel, shape).run(
            parameters={track.name: {name: given[name] for name in track.step.parameters}},
            matrices={name: problem.matrices[name] for name in kernel.matrices},
            vectors={name: problem.vectors[name] for name in kernel.vectors},
            start={track.name: np.array([START["theta"]])},
            tau=0.125, n_steps=8, t0=0.0, n_paths=2000, seed=1, record_steps=[4, 8],
        )
        for shape in ("unrolled", "looped")
    ]  # fmt: skip
    np.testing.assert_allclose(totals[0].sums, totals[1].sums, rtol=1e-12)


@pytest.mark.parametrize("shape", ["unrolled", "looped"])
def test_kernels_for_devices_have_the_loss_too(shape):
    problem = PROBLEMS["factor"][0]
    kernel = simulation_kernel(
        Chain(sgd(), ballistic, LAW), problem.fields, 2, ["loss"], regularisation=unregularised()
    )
    for write in (emit, emit_cuda):
        compile(write(kernel, "name", shape), "text", "exec")
    assert set(kernel.matrices) == {"B", "H"}
    assert set(kernel.vectors) == {"minimum"}


def test_a_study_measures_the_weak_error_of_the_loss():
    problem, written = PROBLEMS["dense"]
    study = measured(
        modified_equation(sgd(), ballistic, LAW, 1), problem, start=START, taus=[0.25, 0.125], horizon=1.0,
        paths=2000, seed=5, observables=("loss", written), regularisation=smooth(),
    )  # fmt: skip
    rows = {
        name: [row.weak_error for row in study.rows if row.observable == name] for name in ("loss", written)
    }
    np.testing.assert_allclose(rows["loss"], rows[written], rtol=1e-9)


@pytest.mark.parametrize("name", ["dense", "diagonal"])
def test_its_leading_error_is_predicted(name):
    problem, written = PROBLEMS[name]
    one, other = predicted(
        modified_equation(sgd(), ballistic, LAW, 1), problem, start=START, horizon=1.0,
        observables=("loss", written), paths=200, seed=2,
    )  # fmt: skip
    np.testing.assert_allclose(one.coefficient, other.coefficient, rtol=1e-6)


def test_the_loss_of_a_quadratic_has_a_control_variate_and_loses_its_error():
    """SGD on a quadratic is its own linearisation: the corrected mean is exact, up to rounding."""
    problem = PROBLEMS["dense"][0]
    asked = {"start": START, "tau": 0.125, "horizon": 1.0, "seed": 3, "observables": "loss", "paths": 2000}
    run = simulated(Chain(sgd(), ballistic, LAW), problem, control_variate=True, **asked)
    plain = simulated(Chain(sgd(), ballistic, LAW), problem, **asked)
    assert run.standard_errors[-1, 0] < 1e-6 * plain.standard_errors[-1, 0]
    assert abs(run.means[-1, 0] - plain.means[-1, 0]) < 5 * plain.standard_errors[-1, 0]


def test_degrees_see_through_matrices_and_constants():
    dense, formula = (PROBLEMS[name][0].fields.value() for name in ("dense", "formula"))
    found = [degree(observable(text, ("theta",), 2, dense)) for text in ("loss", "loss*theta[0]", "loss**2")]
    assert found == [2, 3, 4]
    assert degree(observable("loss", ("theta",), 2, formula)) == 4


def test_the_loss_after_one_step_of_logistic_regression():
    """theta_1 = 1 + tau/(1 + e), f = log(1 + exp(-theta_1))."""
    run = simulated(
        Chain(sgd(), ballistic, LAW), Formula("log(1+exp(-theta))", 0), start={"theta": 1.0}, tau=0.5,
        horizon=0.5, paths=2, seed=1, observables="loss",
    )  # fmt: skip
    theta = 1 + 0.5 / (1 + np.e)
    assert run.means[-1, 0] == pytest.approx(np.log1p(np.exp(-theta)), rel=1e-14)
    assert round(run.means[-1, 0], 6) == 0.278837


def test_a_state_may_be_called_loss():
    found = observable("loss[0] + norm(loss)", ("theta", "loss"), 2, PROBLEMS["dense"][0].fields.value())
    assert {s.target for s in found.statements} == {"loss_at_0", "total_1"}


def test_the_loss_needs_an_objective():
    with pytest.raises(ValueError, match="loss"):
        observable("loss", ("theta",), 2)
