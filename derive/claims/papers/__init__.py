"""The papers whose equations smelt checks, one module each; a claim is a function that returns it.

Not here: an epoch without replacement (Smith, Dherin, Barrett, De 2021), a step with several dependent draws, which the engine
cannot derive; Adam with fixed memories (Cattaneo, Klusowski, Shigida 2024), which `smelt.derive.limits.slow_manifold` derives
but whose root of ``g**2 + eps`` the normal form does not know.
"""

from . import barrett, callisti, compagnoni, kovachki, li_tai_e, malladi, shardlow

CLAIMS = (
    *li_tai_e.CLAIMS, *shardlow.CLAIMS, *barrett.CLAIMS, *kovachki.CLAIMS, *malladi.CLAIMS, *compagnoni.CLAIMS,
    *callisti.CLAIMS,
)  # fmt: skip
"""Every claim, for the command line and for tests."""
