"""The kernels behind an ensemble and behind a weak-error study, from an optimizer or an equation and an
objective.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from sympy import Add, Expr, Mul, Pow, Symbol

from ...derive.derivation.chain import Chain
from ...derive.derivation.equation import ModifiedEquation
from ...derive.equations.abstract import Equation
from ...derive.errors import KernelRefused
from ...derive.schemes.increment_laws import gaussian_increments
from ...derive.schemes.scheme import Scheme
from ..objectives.protocol import Fields
from ..program.linearised import linearised
from ..program.observables import observable
from ..program.statements import Entry, Kernel, Observable, Pace, Step, Total, Track, antithetic
from .extrapolation import extrapolation
from .regularisation import Regularisation
from .steps import default_scheme, euler_maruyama_step, optimizer_step, scheme_step

CONTROL = "linear"
"""Name of the track of a control variate."""
MOST_NUMBERS = 512
"""In the state of a control variate: its covariance is moved by matrices of the square of it."""
MOST_DEGREE = 3
"""Of an observable: its expectation is the same for all symmetric laws with the same mean and covariance."""


def simulation_kernel(
    target: Chain | Equation,
    objective: Fields,
    dimension: int,
    observables: Sequence[str],
    *,
    regularisation: Regularisation,
    scheme: Scheme | None = None,
    mirrored: bool = False,
    control_variate: bool = False,
    dtype: Literal["float64", "float32"] = "float64",
) -> Kernel:
    """Return the kernel of an ensemble: one track, an optimizer's or an equation's.

    With a control variate there is a second track, and the contrasts are what is simulated, the control, and
    their sum. With `mirrored`, each track has a mirror image.

    Raises
    ------
    ValueError
        An optimizer is given a scheme, or something has no code; the message says what was expected.
    """
    if isinstance(target, Chain):
        if scheme is not None:
            raise KernelRefused(
                f"{scheme.name} for an optimizer, which takes steps of its own; expected an equation or no "
                "scheme"
            )
        track = Track("optimizer", optimizer_step(target, objective), "step")
    else:
        step = scheme_step(target, objective, regularisation, scheme or default_scheme(target))
        track = Track("equation", step, "substep")
    found = tuple(observable(text, track.step.state, dimension) for text in observables)
    kernel = Kernel(dimension, (track,), found, ((1.0,),), dtype)
    if control_variate:
        tracks = track, control_track(track.step, track.pace, found, dimension)
        kernel = replace(kernel, tracks=tracks, contrasts=((1.0, 0.0), (0.0, 1.0), (1.0, 1.0)))
    return antithetic(kernel) if mirrored else kernel


def study_kernel(
    equation: Equation,
    objective: Fields,
    dimension: int,
    observables: Sequence[str],
    *,
    regularisation: Regularisation,
    scheme: Scheme | None = None,
    mirrored: bool = False,
    control_variate: bool = False,
) -> Kernel:
    """Return the coupled kernel: the optimizer, and its equation on three nested grids along the same
    Brownian path.

    With X_h, X_2h, X_4h the equation on the grids and x the optimizer, the contrasts are ``phi(x)``, the weak
    error ``sum_n w_n phi(X_nh) - phi(x)`` with the weights of two extrapolations, and the last of their
    corrections. A control variate adds a track, and as contrasts this and the sum of it and the weak error.
    """
    scheme = replace(scheme or default_scheme(equation), increments=gaussian_increments)
    fine = scheme_step(equation, objective, regularisation, scheme)
    found = tuple(observable(text, fine.state, dimension) for text in observables)
    tracks = [
        Track("optimizer", optimizer_step(equation.chain, objective), "step"),
        Track("fine", fine, "substep"),
        Track("coarse", fine, "pair"),
        Track("coarsest", fine, "quad"),
    ]
    weights = extrapolation(scheme.weak_order)
    contrasts = [(1, 0, 0, 0), (-1, *weights.result), (0, *weights.last_correction)]
    if control_variate:
        euler = euler_maruyama_step(equation, objective, regularisation)
        tracks.append(control_track(euler, "step", found, dimension))
        contrasts = [*((*row, 0) for row in contrasts), (0, 0, 0, 0, 1), (*contrasts[1], 1)]
    kernel = Kernel(dimension, tuple(tracks), found, tuple(tuple(map(float, row)) for row in contrasts))
    return antithetic(kernel) if mirrored else kernel


def limit_kernel(equation: ModifiedEquation, objective: Fields, dimension: int) -> Kernel:
    """Return a kernel of the limit of an equation, ``tau -> 0``, by Euler-Maruyama on three nested grids."""
    step = euler_maruyama_step(equation.limit(), objective, Regularisation("none"))
    tracks = (Track("fine", step, "substep"), Track("coarse", step, "pair"), Track("coarsest", step, "quad"))
    return Kernel(dimension, tracks, (), ((1.0, 0.0, 0.0),))


def control_track(step: Step, pace: Pace, observables: Sequence[Observable], dimension: int) -> Track:
    """Return the track of a step's linearisation, on which the means of some observables are known.

    Raises
    ------
    ValueError
        The step has no noise near its path without noise, an observable is no polynomial of degree at most 3,
        or the state has too many numbers.
    """
    for phi in observables:
        if not 0 <= degree(phi) <= MOST_DEGREE:
            raise KernelRefused(
                f"control variate for {phi.name}; expected a polynomial of degree at most {MOST_DEGREE}, as "
                "norm(theta)**2, whose mean is known: take such observables or no control variate"
            )
    if (size := len(step.state) * dimension) > MOST_NUMBERS:
        raise KernelRefused(
            f"control variate for a state of {size} numbers; expected at most {MOST_NUMBERS}: its covariance "
            "is followed "
            "step by step"
        )
    return Track(CONTROL, linearised(step), pace)


def degree(phi: Observable) -> int:
    """Return the degree of an observable in the state; -1 if it is no polynomial."""
    degrees: dict[str, int] = {}
    for statement in phi.statements:
        match statement:
            case Entry(target, _, _):
                degrees[target] = 1
            case Total(target, expression):
                degrees[target] = _degree(
                    expression, dict.fromkeys((s.name for s in expression.atoms(Symbol)), 1)
                )
    return _degree(phi.expression, degrees)


def _degree(expression: Expr, degrees: Mapping[str, int]) -> int:
    if isinstance(expression, Symbol):
        return degrees[expression.name]
    parts = [_degree(part, degrees) for part in expression.args if not part.is_number]
    if not parts:
        return 0
    if min(parts) >= 0:
        if isinstance(expression, Add):
            return max(parts)
        if isinstance(expression, Mul):
            return sum(parts)
        if isinstance(expression, Pow) and expression.exp.is_Integer and expression.exp > 0:
            return int(expression.exp) * parts[0]
    return -1
