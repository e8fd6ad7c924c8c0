"""Reading results back, with what was asked for, so that they can be run again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sympy import Matrix

from ...codegen.lowering.regularisation import Regularisation
from ...derive.derivation.chain import Chain
from ...derive.derivation.equation import modified_equation
from ...derive.errors import BadInput
from ...derive.noise.model import NoiseModel
from ...derive.optimizers.rule import Auxiliary, Block, Hyperparameter, UpdateRule
from ...derive.regimes import Regime
from ...derive.schemes.known import named_scheme
from ...derive.storage.encoding import decode
from ..problems.formula import Formula
from ..problems.quadratic import Quadratic
from ..results.files import load_record
from ..results.prediction import Prediction
from ..results.run import Run
from ..results.study import Row, WeakErrorStudy
from .ensembles import Simulation
from .setting import Ensemble, Integrator, Setting
from .weak_error import Study

_DERIVED = (UpdateRule, Block, Hyperparameter, Auxiliary, Regime, NoiseModel)
_FIELDS = (Simulation, Study, Setting, Integrator, Ensemble, Quadratic, Formula, Regularisation)
_BY_NAME = {kind.__name__: kind for kind in _FIELDS}


def load(path: str) -> Run | WeakErrorStudy:
    """Read a result that `save` wrote.

    Parameters
    ----------
    path : str

    Returns
    -------
    Run or WeakErrorStudy
        Its `again()` runs the same once more.

    Raises
    ------
    ValueError
        The file cannot be read, or holds no result; the message says what was expected.
    """
    record = load_record(path)
    try:
        match record.pop("kind", None):
            case "run":
                return _run(record)
            case "weak-error study":
                return _study(record)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{path} holds a result that is not complete ({error}); expected one that save wrote"
        ) from error
    raise BadInput(f"{path} holds no result; expected a file that the save of a run or a study wrote")


def _run(record: Mapping[str, Any]) -> Run:
    changed = {"observables": tuple(record["observables"]), "request": decoded(record["request"])}
    return Run(**{**record, **changed})


def _study(record: Mapping[str, Any]) -> WeakErrorStudy:
    rows = tuple(Row(**{**row, "lost": tuple((t, n) for t, n in row["lost"])}) for row in record["rows"])
    predictions = tuple(Prediction(**p) for p in record.get("leading_error", ()))
    return WeakErrorStudy(
        record["name"],
        record["weak_order"],
        rows,
        record["seconds"],
        decoded(record["request"]),
        record["provenance"],
        predictions,
    )


def decoded(data: Any) -> Any:
    """Return what `optsde.runtime.studies.records.encoded` wrote."""
    match data:
        case {"object": "Scheme", "name": str(name)}:
            return named_scheme(name)
        case {"object": "Chain", "data": chain}:
            return Chain(*decode(chain, _DERIVED))
        case {"object": "Equation", "data": chain, "order": order, "form": form}:
            rule, regime, law = decode(chain, _DERIVED)
            return modified_equation(rule, regime, law, order, form)
        case {"object": "Matrix", "rows": rows}:
            return Matrix([[decoded(entry) for entry in row] for row in rows])
        case {"object": "Expr", "data": expression}:
            return decode(expression)
        case {"object": str(name), **rest} if name in _BY_NAME:
            return _BY_NAME[name](**{key: decoded(value) for key, value in rest.items()})
        case Mapping():
            return {key: decoded(value) for key, value in data.items()}
        case list() | tuple():
            return tuple(decoded(item) for item in data)
        case None | bool() | int() | float() | str() | np.ndarray():
            return data
    raise BadInput(f"{type(data).__name__} in a request; expected what save writes")
