"""Claimed and derived equations measured against the optimizer, on the same problem and with the same
noise.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ...codegen.lowering.regularisation import smooth
from ...derive.claims.claim import Claim
from ...derive.claims.claimed import both_equations, measured_law
from ...derive.claims.verdicts import Verdict
from ..problems.quadratic import Quadratic
from ..results.losses import warnings
from ..results.plots import error_series, plot_weak_errors
from ..results.shown import Shown
from ..results.study import WeakErrorStudy
from .setting import Ensemble, Integrator, Setting
from .weak_error import weak_error

_HESSIANS, _NOISE, _EPS = {1: [[1.0]], 2: [[1.0, 0.5], [0.5, 1.0]]}, 0.7, 0.1
_HORIZON, _TAUS = 1, tuple(2.0**-k for k in (2, 3, 4, 5))


@dataclass(frozen=True)
class Comparison(Shown):
    """Weak errors of the published and of the derived equation.

    Attributes
    ----------
    claim : Claim
    published, derived : WeakErrorStudy
    """

    claim: Claim
    published: WeakErrorStudy
    derived: WeakErrorStudy

    @property
    def title(self) -> str:
        """Paper and equation, and the noise unless it is Gaussian, for people."""
        return f"{self.claim.paper.key}, {self.claim.name}{measured_law(self.claim).remark}"

    def __str__(self) -> str:
        both = {"published": self.published, "derived": self.derived}
        tau, lines = min(row.tau for row in self.derived.rows), [self.title]
        lines.append(f"  {'observable':16} {'equation':10} {f'error at tau={tau:g}':>24}  slope")
        for name in self.derived.observables:
            for label, study in both.items():
                (row,) = [row for row in study.rows if row.observable == name and row.tau == tau]
                error = f"{row.weak_error:.3e} +- {row.standard_error:.1e}"
                lines.append(f"  {name:16} {label:10} {error:>24}  {study.slopes[name]}")
        lost = max(row.nonfinite for study in both.values() for row in study.rows)
        return "\n".join([*lines, *warnings(lost, 0, self.derived.rows[0].paths)])

    def plot(self, path: str | None = None):
        """Draw both errors against tau as PNG."""
        studies = {"published": self.published, "derived": self.derived}
        return plot_weak_errors(error_series(studies), title=self.title, path=path)

    def to_json(self) -> dict[str, object]:
        """Return both studies as data."""
        return {
            "paper": self.claim.paper.key,
            "name": self.claim.name,
            "noise": measured_law(self.claim).name,
            "published": self.published.to_json(),
            "derived": self.derived.to_json(),
        }


def compare(
    verdict: Verdict, paths: int, seed: int = 0, progress: Callable[[str, int, int], None] | None = None
) -> Comparison:
    """Measure a claimed and the derived equation on a quadratic objective with constant noise.

    It has two dimensions, or one where the claim is known in one dimension only.

    Raises
    ------
    ValueError
        The equations cannot be simulated; the message says why.
    """
    claimed, derived = both_equations(verdict)
    blocks, hessian = claimed.chain.blocks, _HESSIANS[1 if verdict.claim.one_dimension else 2]
    observables = ["norm(theta)**2", *(f"norm({b.name})**2" for b in blocks if b.nonnegative)]
    observables += ["m[0]*v[0]"] if {"m", "v"} <= {b.name for b in blocks} else []
    setting = Setting(
        Quadratic(hessian, minimum_noise=_NOISE),
        horizon=_HORIZON,
        t0=1.0,
        start={"theta": [1.0, 0.5][: len(hessian)]},
        observables=observables,
        constants={"eps": _EPS} if "eps" in claimed.chain.defaults else {},
    )
    ensemble = Ensemble(paths=paths, seed=seed)
    integrator = Integrator(regularisation=smooth())
    published, own = (
        weak_error(e, setting, taus=_TAUS, integrator=integrator, ensemble=ensemble, progress=progress)
        for e in (claimed, derived)
    )
    return Comparison(verdict.claim, published, own)
