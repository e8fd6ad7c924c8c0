"""Proof of the weak order of numerical schemes, for every dimension and every number of Brownian motions.

One step of a scheme is a chain like an optimizer's. Its one-step operator, from its Taylor expansion in index
notation, is compared with ``exp(tau L)`` of the equation it solves. If they agree through ``tau**p``, and the
coefficients are smooth and grow at most linearly, the weak error at a fixed time is of order ``tau**p``
(Milstein 1986; Kloeden, Platen 1992, 14.5.2).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from sympy import Add, Expr, Integer, Rational, sqrt

from ..derivation.expansion import shifted
from ..derivation.generator import one_step_symbols
from ..derivation.increments import Increments
from ..derivation.verification import difference, exponential, generator_of
from ..notation.indices import canonical, components, dummies, fresh, reindex, terms
from ..notation.operators import compose_series
from ..notation.series import Series
from ..notation.symbols import Field, tau
from .increment_laws import IncrementLaw, expectation, motions, sign, single_sign, zeta
from .scheme import Scheme

STATE = "theta"
"""The state's block; fields depend on it."""
DRIFT = Field("A", varies=True)
"""``A_i``."""


def diffusion_field(scheme: Scheme) -> Field:
    """Return the field ``G_ip``, constant where the noise is additive."""
    return Field("G", rank=2, varies=scheme.noise == "general")


@dataclass(frozen=True)
class SeriesSde:
    """The general equation as a scheme sees it: states are series with the free index i.

    Attributes
    ----------
    scheme : Scheme
    length : int
        Number of powers of ``sqrt(tau)`` kept in the fields at shifted points.
    names : iterator of str
        Free names for Brownian motions, until they are summed over.
    """

    scheme: Scheme
    length: int
    names: Iterator[str] = field(default_factory=lambda: (f"p{n}" for n in count(1)))

    @property
    def start(self) -> Series:
        """The state at the start of the step."""
        return Series.of(Field(STATE)("i"))

    def drift(self, x: Series) -> Series:
        """Return ``A_i`` at a state."""
        return shifted(DRIFT("i"), x - self.start, self.length)

    def column(self, x: Series, p: str) -> Series:
        """Return ``G_ip`` at a state."""
        if self.scheme.noise == "none":
            return Series({})
        column = diffusion_field(self.scheme)("i", p)
        return shifted(column, x - self.start, self.length) if column.field.varies else Series.of(column)

    def diffusion(self, x: Series) -> Series:
        """Return ``sum_p G_ip dW_p``."""
        return self.total(lambda p: self.increment(p) * self.column(x, p))

    def signed(self, x: Series) -> Series:
        """Return ``sum_p G_ip a_p``."""
        return self.total(lambda p: single_sign(p) * self.column(x, p))

    def correction(self, x: Series) -> Series:
        """Return ``sum_p G_ip,j G_jp``."""
        column = diffusion_field(self.scheme)
        if self.scheme.noise == "none" or not column.varies:
            return Series({})
        slope = shifted(column("i", "p").differentiated("j"), x - self.start, self.length)
        along = _mapped(
            shifted(column("i", "p"), x - self.start, self.length), lambda c: reindex(c, {"i": "j"})
        )
        return _mapped(slope * along, lambda c: _summed(_summed(c, "p"), "j"))

    def increment(self, p: str) -> Expr:
        """Return ``dW_p = sqrt(tau) zeta_p``."""
        return sqrt(tau) * zeta(p)

    def sign(self, p: str, r: str) -> Expr:
        """Return ``J_pr``."""
        return sign(p, r)

    def total(self, summand: Callable[[str], Series], without: str | None = None) -> Series:
        """Return the sum over all Brownian motions, less the term of one of them."""
        p = next(self.names)
        each = summand(p)
        result = _mapped(each, lambda c: _summed(c, p))
        return result if without is None else result - _mapped(each, lambda c: reindex(c, {p: without}))


def _mapped(series: Series, function: Callable[[Expr], Expr]) -> Series:
    return Series({n: function(c) for n, c in series.coefficients.items()}, series.precision)


