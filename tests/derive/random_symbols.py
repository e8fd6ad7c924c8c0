"""Random symbols of differential operators."""

from hypothesis import assume
from hypothesis import strategies as st
from sympy import Add, Expr, Mul

from optsde.derive.notation.indices import canonical, dummies
from optsde.derive.notation.operators import TIME, momentum
from optsde.derive.notation.symbols import Component, Field, element_function, gradient, t, total_of

S = Field("S", rank=2, symmetric=True, varies=True)


theta, v = Field("theta"), Field("v")


P, DP = element_function("P", (0,)), element_function("P", (1,))


Q = element_function("Q", (0, 0))


d_theta, d_v = momentum("theta"), momentum("v")


DUMMIES = ("_1", "_2")


COEFFICIENTS = [
    (1, lambda a: gradient(a)),
    (1, lambda a: v(a)),
    (1, lambda a: theta(a)),
    (1, lambda a: P(v(a))),
    (1, lambda a: Q(v(a), t)),
    (2, lambda a, b: gradient(a, b)),
    (2, lambda a, b: S(a, b)),
    (0, lambda: total_of(v("_1") * gradient("_1"))),
    (0, lambda: P(total_of(theta("_1") ** 2))),
]


@st.composite
def random_symbols(draw: st.DrawFn, size: int = 2) -> Expr:
    """Every dummy stands in a momentum or in a tensor, as in all operators that come from a chain."""
    pieces = []
    for _ in range(draw(st.integers(1, size))):
        chosen = []
        for arity, make in draw(st.lists(st.sampled_from(COEFFICIENTS), max_size=2)):
            chosen.append(make(*(draw(st.sampled_from(DUMMIES)) for _ in range(arity))))
        for block in draw(st.lists(st.sampled_from((d_theta, d_v, momentum(TIME))), min_size=1, max_size=2)):
            chosen.append(block(*([draw(st.sampled_from(DUMMIES))] if block.rank else [])))
        anchored = {
            i for c in chosen if isinstance(c, Component) and c.field not in (theta, v) for i in c.indices
        }
        assume(dummies(Mul(*chosen)) == anchored)
        pieces.append(draw(st.integers(-2, 2).filter(bool)) * Mul(*chosen))
    return canonical(Add(*pieces))
