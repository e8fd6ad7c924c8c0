"""Compiling and running kernels: ensembles, weak-error studies, records, plots, the command line."""

from .problems.formula import Formula
from .problems.quadratic import Quadratic
from .results.prediction import Prediction
from .results.run import Run
from .results.study import WeakErrorStudy
from .studies.ensembles import simulate
from .studies.leading_error import leading_error
from .studies.load import load
from .studies.setting import Ensemble, Integrator, Setting
from .studies.weak_error import weak_error

__all__ = [
    "Ensemble",
    "Formula",
    "Integrator",
    "Prediction",
    "Quadratic",
    "Run",
    "Setting",
    "WeakErrorStudy",
    "leading_error",
    "load",
    "simulate",
    "weak_error",
]
