"""Chains: every thing simulated is a Markov chain ``x' = x + Delta(x, noise; tau)`` in index notation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sympy import Abs, Expr, Function, Lambda, Mul, Rational, Symbol

from ..errors import DerivationRefused
from ..noise.model import NoiseModel
from ..notation.factors import noises_of
from ..notation.indices import terms
from ..notation.series import Series, monomial_series
from ..notation.symbols import Field, gradient, noise_of, tau
from ..notation.zeros import lowest_terms
from ..optimizers.rule import Block, UpdateRule
from ..regimes import Regime, Scaling
from ..smoothing.expectation import expectation
from ..smoothing.moments import Noisy, has_noisy
from .expansion import Expansion, shifted
from .increments import Increments


@dataclass(frozen=True)
class Chain:
    """An optimizer with its noise in a regime, ready to be expanded.

    Attributes
    ----------
    rule : UpdateRule
    regime : Regime
    noise : NoiseModel
    """

    rule: UpdateRule
    regime: Regime
    noise: NoiseModel

    @property
    def name(self) -> str:
        """Rule and regime, for people."""
        return f"{self.rule.name} ({self.rule.variant}), {self.regime.name} regime"

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The state's blocks, theta first."""
        return self.rule.blocks

    @property
    def defaults(self) -> Mapping[str, float]:
        """Values for simulations of the constants that stand for hyperparameters, where one stands for
        one.
        """
        values = self.regime.scaling(self.rule).hyperparameters
        found = {}
        for h in self.rule.hyperparameters:
            constants = values[h.name].free_symbols - {tau}
            if len(constants) == 1:
                found[str(constants.pop())] = h.default
        return found

    def check_ranges(self, constants: Mapping[str, float], step: float) -> None:
        """Refuse values of the constants at which a hyperparameter is not what its role says, for steps of
        this length.

        A memory lies in [0, 1), as all libraries ask; learning rates and constants are not negative, as
        derivations assume.

        Raises
        ------
        ValueError
            A hyperparameter is out of its range; the message says how it comes to its value.
        """
        scaling = self.regime.scaling(self.rule)
        for h in self.rule.hyperparameters:
            formula = scaling.hyperparameters[h.name]
            known = {
                s: step if s == tau else constants[str(s)]
                for s in formula.free_symbols
                if s == tau or str(s) in constants
            }
            value = formula.subs(known)
            if not value.is_number:
                continue
            high = h.fraction and value >= 1
            if value < 0 or high:
                expected = f"a {h.role} in [0, 1)" if h.fraction else f"a {h.role} of at least 0"
                given = f" = {formula}" if formula.free_symbols and formula != h.symbol else ""
                raise DerivationRefused(
                    f"{h.name}{given} = {float(value):g} at tau {step:g}; expected {expected}"
                )

    @property
    def update(self) -> Mapping[str, Expr]:
        """The exact next state in the regime's units, auxiliaries written out, in `Block.symbol`, gradients,
        `k` and tau.
        """
        scaling = self.regime.scaling(self.rule)
        return {
            b.name: self._exact(self.rule.update[b.name], scaling) / scaling.blocks[b.name]
            for b in self.blocks
        }

    @property
    def gradients(self) -> Mapping[str, Expr]:
        """The points at which the gradient is taken, likewise."""
        scaling = self.regime.scaling(self.rule)
        return {
            name: self._exact(point, scaling) / scaling.blocks["theta"]
            for name, point in self.rule.gradients.items()
        }

    def _exact(self, expression: Expr, scaling: Scaling) -> Expr:
        for auxiliary in self.rule.auxiliaries:
            definition = Lambda(auxiliary.arguments, auxiliary.expression)
            expression = expression.replace(Function(auxiliary.name), definition)
        hyperparameters = {h.symbol: scaling.hyperparameters[h.name] for h in self.rule.hyperparameters}
        states = {b.symbol: scaling.blocks[b.name] * b.symbol for b in self.blocks}
        return expression.subs(states | hyperparameters, simultaneous=True)

    def increments(self, order: int | Rational) -> "Increments":
        """Expand the increments through ``tau**order``, a whole number or a half more.

        Raises
        ------
        ValueError
            The rule cannot be expanded, or an increment does not vanish with tau: the regime leaves no limit.
        """
        scaling = self.regime.scaling(self.rule)
        values: dict[Symbol, Series] = {
            h.symbol: monomial_series(scaling.hyperparameters[h.name]) for h in self.rule.hyperparameters
        }
        state = {b.name: Field(b.name)("i") for b in self.blocks}
        for block in self.blocks:
            values[block.symbol] = monomial_series(scaling.blocks[block.name] * state[block.name])
        self._check_noise()
        auxiliaries = {a.name: a for a in self.rule.auxiliaries}
        needed = length = int(2 * order) + 1
        while True:
            expansion = Expansion(values, auxiliaries, length)
            for name, point in self.rule.gradients.items():
                shift = expansion.read(point) * monomial_series(1 / scaling.blocks["theta"]) + Series.of(
                    -state["theta"]
                )
                drawn = noise_of(self.rule.sample(name))("i")
                drawn = Series.of(drawn) if self.noise.constant else shifted(drawn, shift, length)
                taken = shifted(gradient("i"), shift, length) + monomial_series(scaling.noise) * drawn
                expansion = replace(expansion, values={**expansion.values, Symbol(name, real=True): taken})
            increments = {}
            for block in self.blocks:
                unit = monomial_series(1 / scaling.blocks[block.name])
                increment = expansion.read(self.rule.update[block.name]) * unit + Series.of(
                    -state[block.name]
                )
                self._check_small(block, increment)
                increments[block.name] = increment.truncated(needed).mapped(lowest_terms)
            if all(increment.precision >= needed for increment in increments.values()):
                return Increments(increments, dict(expansion.definitions))
            length += 2

    def brings_half_powers(self, increments: "Increments") -> bool:
        """Tell whether the steps have half-integer powers of tau beside those that each factor of the noise
        brings.

        The expectation over symmetric noise leaves none of the latter. Where functions of the noise are not
        smooth, half powers are no corrections: `leaves_half_powers`.
        """
        terms_ = self._terms(increments)
        return not has_noisy(term for _, term in terms_) and any(self._parity(*pair) for pair in terms_)

    def leaves_half_powers(self, increments: "Increments") -> bool:
        """Tell whether the expectation may leave half-integer powers of tau that are no corrections of the
        rule's own.

        Odd cumulants leave them, and functions of the noise that are neither odd nor even.
        """
        if self._brought % 2 and any(order % 2 for order in self.noise.orders):
            return True
        terms_ = self._terms(increments)
        return has_noisy(term for _, term in terms_) and any(self._parity(*pair) != 0 for pair in terms_)

    @property
    def _brought(self) -> Expr:
        """The power of ``sqrt(tau)`` that a factor of the noise brings."""
        return 2 * self.regime.noise.as_coeff_exponent(tau)[1]

    @staticmethod
    def _terms(increments: "Increments") -> list[tuple[int, Expr]]:
        coefficients = (item for series in increments.series.values() for item in series.coefficients.items())
        return [(power, term) for power, coefficient in coefficients for term in terms(coefficient)]

    def _parity(self, power: int, term: Expr) -> Expr | None:
        """Return 0 if a term's power is even besides those that the noise brings, 1 if it is odd, None if it
        is neither.
        """
        total = power + self._brought * len(noises_of(term))
        for f in Mul.make_args(term):
            base, exponent = f.as_base_exp()
            if isinstance(base, Noisy):
                parity = base.parity(int(self._brought))
                if parity is None:
                    return None
                total += parity * exponent
        return total % 2

    def expectation(self, expression: Expr) -> Expr:
        """Return the expectation over the noise of one step."""
        return expectation(expression, self.noise)

    @property
    def absolute_values(self) -> Mapping[Expr, Expr]:
        """The distances from 1 of hyperparameters that stay below it and do not depend on tau."""
        scaled = self.regime.scaling(self.rule).hyperparameters
        fixed = [scaled[h.name] for h in self.rule.hyperparameters if h.fraction]
        return {Abs(1 - value): 1 - value for value in fixed if not value.has(tau)}

    def _check_noise(self) -> None:
        if (
            self.noise.disjoint
            and (self.noise.population - self.rule.sample_count * self.noise.batch).is_negative
        ):
            raise DerivationRefused(
                f"{self.rule.name} takes {self.rule.sample_count} samples in a step, {self.noise.name}; "
                "expected as many data "
                "points: take a larger population"
            )
        scaled = self.regime.scaling(self.rule).hyperparameters.values()
        taken = {symbol.name for value in scaled for symbol in value.free_symbols} | {
            b.name for b in self.blocks
        }
        if clash := sorted(symbol.name for symbol in self.noise.symbols if symbol.name in taken):
            raise DerivationRefused(
                f"{self.noise.name} noise has a constant {clash[0]}, as {self.rule.name} has; take another "
                "name"
            )

    def _check_small(self, block: Block, increment: Series) -> None:
        if increment.coefficients and increment.valuation <= 0:
            power, term = increment.valuation, increment[increment.valuation]
            raise DerivationRefused(
                f"regime {self.regime.name!r} leaves no limit for {self.rule.name}: the step of {block.name} "
                "contains "
                f"tau**({Rational(power, 2)}) times {term}; expected steps that vanish with tau: choose "
                "other powers"
            )
