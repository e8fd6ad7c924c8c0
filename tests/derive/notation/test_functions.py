"""The one table of functions: each is read, printed for Numba, evaluated in NumPy and encoded alike."""

import math

import numpy as np
import pytest
from sympy import Symbol

from optsde.codegen.numba.printer import text
from optsde.derive.notation.functions import FUNCTIONS, KNOWN_FUNCTIONS
from optsde.derive.notation.parser import parse_expression
from optsde.derive.storage.encoding import decode, encode
from optsde.runtime.kernels.interpreter import value

X = Symbol("x", real=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_known_function_is_known_everywhere(name):
    call = f"{name}(x, 1/3)" if name.lower() in ("max", "min") else f"{name}(x)"
    expression = parse_expression(call, {"x": X})
    assert decode(encode(expression)) == expression
    at = 0.37
    exact = float(expression.subs(X, at))
    assert value(expression, {"x": np.array([at])})[0] == pytest.approx(exact, rel=1e-14)
    code = text(expression, {"x": "x"})
    assert eval(code, {"math": math, "x": at}) == pytest.approx(exact, rel=1e-14)


def test_every_name_and_class_stands_once():
    names = [name for known in KNOWN_FUNCTIONS for name in known.names]
    classes = [known.function for known in KNOWN_FUNCTIONS]
    assert len(set(names)) == len(names)
    assert len(set(classes)) == len(classes)
