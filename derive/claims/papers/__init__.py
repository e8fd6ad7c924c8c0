"""The papers whose equations smelt checks, one module each; a claim is a function that returns it.

Not here yet, because the engine cannot derive what they claim: the smoothed sign of SignSGD (Compagnoni et al. 2025); momenta
whose beta does not depend on tau, where fast variables are averaged out (Kovachki, Stuart 2021; Cattaneo, Klusowski, Shigida
2024); an epoch without replacement (Smith, Dherin, Barrett, De 2021), a step with several dependent draws.
"""

from . import barrett, callisti, compagnoni, li_tai_e, malladi, shardlow

CLAIMS = (
    *li_tai_e.CLAIMS, *shardlow.CLAIMS, *barrett.CLAIMS, *malladi.CLAIMS, *compagnoni.CLAIMS, *callisti.CLAIMS,
)  # fmt: skip
"""Every claim, for the command line and for tests."""
