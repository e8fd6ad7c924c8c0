"""An optimizer with fixed memories on its slow manifold: what memory does to the full-batch equation at the
next order.

Without noise and with ``1 - beta`` fixed as the learning rate h -> 0, the other blocks settle on
``y = M(theta)``, ``M = M0 + h M1 + ...``, invariant under the step: ``M(theta') = Y(theta, M(theta))``. With
``theta' = theta + h D``, order by order,

    rate M0 = source,    rate M1 = -(D0 . d) M0 + d_y source . M1,    D = D0 + h D1,

and theta follows ``D0 + h (D1 - 1/2 (D0 . d) D0)`` (Kovachki, Stuart 2021; Cattaneo, Klusowski, Shigida,
arXiv 2309.00079).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Add, Expr, Integer, Lambda, Mul, Symbol, factor
from sympy.core.function import AppliedUndef

from ..display.text import text
from ..errors import DerivationRefused
from ..notation.indices import canonical, components, terms
from ..notation.operators import apply, contracted
from ..notation.symbols import ElementFunction, Field, element_function, g, gradient, k
from .monomials import Correction, Decay, OpenRule


@dataclass(frozen=True)
class MemoryEquation:
    """``d theta / dt = drift[0] + h drift[1]``, time in units of ``lr = h``; the constants c are
    ``1 - beta``.

    Attributes
    ----------
    drift : tuple of Expr
        At coordinate i.
    definitions : mapping of str to Lambda
        The abstract functions long after the start.
    """

    drift: tuple[Expr, Expr]
    definitions: Mapping[str, Lambda]


def memory_equation(model: OpenRule) -> MemoryEquation:
    """Derive the full-batch equation of an optimizer with fixed memories.

    Raises
    ------
    ValueError
        A block never forgets, or not at a fixed rate, or the rule takes gradients away from theta.
    """
    rule = model.rule
    blocks = [b.name for b in rule.blocks[1:]]
    fixed = {str(c) for c in model.constants.values()}
    for b in blocks:
        if b not in model.rates or {str(x) for x in model.rates[b].free_symbols} - fixed:
            raise DerivationRefused(
                f"{rule.name} has the block {b}, which does not forget at a fixed rate; expected memories"
            )
    if model.shifts:
        raise DerivationRefused(f"{rule.name} takes gradients away from theta; expected gradients at theta")
    (lr,) = (h.symbol for h in rule.hyperparameters if h.role == "learning rate")
    step = _indexed(model, model.steps["theta"] / lr)
    sources = {b: _indexed(model, model.source(b)) for b in blocks}
    if step.has(lr) or step.has(k):
        raise DerivationRefused(
            f"{rule.name}: the step of theta is not proportional to a constant lr; expected one that is"
        )
    leading: dict[Expr, Expr] = {}
    first: dict[Expr, Expr] = {}
    order = _order(sources)
    for b in order:
        leading[Field(b)("i")] = _tidy(sources[b].xreplace(leading) / model.rates[b])
    speed = _tidy(step.xreplace(leading))
    along = contracted(speed, "theta")
    for b in order:
        carried = Add(*(sources[b].diff(y).xreplace(leading) * first[y] for y in first))
        first[Field(b)("i")] = _tidy((carried - apply(along, leading[Field(b)("i")])) / model.rates[b])
    correction = Add(*(step.diff(y).xreplace(leading) * value for y, value in first.items()))
    definitions = {
        name: Lambda(a.arguments, a.expression.replace(Correction, lambda *_: Integer(1)))
        for name, a in model.auxiliaries.items()
    }
    return MemoryEquation((speed, _tidy(correction - apply(along, speed) / 2)), definitions)


def _order(sources: Mapping[str, Expr]) -> list[str]:
    """Return the blocks so that each source contains only blocks before it."""
    done: list[str] = []
    while len(done) < len(sources):
        ready = [
            b
            for b in sources
            if b not in done and {c.field.name for c in components(sources[b])} & {*sources} <= {*done}
        ]
        if not ready:
            raise DerivationRefused(
                f"the blocks {', '.join(b for b in sources if b not in done)} feed each other; expected a "
                "chain"
            )
        done += ready
    return done


def _indexed(model: OpenRule, expression: Expr) -> Expr:
    """Write an expression of a rule in index notation, without noise and long after the start."""
    expression = expression.replace(Correction, lambda *_: Integer(1)).replace(Decay, lambda *_: Integer(0))
    symbols: dict[Expr, Expr] = {b.symbol: Field(b.name)("i") for b in model.rule.blocks} | {g: gradient("i")}

    def read(e: Expr) -> Expr:
        if isinstance(e, AppliedUndef):
            return element_function(type(e).__name__, (0,) * len(e.args))(*map(read, e.args))
        return symbols.get(e, e) if isinstance(e, Symbol) else e.func(*map(read, e.args)) if e.args else e

    return read(expression.expand())


def collected(expression: Expr) -> list[tuple[Expr, Expr]]:
    """Return pairs of a factored coefficient and a product of components, which add up to the expression."""
    joined: dict[Expr, Expr] = {}
    for term in terms(canonical(expression.expand())):
        product = Mul(*(f for f in Mul.make_args(term) if components(f)))
        joined[product] = joined.get(product, Integer(0)) + term / product
    return [
        (factor(coefficient), product) for product, coefficient in joined.items() if factor(coefficient) != 0
    ]


def memory_text(equation: MemoryEquation) -> str:
    """Return the equation on two lines."""
    leading, first = (
        " + ".join(f"({c})*{text(product)}" for c, product in collected(part)) for part in equation.drift
    )
    return f"drift of theta[i]: {leading}\n  + h*( {first} )".replace("+ -", "- ")


def _tidy(expression: Expr) -> Expr:
    """Multiply out, in functions too, and join equal terms."""
    calls = {c: c.func(*(factor(a.expand()) for a in c.args)) for c in expression.atoms(ElementFunction)}
    return Add(*(coefficient * product for coefficient, product in collected(expression.xreplace(calls))))
