"""The paper's and PyTorch's forms of an optimizer agree at order one; what differs at order two is known."""

import pytest
from sympy import Expr, exp, simplify

from optsde.derive import Regime, adam, ballistic, batch_equivalent, gaussian, modified_equation, rmsprop
from optsde.derive.derivation.equation import ModifiedEquation
from optsde.derive.notation.indices import canonical
from optsde.derive.notation.symbols import Field, element_function, gradient, t

COV = gaussian().cumulant_field(2)
F, m, v = gradient("i"), Field("m")("i"), Field("v")("i")
S = COV("i", "i")


def difference_of_theta(old: ModifiedEquation, new: ModifiedEquation) -> Expr:
    """The only difference of two drifts: at order two, in theta."""
    assert old.generator[0] == new.generator[0]
    difference = {b: canonical(new.drift[1][b] - old.drift[1][b]) for b in old.drift[1]}
    assert {b for b, e in difference.items() if e != 0} == {"theta"}
    assert old.certificate == new.certificate
    return difference["theta"]


def constant(equation: ModifiedEquation, block: str, name: str) -> Expr:
    return next(s for s in equation.drift[0][block].free_symbols if s.name == name)


def test_rmsprop_with_the_new_second_moment() -> None:
    """One step newer: ``-tau g P'(v) (v' - v)`` more, whose mean is ``-tau^2 c P' E[g (g^2 - v)]``."""
    old, new = (modified_equation(rmsprop(variant), ballistic, gaussian()) for variant in ("paper", "torch"))
    slope = element_function("P", (1,))(v)
    assert difference_of_theta(old, new) == canonical(
        -constant(old, "v", "c") * slope * (F**3 + 3 * F * S - v * F)
    )
    assert old.covariance == new.covariance


def test_rmsprop_with_the_new_second_moment_and_large_noise() -> None:
    """The noise of g meets its square in the denominator: ``E xi_i xi_j xi_j^2 = 3 S_ij S_jj`` enters the
    covariance.
    """
    old, new = (
        modified_equation(rmsprop(variant), batch_equivalent, gaussian()) for variant in ("paper", "torch")
    )
    c, pair, w = constant(old, "v", "c"), COV("i", "j"), Field("v")("j")
    p, q = element_function("P", (0,)), element_function("P", (1,))
    assert difference_of_theta(old, new) == canonical(-c * q(v) * F * (3 * S - v))
    expected = c * pair * (p(w) * q(v) * (3 * S - v) + p(v) * q(w) * (3 * COV("j", "j") - w))
    for key, covariance in new.covariance[1].items():
        assert (
            canonical(covariance - old.covariance[1][key] - (expected if key == ("theta", "theta") else 0))
            == 0
        )


@pytest.mark.parametrize(
    ("regime", "mean"), [(ballistic, F**2 + S), (batch_equivalent, S)], ids=["ballistic", "batch"]
)
def test_adam_with_the_new_second_moment(regime: Regime, mean: Expr) -> None:
    """``-tau Q_v m (v' - v)`` more in the step; the later bias correction stands in the definition of
    ``Q_1``.
    """
    old, new = (modified_equation(adam(variant), regime, gaussian()) for variant in ("paper", "torch"))
    c1, c2 = constant(old, "m", "c1"), constant(old, "v", "c2")
    slope = element_function("Q", (1, 0))(v, t)
    assert difference_of_theta(old, new) == canonical(-c2 * m * slope * (mean - v))
    assert old.covariance == new.covariance
    assert old.definitions["Q"] == new.definitions["Q"]
    later = old.definitions["Q_1"].expr - new.definitions["Q_1"].expr
    # d/ds of 1/(1 - beta1**(t/tau + s)) at order tau
    assert simplify(later + c1 * exp(-c1 * t) / (1 - exp(-c1 * t)) * old.definitions["Q"].expr) == 0
