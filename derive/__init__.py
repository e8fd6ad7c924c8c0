"""From an update rule to its stochastic modified equation."""

from .catalogue import adam, heavy_ball, rmsprop, sgd
from .chain import Chain
from .equation import Certificate, ModifiedEquation, Obstruction, modified_equation
from .noise import NoiseModel, batch_mean, gaussian, general, student_t, symmetric, two_point
from .regimes import Regime, ballistic, batch_equivalent, parse_regime
from .rules import Auxiliary, Block, Hyperparameter, UpdateRule

__all__ = [
    "Auxiliary",
    "Block",
    "Certificate",
    "Chain",
    "Hyperparameter",
    "ModifiedEquation",
    "NoiseModel",
    "Obstruction",
    "Regime",
    "UpdateRule",
    "adam",
    "ballistic",
    "batch_equivalent",
    "batch_mean",
    "gaussian",
    "general",
    "heavy_ball",
    "modified_equation",
    "parse_regime",
    "rmsprop",
    "sgd",
    "student_t",
    "symmetric",
    "two_point",
]
