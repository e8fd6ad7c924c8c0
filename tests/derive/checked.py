"""The verdicts on all claims, each found once per process."""

from functools import cache

from optsde.derive.claims.papers import CLAIMS
from optsde.derive.claims.verdicts import Verdict, check


def identity(make) -> str:
    """Paper and equation, as a test's id."""
    claim = make()
    return f"{claim.paper.key}: {claim.name}"


@cache
def verdict(make) -> Verdict:
    return check(make())


def all_verdicts() -> list[Verdict]:
    return [verdict(make) for make in CLAIMS]
