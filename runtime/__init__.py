"""Compiling and running kernels: ensembles, weak-error studies, records, plots, the command line."""

from .problems.formula import Objective
from .problems.quadratic import Quadratic
from .results.results import Run, WeakErrorStudy
from .studies.ensembles import simulate
from .studies.leading_error import Prediction, leading_error
from .studies.weak_error import weak_error

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
