"""What all results share when they show themselves: plain data for JSON, and text in a notebook."""

import html
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def print_json(data: Mapping[str, Any]) -> int:
    """Print one JSON object; return the exit code 0. What is not finite becomes null."""
    print(json.dumps(plain(data), allow_nan=False))
    return 0


def plain(value: Any) -> Any:
    """Return lists for arrays and None for what is not finite."""
    match value:
        case np.ndarray() | np.generic():
            return plain(value.tolist())
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
    return value


class Shown:
    """A result whose text for a terminal stands in a notebook as well."""

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"
