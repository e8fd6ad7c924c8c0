"""The expectation of products of noise and of functions of it."""

from sympy import Add, Expr

from ..noise.model import NoiseModel
from ..notation.factors import is_noise, taken_out
from ..notation.indices import canonical, terms
from .moments import Noisy, smoothed_moment


def expectation(expression: Expr, law: NoiseModel) -> Expr:
    """Replace the noise in a polynomial of ``xi[.]``, ``xi2[.]``, ... and of functions of it by its joint
    moments.
    """
    result = []
    for term in terms(expression):
        drawn, others = taken_out(term, is_noise)
        functions, rest = taken_out(others, lambda base: isinstance(base, Noisy))
        moment = smoothed_moment(functions, drawn, law) if functions else law.joint_moment(drawn)
        result.append(rest * moment)
    return canonical(Add(*result))
