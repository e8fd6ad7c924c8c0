"""The expectation of products of noise and of functions of it."""

from sympy import Add, Expr, Mul

from ..noise.laws import NoiseModel
from ..notation.indices import canonical, terms
from ..notation.symbols import Component, NoiseField
from .moments import Noisy, smoothed_moment


def expectation(expression: Expr, law: NoiseModel) -> Expr:
    """Replace the noise in a polynomial of ``xi[.]``, ``xi2[.]``, ... and of functions of it by its joint
    moments.
    """
    result = []
    for term in terms(expression):
        rest, drawn, functions = [], [], []
        for factor in Mul.make_args(term):
            base, exponent = factor.as_base_exp()
            if isinstance(base, Component) and isinstance(base.field, NoiseField):
                drawn += [base] * int(exponent)
            elif isinstance(base, Noisy):
                functions += [base] * int(exponent)
            else:
                rest.append(factor)
        result.append(
            Mul(*rest) * (smoothed_moment(functions, drawn, law) if functions else law.joint_moment(drawn))
        )
    return canonical(Add(*result))
