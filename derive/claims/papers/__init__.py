"""The papers whose equations smelt checks, one module each; a claim is a function that returns it.

Not here: Adam with fixed memories (Cattaneo, Klusowski, Shigida 2024), which `smelt.derive.limits.slow_manifold` derives
but whose root of ``g**2 + eps`` the normal form does not know.
"""

from . import barrett, callisti, compagnoni, kovachki, li_malladi_arora, li_tai_e, malladi, shardlow, smith

CLAIMS = (
    *li_tai_e.CLAIMS, *shardlow.CLAIMS, *barrett.CLAIMS, *kovachki.CLAIMS, *malladi.CLAIMS, *compagnoni.CLAIMS,
    *callisti.CLAIMS, *smith.CLAIMS, *li_malladi_arora.CLAIMS,
)  # fmt: skip
"""Every claim, for the command line and for tests."""
