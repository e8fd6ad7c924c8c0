"""The operator behind the leading weak error: what each form of an equation lacks of the modified
generator.
"""

from itertools import product

import pytest
from sympy import Rational, symbols

from optsde.derive import (
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    heavy_ball,
    modified_equation,
    rmsprop,
    sgd,
)
from optsde.derive.derivation.wiener_chaos import in_covariances
from optsde.derive.notation.indices import FREE, canonical, components, dummies, reindex
from optsde.derive.notation.operators import split
from optsde.derive.notation.symbols import ElementFunction, constant_factor, square_factor

RULES = [sgd, heavy_ball, rmsprop, adam]
REGIMES = [ballistic, batch_equivalent]


def operator(rule, regime, order=1, form="diffusion", constant=False):
    found = modified_equation(rule, regime, gaussian(constant=constant), order, form).leading_error
    return found.power, {part.blocks: part.expression for part in found.operator}


@pytest.mark.parametrize(("rule", "regime"), list(product(RULES, REGIMES)))
def test_an_equation_of_order_one_lacks_the_second_generator(rule, regime):
    """Its drift, covariance and obstruction, which the derivation of order 2 has found by a logarithm."""
    second = modified_equation(rule(), regime, gaussian(), 2)
    wanted = {(block,): e for block, e in second.drift[1].items()} | dict(second.covariance[1])
    wanted |= {part.blocks: part.expression for part in second.certificate.obstruction}
    assert operator(rule(), regime) == (1, {blocks: e for blocks, e in wanted.items() if e != 0})


def test_an_obstructed_equation_lacks_its_obstruction():
    certificate = modified_equation(rmsprop(), batch_equivalent, gaussian(), 2).certificate
    assert not certificate.exists
    assert operator(rmsprop(), batch_equivalent, 2) == (
        1,
        {o.blocks: o.expression for o in certificate.obstruction},
    )


@pytest.mark.parametrize("constant", [True, False])
def test_fluctuations_of_first_chaos_are_not_missing(constant):
    """RMSprop's ``theta`` is driven by the noise itself; what is left out is the noise of v and its
    covariance with theta's.
    """
    ode = operator(rmsprop(), ballistic, form="ode", constant=constant)
    fluctuation = operator(rmsprop(), ballistic, form="fluctuation", constant=constant)
    assert ode == operator(rmsprop(), ballistic, constant=constant)
    assert {blocks: e for blocks, e in ode[1].items() if blocks != ("theta", "theta")} == fluctuation[1]
    assert set(operator(sgd(), ballistic, form="fluctuation", constant=constant)[1]) == {("theta",)}


def test_the_third_coefficient_of_an_ornstein_uhlenbeck_process():
    """SGD on ``f = lam theta**2/2`` with noise ``tau**(-1/2)`` is one with rate ``r = -log(1 - tau lam)/tau``
    and diffusion ``2 r tau S/(1 - (1 - tau lam)**2)``. The equation of order 2 stops at
    ``lam + tau lam**2/2``; the square of its factor ``B (1 + tau lam/2)`` already has ``tau**2 lam**2 S/4``.
    """
    lam, theta, S, tau = symbols("lam theta S tau", positive=True)
    rate = lam + tau * lam**2 / 2 + tau**2 * lam**3 / 3 + tau**3 * lam**4 / 4
    diffusion = (2 * rate * S / (2 * lam - tau * lam**2)).series(tau, 0, 3).removeO()
    values = {("F", 1): lam * theta, ("F", 2): lam, ("S", 2): S}
    power, found = operator(sgd(), batch_equivalent, 2, constant=True)
    at = {
        blocks: e.xreplace(
            {c: values.get((c.field.name, len(c.indices)), Rational(0)) for c in components(e)}
        )
        for blocks, e in found.items()
    }
    assert power == 2
    assert at.pop(("theta",)) == -rate.coeff(tau, 2) * theta
    assert (at.pop(("theta", "theta")) - diffusion.expand().coeff(tau, 2) + lam**2 * S / 4).expand() == 0
    assert set(at.values()) <= {0}


def test_pairs_of_factors_are_covariances():
    chain = modified_equation(rmsprop(), ballistic, gaussian(constant=True), 1).chain
    covariance, B = chain.noise.cumulant_field(2), constant_factor
    assert in_covariances(B("i", "_1") * B("j", "_1"), chain) == covariance("i", "j")
    assert in_covariances(B("i", "_1") ** 2 * 3, chain) == 3 * covariance("i", "i")
    both = B("i", "_1") * B("j", "_1") * square_factor("k", "_2") * square_factor("l", "_2")
    assert in_covariances(both, chain) == 2 * covariance("i", "j") * covariance("k", "l") ** 2
    assert in_covariances(B("i", "_1"), chain) == B("i", "_1")


@pytest.mark.parametrize(("rule", "order"), [(adam, 1), (rmsprop, 2)])
def test_the_operator_is_in_index_notation_and_its_functions_are_defined(rule, order):
    found = modified_equation(rule(), ballistic, gaussian(), order).leading_error
    assert found.power == order
    for part in found.operator:
        free = {index for c in components(part.expression) for index in c.indices} - dummies(part.expression)
        assert free == set(FREE[: len(part.blocks)])
        assert {call.base for call in part.expression.atoms(ElementFunction)} <= set(found.definitions)
        assert split(part.expression)[1] == []
        equal = [n for n, block in enumerate(part.blocks) if block == part.blocks[0]]
        swapped = dict(zip([FREE[n] for n in equal], [FREE[n] for n in reversed(equal)], strict=True))
        assert canonical(reindex(part.expression, swapped) - part.expression) == 0


def test_the_synchronised_form_is_refused():
    with pytest.raises(
        ValueError, match="synchronised; expected a derived diffusion, a fluctuation or an ode"
    ):
        operator(rmsprop(), batch_equivalent, 2, "synchronised")


def test_text_and_data():
    equation = modified_equation(sgd(), ballistic, gaussian(), 1, "fluctuation")
    assert str(equation.leading_error).splitlines() == [
        "leading weak error: -tau^1 int_0^T E[(L_1 - L~_1) u(s, X_s)] ds with u(s, x) = E[phi(X_T) | X_s = "
        "x]. "
        "The operator, by the blocks of the derivative:",
        "  tau^1  c1 at (theta[i]): sum_j(-F[i,j]*F[j]/2)",
    ]
    operator = [{"power": 1.0, "blocks": ["theta"], "expression": "sum_j(-F[i,j]*F[j]/2)"}]
    assert equation.leading_error.to_json() == {"power": 1, "operator": operator, "definitions": {}}
    corrected = modified_equation(adam(), ballistic, gaussian(), 1)
    assert "Q_1(v, t) = " in str(corrected.leading_error)
    assert "Q_1(v, t) = " not in str(corrected)
