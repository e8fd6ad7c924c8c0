"""A claimed equation as one that kernels accept: the formulas as they are printed, nothing expanded in
tau.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from sympy import Add, Expr, Integer, Lambda, Mul, Pow, Rational, Symbol

from ..derivation.chain import Chain
from ..derivation.equation import DerivedEquation, modified_equation
from ..equations.abstract import Equation
from ..equations.certificate import Certificate
from ..equations.noise_terms import Diffusion
from ..errors import BadInput
from ..noise.laws import batch_mean, gaussian, two_point
from ..noise.model import NoiseModel
from ..notation.indices import components, terms
from ..notation.symbols import Component, element_function, square_factor, t
from .claim import Claim
from .published import Reader, powers_of_tau
from .verdicts import Verdict


@dataclass(frozen=True, repr=False)
class ClaimedEquation(Equation):
    """A claim's drift and noise as printed, for the kernels.

    Attributes
    ----------
    chain : OptimizerChain
        With the noise that it is measured with.
    claim : Claim
    formulas : mapping of str to Expr
        The whole drift of each block.
    factors : mapping of str to Expr
        The whole noise of each block.
    definitions : mapping of str to Lambda
    reached : Certificate
        The weak order at which the claim was found right.
    """

    chain: Chain
    claim: Claim
    formulas: Mapping[str, Expr]
    factors: Mapping[str, Expr]
    definitions: Mapping[str, Lambda]
    reached: Certificate
    form: ClassVar[str] = "published"  # pyright: ignore[reportIncompatibleVariableOverride]

    @property
    def order(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The weak order that is claimed."""
        return self.claim.order

    @property
    def name(self) -> str:
        """Paper and equation, for people."""
        return f"{self.claim.paper.key}, {self.claim.name}"

    @property
    def drift(self) -> tuple[Mapping[str, Expr], ...]:
        """The whole drift at the power 0 of tau."""
        return (self.formulas,)

    @property
    def certificate(self) -> Certificate:
        """The weak order at which the claim was found right."""
        return self.reached

    @property
    def covariance(self) -> None:
        """Not known: a claim is its noise."""
        return None

    @property
    def diffusion(self) -> Diffusion:
        """The whole noise at the power 0 of tau."""
        return Diffusion((self.factors,))

    def with_constant_noise(self) -> "ClaimedEquation":
        """Return the claim itself, which is read for constant noise."""
        return self


DRAWS = 8
"""In a batch, where a claim about batches of every size is measured."""


def measured_law(claim: Claim) -> NoiseModel:
    """Return the constant noise with which a claim is measured: Gaussian, unless it is about signs; batches
    have a size.
    """
    law = claim.chain.noise
    draw = two_point(constant=True) if law.sign else gaussian(constant=True)
    return draw if law.batch == 1 else batch_mean(draw, law.batch if law.batch.is_Integer else Integer(DRAWS))


def unmeasurable(claim: Claim) -> str:
    """Return why no kernel can draw the noise that a claim is about; nothing if `measured_law` is of its
    kind.
    """
    law = claim.chain.noise
    if not law.orders:
        return f"{claim.name} is a claim about {law.name}; expected one with noise, which kernels draw"
    if (count := claim.chain.rule.sample_count) > 1:
        return f"{claim.name} is a claim about {count} samples in a step; expected one, which kernels draw"
    if law.population is not None or (law.spread != 1 and not law.sign):
        return (
            f"{claim.name} is a claim about {law.name} noise; "
            "expected Gaussian or two-point noise, which kernels draw"
        )
    return ""


def both_equations(verdict: Verdict) -> tuple[ClaimedEquation, DerivedEquation]:
    """Return the claimed and the derived equation for the constant noise of `measured_law`.

    The claimed one is driven by a Brownian motion of the same sign as the derived one, so that both can
    follow the optimizer's.

    Raises
    ------
    ValueError
        The claim is `unmeasurable`, a function in it depends on the second moments of two coordinates, or it
        has the factor ``B2`` of ``2 S_ij**2``, which is not the one of its noise.
    """
    claim = verdict.claim
    if reason := unmeasurable(claim):
        raise BadInput(reason)
    law, chain = claim.chain.noise, replace(claim.chain, noise=measured_law(claim))
    derived = modified_equation(chain.rule, chain.regime, chain.noise, claim.order)
    reader, definitions = Reader(replace(chain, noise=replace(law, constant=True)), claim.notation), {}
    nonnegative, size = {b.name for b in chain.blocks if b.nonnegative}, {law.batch: chain.noise.batch}
    drift = {b: reader.drift(text).xreplace(size) for b, text in claim.drift.items()}
    formulas = {b: _abstract(e, nonnegative, definitions) for b, e in drift.items()}
    noise = {b.name: reader.noise(claim.noise.get(b.name, "0")).xreplace(size) for b in chain.blocks}
    if chain.noise.remark and any(c.field == square_factor for e in noise.values() for c in components(e)):
        raise BadInput(
            f"{claim.name} has the factor B2 beside {chain.noise.name} noise; expected squares by dW2 alone"
        )
    sign = _leading_sign(_by_power(noise, claim.order)) * _leading_sign(derived.diffusion.coefficients)
    factors = {b: _abstract(sign * e, nonnegative, definitions) for b, e in noise.items()}
    wrong = [d.power for d in verdict.differences]
    reached = Certificate(int(min(wrong)) if wrong else claim.order, (), claim.order)
    return ClaimedEquation(chain, claim, formulas, factors, definitions, reached), derived


def _by_power(noise: Mapping[str, Expr], order: int) -> list[Mapping[str, Expr]]:
    found = {b: powers_of_tau(e, Rational(order)) for b, e in noise.items()}
    return [
        {b: e.get(power, Integer(0)) for b, e in found.items()}
        for power in sorted({p for e in found.values() for p in e})
    ]


def _leading_sign(parts: Sequence[Mapping[str, Expr]]) -> int:
    """Return the sign of the first term of the noise of the first block that has any, at the lowest power of
    tau.
    """
    leading = [e for part in parts for e in part.values() if e != 0]
    return -1 if leading and terms(leading[0])[0].could_extract_minus_sign() else 1


def _abstract(expression: Expr, nonnegative: set[str], definitions: dict[str, Lambda]) -> Expr:
    """Put abstract functions for roots and denominators in second moments, so that a regularisation applies
    to them.
    """
    return Add(
        *(
            Mul(*(_named(f, nonnegative, definitions) for f in Mul.make_args(term)))
            for term in terms(expression)
        )
    )


def _named(factor: Expr, nonnegative: set[str], definitions: dict[str, Lambda]) -> Expr:
    moments = sorted((c for c in factor.atoms(Component) if c.field.name in nonnegative), key=str)
    base, exponent = factor.as_base_exp()
    if not moments or (isinstance(base, Component) and exponent.is_Integer and exponent.is_positive):
        return factor
    if len(moments) > 1:
        raise BadInput(
            f"{factor} depends on {', '.join(map(str, moments))}; expected the second moment of one "
            "coordinate"
        )
    inverse, power = (Pow(base, -1), -exponent) if exponent.is_Integer else (factor, Integer(1))
    x = Symbol(moments[0].field.name, nonnegative=True)
    rest = (t,) if inverse.has(t) else ()
    definition = Lambda((x, *rest), inverse.xreplace({moments[0]: x}))
    known = [name for name, d in definitions.items() if d == definition]
    name = known[0] if known else f"D{len(definitions) + 1}"
    definitions[name] = definition
    return Pow(element_function(name, (0,) * (1 + len(rest)))(moments[0], *rest), power)
