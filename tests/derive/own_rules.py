"""A rule in a user's own words, for tests that change one thing in it."""

from typing import Any


def tables(**changes: Any) -> dict[str, Any]:
    """PyTorch's RMSprop in a user's words, with other tables where given."""
    return {
        "name": "mine",
        "state": {"v": {"noise_units": 2, "nonnegative": True}},
        "hyperparameters": {
            "lr": {"role": "learning rate", "noise_units": 1}, "alpha": {"role": "memory"},
            "eps": {"role": "constant", "noise_units": 1},
        },
        "auxiliary": {"P(v)": "1/(sqrt(v) + eps)"},
        "update": {"v": "alpha*v + (1 - alpha)*g**2", "theta": "theta - lr*g*P(v)"},
    } | changes  # fmt: skip
