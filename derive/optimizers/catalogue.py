"""The optimizers optsde knows by name."""

from collections.abc import Callable, Iterator
from typing import get_args

from .adams import adam, adamax, adamw, amsgrad, nadam, radam
from .adaptive import adadelta, adagrad, rmsprop
from .momentum import heavy_ball, momentum, nesterov, sgd
from .norms import clipped_sgd_norm, lamb, lars, normalized_sgd, sam
from .rule import UpdateRule
from .signs import clipped_sgd, lion, sign_sgd, signum

CATALOGUE: tuple[Callable[..., UpdateRule], ...] = (
    sgd, heavy_ball, nesterov, momentum,
    rmsprop, adagrad, adadelta,
    adam, adamw, amsgrad, adamax, nadam, radam,
    sign_sgd, signum, lion, clipped_sgd,
    normalized_sgd, clipped_sgd_norm, sam, lars, lamb,
)  # fmt: skip
"""Every optimizer, for the command line and for tests; called without arguments, in its default variant."""


def variants(make: Callable[..., UpdateRule]) -> tuple[str, ...]:
    """Return the names of an optimizer's variants, the default one first; none where it has a single form."""
    return get_args(make.__annotations__.get("variant"))


def all_rules() -> Iterator[UpdateRule]:
    """Yield every optimizer in each of its variants."""
    for make in CATALOGUE:
        yield from [make(variant) for variant in variants(make)] or [make()]
