"""Published equations held against the derivation: which coefficients differ, by what, and under which
assumption they agree.

A claim of weak order p is right if its generator agrees with the modified generator through ``tau**(p-1)``:
drift, covariance, and the third and fourth derivatives that no diffusion has. Two diffusion factors with the
same covariance agree. What a paper keeps beyond that order does no harm; it is listed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sympy import Expr, Integer, Lambda, Rational

from ..derivation.equation import modified_equation
from ..display.text import preformatted
from ..limits.monomials import open_rule
from ..limits.slow_manifold import memory_equation
from ..notation.coordinates import written_out
from ..notation.indices import canonical
from ..notation.series import by_powers_of_tau
from .assumptions import ASSUMPTIONS, Assumption
from .claim import Claim, Coefficients, in_one_dimension
from .differences import Difference, Row, place
from .normal_form import Algebra, NormalForm
from .report import verdicts_json, verdicts_latex, verdicts_markdown, verdicts_text
from .witness import find_witness


@dataclass(frozen=True, repr=False)
class Verdict:
    """A claim held against the derivation.

    Attributes
    ----------
    claim : Claim
    rows : tuple of Row
        The coefficients that the claimed order asks for.
    differences : tuple of Difference
    assumptions : tuple of str
        The fewest under which all differences vanish; empty if there are no differences, or no such
        assumptions.
    beyond : tuple of (Rational, tuple of str)
        Coefficients that the paper keeps beyond the order it claims, at the power of tau that follows.
    """

    claim: Claim
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    assumptions: tuple[str, ...]
    beyond: tuple[tuple[Rational, tuple[str, ...]], ...]

    @property
    def summary(self) -> str:
        """``agrees``, ``agrees if eps = 0``, or ``differs: drift[theta] tau^1, ...``."""
        if not self.differences:
            return "agrees"
        if self.assumptions:
            return f"agrees if {' and '.join(self.assumptions)}"
        places: dict[str, list[Difference]] = {}
        for d in self.differences:
            places.setdefault(place(d.power, d.blocks), []).append(d)
        return "differs: " + ", ".join(name + _unless(found) for name, found in places.items())

    @property
    def as_recorded(self) -> bool:
        """Whether the verdict is the one found when the claim was entered."""
        return self.summary == self.claim.recorded

    def __repr__(self) -> str:
        return f"<Verdict: {self.claim.paper.key}, {self.claim.name}: {self.summary}>"

    def __str__(self) -> str:
        return str(Verdicts((self,)))

    def latex(self) -> str:
        """Return published and derived coefficients side by side, as a ``longtable``."""
        return Verdicts((self,)).latex()

    def _repr_html_(self) -> str:
        return preformatted(str(self))

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as data."""
        return Verdicts((self,)).to_json()["claims"][0]


@dataclass(frozen=True, repr=False)
class Verdicts:
    """Several verdicts, those on one paper one after the other.

    Attributes
    ----------
    found : tuple of Verdict
    """

    found: tuple[Verdict, ...]

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    @property
    def as_recorded(self) -> bool:
        """Whether all are those found when the claims were entered."""
        return all(verdict.as_recorded for verdict in self.found)

    def __repr__(self) -> str:
        return f"<Verdicts: {len(self.found)} claims>"

    def __str__(self) -> str:
        return verdicts_text(self.found)

    def markdown(self) -> str:
        """Return the verdicts as a page: tables, and below them each equation with its differences."""
        return verdicts_markdown(self.found)

    def latex(self) -> str:
        """Return published and derived coefficients side by side, as a ``longtable``."""
        return verdicts_latex(self.found)

    def _repr_html_(self) -> str:
        return preformatted(str(self))

    def to_json(self) -> dict[str, Any]:
        """Return the verdicts as data."""
        return verdicts_json(self.found)


def _unless(differences: list[Difference]) -> str:
    names = [a.name for a in ASSUMPTIONS if any(a.name in d.assumptions for d in differences)]
    return f" (unless {' and '.join(names)})" if all(d.assumptions for d in differences) else ""


