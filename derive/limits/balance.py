"""The dominant balance of an optimizer at one point of exponent space.

With the learning rate ``h``, noise ``h**-s`` and memories ``1 - c h**b``, the time step ``h**kappa`` is the
one at which theta moves by order one: its exponent is the smallest among the monomials of the mean and of the
variance of theta's step,

    kappa = min( exponents of E[Delta], exponents of Var[Delta] ).

A block that forgets at the rate ``h**b`` is *fast* for b < kappa, *critical* for b = kappa, *slow* for b >
kappa. It has the size of what its sources pile up over ``h**-a`` steps, a = b:
``h**min(mean - a, (variance - a)/2)``. Blocks that only add up, and slow ones that start from zero, pile up
since the start: a = kappa. A fast memory that others contain linearly is replaced by what it passes on,
``source / rate``; one inside a non-linearity must not fluctuate, or the non-linearity is averaged over its
stationary law.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Literal

from sympy import Expr, Integer, Symbol

from ..errors import DerivationRefused
from ..noise.model import NoiseModel
from ..notation.symbols import ElementFunction, Field, g, gradient
from .dominant import Leading, LeadingReader
from .exponents import Comparisons, Form, Point
from .monomials import OpenRule

Start = Literal["warm", "zero"]
Status = Literal["fast", "critical", "slow", "sum"]

RAW_NOISE = Field("g")
"""The stochastic gradient inside a non-linearity."""


@dataclass(frozen=True)
class Moments:
    """Monomials of a step: of its mean, and amplitudes of its noise, linear in the noise or by its square."""

    mean: tuple[Leading, ...]
    linear: tuple[Leading, ...]
    square: tuple[Leading, ...]


@dataclass
class Balance:
    """One pass through a rule with a trial time step; `solve_balance` makes it consistent.

    Attributes
    ----------
    model : OpenRule
    noise : NoiseModel
    start : {"warm", "zero"}
    time_step : Form
        The unknown kappa.
    comparisons : Comparisons
        At the point, with the trial value of kappa as its last coordinate.
    reader : LeadingReader
    sizes : dict of str to (Form, bool)
        Blocks whose size was asked for: its exponent, and whether fluctuations are as large as the mean.
    calls : set of ElementFunction
        The non-linearities met.
    averaged : dict of ElementFunction to bool
        Those that keep fluctuating, and whether with the noise of the same step.
    refusals : list of str
        Why there is no closed limit.
    """

    model: OpenRule
    noise: NoiseModel
    start: Start
    time_step: Form
    comparisons: Comparisons
    reader: LeadingReader = field(init=False)
    sizes: dict[str, tuple[Form, bool]] = field(init=False, default_factory=dict)
    calls: set[ElementFunction] = field(init=False, default_factory=set)
    refusals: list[str] = field(init=False, default_factory=list)
    averaged: dict[ElementFunction, bool] = field(init=False, default_factory=dict)
    _moments: dict[str, Moments] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        rule = self.model.rule
        values: dict[Symbol, Callable[[], Leading]] = {}
        for h in rule.hyperparameters:
            unit = Integer(1) if h.role == "learning rate" else h.symbol
            values[h.symbol] = lambda h=h, unit=unit: Leading(self._exponent(h.name), unit)
        for name, constant in self.model.constants.items():
            values[constant] = lambda name=name, c=constant: Leading(self._exponent(name), c)
        for b in rule.blocks:
            values[b.symbol] = lambda b=b: Leading(self.size(b.name), Field(b.name)("i"))
        values[g] = self._gradient
        self.reader = LeadingReader(values, self.model.auxiliaries, self.time_step, self.comparisons)

    @property
    def noise_exponent(self) -> Form:
        """The exponent of the noise, ``-s``."""
        return self.model.forms["noise"]

    def _gradient(self) -> Leading:
        """Return the stochastic gradient inside a non-linearity; without its noise where that vanishes."""
        without = self.comparisons.sign(self.noise_exponent) > 0
        return (
            Leading(self.time_step * 0, gradient("i"))
            if without
            else Leading(self.noise_exponent, RAW_NOISE("i"))
        )

    def _smaller(self, a: Form, b: Form) -> Form:
        return (a, b)[self.comparisons.smallest([a, b])[0]]

    def _exponent(self, name: str) -> Form:
        """Return a hyperparameter's exponent; a constant that is not given one is measured in its units."""
        if name in self.model.forms:
            return self.model.forms[name]
        (h,) = (h for h in self.model.rule.hyperparameters if h.name == name)
        if h.role == "learning rate":
            return self.time_step.one
        form = self.time_step * -Fraction(str(h.step_units))
        if h.noise_units:
            form = form + self._smaller(self.noise_exponent * 0, self.noise_exponent) * h.noise_units
        return form

    def status(self, block: str) -> Status:
        """Return how fast a block forgets, by the time step."""
        if block not in self.model.rates:
            return "sum"
        names: dict[int, Status] = {1: "fast", 0: "critical", -1: "slow"}
        return names[self.comparisons.sign(self.time_step - self.rate(block).exponent)]

    def piles_up(self, block: str) -> bool:
        """Tell whether a block's size is what it has gathered since the start."""
        warm = self.start == "warm" and any(b.name == block and b.nonnegative for b in self.model.rule.blocks)
        status = self.status(block)
        return status == "sum" or (status == "slow" and not warm)

    def rate(self, block: str) -> Leading:
        """Return what a block forgets in a step."""
        return self.reader.read(self.model.rates[block])

    @cached_property
    def fast(self) -> frozenset[str]:
        """The fast blocks."""
        return frozenset(b.name for b in self.model.rule.blocks[1:] if self.status(b.name) == "fast")

    def size(self, block: str) -> Form:
        """Return the exponent of a block's size."""
        return self.time_step * 0 if block == "theta" else self._size(block)[0]

    def fluctuates(self, block: str) -> bool:
        """Tell whether a block's fluctuations are as large as its mean."""
        return self._size(block)[1]

    def _size(self, block: str) -> tuple[Form, bool]:
        if block not in self.sizes:
            moments = self.moments(block)
            piled = self.time_step if self.piles_up(block) else self.rate(block).exponent
            candidates = []
            if moments.mean:
                candidates.append(moments.mean[0].exponent - piled)
            if noises := self._amplitudes(moments):
                candidates.append((noises[0] * 2 - piled) * Fraction(1, 2))
            chosen = self.comparisons.smallest(candidates)
            self.sizes[block] = candidates[chosen[0]], bool(noises) and len(candidates) - 1 in chosen
        return self.sizes[block]

    def _amplitudes(self, moments: Moments) -> list[Form]:
        forms = [part[0].exponent for part in (moments.linear, moments.square) if part]
        return [forms[n] for n in self.comparisons.smallest(forms)] if forms else []

    def moments(self, block: str) -> Moments:
        """Return the dominant monomials of a block's source (of theta's step), each list of one exponent."""
        if block not in self._moments:
            self._moments[block] = self._moments_of(block)
        return self._moments[block]

    def _moments_of(self, block: str) -> Moments:
        polynomial = self.model.reduced(self.fast)[block]
        if max(polynomial, default=0) > 2:
            raise DerivationRefused(
                f"the step of {block} has degree {max(polynomial)} in the gradient; expected at most 2"
            )
        s, f, covariance = self.noise_exponent, gradient("i"), self.noise.cumulant_field(2)("i", "i")
        mean, linear, square = [], [], []
        for degree, coefficients in polynomial.items():
            for part in map(self._read, coefficients):
                mean.append(Leading(part.exponent, part.expression * f**degree))
                if degree == 1:
                    linear.append(Leading(part.exponent + s, part.expression))
                if degree == 2:
                    mean.append(Leading(part.exponent + s * 2, part.expression * covariance))
                    linear.append(Leading(part.exponent + s, 2 * part.expression * f))
                    square.append(Leading(part.exponent + s * 2, part.expression))
        return Moments(*(self._dominant(monomials) for monomials in (mean, linear, square)))

    def _dominant(self, monomials: list[Leading]) -> tuple[Leading, ...]:
        if not monomials:
            return ()
        return tuple(monomials[n] for n in self.comparisons.smallest([m.exponent for m in monomials]))

    def _read(self, expression: Expr) -> Leading:
        result = self.reader.read(expression)
        for call in result.expression.atoms(ElementFunction) - self.calls:
            self.calls.add(call)
            inside = {c.field.name for c in call.free_symbols if hasattr(c, "field")}
            moving = [name for name in inside & self.fast if self.fluctuates(name)]
            for name in moving:
                if self.rate(name).exponent.at(self.comparisons.point) != 0:
                    self.refusals.append(
                        f"{name} forgets fast but fluctuates at leading order inside a non-linearity"
                    )
            if moving or RAW_NOISE.name in inside:
                self.averaged[call] = RAW_NOISE.name in inside
        return result

    @cached_property
    def kappa(self) -> Form:
        """The time step's exponent as a form in the unknowns; the last but one is its own."""
        (piece, *_), own = self.pieces, len(self.model.axes)
        rest = piece.solved(own, piece * 0)
        return rest * (1 / (1 - piece.weights[own]))

    @cached_property
    def pieces(self) -> list[Form]:
        """Return the smallest exponents of the moments of theta's step.

        An average since the start, as ``x/(k + 1)``, moves theta alike on every time scale and balances none.
        """
        moments = self.moments("theta")
        forms = [m.exponent for m in moments.mean] + [form * 2 for form in self._amplitudes(moments)[:1]]
        forms = [form for form in forms if not self._scale_free(form)]
        if not forms:
            raise DerivationRefused(
                f"{self.model.rule.name}: theta moves alike on every time scale; expected a step by g"
            )
        return [forms[n] for n in self.comparisons.smallest(forms)]

    def _scale_free(self, form: Form) -> bool:
        own = form.weights[len(self.model.axes)] == 1
        return own and self.comparisons.sign(form - self.time_step) == 0


