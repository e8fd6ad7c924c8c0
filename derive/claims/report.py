"""Verdicts on published equations as text, LaTeX, Markdown and data for JSON."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Protocol

from sympy import Add, Expr, Rational

from ..display.latex_vectors import Printer
from ..notation.indices import FREE, dummies, reindex
from ..notation.latex_names import latex_block
from .claim import Claim, Paper
from .differences import Difference, Row, place
from .witness import Witness

_LEGEND = (
    "F[i,j,..] are derivatives of f, S[i,j,..] the noise covariance and its derivatives, gamma_c is 1 - "
    "exp(-c*t); in formulas "
    "H(x) is the Hessian applied to x, T(x) is sum_jk F[i,j,k]*S[j,k]*x[j]*x[k], grad(x) is the derivative "
    "of sum_j x[j] by "
    "theta[i], B(dW) is Sigma^(1/2) dW, B2(dW2) is (2 Sigma o Sigma)^(1/2) dW2"
)
_INTRODUCTION = """\
Written by `optsde check --markdown`. Each equation is held against the derivation: a claim of weak order p is
right if drift and covariance agree through `tau**(p-1)` and no higher derivative is left over (c3, c4). The
*excess* of a coefficient is the published one minus the derived one. A claim was read in published *code*, or
recalled and *re-derived*, or only *recalled*. *Signal far below noise* is to first order in the gradient,
*signal far above noise* the limit of small noise."""


class Judged(Protocol):
    """A claim held against the derivation, as far as it is shown."""

    @property
    def claim(self) -> Claim: ...

    @property
    def rows(self) -> tuple[Row, ...]: ...

    @property
    def differences(self) -> tuple[Difference, ...]: ...

    @property
    def assumptions(self) -> tuple[str, ...]: ...

    @property
    def beyond(self) -> tuple[tuple[Rational, tuple[str, ...]], ...]: ...

    @property
    def summary(self) -> str: ...

    @property
    def as_recorded(self) -> bool: ...


def verdicts_text(verdicts: Sequence[Judged]) -> str:
    """Return the verdicts over several lines, for a terminal."""
    lines = []
    for paper, found in _by_paper(verdicts):
        lines += [f"{paper.key}: {_reference(paper)}"]
        for v in found:
            lines += [
                f"  {_title(v.claim)} [{v.claim.provenance}]: {v.summary}",
                *(f"    {line}" for line in _details(v)),
            ]
    wrong = sum(not v.as_recorded for v in verdicts)
    return "\n".join(
        [*lines, _LEGEND, f"{len(verdicts)} claims, {wrong or 'none'} with another verdict than recorded"]
    )


def verdicts_markdown(verdicts: Sequence[Judged]) -> str:
    """Return the verdicts as a page: tables, and below them each equation with its differences."""
    lines = ["# Published equations, checked", "", _INTRODUCTION, ""]
    for paper, found in _by_paper(verdicts):
        lines += [f"## {paper.key}", "", f"{_reference(paper)}.", ""]
        lines += ["| equation | optimizer, regime | known from | verdict |", "|---|---|---|---|"]
        lines += [
            f"| {_title(v.claim)} | {v.claim.chain.name} | {v.claim.provenance} | {_short(v)} |"
            for v in found
        ]
        for v in found:
            lines += ["", f"**{_title(v.claim)}**", "", "```", *_details(v), "```"]
        lines.append("")
    return "\n".join([*lines, f"In index notation {_LEGEND}."]) + "\n"


def verdicts_latex(verdicts: Sequence[Judged]) -> str:
    """Return published and derived coefficients side by side, as a ``longtable``."""
    lines = [
        r"% needs \usepackage{amsmath,booktabs,longtable}; "
        r"b is the drift, a the covariance, \gamma_c = 1 - e^{-c t}",
        r"\begin{longtable}{@{}lp{0.4\linewidth}p{0.4\linewidth}@{}}",
        r"\toprule coefficient & published & derived \\ \midrule \endhead",
    ]
    for paper, found in _by_paper(verdicts):
        author_year = _escaped(f"{paper.authors} ({paper.year}), {paper.source}")
        lines.append(rf"\multicolumn{{3}}{{@{{}}p{{0.9\linewidth}}}}{{\textbf{{{author_year}}}}} \\")
        for v in found:
            title = f"{_title(v.claim)} ({v.claim.provenance}): {_short(v)}"
            lines.append(rf"\multicolumn{{3}}{{@{{}}l}}{{\emph{{{_escaped(title)}}}}} \\*")
            for row in v.rows:
                free = FREE[: len(row.blocks)]
                both = (latex_sums(row.published, free), latex_sums(row.derived, free))
                lines.append(f"${_latex_place(row.power, row.blocks)}$ & ${both[0]}$ & ${both[1]}$ " + r"\\")
                lines += [_latex_difference(d) for d in _at(v, row)]
        lines.append(r"\midrule")
    return "\n".join([*lines[:-1], r"\bottomrule", r"\end{longtable}"])


def verdicts_json(verdicts: Sequence[Judged]) -> dict[str, Any]:
    """Return the verdicts as JSON data."""
    return {"claims": [_claim_json(v.claim) | _verdict_json(v) for v in verdicts], "notation": _LEGEND}


def text_sums(expression: Expr, free: tuple[str, ...]) -> str:
    """Return an expression on one line, sums written as ``sum_j(...)``; unlike `text.text`, brackets stay."""
    pieces = [f"sum_{','.join(names)}({e})" if names else str(e) for names, e in _sums(expression, free)]
    return " + ".join(pieces).replace("+ -", "- ")


def latex_sums(expression: Expr, free: tuple[str, ...]) -> str:
    """Return an expression in LaTeX index notation; unlike `latex.latex_indices`, brackets stay."""
    pieces = []
    for names, e in _sums(expression, free):
        body = Printer().doprint(e)
        pieces.append(rf"\sum_{{{','.join(names)}}} \Big( {body} \Big)" if names else body)
    return " + ".join(pieces).replace("+ -", "- ")


def _sums(expression: Expr, free: tuple[str, ...]) -> list[tuple[list[str], Expr]]:
    """Join what has the same sums over coordinates; name their indices by letters that are not free."""
    letters = [letter for letter in "jklmnpqrs" if letter not in free]
    groups: dict[tuple[str, ...], list[Expr]] = {}
    for term in Add.make_args(expression):
        groups.setdefault(tuple(sorted(dummies(term))), []).append(term)
    named = (
        (dict(zip(names, letters, strict=False)), Add(*group)) for names, group in sorted(groups.items())
    )
    return [(list(letter.values()), reindex(e, letter)) for letter, e in named]


def _by_paper(verdicts: Sequence[Judged]) -> list[tuple[Paper, list[Judged]]]:
    return [(paper, list(found)) for paper, found in groupby(verdicts, key=lambda v: v.claim.paper)]


def _reference(paper: Paper) -> str:
    return f"{paper.authors} ({paper.year}), {paper.title}, {paper.source}"


def _title(claim: Claim) -> str:
    return claim.name + (", in one dimension" if claim.one_dimension else "")


def _short(verdict: Judged) -> str:
    return verdict.summary.partition(":")[0]


def _at(verdict: Judged, row: Row) -> list[Difference]:
    return [d for d in verdict.differences if (d.power, d.blocks) == (row.power, row.blocks)]


def _details(verdict: Judged) -> list[str]:
    claim = verdict.claim
    lines = [f"d{b} = {_formula(claim, b)}" for b in claim.drift]
    lines.append("where " + ", ".join(f"{name} = {text}" for name, text in claim.notation.items()))
    for row in verdict.rows:
        free = FREE[: len(row.blocks)]
        if found := _at(verdict, row):
            lines.append(place(row.power, row.blocks))
            lines += [
                f"  published: {text_sums(row.published, free)}",
                f"  derived:   {text_sums(row.derived, free)}",
            ]
            lines += [f"  excess:    {text_sums(d.excess, free)}{_zero_if(d)}" for d in found]
            lines.append(f"  at {_witness_text(found[0].witness)}")
    if verdict.beyond:
        kept = ", ".join(place(*key) for key in verdict.beyond)
        lines.append(f"kept beyond order {claim.order}, not judged: {kept}")
    if claim.note:
        lines.append(f"note: {claim.note}")
    if not verdict.as_recorded:
        lines.append(f"RECORDED OTHERWISE: {claim.recorded}")
    return lines


def _formula(claim: Claim, block: str) -> str:
    noise = f" + {claim.noise[block]}" if block in claim.noise else ""
    return f"({claim.drift[block]}) dt{noise}".replace("+ -", "- ")


def _zero_if(difference: Difference) -> str:
    return f"   (zero if {' and '.join(difference.assumptions)})" if difference.assumptions else ""


def _witness_text(witness: Witness) -> str:
    values = ", ".join(f"{name} = {value}" for name, value in witness.values.items())
    dimension = max(witness.indices.values(), default=1)
    where = "" if dimension == 1 else " for " + ", ".join(f"{i} = {n}" for i, n in witness.indices.items())
    return f"{values}{where}: published {witness.published:.6g}, derived {witness.derived:.6g}"


def _latex_place(power: Expr, blocks: tuple[str, ...]) -> str:
    indexed = ", ".join(f"{latex_block(b)}_{i}" for b, i in zip(blocks, FREE, strict=False))
    name = {1: "b", 2: "a"}.get(len(blocks), f"c_{len(blocks)}")
    return rf"{name}[{indexed}]\,\tau^{{{power}}}"


def _latex_difference(difference: Difference) -> str:
    condition = f" (zero if {' and '.join(difference.assumptions)})" if difference.assumptions else ""
    excess = latex_sums(difference.excess, FREE[: len(difference.blocks)])
    text = rf"published $-$ derived $= {excess}${_escaped(condition)}"
    return rf" & \multicolumn{{2}}{{p{{0.8\linewidth}}@{{}}}}{{{text}}} \\"


def _escaped(text: str) -> str:
    return "".join("\\" + c if c in "_&%#$" else r"\^{}" if c == "^" else c for c in text)


def _claim_json(claim: Claim) -> dict[str, Any]:
    return {
        "paper": dict(claim.paper.__dict__),
        "name": claim.name,
        "rule": claim.chain.rule.name,
        "variant": claim.chain.rule.variant,
        "regime": claim.chain.regime.name,
        "noise": claim.chain.noise.name + (", constant" if claim.chain.noise.constant else ""),
        "order": claim.order,
        "one_dimension": claim.one_dimension,
        "drift": dict(claim.drift),
        "diffusion": dict(claim.noise),
        "notation": dict(claim.notation),
        "provenance": claim.provenance,
        "note": claim.note,
        "recorded": claim.recorded,
    }


def _verdict_json(verdict: Judged) -> dict[str, Any]:
    return {
        "verdict": verdict.summary,
        "as_recorded": verdict.as_recorded,
        "assumptions": list(verdict.assumptions),
        "coefficients": [_row_json(verdict, row) for row in verdict.rows],
        "beyond": [place(*key) for key in verdict.beyond],
    }


def _row_json(verdict: Judged, row: Row) -> dict[str, Any]:
    free, found = FREE[: len(row.blocks)], _at(verdict, row)
    data = {
        "power": float(row.power),
        "blocks": list(row.blocks),
        "published": text_sums(row.published, free),
        "derived": text_sums(row.derived, free),
        "excess": [{"expression": text_sums(d.excess, free), "zero_if": list(d.assumptions)} for d in found],
    }
    if not found:
        return data
    witness = found[0].witness
    values = {name: float(value) for name, value in witness.values.items()}
    numbers = {"published": witness.published, "derived": witness.derived}
    return data | {"witness": {"values": values, "indices": dict(witness.indices), **numbers}}
