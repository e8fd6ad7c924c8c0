"""Reading the values of command-line options."""

import os
import re
from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from sympy import Expr, Integer, Symbol

from ...derive.claims.claim import Claim
from ...derive.claims.papers import CLAIMS
from ...derive.errors import BadInput
from ...derive.noise.laws import NOISES, batch_mean, reshuffled
from ...derive.noise.model import NoiseModel
from ...derive.notation.naming import named, split_at_commas
from ...derive.notation.parser import parse_expression
from ...derive.optimizers.catalogue import CATALOGUE
from ...derive.optimizers.rule import RESERVED, UpdateRule
from ...derive.optimizers.rule_files import load_rule
from ..problems.formula import Formula
from ..problems.problem import Problem
from ..problems.quadratic import Quadratic


def rule(text: str) -> UpdateRule:
    """Read ``rmsprop`` or ``rmsprop:torch``; hyphens and underscores are the same."""
    name, _, variant = text.partition(":")
    make = named("optimizer", name, {make.__name__: make for make in CATALOGUE}, "; see optsde list")
    if not variant:
        return make()
    plain = make()
    if "variant" not in make.__annotations__:
        if variant == plain.variant:
            return plain
        raise BadInput(f"{name} has no variant {variant!r}; expected {plain.variant}")
    return make(variant)


def noise_law(
    name: str,
    constant: bool,
    batch: str | None = None,
    population: str | None = None,
    reshuffle: bool | None = None,
) -> NoiseModel:
    """Return a noise model of `optsde.derive.noise.laws` by its name, or the mean of a batch of it."""
    law = named("noise", name, {make.__name__: make for make in NOISES})(constant=constant)
    if reshuffle:
        if population is None:
            raise BadInput("--reshuffle without a population; expected --population N beside it")
        return reshuffled(law, _count(population), Integer(1) if batch is None else _count(batch))
    if batch is None:
        if population is not None:
            raise BadInput(f"a population of {population} without a batch; expected --batch B beside it")
        return law
    return batch_mean(law, _count(batch), None if population is None else _count(population))


def _count(text: str) -> Expr:
    """Read a number of samples, or a name that stands for it."""
    if text in RESERVED:
        raise BadInput(
            f"number of samples {text!r}, a name that means something else; expected another name or a number"
        )
    if text.isascii() and text.isidentifier():
        return Symbol(text, positive=True)
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) > 0):
        raise BadInput(
            f"number of samples {text!r}; expected a positive integer, or a name that stands for it"
        )
    return Integer(text)


def chosen_rule(name: str | None, file: str | None) -> UpdateRule:
    """Read the one of an optimizer's name and a rule file that is given."""
    if (name is None) == (file is None):
        given = "both" if name else "neither"
        raise BadInput(
            f"got {given} of RULE and --rule FILE; expected the name of an optimizer or a file with a rule"
        )
    return rule(name) if name is not None else load_rule(str(file))


def claims(paper: str | None) -> list[Claim]:
    """Return the claims of a paper by its key, or all of them."""
    if paper is None:
        return list(CLAIMS)
    key = named("paper", paper, {claim.paper.key: claim.paper.key for claim in CLAIMS})
    return [claim for claim in CLAIMS if claim.paper.key == key]


_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def number(text: str) -> float:
    """Read a number or an arithmetic expression such as ``1e6``, ``2^-3`` or ``1/3``.

    Raises
    ------
    ValueError
        The text is none, or the number is not finite.
    """
    stripped = text.strip()
    value = float(stripped) if _PLAIN.fullmatch(stripped) else float(_arithmetic(stripped))
    if not isfinite(value):
        raise BadInput(f"the number {_cut(text)!r} is too large; expected a finite one")
    return value