def solve_balance(model: OpenRule, noise: NoiseModel, start: Start, point: Point) -> Balance:
    """Return the balance at a point of exponent space.

    The smallest exponent of theta's step is a piecewise-linear function of the trial kappa; its fixed point
    is found by putting the active piece equal to kappa, within a bracket that shrinks.

    Parameters
    ----------
    model : OpenRule
    noise : NoiseModel
    start : {"warm", "zero"}
        Whether slow second moments (blocks that stay nonnegative) start with their stationary size or, like
        signed blocks always, from zero.
    point : tuple of Fraction
        In the order of `OpenRule.axes`.

    Raises
    ------
    ValueError
        The rule is outside what can be balanced; the message names the expression.
    """
    size = len(model.axes)
    unknown = Form(tuple(Fraction(n == size) for n in range(size + 2)))
    kappa, low, high = Fraction(1), Fraction(-64), Fraction(64)
    for _ in range(60):
        balance = Balance(model, noise, start, unknown, Comparisons((*point, kappa)))
        piece = balance.pieces[0]
        excess = piece.at(balance.comparisons.point) - kappa
        if excess == 0:
            return balance
        low, high = (kappa, high) if excess > 0 else (low, kappa)
        weight = piece.weights[size]
        newton = piece.at((*point, Fraction(0))) / (1 - weight) if weight < 1 else low
        kappa = newton if low < newton < high else (low + high) / 2
    at = ", ".join(f"{axis} = {x}" for axis, x in zip(model.axes, point, strict=True))
    raise DerivationRefused(
        f"{model.rule.name}: no time step balances theta's step at {at}; expected exponents of moderate size"
    )
