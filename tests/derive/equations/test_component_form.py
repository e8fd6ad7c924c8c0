"""The component form: symmetric, consistent between dimensions, with an explicit objective."""

from itertools import product

import pytest
from sympy import Derivative, Expr, Function, Integer, Matrix, Symbol, cos, expand, sqrt, symbols

from optsde.derive import (
    Regime,
    UpdateRule,
    adam,
    ballistic,
    batch_equivalent,
    gaussian,
    general,
    heavy_ball,
    modified_equation,
    rmsprop,
    sgd,
)
from optsde.derive.equations.component_form import ComponentForm

REGIMES = [ballistic, batch_equivalent]
RULES = [sgd(), heavy_ball(), rmsprop(), adam()]


@pytest.mark.parametrize("regime", REGIMES, ids=lambda r: r.name)
@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_the_covariance_is_symmetric(rule: UpdateRule, regime: Regime) -> None:
    form = modified_equation(rule, regime, gaussian()).expand(2, abstract=True)
    assert [str(s) for s in form.state] == [f"{b.name}_{n}" for b in rule.blocks for n in (1, 2)]
    for covariance in form.covariance:
        assert covariance.shape == (len(form.state),) * 2
        assert (covariance - covariance.T).expand().is_zero_matrix


def separated(expression: Expr, form: ComponentForm) -> Expr:
    """Put f = h(theta_1) + h(theta_2), S_11 = s(theta_1), S_22 = s(theta_2), S_12 = 0."""
    theta = [s for s in form.state if str(s).startswith("theta")]
    h, s, f = Function("h"), Function("s"), Function("f")
    diagonal = {Function("S_11"): s(theta[0]), Function("S_22"): s(theta[1]), Function("S_12"): Integer(0)}
    values = {f: h(theta[0]) + h(theta[1]), **diagonal}
    for function, value in values.items():
        expression = expression.replace(function, lambda *args, value=value: value)
    return expression.doit()


