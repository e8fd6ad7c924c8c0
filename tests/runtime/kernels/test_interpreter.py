"""Values of expressions and of index notation, against SymPy's numbers and sums written out."""

from itertools import combinations_with_replacement, product

import numpy as np
import pytest
import sympy as sp
from quadratics import quadratic

from optsde.codegen.program.observables import observable
from optsde.derive import gaussian, modified_equation, normalized_sgd, parse_regime, rmsprop
from optsde.derive.notation.indices import FREE
from optsde.runtime.kernels.interpreter import States, observed, value

X, Y = sp.symbols("x y", real=True)
EVERY = (
    sp.exp(X) * sp.log(Y) / sp.sqrt(Y)
    + sp.sin(X) * sp.cos(X) * sp.tan(X)
    + sp.sinh(X) * sp.cosh(X)
    - sp.tanh(X)
    + X**3
)
EVERY += sp.Max(X, 0, Y / 3) * sp.Min(X, Y) + sp.Abs(X) * sp.sign(X) + sp.erf(X) + sp.Heaviside(X) + sp.pi / 3
PROBLEM = quadratic([[1.0, 0.5], [0.5, 1.5]], [[0.5, 0.2], [0.2, 0.8]], minimum=[0.3, -0.2])


def test_values_are_sympys():
    points = [(0.7, 0.4), (-0.3, 2.0), (1.5, 0.1)]
    x, y = np.array(points).T
    wanted = [float(EVERY.subs({X: sp.Float(a), Y: sp.Float(b)})) for a, b in points]
    np.testing.assert_allclose(value(EVERY, {"x": x, "y": y}), wanted, rtol=1e-13)
    assert value(sp.Rational(1, 3), {}) == 1 / 3


def test_what_has_no_value_is_refused_by_name():
    with pytest.raises(ValueError, match="no values of gamma in"):
        value(sp.gamma(X), {"x": 1.0})
    with pytest.raises(ValueError, match="no value for y; expected one of x"):
        value(X + Y, {"x": 1.0})


def test_an_observable_of_many_states():
    states = np.random.default_rng(1).standard_normal((3, 4, 2, 2))
    blocks = {"theta": states[..., 0, :], "v": states[..., 1, :]}
    found = observable("norm(theta)**2*v[1] + dot(theta, v)", ("theta", "v"), 2)
    wanted = (blocks["theta"] ** 2).sum(-1) * blocks["v"][..., 1] + (blocks["theta"] * blocks["v"]).sum(-1)
    np.testing.assert_allclose(observed(found, blocks), wanted, rtol=1e-14)


@pytest.mark.parametrize(
    ("rule", "regime"), [(rmsprop(), "ballistic"), (normalized_sgd(), "noise=tau**(1/2)")]
)
def test_index_notation_is_the_component_form(rule, regime):
    """Drift and covariance at order 2 in two dimensions, expanded and evaluated by SymPy at three states."""
    equation = modified_equation(rule, parse_regime(regime, rule), gaussian(constant=True), 2)
    blocks = [block.name for block in equation.chain.blocks]
    theta = sp.symbols("theta_1 theta_2", real=True)
    offset = sp.Matrix(theta) - sp.Matrix([sp.Rational(3, 10), sp.Rational(-1, 5)])
    objective = (offset.T * sp.Matrix(PROBLEM.matrices["H"]) * offset)[0] / 2
    form = equation.expand(2, objective)
    states = np.array([[[1.0, -0.5], [0.7, 0.2]], [[0.3, 0.4], [1.5, 0.9]], [[-2.0, 0.1], [0.05, 3.0]]])[
        :, : len(blocks)
    ]
    constants = {"c": 0.6, "eps": 0.1}
    here = States(PROBLEM, {b: states[:, n] for n, b in enumerate(blocks)}, {**constants, "t": 0.0})
    names = [str(symbol) for symbol in form.state]
    S = {f"S_{i + 1}{j + 1}": PROBLEM.matrices["S"][i, j] for i, j in product(range(2), repeat=2)}
    for n, state in enumerate(states):
        at = constants | S | dict(zip(names, state.ravel(), strict=True))
        exact = {
            symbol: at[str(symbol)]
            for matrix in (*form.drift, *form.covariance)
            for symbol in matrix.free_symbols
        }
        for power in (0, 1):
            drift = [here.tensor(equation.drift[power][b], FREE[:1], equation.definitions)[n] for b in blocks]
            np.testing.assert_allclose(
                np.ravel(drift), np.ravel(form.drift[power].subs(exact)).astype(float), rtol=1e-12
            )
            wanted = np.array(form.covariance[power].subs(exact)).astype(float)
            for (row, a), (column, b) in combinations_with_replacement(enumerate(blocks), 2):
                entry = here.tensor(equation.covariance[power][a, b], FREE[:2], equation.definitions)[n]
                expected = wanted[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
                np.testing.assert_allclose(entry, expected, rtol=1e-12, atol=1e-15)
