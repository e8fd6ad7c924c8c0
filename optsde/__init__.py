"""Stochastic modified equations of stochastic optimizers: derived, compiled, measured.

Names are loaded when they are first used: deriving needs SymPy alone, and importing this package needs
neither SymPy nor Numba.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .codegen.lowering import regularisation as regularisations
    from .derive import regimes
    from .derive.claims import papers as claims
    from .derive.claims.verdicts import check
    from .derive.derivation.chain import Chain as OptimizerChain
    from .derive.derivation.equation import ModifiedEquation, modified_equation
    from .derive.equations.certificate import Certificate
    from .derive.errors import BadInput, DerivationRefused, KernelRefused
    from .derive.limits.cells import regime_map
    from .derive.limits.scaling import scaling_rule
    from .derive.noise import laws as noise
    from .derive.noise.model import NoiseModel
    from .derive.optimizers import catalogue as optimizers
    from .derive.optimizers import rule_files as rules
    from .derive.optimizers.rule import Auxiliary, Block, Hyperparameter, UpdateRule
    from .derive.regimes import Regime
    from .derive.schemes import known as schemes
    from .derive.schemes.scheme import Scheme
    from .runtime.problems.formula import Formula as Formula
    from .runtime.problems.quadratic import Quadratic
    from .runtime.results import plots
    from .runtime.results.prediction import Prediction
    from .runtime.results.run import Run
    from .runtime.results.study import WeakErrorStudy
    from .runtime.studies.ensembles import simulate
    from .runtime.studies.leading_error import leading_error
    from .runtime.studies.load import load
    from .runtime.studies.setting import Ensemble, Integrator, Setting
    from .runtime.studies.source import kernel_source
    from .runtime.studies.weak_error import weak_error

# Where each name of the face lies: its module, and its name there; a namespace is a module itself.
_PLACES = {
    "Auxiliary": ("derive.optimizers.rule", "Auxiliary"),
    "BadInput": ("derive.errors", "BadInput"),
    "Block": ("derive.optimizers.rule", "Block"),
    "Certificate": ("derive.equations.certificate", "Certificate"),
    "DerivationRefused": ("derive.errors", "DerivationRefused"),
    "Ensemble": ("runtime.studies.setting", "Ensemble"),
    "Formula": ("runtime.problems.formula", "Formula"),
    "Hyperparameter": ("derive.optimizers.rule", "Hyperparameter"),
    "Integrator": ("runtime.studies.setting", "Integrator"),
    "KernelRefused": ("derive.errors", "KernelRefused"),
    "ModifiedEquation": ("derive.derivation.equation", "ModifiedEquation"),
    "NoiseModel": ("derive.noise.model", "NoiseModel"),
    "OptimizerChain": ("derive.derivation.chain", "Chain"),
    "Prediction": ("runtime.results.prediction", "Prediction"),
    "Quadratic": ("runtime.problems.quadratic", "Quadratic"),
    "Regime": ("derive.regimes", "Regime"),
    "Run": ("runtime.results.run", "Run"),
    "Scheme": ("derive.schemes.scheme", "Scheme"),
    "Setting": ("runtime.studies.setting", "Setting"),
    "UpdateRule": ("derive.optimizers.rule", "UpdateRule"),
    "WeakErrorStudy": ("runtime.results.study", "WeakErrorStudy"),
    "check": ("derive.claims.verdicts", "check"),
    "claims": ("derive.claims.papers", ""),
    "kernel_source": ("runtime.studies.source", "kernel_source"),
    "leading_error": ("runtime.studies.leading_error", "leading_error"),
    "load": ("runtime.studies.load", "load"),
    "modified_equation": ("derive.derivation.equation", "modified_equation"),
    "noise": ("derive.noise.laws", ""),
    "optimizers": ("derive.optimizers.catalogue", ""),
    "plots": ("runtime.results.plots", ""),
    "regime_map": ("derive.limits.cells", "regime_map"),
    "regimes": ("derive.regimes", ""),
    "regularisations": ("codegen.lowering.regularisation", ""),
    "rules": ("derive.optimizers.rule_files", ""),
    "scaling_rule": ("derive.limits.scaling", "scaling_rule"),
    "schemes": ("derive.schemes.known", ""),
    "simulate": ("runtime.studies.ensembles", "simulate"),
    "weak_error": ("runtime.studies.weak_error", "weak_error"),
}

__all__ = [
    "Auxiliary",
    "BadInput",
    "Block",
    "Certificate",
    "DerivationRefused",
    "Ensemble",
    "Formula",
    "Hyperparameter",
    "Integrator",
    "KernelRefused",
    "ModifiedEquation",
    "NoiseModel",
    "OptimizerChain",
    "Prediction",
    "Quadratic",
    "Regime",
    "Run",
    "Scheme",
    "Setting",
    "UpdateRule",
    "WeakErrorStudy",
    "check",
    "claims",
    "kernel_source",
    "leading_error",
    "load",
    "modified_equation",
    "noise",
    "optimizers",
    "plots",
    "regime_map",
    "regimes",
    "regularisations",
    "rules",
    "scaling_rule",
    "schemes",
    "simulate",
    "weak_error",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # costs more than the rest of this module

        return version("optsde")
    if name not in _PLACES:
        raise AttributeError(f"module 'optsde' has no attribute {name!r}; it has {', '.join(__all__)}")
    module, attribute = _PLACES[name]
    found = import_module(f"optsde.{module}")
    globals()[name] = value = getattr(found, attribute) if attribute else found
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
