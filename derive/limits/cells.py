"""All scaling regimes of an optimizer: the cells into which dominant balances cut the space of exponents.

A cell is the relatively open convex polyhedron on which the same monomials dominate, so that the limit is the
same equation; on its faces other monomials join. Cells of all dimensions are found by walking from one into
those that touch it; everything is exact, in rationals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any

from sympy import Expr, Symbol

from ..display.text import preformatted
from ..errors import DerivationRefused
from ..noise.model import NoiseModel
from ..notation.series import monomial_series
from ..optimizers.rule import UpdateRule
from ..regimes import Regime
from .balance import Start, solve_balance
from .exponents import Comparisons, Form, Point
from .limit import Limit, NoLimit, limit_of
from .monomials import OpenRule, open_rule
from .polyhedra import Polyhedron, polyhedra_of, polyhedron
from .report import map_json, map_latex, map_text

_TRIALS = tuple(Fraction(n, 131) for n in (47, 103, -71, 290, -210))


@dataclass(frozen=True)
class Cell:
    """A scaling regime.

    Attributes
    ----------
    region : Polyhedron
        In the unknowns of `RegimeMap.axes`.
    limit : Limit or None
    refusal : str
        Why there is no limit, if there is none.
    """

    region: Polyhedron
    limit: Limit | None
    refusal: str = ""


@dataclass(frozen=True)
class RegimeMap:
    """The partition of exponent space.

    Attributes
    ----------
    model : OpenRule
    noise : NoiseModel
    start : {"warm", "zero"}
        See `optsde.derive.limits.balance.solve_balance`.
    """

    model: OpenRule
    noise: NoiseModel
    start: Start

    def __str__(self) -> str:
        return map_text(self)

    def __repr__(self) -> str:
        return f"<RegimeMap: {self.model.rule.name}, over {', '.join(self.axes)}>"

    def latex(self) -> str:
        """Return every cell with its limiting equation."""
        return map_latex(self)

    def _repr_html_(self) -> str:
        return preformatted(str(self))

    def to_json(self) -> dict[str, Any]:
        """Return the map as data."""
        return map_json(self)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the unknown exponents."""
        return self.model.axes

    def cell_at(self, point: Point) -> Cell | None:
        """Return the cell of a point, None where a memory would be negative: ``1 - beta = h**b`` with b <
        0.
        """
        own = len(self.axes)
        domain = Comparisons((*point, Fraction(0)))
        if any(domain.sign(self.model.forms[h.name]) < 0 for h in self.model.memories):
            return None
        balance = solve_balance(self.model, self.noise, self.start, point)
        limit, refusal = None, ""
        try:
            limit = limit_of(balance)
        except NoLimit as error:
            refusal = str(error)
        kappa, made = balance.kappa, balance.comparisons
        zero, positive = (
            [form.solved(own, kappa).without(own) for form in (*ours, *theirs)]
            for ours, theirs in ((domain.zero, made.zero), (domain.positive, made.positive))
        )
        region = polyhedron(zero, positive, own)
        return Cell(region, limit.on(region) if limit else None, refusal)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, in the order of their centres.

        Raises
        ------
        ValueError
            The rule is outside what can be balanced, or no exponents are allowed.
        """
        found: dict[Polyhedron, Cell] = {}

        def region(point: Point) -> Polyhedron | None:
            cell = self.cell_at(point)
            if cell is not None:
                found.setdefault(cell.region, cell)
            return cell.region if cell else None

        inside = (
            p
            for p in product(_TRIALS, repeat=len(self.axes))
            if (r := region(p)) and r.dimension == len(self.axes)
        )
        start = next(inside, None)
        if start is None:
            raise DerivationRefused(
                f"{self.model.rule.name}: these exponents leave no memory between 0 and 1; assign others"
            )
        walked = list(polyhedra_of(region, start))
        return tuple(found[p] for p in sorted(walked, key=lambda p: p.centre))

    def place(self, regime: Regime) -> Point | None:
        """Return where a regime lies: its powers of tau over that of the learning rate; None where that does
        not vanish.

        Raises
        ------
        ValueError
            The regime assigns to the learning rate or a memory something else than a power of tau.
        """
        scaling, rule = regime.scaling(self.model.rule), self.model.rule
        values = {**scaling.hyperparameters, "noise": scaling.noise}
        values |= {h.name: 1 - values[h.name] for h in self.model.memories}
        powers = {name: _power(name, value) for name, value in values.items()}
        (lr,) = (powers[h.name] for h in rule.hyperparameters if h.role == "learning rate")
        if lr <= 0:
            return None
        return self._solve({name: power / lr for name, power in powers.items()})

    def _solve(self, exponents: Mapping[str, Fraction]) -> Point | None:
        """Return the point with the given exponents; None if there is none."""
        own = len(self.axes)
        rows = []
        for name, form in self.model.forms.items():
            target = Form((*(Fraction(0) for _ in range(own)), exponents[name]))
            rows.append(form.without(own) - target)
        empty = polyhedron(rows, [], own)
        return empty.vertices[0] if empty.dimension == 0 and empty.vertices else None


def regime_map(
    rule: UpdateRule, noise: NoiseModel, exponents: str = "", start: Start | None = None
) -> RegimeMap:
    """Leave the exponents of a rule's hyperparameters open.

    Parameters
    ----------
    rule : UpdateRule
    noise : NoiseModel
        Of one draw, with vanishing third cumulants.
    exponents : str
        See `optsde.derive.limits.monomials.open_rule`.
    start : {"warm", "zero"}, optional
        Whether slow second moments start with their stationary size or from zero; "zero" for rules with bias
        corrections, which are made for it, "warm" for others unless given.

    Raises
    ------
    ValueError
        The rule or the noise is outside what can be balanced.
    """
    if 3 in noise.orders:
        raise DerivationRefused(
            f"regimes for {noise.name} noise; expected noise without third cumulants: gaussian, symmetric, "
            "..."
        )
    if noise.variance != 1:
        raise DerivationRefused(
            f"regimes for {noise.name} noise; expected the law of one draw: batches change no exponent"
        )
    if rule.sample_count > 1:
        raise DerivationRefused(
            f"regimes of {rule.name}, which takes {rule.sample_count} samples in a step; expected one"
        )
    drawn = {Symbol(name, real=True) for name in rule.gradients}
    if not noise.constant and any(point.free_symbols & drawn for point in rule.gradients.values()):
        raise DerivationRefused(
            f"regimes of {rule.name}, which takes a gradient where another one leads; take constant noise"
        )
    model = open_rule(rule, exponents)
    if start == "warm" and model.corrected:
        raise DerivationRefused(
            f"{rule.name} has bias corrections, which are made for a start from zero; expected the start zero"
        )
    return RegimeMap(model, noise, start or ("zero" if model.corrected else "warm"))


def _power(name: str, value: Expr) -> Fraction:
    series = monomial_series(value)
    if len(series.coefficients) != 1:
        raise DerivationRefused(
            f"the regime gives {name} the value {value}; expected a constant times a power of tau"
        )
    return Fraction(series.valuation, 2)