def real(text: str) -> float:
    """Read a number for argparse."""
    try:
        return number(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def count(text: str) -> int:
    """Read a whole number for argparse: ``1000000``, ``1e6``, ``2^20``."""
    if re.fullmatch(r"-?\d{1,30}", text, re.ASCII):
        return int(text)
    value = real(text)
    if value != int(value):
        raise ArgumentTypeError(f"{_cut(text)!r} is not a whole number")
    return int(value)


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _arithmetic(text: str) -> Expr:
    value = parse_expression(text.replace("^", "**"), {})
    if not value.is_real:
        raise BadInput(f"{text!r} is not a real number")
    return value


def numbers(text: str) -> list[float]:
    """Read numbers separated by commas."""
    return [number(part) for part in text.split(",")]


def _row_or_rows(rows: list[list[float]]) -> list[float] | list[list[float]]:
    """A single row of several numbers is a diagonal."""
    return rows[0] if len(rows) == 1 and len(rows[0]) > 1 else rows


def formula(objective: str, factor: str) -> Formula:
    """Read an objective in theta, or in theta_1 to theta_d, and its noise factor: one expression or rows as
    in a matrix.

    The dimension d is the largest number of a theta, or the number of rows of the factor.
    """
    rows = [split_at_commas(row) for row in factor.split(";")]
    single = len(rows) == len(rows[0]) == 1
    numbered = [int(n) for n in re.findall(r"\btheta_(\d{1,3})\b", f"{objective} {factor}")]
    return Formula(objective, rows[0][0] if single else rows, max([1 if single else len(rows), *numbered]))


@dataclass(frozen=True)
class ProblemOptions:
    """What the command line says of a problem; None where it says nothing."""

    hessian: str | None = None
    minimum_noise: str | None = None
    variances: str | None = None
    covariance: str | None = None
    factor: str | None = None
    objective: str | None = None

    def problem(self) -> Problem:
        """Return a quadratic, or an objective by a formula."""
        if self.objective is None:
            return self._quadratic()
        for name in ("hessian", "minimum_noise", "variances", "covariance"):
            if getattr(self, name) is not None:
                option = name.replace("_", "-")
                raise BadInput(
                    f"got --{option} with --objective; expected a formula and --factor, or a quadratic"
                )
        return formula(self.objective, "1" if self.factor is None else self.factor)

    def _quadratic(self) -> Quadratic:
        hessian = _row_or_rows(_rows("1,0.5;0.5,1" if self.hessian is None else self.hessian))
        names = ("minimum_noise", "variances", "covariance", "factor")
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        readers = {"minimum_noise": number, "variances": numbers, "covariance": _rows, "factor": _rows}
        read = {name: readers[name](text) for name, text in given.items()}
        return Quadratic(hessian, **(read or {"minimum_noise": 0.25}))


def _rows(text: str) -> list[list[float]]:
    return [numbers(row) for row in text.split(";")]


def start(items: Sequence[str]) -> dict[str, float | list[float]]:
    """Read ``theta=1,0.5 v=1``."""
    result: dict[str, float | list[float]] = {}
    for name, value in _pairs(items):
        values = numbers(value)
        result[name] = values if len(values) > 1 else values[0]
    return result


def assignments(items: Sequence[str]) -> dict[str, float]:
    """Read ``c=0.5 eps=1e-3``."""
    return {name: number(value) for name, value in _pairs(items)}


def _pairs(items: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [item.partition("=") for item in items]
    for item, (name, equals, value) in zip(items, pairs, strict=True):
        if not (name and equals and value):
            raise BadInput(f"{item!r} is no assignment; expected NAME=VALUE")
    names = [name.strip() for name, _, _ in pairs]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"{repeated[0]} is given {len(repeated)} times; expected each name once")
    return [(name.strip(), value.strip()) for name, _, value in pairs]


def check_writable(*paths: str | None) -> None:
    """Refuse, before any work is done, files that could not be written.

    Raises
    ------
    ValueError
        A folder does not exist or may not be written to.
    """
    for path in paths:
        if path is not None:
            folder = Path(path).parent
            if (
                not folder.is_dir()
                or not os.access(folder, os.W_OK)
                or (Path(path).exists() and not Path(path).is_file())
            ):
                raise BadInput(
                    f"cannot write {path}; expected a file in an existing folder with write permission"
                )
