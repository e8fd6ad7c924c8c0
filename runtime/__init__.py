"""Compiling and running kernels: ensembles, weak-error studies, records, plots, the command line."""

from .ensembles import simulate
from .formulas import Objective
from .objectives import Quadratic
from .prediction import Prediction, leading_error
from .results import Run, WeakErrorStudy
from .studies import weak_error

__all__ = [
    "Objective",
    "Prediction",
    "Quadratic",
    "Run",
    "WeakErrorStudy",
    "leading_error",
    "simulate",
    "weak_error",
]
