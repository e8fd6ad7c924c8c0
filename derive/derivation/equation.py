"""The modified equation of a chain: drift, covariance, obstruction and certificate."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Literal, get_args

from sympy import Expr, Integer, Lambda, Matrix, Rational, floor

from ..equations.abstract import Equation
from ..equations.certificate import Certificate, LeadingError, Obstruction
from ..equations.component_form import ComponentForm, component_form
from ..equations.noise_terms import Diffusion
from ..errors import DerivationRefused
from ..noise.model import NoiseModel
from ..notation.frozen import FrozenMapping
from ..notation.indices import terms
from ..notation.operators import split
from ..optimizers.rule import UpdateRule
from ..regimes import Regime
from ..smoothing.moments import smoothed_definitions
from ..storage.recall import recall
from .chain import Chain
from .coefficients import coefficient_of, parts_of
from .diffusion import check_factor, diffusion_factor, fluctuation_factor, no_factor
from .generator import modified_generator
from .leading_operator import missing_operator, noise_generator
from .synchronised import synchronised_defect, synchronised_diffusion
from .verification import defect, generator_of

Form = Literal["diffusion", "fluctuation", "ode", "synchronised"]


@dataclass(frozen=True, repr=False)
class DerivedEquation(Equation):
    """What a derivation gives: the modified generator; abstract.

    Attributes
    ----------
    chain : OptimizerChain
        What the equation follows.
    order : int
        The weak order asked for.
    form : {"diffusion", "fluctuation", "ode", "synchronised"}
    generator : tuple of Expr
        Symbols of ``L_0, L_1, ...``.
    definitions : mapping of str to Lambda
        The functions kept abstract, such as ``P``.
    """

    chain: Chain
    order: int
    form: Form  # pyright: ignore[reportIncompatibleVariableOverride]
    generator: tuple[Expr, ...]
    definitions: Mapping[str, Lambda]

    def __post_init__(self) -> None:
        object.__setattr__(self, "definitions", FrozenMapping(self.definitions))

    @property
    def name(self) -> str:
        """Chain, order and form, for people."""
        return f"{self.chain.name}, order {self.order}" + (
            "" if self.form == "diffusion" else f", {self.form}"
        )

    @cached_property
    def drift(self) -> tuple[Mapping[str, Expr], ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """By power of tau: for each block its drift at coordinate i."""
        blocks = [block.name for block in self.chain.blocks]
        return tuple({b: coefficient_of(symbol, (b,)) for b in blocks} for symbol in self.generator)

    @cached_property
    def covariance(self) -> tuple[Mapping[tuple[str, str], Expr], ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """By power of tau: for each pair of blocks in state order their covariance at coordinates i and j."""
        pairs = list(combinations_with_replacement([block.name for block in self.chain.blocks], 2))
        return tuple({pair: coefficient_of(symbol, pair) for pair in pairs} for symbol in self.generator)

    @cached_property
    def certificate(self) -> Certificate:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The weak order reached and, where it is less than the one asked for, why.

        The order is not taken from the derivation: the equation's own step is compared with the chain's. It
        may be read from the private directory, where an earlier process has left it.
        """
        return recall("certificate", self, self._certificate, (Certificate, Obstruction))

    @abstractmethod
    def _certificate(self) -> Certificate: ...

    def _certified(self, missing: Mapping[Rational, Expr], found: Sequence[Obstruction]) -> Certificate:
        """Return the certificate, from what the equation's step lacks by powers of tau."""
        reached = int(floor(min(missing) - 1)) if missing else self.order
        return Certificate(reached, tuple(found), self.order)

    @cached_property
    def diffusion(self) -> Diffusion:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The diffusion factor, with one independent Brownian motion per chaos degree.

        Raises
        ------
        ValueError
            The covariance has no factor of this form; the message names what is left over.
        """
        return recall("diffusion", self, self._diffusion, (Diffusion,))

    @abstractmethod
    def _diffusion(self) -> Diffusion: ...

    def with_constant_noise(self) -> "DerivedEquation":
        """Derive the equation anew for noise whose law does not depend on theta.

        It has a diffusion factor where that for varying noise may have none, and may have a higher weak
        order.
        """
        if self.chain.noise.constant:
            return self
        law = replace(self.chain.noise, constant=True)
        return modified_equation(self.chain.rule, self.chain.regime, law, self.order, self.form)

    def expand(
        self,
        dimension: int,
        objective: Expr | None = None,
        abstract: bool = False,
        factor: Matrix | None = None,
    ) -> ComponentForm:
        """Write the equation in components.

        Parameters
        ----------
        dimension : int
        objective : Expr, optional
            ``f`` in the symbols ``theta_1, theta_2, ...`` (``theta`` in one dimension); an undefined function
            unless given.
        abstract : bool
            Keep ``P``, ``Q``, ... undefined.
        factor : Matrix, optional
            ``B`` with ``S = B B^T`` likewise, d rows; the entries of ``S`` are undefined functions unless
            given.
        """
        return component_form(self, dimension, objective, abstract, factor)


class ModifiedEquation(DerivedEquation):
    """``dX = (b_0 + tau b_1 + ...) dt + (a_0 + tau a_1 + ...)^(1/2) dW`` in index notation, for every
    dimension.

    The forms "fluctuation" and "ode" are equations of order 1: with the leading fluctuations added, or
    without noise.
    """

    @property
    def noiseless(self) -> bool:
        """Whether it is an ordinary differential equation."""
        return self.form == "ode"

    def _certificate(self) -> Certificate:
        missing = defect(self.chain, generator_of(self.drift, self.covariance), self.order)
        found = [
            o
            for power, symbol in enumerate(self.generator)
            for o in parts_of(self.chain, symbol, Integer(power), 3)
        ]
        return self._certified(missing, found)

    def _diffusion(self) -> Diffusion:
        if self.noiseless:
            return no_factor(self.chain)
        if self.form == "fluctuation":
            return fluctuation_factor(self.chain)
        factor = diffusion_factor(self.chain, self.generator)
        check_factor(factor, self.covariance, self.chain)
        return factor

    def limit(self) -> "ModifiedEquation":
        """Return the equation at ``tau = 0``."""
        return ModifiedEquation(self.chain, 1, "diffusion", self.generator[:1], self.definitions)

    @cached_property
    def leading_error(self) -> LeadingError:  # pyright: ignore[reportIncompatibleMethodOverride]
        """What the equation lacks first; `optsde.derive.derivation.leading_operator` has the formula of the
        weak error and its sign.
        """
        order = self.certificate.weak_order
        missing = missing_operator(self.chain, self._own_generator(), order)
        definitions = self.chain.increments(order + 1).definitions
        return LeadingError(order, tuple(parts_of(self.chain, missing, Integer(order), 1)), definitions)

    def _own_generator(self) -> dict[Rational, Expr]:
        """Return the generator of what is simulated: from ``tau**order`` on its covariance is the square of
        its factor.
        """
        own = generator_of(self.drift, self.covariance)
        try:
            factor = self.diffusion
        except DerivationRefused:  # no closed form: then the equation is its covariance
            return own
        return own | noise_generator(factor, self.chain, self.order)


class SynchronisedEquation(DerivedEquation):
    """The equation of order 2 that remembers its noise since the start of the step: see
    `optsde.derive.derivation.synchronised`.
    """

    remembers_noise = True

    def _certificate(self) -> Certificate:
        missing = synchronised_defect(self.chain, self.generator, self.diffusion)
        return self._certified(
            missing,
            [o for power, symbol in missing.items() for o in parts_of(self.chain, symbol, power - 1, 1)],
        )

    def _diffusion(self) -> Diffusion:
        return synchronised_diffusion(self.chain, self.generator[0])


def modified_equation(
    rule: UpdateRule,
    regime: Regime,
    noise: NoiseModel,
    order: int = 2,
    form: Form = "diffusion",
) -> DerivedEquation:
    """Derive the stochastic modified equation of an optimizer.

    Parameters
    ----------
    rule : UpdateRule
    regime : Regime
    noise : NoiseModel
    order : int
        Weak order asked for, at least 1.
    form : {"diffusion", "fluctuation", "ode", "synchronised"}
        See `ModifiedEquation` and, for the last, `SynchronisedEquation`.

    Returns
    -------
    ModifiedEquation or SynchronisedEquation
        Its `certificate` says whether the order is reached; where it is not, drift and covariance are the
        best a diffusion can do.

    Raises
    ------
    ValueError
        The rule cannot be expanded, the regime leaves no limit, or the order or form makes no sense.

    Examples
    --------
    >>> from optsde import modified_equation, noise, optimizers, regimes
    >>> sme = modified_equation(optimizers.sgd(), regimes.ballistic, noise.gaussian(constant=True), order=2)
    >>> sme.drift[1]["theta"]
    -F[_1,i]*F[_1]/2
    >>> sme.certificate.weak_order
    2
    """
    if order < 1:
        raise DerivationRefused(f"order {order}; expected 1, 2, ...")
    if form not in get_args(Form):
        raise DerivationRefused(f"form {form!r}; expected {', '.join(get_args(Form))}")
    if form in ("fluctuation", "ode") and order != 1:
        raise DerivationRefused(
            f"form {form!r} with order {order}; expected order 1: higher orders determine their noise"
        )
    if form == "synchronised" and order != 2:
        raise DerivationRefused(f"form {form!r} with order {order}; expected order 2, the one it is made for")
    chain = Chain(rule, regime, noise)
    generator, definitions = recall(
        "generator",
        (chain, order),
        lambda: (modified_generator(chain, order), chain.increments(order).definitions),
    )
    if form in ("fluctuation", "ode") and any(len(split(term)[1]) > 1 for term in terms(generator[0])):
        raise DerivationRefused(
            f"form {form!r} for {chain.name}, whose limit has noise of its own; expected the form diffusion"
        )
    kind = SynchronisedEquation if form == "synchronised" else ModifiedEquation
    return kind(chain, order, form, generator, {**definitions, **smoothed_definitions(generator)})
