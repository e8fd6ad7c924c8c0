"""Roessler's stochastic Runge-Kutta methods, given by their coefficients.

With ``I_k = dW^k``, ``I_kk = (I_k**2 - h) / 2`` and ``I_kr = (I_k I_r + h J_kr) / 2`` for ``k != r``:

    H0_i = x + sum_j a0_ij h A(H0_j) + sum_j b0_ij sum_r I_r G_r(H_jr)
    H_ik = x + sum_j a1_ij h A(H0_j) + sum_j b1_ij sqrt(h) G_k(H_jk)
    K_ik = x + sum_j a2_ij h A(H0_j) + sum_j b2_ij sum_{r != k} I_kr / sqrt(h) G_r(H_jr)
    x'   = x + sum_i alpha_i h A(H0_i) + sum_ik (beta1_i I_k + beta2_i I_kk / sqrt(h)) G_k(H_ik)
             + sum_ik (beta3_i I_k + beta4_i sqrt(h)) G_k(K_ik)

A. Roessler, SIAM J. Numer. Anal. 47 (2009) 1713. Each pair has its own sign ``J_kr``: one sign for each k,
used for all pairs ``(k, r)``, correlates the areas of three Brownian motions and costs an order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, reduce
from operator import add

from sympy import Expr, Integer, Rational, sqrt

from .scheme import Sde, X

Row = tuple[Expr, ...]


@dataclass(frozen=True)
class Tableau:
    """Coefficients of an explicit method in the letters of the module's formulas; zeros at the end of a row
    may be left out.
    """

    alpha: Row
    beta1: Row
    beta2: Row
    beta3: Row
    beta4: Row
    a0: tuple[Row, ...]
    a1: tuple[Row, ...]
    a2: tuple[Row, ...]
    b0: tuple[Row, ...]
    b1: tuple[Row, ...]
    b2: tuple[Row, ...]


def stochastic_runge_kutta(t: Tableau) -> Callable[[Sde[X], X, Expr], X]:
    """Return the step of the method with these coefficients."""

    def step(sde: Sde[X], x: X, h: Expr) -> X:
        root = sqrt(h)

        @cache
        def drift(i: int) -> X:  # A(H0_i)
            along = _moved(x, h, t.a0[i], drift)
            return sde.drift(
                _moved(
                    along, Integer(1), t.b0[i], lambda j: sde.total(lambda r: sde.increment(r) * column(j, r))
                )
            )

        @cache
        def column(i: int, k: str) -> X:  # G_k(H_ik)
            along = _moved(x, h, t.a1[i], drift)
            return sde.column(_moved(along, root, t.b1[i], lambda j: column(j, k)), k)

        def mixed(k: str, r: str) -> Expr:  # I_kr
            return (sde.increment(k) * sde.increment(r) + h * sde.sign(k, r)) / 2

        def second(i: int, k: str) -> X:  # G_k(K_ik)
            def others(j: int) -> X:
                return sde.total(lambda r: mixed(k, r) / root * column(j, r), without=k)

            return sde.column(_moved(_moved(x, h, t.a2[i], drift), Integer(1), t.b2[i], others), k)

        def noise(k: str) -> X:
            dw = sde.increment(k)
            square = (dw**2 - h) / 2 / root
            return reduce(
                add,
                (
                    (t.beta1[i] * dw + t.beta2[i] * square) * column(i, k)
                    + (t.beta3[i] * dw + t.beta4[i] * root) * second(i, k)
                    for i in range(len(t.alpha))
                ),
            )

        return _moved(x, h, t.alpha, drift) + sde.total(noise)

    return step


def _moved(x: X, unit: Expr, weights: Row, direction: Callable[[int], X]) -> X:
    """Return ``x + unit * sum_j weights_j direction(j)``."""
    for j, weight in enumerate(weights):
        if weight != 0:
            x = x + unit * weight * direction(j)
    return x


_NONE: Row = ()
_HALF, _QUARTER = Rational(1, 2), Rational(1, 4)

RI6 = Tableau(
    alpha=(_HALF, _HALF, Integer(0)),
    beta1=(_HALF, _QUARTER, _QUARTER),
    beta2=(Integer(0), _HALF, -_HALF),
    beta3=(-_HALF, _QUARTER, _QUARTER),
    beta4=(Integer(0), _HALF, -_HALF),
    a0=(_NONE, (Integer(1),), _NONE),
    a1=(_NONE, (Integer(1),), (Integer(1),)),
    a2=(_NONE, _NONE, _NONE),
    b0=(_NONE, (Integer(1),), _NONE),
    b1=(_NONE, (Integer(1),), (Integer(-1),)),
    b2=(_NONE, (Integer(1),), (Integer(-1),)),
)
"""A. Roessler, SIAM J. Numer. Anal. 47 (2009) 1713."""

_AHEAD, _ACROSS = 3 * sqrt(Rational(38, 491)), sqrt(Rational(221, 4955))
_ACROSS_ROW = tuple(Rational(-n, 513) * _ACROSS for n in (1070, 491, 491))

DRI1 = Tableau(
    alpha=(Rational(1, 6), Rational(2, 3), Rational(1, 6)),
    beta1=(Rational(193, 684), Rational(491, 1368), Rational(491, 1368)),
    beta2=(Integer(0), 1 / (2 * _AHEAD), -1 / (2 * _AHEAD)),
    beta3=(Rational(-4955, 7072), Rational(4955, 14144), Rational(4955, 14144)),
    beta4=(Integer(0), -1 / (8 * _ACROSS), 1 / (8 * _ACROSS)),
    a0=(_NONE, (_HALF,), (Integer(-1), Integer(2))),
    a1=(_NONE, (Rational(342, 491),), (Rational(342, 491),)),
    a2=(_NONE, _NONE, _NONE),
    b0=(_NONE, ((6 - sqrt(6)) / 10,), ((3 + 2 * sqrt(6)) / 5,)),
    b1=(_NONE, (_AHEAD,), (-_AHEAD,)),
    b2=(_NONE, _ACROSS_ROW, tuple(-weight for weight in _ACROSS_ROW)),
)
"""K. Debrabant, A. Roessler, Appl. Numer. Math. 59 (2009) 582, arXiv 1303.5103."""
