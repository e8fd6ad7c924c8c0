"""The verdicts on all claims, each found once per process."""

from functools import cache

from optsde.derive.claims.claim import Claim
from optsde.derive.claims.papers import CLAIMS
from optsde.derive.claims.verdicts import Verdict, Verdicts, check


def identity(claim: Claim) -> str:
    """Paper and equation, as a test's id."""
    return f"{claim.paper.key}: {claim.name}"


@cache
def verdict(claim: Claim) -> Verdict:
    return check(claim)


def all_verdicts() -> Verdicts:
    return Verdicts(tuple(map(verdict, CLAIMS)))
