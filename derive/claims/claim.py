"""Claims: what a paper says the modified equation of an optimizer is, as data."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from itertools import combinations_with_replacement
from typing import Literal

from sympy import Add, Expr, Mul, Rational

from ..derivation.chain import Chain
from ..derivation.wiener_chaos import paired
from ..errors import BadInput
from ..notation.factors import taken_out
from ..notation.frozen import FrozenMapping
from ..notation.indices import canonical, components, multiply, opened, reindex, terms
from ..notation.symbols import Component, TotalField, constant_factor, factor, square_factor, zeta1, zeta2
from .published import Reader, powers_of_tau

Provenance = Literal["code", "re-derived", "recalled"]

Coefficients = Mapping[tuple[Rational, tuple[str, ...]], Expr]
"""By power of tau and blocks: a drift for one block, a covariance for two, an obstruction for three or
more.
"""


@dataclass(frozen=True)
class Paper:
    """An entry of the bibliography.

    Attributes
    ----------
    key : str
        Its name on the command line.
    authors, title : str
    year : int
    source : str
        arXiv number, DOI, journal, or the place of published code.
    """

    key: str
    authors: str
    title: str
    year: int
    source: str


@dataclass(frozen=True)
class Claim:
    """A published modified equation, in the paper's notation.

    Attributes
    ----------
    paper : Paper
    name : str
        The equation's number where it is known, or what it is about.
    chain : Chain
        The optimizer, the regime, and the noise for which the paper makes its claim.
    order : int
        The weak order claimed.
    drift : mapping of str to str
        For each block, a formula as `optsde.derive.claims.published.Reader` reads it.
    noise : mapping of str to str
        Likewise, linear in the Brownian increments dW and dW2; blocks without noise are left out.
    notation : mapping of str to str
        What the paper's names mean.
    provenance : {"code", "re-derived", "recalled"}
        Read in the published source; recalled and derived again; recalled only.
    recorded : str
        The verdict found when the claim was entered, `Verdict.summary`.
    one_dimension : bool
        The formula is known in one dimension only.
    fixed_memory : bool
        The claim is about the full batch with memories that do not depend on the learning rate: other blocks
        than theta are averaged out, tau stands for the learning rate, and a constant ``c`` for one minus a
        memory (`optsde.derive.limits.slow_manifold`).
    note : str
    """

    paper: Paper
    name: str
    chain: Chain
    order: int
    _: KW_ONLY
    drift: Mapping[str, str]
    noise: Mapping[str, str]
    provenance: Provenance
    recorded: str
    notation: Mapping[str, str] = field(default_factory=dict)
    one_dimension: bool = False
    fixed_memory: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("drift", "noise", "notation"):
            object.__setattr__(self, name, FrozenMapping(getattr(self, name)))

    def coefficients(self) -> Coefficients:
        """Return drift and covariance in index notation, through ``tau**order``: one power beyond what the
        order needs.

        Raises
        ------
        ValueError
            A formula cannot be read, a block has no drift or is unknown, or the noise has no covariance in
            closed form.
        """
        blocks = ["theta"] if self.fixed_memory else [block.name for block in self.chain.blocks]
        if set(self.drift) != set(blocks) or not set(self.noise) <= set(blocks):
            given = ", ".join([*self.drift, *self.noise]) or "nothing"
            raise BadInput(
                f"{self.name} has formulas for {given}; expected a drift each of {', '.join(blocks)}"
            )
        reader, last = Reader(self.chain, self.notation), Rational(self.order)
        noise = {b: powers_of_tau(reader.noise(text), last) for b, text in self.noise.items()}
        found: dict[tuple[Rational, tuple[str, ...]], Expr] = {}
        for b, text in self.drift.items():
            found |= {(power, (b,)): e for power, e in powers_of_tau(reader.drift(text), last).items()}
        for a, b in combinations_with_replacement([b for b in blocks if b in noise], 2):
            for n, left in noise[a].items():
                for m, right in noise[b].items():
                    if n + m <= last:
                        found[n + m, (a, b)] = found.get((n + m, (a, b)), 0) + self._covariance(left, right)
        return {key: value for key, e in found.items() if (value := self._reduced(e)) != 0}

    def _reduced(self, expression: Expr) -> Expr:
        return canonical(in_one_dimension(expression) if self.one_dimension else expression)

    def _covariance(self, left: Expr, right: Expr) -> Expr:
        product = multiply(left, reindex(right, {"i": "j"}))
        return Add(
            *(self._in_covariances(term) for z in (zeta1, zeta2) for term in terms(paired(product, z, z)))
        )

    def _in_covariances(self, term: Expr) -> Expr:
        """Write ``sum_p B_ip B_jp`` as ``S_ij``, and ``sum_p B2_ip B2_jp`` as ``2 S_ij**2``."""
        fields = (factor, constant_factor, square_factor)
        factors, rest = taken_out(term, lambda base: isinstance(base, Component) and base.field in fields)
        pairs: dict[tuple[bool, str], list[str]] = {}
        for base in factors:
            pairs.setdefault((base.field == square_factor, base.indices[1]), []).append(base.indices[0])
        if not pairs and self.one_dimension:  # there dW itself may be the noise
            return term
        if [len(indices) for indices in pairs.values()] != [2]:
            raise BadInput(
                f"{self.name}: the noise mixes the factors B and B2, or lacks one; expected B(dW) and B2(dW2)"
            )
        covariance = self.chain.noise.cumulant_field(2)
        return Mul(
            rest,
            *(2 * covariance(*p) ** 2 if square else covariance(*p) for (square, _), p in pairs.items()),
        )


def in_one_dimension(expression: Expr) -> Expr:
    """Return an expression for a single coordinate, ``i``."""
    expression = opened(expression)
    totals = {
        c: in_one_dimension(c.field.body) for c in components(expression) if isinstance(c.field, TotalField)
    }
    expression = expression.xreplace(totals)
    return reindex(expression, {index: "i" for c in components(expression) for index in c.indices})
