"""The steps that are simulated: an optimizer's own, and Euler-Maruyama's for its equation."""

from dataclasses import replace

from sympy import Expr, Integer, Symbol, sqrt

from ..derive.chain import Chain
from ..derive.equation import ModifiedEquation, modified_equation
from ..derive.regularisation import Regularisation, unregularised
from ..derive.rules import THETA
from ..derive.symbols import k, t, tau
from .fields import Fields
from .lower import Lowering
from .program import MatVec, Scalar, Statement, Step, Total, Vector

dt = Symbol("dt", positive=True)
"""Length of a substep, in the time of the equation."""


def optimizer_step(chain: Chain, fields: Fields) -> Step:
    """Return the optimizer's exact step in the regime's units.

    Raises
    ------
    ValueError
        The noise is not Gaussian: kernels draw no other yet.
    """
    lowering = _start(fields, chain, {}, unregularised())
    noise = chain.regime.scaling(chain.rule).noise
    lowering.add(MatVec("B_zeta1", "B", "zeta1"))
    for name, point in chain.gradients.items():
        at = "theta" if point == THETA else str(lowering.vector(f"{name}_point", point.subs(k, t / tau)))
        lowering.add(*fields.gradient(at, f"{name}_mean"))
        lowering.vector(name, Symbol(f"{name}_mean", real=True) + noise * Symbol("B_zeta1", real=True))
    following = {}
    for block, expression in chain.update.items():
        following[block] = lowering.vector(f"{block}_next", expression.subs(k, t / tau))
    return _finish(chain.name, chain, lowering, following)


def euler_maruyama_step(equation: ModifiedEquation, fields: Fields, regularisation: Regularisation) -> Step:
    """Return ``X + drift dt + diffusion sqrt(dt) zeta`` for an equation, in substeps of length `dt`.

    Raises
    ------
    ValueError
        The equation's covariance has no factor in closed form, or its noise is not Gaussian.
    """
    equation = for_noise_of(equation, fields)
    lowering = _start(fields, equation.chain, dict(equation.definitions), regularisation)
    lowering.add(*fields.gradient())
    if equation.form == "synchronised":
        lowering.vector("omega1", sqrt(dt) * Symbol("past_zeta1", real=True))
    following = {}
    for block in (b.name for b in equation.chain.blocks):
        drift = sum((tau**n * part[block] for n, part in enumerate(equation.drift)), Integer(0))
        noise = equation.diffusion.total(block, tau)
        increment: Expr = dt * lowering.lowered(drift) + sqrt(dt) * lowering.lowered(noise)
        following[block] = lowering.vector(f"{block}_next", Symbol(block, real=True) + lowering.collected(increment))
    name = f"{equation.name}, Euler-Maruyama, phi: {regularisation.name}"
    return _finish(name, equation.chain, lowering, following)


def for_noise_of(equation: ModifiedEquation, fields: Fields) -> ModifiedEquation:
    """Derive an equation anew for constant noise where the objective's is: that has a factor, and may have a higher order."""
    if not fields.constant_noise or equation.chain.noise.constant:
        return equation
    chain = equation.chain
    return modified_equation(chain.rule, chain.regime, replace(chain.noise, constant=True), equation.order, equation.form)


def _start(fields: Fields, chain: Chain, definitions: dict, regularisation: Regularisation) -> Lowering:
    if chain.noise.orders != (2,) or chain.noise.batch != 1:
        raise ValueError(f"kernel for {chain.noise.name} noise; expected Gaussian noise, the only one that kernels draw")
    lowering = Lowering(fields, definitions, regularisation)
    lowering.vectors |= {b.name for b in chain.blocks} | {"zeta1", "zeta2", "past_zeta1", "minimum"}
    return lowering


def _finish(name: str, chain: Chain, lowering: Lowering, following: dict[str, Symbol]) -> Step:
    statements = tuple(lowering.statements)
    targets = {s.target for s in statements}
    used = {str(s) for statement in statements for s in _symbols(statement)}
    operands = {s.operand for s in statements if isinstance(s, MatVec)}
    blocks = tuple(b.name for b in chain.blocks)
    noise = tuple(z for z in ("zeta1", "zeta2") if z in used | operands)
    past = tuple(z for z in noise if f"past_{z}" in used | operands)
    _check_constants(chain, targets | lowering.vectors | {"t", "dt"})
    vectors = tuple(sorted((used & lowering.vectors) - targets - set(blocks) - set(noise) - {f"past_{z}" for z in past}))
    return Step(
        name=name,
        state=blocks,
        nonnegative=tuple(b.name for b in chain.blocks if b.nonnegative),
        noise=noise,
        parameters=tuple(sorted(used - targets - lowering.vectors - {"t"})),
        matrices=tuple(sorted({s.matrix for s in statements if isinstance(s, MatVec)})),
        vectors=vectors,
        statements=statements,
        result=tuple(str(following[b]) for b in blocks),
        past=past,
    )


def _check_constants(chain: Chain, taken: set[str]) -> None:
    """Refuse a constant that would be mistaken for a quantity of the kernel of the same name."""
    constants = {str(s) for e in chain.regime.scaling(chain.rule).hyperparameters.values() for s in e.free_symbols}
    if clash := sorted(constants & taken):
        raise ValueError(f"{chain.name}: the kernel needs the name {clash[0]} itself; rename the constant")


def _symbols(statement: Statement) -> set[Symbol]:
    return statement.expression.free_symbols if isinstance(statement, Scalar | Vector | Total) else set()
