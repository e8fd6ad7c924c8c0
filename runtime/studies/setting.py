"""What is simulated, how an equation is integrated, and over how many paths: three objects that travel
together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ...codegen.lowering.regularisation import Regularisation, read_regularisation, unregularised
from ...derive.errors import BadInput
from ...derive.schemes.known import named_scheme
from ...derive.schemes.scheme import Scheme
from ..kernels.device import Device
from ..problems.problem import Problem
from .requests import finite, mapping, positive, whole


@dataclass(frozen=True)
class Setting:
    """A problem with its start, its duration, its constants, and what is observed of it.

    Attributes
    ----------
    problem : Quadratic or Formula
    horizon : float
        Duration of the run, a multiple of each `tau`; noise-free steps count.
    start : mapping of str to number or d numbers
        Start of each block. Blocks that are not named start where they do by default: theta at 1, 0.5, 1,
        ..., second moments at 1, the others at 0.
    t0 : float
        Time of the start, a multiple of `tau`; above zero for rules with bias correction.
    constants : mapping of str to float
        Values of the constants ``c``, ``eps``, ... of the regime, the noise and the regularisation; the
        catalogue's where none is given.
    observables : sequence of str, or str
        Numbers per path, such as ``norm(theta)**2`` or ``theta[0]*v[0]``; one text is one observable.
    noise_free_steps : int
        A weak-error study starts where the optimizer is after so many steps without noise.

    Raises
    ------
    ValueError
        A value makes no sense; the message says what was expected.

    Examples
    --------
    >>> from optsde import Quadratic, Setting
    >>> setting = Setting(Quadratic([1.0, 2.0]), horizon=1, start={"theta": [1, 0.5]}, observables="theta[0]")
    >>> setting.observables
    ('theta[0]',)
    """

    problem: Problem
    horizon: float
    start: Mapping[str, ArrayLike] = field(default_factory=dict)
    t0: float = 0.0
    constants: Mapping[str, float] = field(default_factory=dict)
    observables: Sequence[str] = ("norm(theta)**2",)
    noise_free_steps: int = 0

    def __post_init__(self) -> None:
        if not all(hasattr(type(self.problem), name) for name in ("fields", "matrices", "noiseless")):
            raise BadInput(
                f"problem is a {type(self.problem).__name__}; expected a Quadratic, a Formula or another "
                "problem"
            )
        set_ = object.__setattr__
        set_(self, "horizon", positive("horizon", self.horizon))
        set_(self, "t0", positive("t0", self.t0) if self.t0 else 0.0)
        given = mapping("start", self.start, "blocks and where each starts, as {'theta': [1, 0.5]}")
        set_(self, "start", MappingProxyType({name: _kept(value) for name, value in given.items()}))
        given = mapping("constants", self.constants, "names and numbers, as {'c': 0.5}")
        set_(
            self,
            "constants",
            MappingProxyType({name: finite(f"constant {name}", x) for name, x in given.items()}),
        )
        texts = (self.observables,) if isinstance(self.observables, str) else tuple(self.observables)
        if wrong := [text for text in texts if not isinstance(text, str)]:
            raise BadInput(f"observable {wrong[0]!r}; expected text such as 'norm(theta)**2'")
        set_(self, "observables", texts)
        set_(self, "noise_free_steps", whole("noise-free steps", self.noise_free_steps, 0))

    def __reduce__(self):
        values = (self.problem, self.horizon, dict(self.start), self.t0, dict(self.constants))
        return Setting, (*values, self.observables, self.noise_free_steps)


@dataclass(frozen=True)
class Integrator:
    """How an equation is integrated; an optimizer takes steps of its own.

    Attributes
    ----------
    scheme : Scheme or str, optional
        One of `optsde.schemes`, by itself or by name, that needs drift and noise as a whole; Euler-Maruyama
        by default, Runge-Kutta for an equation without noise.
    substeps : int, optional
        Steps of the scheme per step of length `tau`: 8 by default. A study takes a multiple of 4 and, where
        none is given, chooses it for each `tau` in a pilot run.
    regularisation : Regularisation or str
        ``phi(v)`` in the place of v, one of `optsde.regularisations` or its name, as ``"smooth"`` or
        ``"floor:tau/2"``.
    own_share : float
        The pilot doubles the substeps until the equation's own error is below this share of the weak error,
        or below the noise.

    Raises
    ------
    ValueError
        A value makes no sense; the message says what was expected.
    """

    scheme: Scheme | str | None = None
    substeps: int | None = None
    regularisation: Regularisation | str = field(default_factory=unregularised)
    own_share: float = 0.1

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        if isinstance(self.scheme, str):
            set_(self, "scheme", named_scheme(self.scheme))
        elif not isinstance(self.scheme, Scheme | None):
            raise BadInput(
                f"scheme is a {type(self.scheme).__name__}; expected one of optsde.schemes or its name"
            )
        if isinstance(self.regularisation, str):
            set_(self, "regularisation", read_regularisation(self.regularisation))
        elif not isinstance(self.regularisation, Regularisation):
            raise BadInput(
                f"regularisation is a {type(self.regularisation).__name__}; expected one of "
                "optsde.regularisations or its name"
            )
        if self.substeps is not None:
            set_(self, "substeps", whole("substeps", self.substeps, 1))
        set_(self, "own_share", positive("own share", self.own_share))

    @property
    def solver(self) -> Scheme | None:
        """The scheme, if one is given."""
        return named_scheme(self.scheme) if isinstance(self.scheme, str) else self.scheme

    @property
    def phi(self) -> Regularisation:
        """The regularisation."""
        given = self.regularisation
        return read_regularisation(given) if isinstance(given, str) else given

    def __reduce__(self):
        scheme = self.solver.name if self.solver else None
        return Integrator, (scheme, self.substeps, self.regularisation, self.own_share)


@dataclass(frozen=True)
class Ensemble:
    """How many paths, with which noise, and where they run.

    Attributes
    ----------
    paths : int
        Paths, or pairs of a path and its mirror image; of a study per `tau`, at most.
    seed : int
        0 ... 2**64 - 1. With a path's number it decides the path's noise.
    dtype : {"float64", "float32"}
        Of the states.
    device : {"cpu", "cuda"}
        The paths are the same on both up to rounding.
    threads : int, optional
        On the CPU; by default one for each processor. The result has the same bits for any number.
    antithetic : bool
        Each path is a pair, of a path and of its mirror image with the noise's sign reversed, and counts
        once. It pays where observables are mostly odd in the noise, at the cost of two paths.
    control_variate : bool
        A linearised copy of the step follows the same noise. Its means are known exactly; the sampling error
        seen on it is subtracted from the observables, which must be polynomials of degree 3 at most.
    precision : float, optional
        Of a study: paths are added until, for every observable, standard error and own error together are
        below this share of the weak error. The decision looks at the errors it stops at, so a precision near
        1 flatters them.
    seconds : float, optional
        Of a study: paths are added for so long, per `tau` and besides compilation and pilot.

    Raises
    ------
    ValueError
        A value makes no sense; the message says what was expected.
    """

    paths: int = 100_000
    seed: int = 0
    dtype: Literal["float64", "float32"] = "float64"
    device: Device = "cpu"
    threads: int | None = None
    antithetic: bool = False
    control_variate: bool = False
    precision: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "paths", whole("paths", self.paths, 2, 10**15))
        set_(self, "seed", whole("seed", self.seed, 0, 2**64 - 1))
        if self.threads is not None:
            set_(self, "threads", whole("threads", self.threads, 1, 4096))
        if self.dtype not in ("float64", "float32"):
            raise BadInput(f"dtype {self.dtype!r}; expected float64 or float32")
        if self.device not in ("cpu", "cuda"):
            raise BadInput(f"device {self.device!r}; expected cpu or cuda")
        for what, value in (("antithetic", self.antithetic), ("control variate", self.control_variate)):
            if not isinstance(value, bool):
                raise BadInput(f"{what} is {value!r}; expected True or False")
        for what, limit in (("precision", self.precision), ("seconds", self.seconds)):
            if limit is not None:
                positive(what, limit)


def _kept(value: ArrayLike) -> ArrayLike:
    """Return a copy that does not change with the caller's array."""
    array = np.array(value, dtype=float)
    array.flags.writeable = False
    return float(array) if array.ndim == 0 else array
