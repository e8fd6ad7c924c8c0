"""Identifiers of the generated source: each thing has one, no two things share one."""

import re
from collections.abc import Hashable

LOCALS = (
    "np math njit single max min abs range float stream draw plus widest apart part product kernel X R S _ "
    "s0 s1 s2 s3 k q i n "
    "lane unit UNIT ROOM first record place at count good value finite seed first_path n_paths t0 tau "
    "n_steps substeps "
    "n_records per_step state low past flag times record_steps parameters uniform values numbers cuda "
    "matrices vectors start "
    "rows finals tables shared pair_scale quad_scale step_scale"
)
NUMBERED = re.compile(r"(sum|square|value)\d+")
"""Sums of a record."""


class Names:
    """Gives each key a variable name near the wished one; depends on the order of the questions alone."""

    def __init__(self) -> None:
        self._given: dict[Hashable, str] = {}
        self._taken: set[str] = set(LOCALS.split())

    def __call__(self, key: Hashable, wish: str) -> str:
        if key not in self._given:
            while wish in self._taken or NUMBERED.fullmatch(wish):
                wish += "_"
            self._taken.add(wish)
            self._given[key] = wish
        return self._given[key]
