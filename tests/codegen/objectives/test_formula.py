"""Objectives given by formulas: what they provide to kernels, against einsum over derivatives taken by
SymPy.
"""

from functools import reduce
from itertools import product

import numpy as np
import pytest
import sympy as sp
from formulas import X, fields, formulas, number, values
from interpreter import carry_out

from optsde.codegen.lowering.by_coordinates import CoordinateLowering
from optsde.codegen.lowering.regularisation import unregularised
from optsde.codegen.objectives.formula import FormulaFields
from optsde.derive.notation.symbols import (
    Field,
    element_function,
    factor,
    gradient,
    square_factor,
    zeta1,
    zeta2,
)


def derivatives(entries: np.ndarray, order: int, x: dict[str, np.ndarray]) -> np.ndarray:
    """Derivatives of an array of expressions at theta; their indices come last."""
    d = len(x["theta"])
    result = np.empty((*entries.shape, *[d] * order))
    for place in product(*map(range, result.shape)):
        head, tail = place[: entries.ndim], place[entries.ndim :]
        result[place] = number(reduce(lambda e, n: e.diff(X[d][n]), tail, entries[head]), x)
    return result


S = Field("S", rank=2, symmetric=True, varies=True)
theta, v, zeta = Field("theta"), Field("v"), zeta1
P = element_function("P", (0,))
P_OF_V = {
    "P": sp.Lambda(sp.Symbol("x", real=True), 1 / (sp.sqrt(sp.Symbol("x", real=True)) + sp.Rational(1, 5)))
}
CONTRACTIONS = {
    "ij,j->i": (gradient("i", "_1") * P(v("_1")) * v("_1"), ("H", "pv")),
    "ijk,jk,j,k->i": (
        gradient("i", "_1", "_2") * S("_1", "_2") * P(v("_1")) * P(v("_2")),
        ("F3", "S", "p", "p"),
    ),
    "ij,j,ik,k->i": (gradient("i", "_1") * v("_1") * S("i", "_2") * theta("_2"), ("H", "v", "S", "theta")),
    "ip,p->i": (factor("i", "_3") * zeta("_3"), ("B", "zeta1")),
    "ipj,jq,q,p->i": (
        factor("i", "_4", "_1") * factor("_1", "_2") * zeta("_2") * theta("_4"),
        ("B1", "B", "zeta1", "theta"),
    ),
    "ipjk,jk,j,p->i": (
        factor("i", "_1", "_2", "_3") * S("_2", "_3") * v("_2") * zeta("_1"),
        ("B2nd", "S", "v", "zeta1"),
    ),
    "iij,j->i": (S("i", "i", "_1") * v("_1"), ("S1", "v")),
    "iijk,jk,j->i": (S("i", "i", "_1", "_2") * S("_1", "_2") * v("_2"), ("S2nd", "S", "v")),
    "ij,ij,j->i": (S("i", "_1") ** 2 * v("_1"), ("S", "S", "v")),
    "ij,jk,kj,k->i": (gradient("i", "_1") * S("_1", "_2") * S("_1", "_2") * v("_2"), ("H", "S", "S", "v")),
    "ii,jk,jk,i->i": (
        gradient("i", "i") * gradient("_1", "_2") * S("_1", "_2") * v("i"),
        ("H", "H", "S", "v"),
    ),
    "ijj->i": (gradient("i", "_1", "_1"), ("F3",)),
    "ij,j,ik,k,ii->i": (
        gradient("i", "_1") * v("_1") * gradient("i", "_2") * v("_2") * S("i", "i"),
        ("H", "v", "H", "v", "S"),
    ),
}


@pytest.mark.parametrize("d", [1, 3])
def test_contractions_are_those_of_einsum(d):
    f, b = formulas(d)
    x = values(d)
    p = 1 / (np.sqrt(x["v"]) + 0.2)
    scalar, matrix, square = np.array(f, dtype=object), np.array(b.tolist()), np.array((b * b.T).tolist())
    tensors = {
        "H": derivatives(scalar, 2, x), "F3": derivatives(scalar, 3, x), "B": derivatives(matrix, 0, x),
        "B1": derivatives(matrix, 1, x), "B2nd": derivatives(matrix, 2, x), "S": derivatives(square, 0, x),
        "S1": derivatives(square, 1, x), "S2nd": derivatives(square, 2, x), "p": p, "pv": p * x["v"], **x,
    }  # fmt: skip
    made = CoordinateLowering(fields(d), P_OF_V, unregularised(), vectors={"theta", "v", "zeta1"})
    wanted = {}
    for n, (sums, (term, names)) in enumerate(CONTRACTIONS.items()):
        made.vector(f"result{n}", made.lowered(term))
        wanted[f"result{n}"] = np.einsum(sums, *(tensors[name] for name in names))
    known = carry_out(made.statements, x)
    for (name, value), sums in zip(wanted.items(), CONTRACTIONS, strict=True):
        np.testing.assert_allclose(known[name], value, rtol=1e-11, err_msg=sums)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_gradient_and_noise_are_taken_where_they_are_asked_for(d):
    f, b = formulas(d)
    x = values(d)
    for at in ("theta", "m"):
        there = x | {"theta": x[at]}
        known = carry_out(fields(d).gradient(at, "g"), x)
        np.testing.assert_allclose(known["g"], derivatives(np.array(f, dtype=object), 1, there), rtol=1e-12)
        noisy = carry_out(fields(d).noisy_gradient(at, "noisy", sp.Integer(3)), x)["noisy"]
        wanted = known["g"] + 3 * derivatives(np.array(b.tolist()), 0, there) @ x["zeta1"]
        np.testing.assert_allclose(noisy, wanted, rtol=1e-12)


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("columns", [1, 2, 3], ids=lambda n: f"rank {n}")
def test_the_factor_of_squares_squares_to_twice_the_squared_covariance(columns, constant):
    f, b = formulas(3)
    b = b.subs(dict(zip(X[3], (1, sp.Rational(-1, 3), 2), strict=True))) if constant else b
    b = b[:, :columns].row_join(sp.zeros(3, 3 - columns))
    x = values(3)
    spread = derivatives(np.array((b * b.T).tolist()), 0, x)
    made = CoordinateLowering(FormulaFields(f, b), {}, unregularised(), vectors={"theta", "zeta2"})
    made.vector("result", made.lowered(square_factor("i", "_1") * zeta2("_1")))
    columns_ = [carry_out(made.statements, x | {"zeta2": unit})["result"] for unit in np.eye(3)]
    root = np.stack(columns_, axis=1)
    # where a pivot vanishes only its round-off is left, and its square root is that of 1e-16
    np.testing.assert_allclose(root @ root.T, 2 * spread**2, rtol=1e-7 if columns == 1 else 1e-12)
