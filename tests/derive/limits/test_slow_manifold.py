from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from optsde import derive
from optsde.derive.display.text import text
from optsde.derive.limits.monomials import open_rule
from optsde.derive.limits.slow_manifold import memory_equation, memory_text
from optsde.derive.notation.symbols import Component, ElementFunction
from optsde.derive.optimizers.momentum import nesterov

THETA = sp.symbols("theta_1 theta_2", real=True)
OBJECTIVE = THETA[0] ** 4 / 4 + THETA[0] * THETA[1] ** 2 + sp.exp(THETA[1] - THETA[0])


def components_of(expression, definitions):
    """Write a vector in index notation, with sums over one index j, in two dimensions."""
    result = []
    for i in (0, 1):
        total = sp.Integer(0)
        for term in sp.Add.make_args(expression.expand()):
            dummies = {n for c in term.atoms(Component) for n in c.indices if n.startswith("_")}
            assert len(dummies) <= 1
            for j in (0, 1) if dummies else (0,):
                at = {"i": i} | dict.fromkeys(dummies, j)
                total += _written(term, at, definitions)
        result.append(total)
    return result


def _written(term, at, definitions):
    for call in term.atoms(ElementFunction):
        d = definitions[call.base]
        (x,), (n,) = d.variables, call.orders
        term = term.xreplace(
            {call: d.expr.diff(x, n).subs(x, call.args[0]) if n else d.expr.subs(x, call.args[0])}
        )
    values = {c: sp.diff(OBJECTIVE, *(THETA[at[n]] for n in c.indices)) for c in term.atoms(Component)}
    return term.xreplace(values)


def _equal(ours, theirs):
    point = {THETA[0]: sp.Rational(3, 7), THETA[1]: sp.Rational(-2, 5)}
    numbers = {
        s: sp.Rational(2 + n, 7 + n)
        for n, s in enumerate(sorted((ours - theirs).free_symbols - {*THETA}, key=str))
    }
    return abs(sp.N((ours - theirs).subs(point | numbers), 40)) < 1e-30


def test_momentum_follows_a_regularised_objective():
    """d theta/dt = -1/(1-beta) grad[f + h (1+beta)/(4 (1-beta)**2) |grad f|**2] (Cattaneo, Shigida, arXiv
    2502.02132).
    """
    found = memory_equation(open_rule(derive.momentum("torch")))
    c, dampening, h = sp.Symbol("c", positive=True), sp.Symbol("dampening", positive=True), sp.Symbol("h")
    beta = 1 - c
    slope = [OBJECTIVE.diff(x) for x in THETA]
    function = OBJECTIVE + h * (1 + beta) / (4 * (1 - beta) ** 2) * sum(s**2 for s in slope)
    ours = [
        a + h * b
        for a, b in zip(*(components_of(d.subs(dampening, 0), {}) for d in found.drift), strict=True)
    ]
    for mine, x in zip(ours, THETA, strict=True):
        assert _equal(mine, -function.diff(x) / (1 - beta))


def test_full_batch_adam():
    """Cattaneo, Klusowski, Shigida (2309.00079): eps inside the root, large t."""
    rule = derive.adam("torch")
    (q,) = rule.auxiliaries
    (x,), eps, k = q.arguments, sp.Symbol("eps", positive=True), sp.Symbol("k", real=True)
    b1, b2 = (sp.Symbol(n, positive=True) for n in ("beta1", "beta2"))
    inside = replace(q, expression=1 / ((1 - b1 ** (k + 1)) * sp.sqrt(x / (1 - b2 ** (k + 1)) + eps)))
    found = memory_equation(open_rule(replace(rule, auxiliaries=(inside,))))
    c1, c2 = (sp.Symbol(n, positive=True) for n in ("c1", "c2"))
    one, two = (2 - c1) / c1, (2 - c2) / c2
    size = sum(sp.sqrt(OBJECTIVE.diff(y) ** 2 + eps) for y in THETA)
    leading, first = (components_of(d, found.definitions) for d in found.drift)
    for n, y in enumerate(THETA):
        s = OBJECTIVE.diff(y)
        root = 1 / sp.sqrt(s**2 + eps)
        assert _equal(leading[n], -root * s)
        assert _equal(first[n], -root / 2 * (one - two + two * eps / (s**2 + eps)) * size.diff(y))


@pytest.mark.parametrize("variant", ["paper", "torch"])
def test_rmsprop_itself_follows_to_second_order(variant):
    """One coordinate, f = theta**2 / 2: the error after a fixed time falls by four when h is halved."""
    found = memory_equation(open_rule(derive.rmsprop(variant)))
    theta, values = sp.Symbol("x", positive=True), {"c": sp.Rational(1, 2), "eps": sp.Rational(1, 3)}
    parts = []
    for part in found.drift:
        total = sp.Integer(0)
        for term in sp.Add.make_args(part.expand()):
            for call in term.atoms(ElementFunction):
                d = found.definitions[call.base]
                (x,), (n,) = d.variables, call.orders
                term = term.xreplace({call: (d.expr.diff(x, n) if n else d.expr).subs(x, call.args[0])})
            fields = {c: theta if len(c.indices) == 1 else sp.Integer(1) for c in term.atoms(Component)}
            total += term.xreplace(fields)
        known = {s: values[s.name] for s in total.free_symbols if s.name in values}
        parts.append(sp.lambdify(theta, total.subs(known), "numpy"))
    errors = []
    for h in (2**-6, 2**-7):
        x, v = 2.0, 4.0
        for _ in range(32):  # onto the slow manifold
            x, v = _rmsprop(x, v, h, variant)
        y = x
        for _ in range(round(0.5 / h)):
            x, v = _rmsprop(x, v, h, variant)
            for _ in range(16):
                middle = y + h / 32 * (parts[0](y) + h * parts[1](y))
                y = y + h / 16 * (parts[0](middle) + h * parts[1](middle))
        errors.append(abs(x - y))
    assert 3.2 < errors[0] / errors[1] < 5


def _rmsprop(x, v, h, variant):
    after = v + 0.5 * (x**2 - v)
    return x - h * x / (np.sqrt(v if variant == "paper" else after) + 1 / 3), after


def test_text():
    found = memory_equation(open_rule(derive.momentum("torch-nesterov")))
    assert text(found.drift[0]) == "-F[i]/c"
    assert (
        memory_text(found)
        == "drift of theta[i]: (-1/c)*F[i]\n  + h*( (-(2*c**2 - 3*c + 2)/(2*c**3))*sum_j(F[i,j]*F[j]) )"
    )


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (derive.adagrad(), "the block s, which does not forget at a fixed rate"),
        (derive.heavy_ball(), "the block v, which does not forget at a fixed rate"),
        (nesterov(), "does not forget at a fixed rate"),
    ],
)
def test_rules_without_fixed_memories_are_refused(rule, complaint):
    with pytest.raises(ValueError, match=complaint):
        memory_equation(open_rule(rule))
