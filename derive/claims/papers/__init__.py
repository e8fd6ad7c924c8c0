"""The papers whose equations optsde checks, one module each."""

from . import (
    barrett,
    callisti,
    cattaneo,
    compagnoni,
    kovachki,
    li_malladi_arora,
    li_tai_e,
    malladi,
    shardlow,
    smith,
)

CLAIMS = (
    *li_tai_e.CLAIMS, *shardlow.CLAIMS, *barrett.CLAIMS, *kovachki.CLAIMS, *cattaneo.CLAIMS, *malladi.CLAIMS,
    *compagnoni.CLAIMS, *callisti.CLAIMS, *smith.CLAIMS, *li_malladi_arora.CLAIMS,
)  # fmt: skip
"""Every claim, for the command line and for tests."""