def check(claim: Claim) -> Verdict:
    """Hold a claim against the derivation.

    Raises
    ------
    ValueError
        The claim's formulas cannot be read, or its chain has no equation.
    """
    published, (derived, definitions) = claim.coefficients(), _derived(claim)
    needed = sorted({key for key in (*published, *derived) if key[0] < claim.order}, key=_order)
    rows, differences, wrong = [], [], []
    for power, blocks in needed:
        algebra = Algebra(claim.chain, definitions)
        both = published.get((power, blocks), Integer(0)), derived.get((power, blocks), Integer(0))
        short = [algebra.expression(algebra.normal_form(e)) for e in both]
        rows.append(Row(power, blocks, short[0], short[1]))
        excess = algebra.normal_form(both[0] - both[1])
        if not excess:
            continue
        wrong.append((algebra, algebra.expression(excess)))
        left, right = (written_out(e, definitions) for e in both)
        witness = find_witness(left, right, len(blocks))
        for assumptions, part in _by_assumptions(algebra, excess).items():
            differences.append(Difference(power, blocks, algebra.expression(part), assumptions, witness))
    beyond = tuple(sorted((key for key in published if key[0] >= claim.order), key=_order))
    return Verdict(claim, tuple(rows), tuple(differences), _fewest(wrong), beyond)


def _order(key: tuple[Rational, tuple[str, ...]]) -> tuple[Rational, int, tuple[str, ...]]:
    power, blocks = key
    return power, len(blocks), blocks


def _derived(claim: Claim) -> tuple[Coefficients, Mapping[str, Lambda]]:
    """Return what the engine derives, with the definitions of its abstract functions."""
    found: dict[tuple[Rational, tuple[str, ...]], Expr] = {}
    if claim.fixed_memory:
        memory = memory_equation(open_rule(claim.chain.rule))
        return {
            (Rational(n), ("theta",)): canonical(e) for n, e in enumerate(memory.drift)
        }, memory.definitions
    equation = modified_equation(claim.chain.rule, claim.chain.regime, claim.chain.noise, claim.order)
    entries = [(power, (b,), e) for power, part in enumerate(equation.drift) for b, e in part.items()]
    entries += [
        (power, pair, e) for power, part in enumerate(equation.covariance) for pair, e in part.items()
    ]
    entries += [(o.power, o.blocks, o.expression) for o in equation.certificate.obstruction]
    for power, blocks, expression in entries:
        found |= {(Rational(power + half), blocks): e for half, e in by_powers_of_tau(expression).items()}
    reduced = {key: canonical(in_one_dimension(e)) if claim.one_dimension else e for key, e in found.items()}
    return {key: e for key, e in reduced.items() if e != 0}, equation.definitions


def _by_assumptions(algebra: Algebra, excess: NormalForm) -> dict[tuple[str, ...], NormalForm]:
    """Collect the terms of a normal form by the fewest assumptions under which each vanishes, or all that are
    left together.
    """
    found: dict[tuple[str, ...], dict[Expr, Expr]] = {}
    for monomial, coefficient in excess.items():
        term = algebra.expression({monomial: coefficient})
        found.setdefault(_fewest([(algebra, term)]), {})[monomial] = coefficient
    if () in found and (together := _fewest([(algebra, algebra.expression(found[()]))])):
        found.setdefault(together, {}).update(found.pop(()))
    return dict(sorted(found.items(), key=lambda item: (not item[0], item[0])))


def _fewest(expressions: list[tuple[Algebra, Expr]]) -> tuple[str, ...]:
    """Return the names of the fewest assumptions under which all expressions vanish; none if there are no
    such assumptions.
    """
    relevant = [
        assumption for assumption in ASSUMPTIONS if any(assumption.concerns(e) for _, e in expressions)
    ]
    for size in range(1, len(relevant) + 1):
        for chosen in combinations(relevant, size):
            left = _under(chosen, [e for _, e in expressions])
            if left and all(
                not algebra.normal_form(e) for (algebra, _), e in zip(expressions, left, strict=True)
            ):
                return tuple(assumption.name for assumption in chosen)
    return ()


def _under(assumptions: tuple[Assumption, ...], expressions: list[Expr]) -> list[Expr]:
    """Impose assumptions in turn; return nothing if one of them has nothing left to change, as of two limits
    that exclude.
    """
    for assumption in assumptions:
        if not any(map(assumption.concerns, expressions)):
            return []
        expressions = [assumption.imposed(e) for e in expressions]
    return expressions
