"""Second moments of gradient noise and of its derivatives by theta, from the covariance ``S(theta)``.

The noise is a gradient, ``xi_i = d_i psi`` for a random function psi, so ``xi_ij = d_j xi_i`` is symmetric.
Derivatives of ``S_ij = E[xi_i xi_j]`` are sums of such moments. With one derivative they determine

    E[xi_i xi_jk] = 1/2 (S_ij,k + S_ik,j - S_jk,i),

the Christoffel symbol of the first kind of the metric S. With two, all but the part of ``E[xi_ij xi_kl]``
that is symmetric in all four indices, `OPEN`. Where the noise is taken at one point, that part cancels:
``S_ij,kl`` itself does not contain it.
"""

from collections.abc import Iterable

from sympy import Expr

from ..errors import DerivationRefused
from ..notation.indices import components
from ..notation.symbols import Field

OPEN = Field("E[xi xi]", 4, symmetric=True, formal=True)
"""``(E[xi_ij xi_kl] + E[xi_ik xi_jl] + E[xi_il xi_jk]) / 3``, which S does not determine."""


def second_moment(covariance: Field, left: tuple[str, ...], right: tuple[str, ...]) -> Expr:
    """Return ``E[xi_left xi_right]``, where indices after the first are derivatives by theta.

    Parameters
    ----------
    covariance : Field
        ``S``.
    left, right : tuple of str

    Raises
    ------
    ValueError
        There are more than two derivatives.
    """
    S = covariance
    match sorted((left, right), key=len):
        case (i,), (j,):
            return S(i, j)
        case (i,), (j, k):
            return (S(i, j, k) + S(i, k, j) - S(j, k, i)) / 2
        case (i, j), (k, l):
            crossed = S(i, k, j, l) + S(i, l, j, k) + S(j, k, i, l) + S(j, l, i, k)
            return OPEN(i, j, k, l) + crossed / 6 - (S(i, j, k, l) + S(k, l, i, j)) / 3
        case (i,), (j, k, l):
            other = S(j, k, i, l) + S(j, l, i, k) + S(k, l, i, j)
            return (S(i, j, k, l) + S(i, k, j, l) + S(i, l, j, k)) / 3 - other / 6 - OPEN(i, j, k, l)
    raise DerivationRefused(
        f"E[xi[{','.join(left)}] xi[{','.join(right)}]], where indices after the first are derivatives by "
        "theta; expected at "
        "most two derivatives: take constant noise or a lower weak order"
    )


def check_determined(expressions: Iterable[Expr], name: str) -> None:
    """Refuse expectations that contain what the covariance does not determine.

    Raises
    ------
    ValueError
        They do.
    """
    if any(c.field == OPEN for e in expressions for c in components(e)):
        raise DerivationRefused(
            f"{name} needs the moment E[xi_ij xi_kl] of the noise's derivatives by theta, which the "
            "covariance S(theta) does "
            "not determine; take constant noise or a lower weak order"
        )
