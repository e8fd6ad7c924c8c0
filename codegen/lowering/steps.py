"""The steps that are simulated: an optimizer's own, and those of numerical schemes for its equation."""

from sympy import Expr, Integer, Symbol, sqrt

from ...derive.derivation.chain import Chain
from ...derive.derivation.diffusion import ito_correction
from ...derive.equations.abstract import Equation
from ...derive.errors import KernelRefused
from ...derive.notation.symbols import k, t, tau
from ...derive.optimizers.rule import THETA
from ...derive.schemes.increment_laws import Law
from ...derive.schemes.known import euler_maruyama, runge_kutta
from ...derive.schemes.scheme import Scheme
from ..objectives.formula import FormulaFields
from ..objectives.protocol import Fields
from ..objectives.quadratic import QuadraticFields
from ..program.schedule import operands, reads
from ..program.statements import MatVec, Step
from .by_coordinates import CoordinateLowering
from .by_products import ProductLowering
from .lower import Lowering
from .noise import drawn_noise, in_kernel_factors
from .regularisation import Regularisation, unregularised
from .scheme_step import SIGNS, Coefficients, dt, next_state, renamed


def optimizer_step(chain: Chain, fields: Fields) -> Step:
    """Return the optimizer's exact step in the regime's units.

    Raises
    ------
    ValueError
        Kernels do not draw the noise, see `draws.drawn_noise`; there are several samples in a step; or a
        gradient is taken away from theta, where ``B(theta) zeta1`` is no noise of the same sample.
    """
    if chain.rule.sample_count > 1:
        raise KernelRefused(
            f"kernel for {chain.name}, which takes {chain.rule.sample_count} samples in a step; expected one"
        )
    if any(point != THETA for point in chain.rule.gradients.values()) and not fields.gradient_noise:
        raise KernelRefused(
            f"kernel for {chain.name}, which takes a gradient away from theta: B(theta) zeta is the noise of "
            "one sample at "
            "several points only if it is a gradient; expected a noise factor whose columns are gradients, "
            "as constant ones"
        )
    lowering = _start(fields, chain, {}, unregularised())
    noise, xi = chain.regime.scaling(chain.rule).noise, drawn_noise(chain.noise, fields)
    xi = xi if isinstance(xi, Symbol) else lowering.vector("xi", xi)
    for name, point in chain.gradients.items():
        at = "theta" if point == THETA else str(lowering.vector(f"{name}_point", point.subs(k, t / tau)))
        statements = fields.noisy_gradient(at, name, lowering.hoisted(noise))
        lowering.add(*(renamed(s, {"zeta1": xi}) for s in statements))
    following = {}
    for block, expression in chain.update.items():
        following[block] = lowering.vector(f"{block}_next", expression.subs(k, t / tau))
    return _finish(chain.name, chain, lowering, following)


def euler_maruyama_step(equation: Equation, fields: Fields, regularisation: Regularisation) -> Step:
    """Return ``X + drift dt + diffusion sqrt(dt) zeta`` for an equation; see `scheme_step`."""
    return scheme_step(equation, fields, regularisation, euler_maruyama)


