"""The LaTeX names of everything that has one of its own; what stands in no table is written as it is called.

They belong to the notation, because components print themselves; the room for display takes them from here.
"""

from collections.abc import Mapping

_COMMON = {"theta": r"\theta", "zeta1": "dW", "zeta2": r"d\widetilde W", "omega1": r"\Delta W"}
_ROOT = r"\Sigma^{1/2}"

COMPONENTS: Mapping[str, str] = _COMMON | {"F": "f", "S": r"\Sigma", "B": _ROOT, "xi": r"\xi"}
"""Fields in index notation: ``\\partial_{ij} f``, ``\\Sigma_{ij}``."""

VECTORS: Mapping[str, str] = _COMMON | {"F": r"\nabla f"}
"""Fields with one index, where an equation is written in vectors."""

MATRICES: Mapping[str, str] = {
    "F": "H",
    "S": r"\Sigma",
    "B": _ROOT,
    "B2": r"(2\,\Sigma^{\odot 2})^{1/2}",
    "CovXi2": r"\operatorname{Cov}(\xi^{\odot 2})^{1/2}",  # of noise that is not Gaussian
}
"""Fields with two indices, likewise."""

SYMBOLS: Mapping[str, str] = {
    "eps": r"\epsilon",
    "eps0": r"\epsilon_{0}",
    "mu": r"\mu",
    "tau": r"\tau",
    "weight_decay": r"\lambda",
}
"""Constants and hyperparameters."""


def latex_block(name: str) -> str:
    """Return the LaTeX name of a block of the state."""
    return _COMMON.get(name, name)
