"""The increments of a chain as series in the square root of tau."""

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Lambda

from ..notation.series import Series


@dataclass(frozen=True)
class Increments:
    """The step of each block at coordinate ``i`` as a series, with the functions kept abstract in it.

    Attributes
    ----------
    series : mapping of str to Series
        Coefficients in ``theta[i]``, ``v[i]``, ``F[i]``, the noise ``xi[i]`` and abstract functions.
    definitions : mapping of str to Lambda
        What the abstract functions stand for.
    """

    series: Mapping[str, Series]
    definitions: Mapping[str, Lambda]