def scheme_step(equation: Equation, fields: Fields, regularisation: Regularisation, scheme: Scheme) -> Step:
    """Return a scheme's step for an equation, in substeps of length `dt`, with increments of the scheme's
    law.

    Raises
    ------
    ValueError
        The equation's covariance has no factor in closed form, or none on this problem; or the scheme is not
        made for this equation, or needs what kernels do not have.
    """
    if fields.constant_noise != equation.chain.noise.constant:
        if fields.constant_noise:
            raise KernelRefused(
                f"{equation.name} was derived for noise that varies, the objective's is constant; take the "
                "equation's with_constant_noise()"
            )
        raise KernelRefused(
            f"{equation.name} was derived for constant noise, the objective's depends on theta; derive it "
            "for "
            "noise that varies"
        )
    lowering = _start(fields, equation.chain, dict(equation.definitions), regularisation)
    lowering.add(*fields.gradient())
    if equation.remembers_noise:
        lowering.vector("omega1", sqrt(dt) * Symbol("past_zeta1", real=True))
    drifts: dict[str, Expr] = {}
    noises: dict[str, Expr] = {}
    for block in (b.name for b in equation.chain.blocks):
        drifts[block] = lowering.lowered(
            sum((tau**n * part[block] for n, part in enumerate(equation.drift)), Integer(0))
        )
        noises[block] = lowering.lowered(
            in_kernel_factors(equation.diffusion.total(block, tau), equation, fields)
        )
    if equation.remembers_noise:  # the noise since the start of a step of the optimizer, moved by itself
        drifts["omega1"], noises["omega1"] = Integer(0), Symbol("zeta1", real=True)

    def correction() -> dict[str, Expr]:
        try:
            return {
                b: lowering.lowered(e) for b, e in ito_correction(equation.diffusion, equation.chain).items()
            }
        except ValueError as error:
            raise KernelRefused(
                f"{scheme.name} for {equation.name}: {error}, in Ito's correction of the noise; expected an "
                "objective by a "
                "formula, or Euler-Maruyama, which a study extrapolates"
            ) from error

    following = next_state(scheme, Coefficients(drifts, noises, correction), lowering)
    name = f"{equation.name}, {scheme.name}, phi: {regularisation.name}"
    return _finish(name, equation.chain, lowering, following, scheme.increments.name)


def default_scheme(equation: Equation) -> Scheme:
    """Return Euler-Maruyama, or the Runge-Kutta method for an equation without noise."""
    return runge_kutta if equation.noiseless else euler_maruyama


def _start(fields: Fields, chain: Chain, definitions: dict, regularisation: Regularisation) -> Lowering:
    if isinstance(fields, FormulaFields):
        lowering = CoordinateLowering(fields, definitions, regularisation)
    elif isinstance(fields, QuadraticFields):
        lowering = ProductLowering(fields, definitions, regularisation)
    else:
        raise KernelRefused(
            f"objective of the kind {type(fields).__name__}; expected a quadratic or a formula"
        )
    drawn = {"zeta1", "zeta2", "past_zeta1", *SIGNS.values()}
    lowering.vectors |= {b.name for b in chain.blocks} | drawn | {*fields.constants}
    return lowering


def _finish(
    name: str, chain: Chain, lowering: Lowering, following: dict[str, Symbol], law: Law = "gaussian"
) -> Step:
    blocks = tuple(b.name for b in chain.blocks)
    needed = reads(lowering.statements, {str(following[b]) for b in blocks})
    statements = tuple(s for s in lowering.statements if s.target in needed)
    targets = {s.target for s in statements}
    used = {name for s in statements for name in operands(s)}
    noise = tuple(z for z in ("zeta1", "zeta2") if z in used)
    signs = {name: z for z, name in SIGNS.items() if name in used}
    past = tuple(z for z in noise if f"past_{z}" in used)
    _check_constants(chain, targets | lowering.vectors | {"t", "dt", *lowering.fields.numbers})
    drawn = {*noise, *signs, *(f"past_{z}" for z in past)}
    vectors = tuple(sorted((used & lowering.vectors) - targets - set(blocks) - drawn))
    widths = {**{z: z for z in noise}, **signs}
    return Step(
        name=name + chain.noise.remark,
        state=blocks,
        nonnegative=tuple(b.name for b in chain.blocks if b.nonnegative),
        noise=noise,
        parameters=tuple(sorted(used - targets - lowering.vectors - {"t"})),
        matrices=tuple(sorted({s.matrix for s in statements if isinstance(s, MatVec)})),
        vectors=vectors,
        statements=statements,
        result=tuple(str(following[b]) for b in blocks),
        past=past,
        widths=tuple(
            (name, known[z]) for name, z in sorted(widths.items()) if z in (known := lowering.fields.widths)
        ),
        law=law,
        signs=tuple(signs),
    )


def _check_constants(chain: Chain, taken: set[str]) -> None:
    """Refuse a constant that would be mistaken for a quantity of the kernel of the same name."""
    constants = {
        str(s) for e in chain.regime.scaling(chain.rule).hyperparameters.values() for s in e.free_symbols
    }
    constants |= {str(s) for s in chain.noise.symbols}
    if clash := sorted(constants & taken):
        raise KernelRefused(f"{chain.name}: the kernel needs the name {clash[0]} itself; rename the constant")