@pytest.mark.parametrize("regime", REGIMES, ids=lambda r: r.name)
@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_a_separable_problem_is_two_problems_in_one_dimension(rule: UpdateRule, regime: Regime) -> None:
    equation = modified_equation(rule, regime, gaussian())
    plane, line = equation.expand(2, abstract=True), equation.expand(1, abstract=True)
    size = len(line.state)

    def copy(expression: Expr, number: int) -> Expr:
        """The expression of the line in the coordinates of one copy."""
        own = expression.replace(Function("f"), Function("h")).replace(Function("S"), Function("s"))
        return own.subs(dict(zip(line.state, plane.state[number::2], strict=True)), simultaneous=True).doit()

    for power in range(2):
        for row, number in product(range(size), range(2)):
            found = separated(plane.drift[power][2 * row + number], plane)
            assert expand(found - copy(line.drift[power][row], number)) == 0
            for column, other in product(range(size), range(2)):
                found = separated(plane.covariance[power][2 * row + number, 2 * column + other], plane)
                wanted = copy(line.covariance[power][row, column], number) if number == other else Integer(0)
                assert expand(found - wanted) == 0
    for tensor, reference in ((plane.third, line.third), (plane.fourth, line.fourth)):
        left = {key: separated(value, plane) for key, value in tensor.items()}
        left = {key: value for key, value in left.items() if expand(value) != 0}
        for key, value in left.items():
            (number,) = {str(symbol)[-1] for symbol in key}  # nothing couples the copies
            single = tuple(line.state[plane.state.index(symbol) // 2] for symbol in key)
            assert expand(value - copy(reference[single], int(number) - 1)) == 0
        assert len(left) == 2 * len(reference)


def test_an_objective_given_explicitly() -> None:
    equation = modified_equation(rmsprop(), batch_equivalent, gaussian())
    for dimension, names in ((1, "theta"), (2, "theta_1 theta_2")):
        theta = symbols(names, real=True, seq=True)
        objective = cos(theta[0]) * theta[-1] ** 2 + theta[0] ** 3
        general, special = equation.expand(dimension), equation.expand(dimension, objective=objective)
        for power in range(2):
            for found, form in ((special.drift, general.drift), (special.covariance, general.covariance)):
                expected = form[power].replace(Function("f"), lambda *_, value=objective: value).doit()
                assert (found[power] - expected).expand().is_zero_matrix
        assert not special.drift[1].has(Function("f"))


def test_a_noise_factor_given_explicitly() -> None:
    equation = modified_equation(rmsprop(), ballistic, gaussian())
    theta_1, theta_2 = symbols("theta_1 theta_2", real=True)
    factor = Matrix([[1 + theta_1**2, theta_2], [cos(theta_1), 2]])
    square = factor * factor.T
    plain, special = equation.expand(2), equation.expand(2, factor=factor)
    for power in range(2):
        for found, form in ((special.drift, plain.drift), (special.covariance, plain.covariance)):
            expected = form[power]
            for name, value in (("S_11", square[0, 0]), ("S_12", square[0, 1]), ("S_22", square[1, 1])):
                expected = expected.replace(Function(name), lambda *_, value=value: value)
            assert (found[power] - expected.doit()).expand().is_zero_matrix
    assert not special.covariance[1].has(Function("S_11"))


def test_a_noise_factor_says_nothing_about_third_cumulants() -> None:
    equation = modified_equation(rmsprop(), ballistic, general())
    with pytest.raises(
        ValueError, match=r"K3.* has no value by a noise factor; expected covariances of the noise"
    ):
        equation.expand(1, factor=Matrix([1]))


def test_symbols_of_an_objective_are_known_by_name() -> None:
    plain = Symbol("theta")
    form = modified_equation(sgd(), ballistic, gaussian()).expand(1, objective=plain**2)
    assert form.drift[0][0] == -2 * form.state[0]


def test_functions_written_out_or_abstract() -> None:
    equation = modified_equation(rmsprop(), ballistic, gaussian())
    theta, v = equation.expand(1).state
    eps, slope = Symbol("eps", positive=True), Function("f")(theta).diff(theta)
    written, abstract = equation.expand(1), equation.expand(1, abstract=True)
    assert written.drift[0][0] == -slope / (eps + sqrt(v))
    p = Function("P")
    assert abstract.drift[0][0] == -slope * p(v)
    assert abstract.drift[1][0].has(Derivative(p(v), v))
    for power in range(2):
        put = abstract.drift[power].replace(p, lambda x: 1 / (eps + sqrt(x))).doit()
        assert (put - written.drift[power]).applyfunc(lambda e: e.simplify()).is_zero_matrix


def test_the_certificate_in_components() -> None:
    form = modified_equation(rmsprop(), batch_equivalent, gaussian(constant=True)).expand(2, abstract=True)
    theta_1, theta_2, v_1, v_2 = form.state
    s11, s12, s22 = (Symbol(f"S_{n}", real=True) for n in ("11", "12", "22"))
    p, c = Function("P"), Symbol("c", positive=True)
    cases = {
        (theta_1, theta_1, v_1): 2 * c * p(v_1) ** 2 * s11**2,
        (theta_1, theta_1, v_2): 2 * c * p(v_1) ** 2 * s12**2,
        (theta_1, theta_2, v_1): 2 * c * p(v_1) * p(v_2) * s11 * s12,
        (theta_1, theta_2, v_2): 2 * c * p(v_1) * p(v_2) * s12 * s22,
        (theta_2, theta_2, v_1): 2 * c * p(v_2) ** 2 * s12**2,
        (theta_2, theta_2, v_2): 2 * c * p(v_2) ** 2 * s22**2,
    }
    assert form.third == cases
    assert form.fourth == {}


@pytest.mark.parametrize("dimension", [0, -1, 1.5, "2"])
def test_dimensions(dimension: object) -> None:
    with pytest.raises(ValueError, match=r"dimension .*; expected a positive integer"):
        modified_equation(sgd(), ballistic, gaussian()).expand(dimension)  # type: ignore[arg-type]


def test_foreign_symbols_in_an_objective() -> None:
    x, lam = symbols("x lam")
    with pytest.raises(
        ValueError, match=r"objective contains lam, x; expected a function of theta_1, theta_2"
    ):
        modified_equation(sgd(), ballistic, gaussian()).expand(2, objective=lam * x**2)
    with pytest.raises(ValueError, match=r"noise factor contains lam; expected a function of theta"):
        modified_equation(sgd(), ballistic, gaussian()).expand(1, factor=Matrix([lam]))
