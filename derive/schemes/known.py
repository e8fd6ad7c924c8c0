"""Numerical schemes by name: their steps as their sources write them, and the weak order claimed for each."""

from sympy import Expr, Integer, Rational, sqrt

from ..errors import BadInput
from .increment_laws import three_point_increments, two_point_increments
from .scheme import Scheme, Sde, X
from .stochastic_runge_kutta import DRI1, RI6, stochastic_runge_kutta


def euler_step(sde: Sde[X], x: X, h: Expr) -> X:
    """Euler, Maruyama."""
    return x + h * sde.drift(x) + sde.diffusion(x)


def heun_step(sde: Sde[X], x: X, h: Expr) -> X:
    """The trapezoidal rule with an Euler step as predictor."""
    drift, diffusion = sde.drift(x), sde.diffusion(x)
    predictor = x + h * drift + diffusion
    return (
        x + h / 2 * (drift + sde.drift(predictor)) + Rational(1, 2) * (diffusion + sde.diffusion(predictor))
    )


def runge_kutta_step(sde: Sde[X], x: X, h: Expr) -> X:
    """The classical Runge-Kutta method; without noise."""
    first = sde.drift(x)
    second = sde.drift(x + h / 2 * first)
    third = sde.drift(x + h / 2 * second)
    fourth = sde.drift(x + h * third)
    return x + h / 6 * (first + Integer(2) * second + Integer(2) * third + fourth)


def platen_step(sde: Sde[X], x: X, h: Expr) -> X:
    """Platen's explicit scheme, its ``V_rj`` being ``h J_rj`` for ``r != j`` and -h for ``r = j``."""
    drift, root = sde.drift(x), sqrt(h)
    predictor = x + h * drift + sde.diffusion(x)

    def own(j: str) -> X:
        centre, column, dw = x + h * drift, sde.column(x, j), sde.increment(j)
        ahead, behind = sde.column(centre + root * column, j), sde.column(centre - root * column, j)
        return dw * (ahead + behind + Integer(2) * column) + (dw**2 - h) / root * (ahead - behind)

    def cross(j: str, r: str) -> X:
        along, column, dw = sde.column(x, r), sde.column(x, j), sde.increment(j)
        ahead, behind = sde.column(x + root * along, j), sde.column(x - root * along, j)
        twice = dw * sde.increment(r) + h * sde.sign(r, j)
        return dw * (ahead + behind - Integer(2) * column) + twice / root * (ahead - behind)

    noise = sde.total(lambda j: own(j) + sde.total(lambda r: cross(j, r), without=j))
    return x + h / 2 * (drift + sde.drift(predictor)) + Rational(1, 4) * noise


def whole_noise_step(sde: Sde[X], x: X, h: Expr) -> X:
    """Runge-Kutta with the noise as a whole: its cost does not depend on the number of Brownian motions.

    The simplified Taylor scheme of weak order 2 has double integrals ``(dW_p dW_r - h delta_pr + V_pr) / 2``.
    Of the antisymmetric ``V`` only second moments matter, and ``V_pr = sqrt(h/2) (a_p dW_r - dW_p a_r)`` has
    those of independent signs for all pairs, but is made of two vectors. ``G_p'' G_q G_q`` in ``dW_p h/4`` is
    a mean over the signs.
    """
    root, aslant = sqrt(h), sqrt(h / 2)
    drift, noise, signed = sde.drift(x), sde.diffusion(x), sde.signed(x)
    predictor, centre = x + h * drift + noise, x + h / 2 * drift
    ahead, behind = sde.diffusion(centre + aslant * signed), sde.diffusion(centre - aslant * signed)
    forward, backward = sde.diffusion(x + root * noise), sde.diffusion(x - root * noise)
    return (
        x
        + h / 2 * (drift + sde.drift(predictor) - sde.correction(x))
        + Rational(1, 4) * (Integer(3) * ahead + behind)
        + 1 / (4 * root) * (forward - backward)
        - aslant / 2 * (sde.signed(predictor) - signed)
    )


_MARUYAMA = "G. Maruyama, Rend. Circ. Mat. Palermo 4 (1955) 48"
_KLOEDEN_PLATEN = "P. E. Kloeden, E. Platen, Numerical Solution of Stochastic Differential Equations, 1992"

euler_maruyama = Scheme("Euler-Maruyama", 1, euler_step, _MARUYAMA)
simplified_euler = Scheme(
    "simplified Euler-Maruyama",
    1,
    euler_step,
    f"{_KLOEDEN_PLATEN}, section 14.1",
    increments=two_point_increments,
)
talay_tubaro = Scheme(
    "Talay-Tubaro", 2, euler_step, "D. Talay, L. Tubaro, Stochastic Anal. Appl. 8 (1990) 483",
    extrapolation=((2, Integer(2)), (1, Integer(-1))),
)  # fmt: skip
stochastic_heun = Scheme(
    "stochastic Heun",
    1,
    heun_step,
    "W. Ruemelin, SIAM J. Numer. Anal. 19 (1982) 604",
    calculus="Stratonovich",
)
additive_heun = Scheme(
    "Heun for additive noise",
    2,
    heun_step,
    f"{_KLOEDEN_PLATEN}, (15.1.4)",
    increments=three_point_increments,
    noise="additive",
)
platen = Scheme("Platen", 2, platen_step, f"{_KLOEDEN_PLATEN}, (15.1.3)", increments=three_point_increments)
ri6 = Scheme(
    "RI6",
    2,
    stochastic_runge_kutta(RI6),
    "A. Roessler, SIAM J. Numer. Anal. 47 (2009) 1713",
    increments=three_point_increments,
)
dri1 = Scheme(
    "DRI1",
    2,
    stochastic_runge_kutta(DRI1),
    "K. Debrabant, A. Roessler, Appl. Numer. Math. 59 (2009) 582, arXiv 1303.5103",
    increments=three_point_increments,
)
whole_noise = Scheme(
    "whole noise",
    2,
    whole_noise_step,
    "this project; areas by a vector of signs",
    increments=three_point_increments,
)
heun = Scheme("Heun", 2, heun_step, "K. Heun, Z. Math. Phys. 45 (1900) 23", noise="none")
runge_kutta = Scheme(
    "Runge-Kutta", 4, runge_kutta_step, "W. Kutta, Z. Math. Phys. 46 (1901) 435", noise="none"
)

SCHEMES = (
    euler_maruyama,
    simplified_euler,
    talay_tubaro,
    stochastic_heun,
    additive_heun,
    platen,
    ri6,
    dri1,
    whole_noise,
    heun,
    runge_kutta,
)
"""The schemes with a name, for the command line and for tests."""


def named_scheme(text: str) -> Scheme:
    """Return the scheme of a name; capitals do not matter, and hyphens are spaces.

    Raises
    ------
    ValueError
        No scheme has the name.
    """
    known = {s.name.lower().replace(" ", "-"): s for s in SCHEMES}
    if (found := known.get(text.lower().replace(" ", "-").replace("_", "-"))) is None:
        raise BadInput(f"unknown scheme {text!r}; expected one of {', '.join(known)}")
    return found