def _summed(expression: Expr, name: str) -> Expr:
    """Sum over a Brownian motion; the sum of what does not depend on it is their number times that."""
    pieces = []
    for term in terms(expression):
        if any(name in c.indices for c in components(term)):
            pieces.append(reindex(term, {name: fresh(dummies(term), 1)[0]}))
        else:
            pieces.append(motions * term)
    return canonical(Add(*pieces))


@dataclass(frozen=True)
class SchemeChain:
    """One step of a scheme for the general equation."""

    scheme: Scheme

    @property
    def name(self) -> str:
        """The scheme's name."""
        return self.scheme.name

    @property
    def noise(self) -> IncrementLaw:
        """The law of the increments."""
        return self.scheme.increments

    def increments(self, order: int | Rational) -> Increments:
        """Expand the step through ``tau**order``, a whole number or a half more."""
        # fields are multiplied by the root of tau at least: one power less of them is enough, unless a scheme
        # divides by more
        needed, length = int(2 * order) + 1, int(2 * order)
        while True:
            sde = SeriesSde(self.scheme, length)
            step = self.scheme.step(sde, sde.start, tau) - sde.start
            if step.precision >= needed:
                return Increments({STATE: step.truncated(needed)}, {})
            length += needed - step.precision

    def brings_half_powers(self, increments: Increments) -> bool:
        """No: a half-integer power of tau that survives the expectation is a mistake of the scheme."""
        return False

    def leaves_half_powers(self, increments: Increments) -> bool:
        """No: `scheme_operator` has all powers."""
        return False

    def expectation(self, expression: Expr) -> Expr:
        """Return the expectation over the increments."""
        return expectation(expression, self.scheme.increments)

    @property
    def absolute_values(self) -> Mapping[Expr, Expr]:
        """None: a scheme's constants are numbers."""
        return {}


def sde_generator(scheme: Scheme) -> dict[Rational, Expr]:
    """Return the symbol of the generator of the equation that a scheme solves.

    ``L = d_t + A_i d_i + 1/2 G_ip G_jp d_i d_j``, and ``1/2 G_jp G_ip,j d_i`` if ``G dW`` is read as
    Stratonovich's.
    """
    g = diffusion_field(scheme)
    drift, covariance = DRIFT("i"), g("i", "_1") * g("j", "_1")
    if scheme.calculus == "Stratonovich" and g.varies:
        drift += g("_2", "_1") * g("i", "_1").differentiated("_2") / 2
    return generator_of([{STATE: drift}], [{(STATE, STATE): covariance}] if scheme.noise != "none" else [])


def scheme_operator(scheme: Scheme, order: int) -> dict[Rational, Expr]:
    """Return the symbol of the scheme's operator less 1 by powers of tau: ``sum_n w_n P_{tau/n}^n - 1``.

    As ``P_{tau/n}^n = exp(tau (L + tau/n L_1 + ...))``, weights that cancel ``L_1`` in one step cancel it
    after many steps: an extrapolation has the same order if it is made once, at the end.
    """
    symbols = one_step_symbols(SchemeChain(scheme), order)
    result: dict[Rational, Expr] = {Rational(0): Integer(-1)}
    for steps, weight in scheme.extrapolation:
        once = {
            Rational(n, 2): symbol / Integer(steps) ** Rational(n, 2)
            for n, symbol in symbols.items()
            if symbol != 0
        }
        once[Rational(0)] = Integer(1)
        power = once
        for _ in range(steps - 1):
            power = compose_series(power, once, order)
        for p, symbol in power.items():
            result[p] = result.get(p, Integer(0)) + weight * symbol
    return result


def scheme_defect(scheme: Scheme, order: int) -> dict[Rational, Expr]:
    """Return the symbol of ``exp(tau L)`` less the scheme's operator by powers of tau through `order`, zeros
    left out.

    The smallest power p in it means weak order ``p - 1``; an empty result means at least `order`.
    """
    return difference(exponential(sde_generator(scheme), order), scheme_operator(scheme, order))


def weak_order(scheme: Scheme, through: int) -> Rational:
    """Return the weak order of a scheme as far as powers of tau through `through` tell: `through` means at
    least that.
    """
    return min(scheme_defect(scheme, through), default=Rational(through + 1)) - 1
