import sympy as sp
from rmsprop_kernels import RMSPROP, SDE

from optsde.codegen.program.kernel import Step
from optsde.codegen.program.simplify import factor
from optsde.codegen.program.statement import Statement
from optsde.codegen.program.statements import Entry, Number, Scalar, Stack, Total, Vector

x, y, z, p, q, t = sp.symbols("x y z p q t")


def step(*statements: Statement, noise: tuple[str, ...] = ("z",)) -> Step:
    return Step("test", ("x", "y"), (), noise, ("p", "q"), (), (), statements, ("x", "y"))


def unfold(one: Step) -> dict[str, sp.Expr]:
    """All formulas in terms of inputs and products alone."""
    known: dict[str, sp.Expr] = {}
    for s in one.statements:
        if isinstance(s, Scalar | Vector | Total):
            known[s.target] = s.expression.subs(known)
    return known


def test_the_meaning_is_unchanged() -> None:
    for one in (SDE, RMSPROP):
        before, after = unfold(one), unfold(factor(one))
        for target, expression in before.items():
            assert sp.simplify(after[target] - expression) == 0


def test_numbers_leave_the_formulas() -> None:
    found = factor(step(Vector("w", 2 * p * q * x + sp.exp(-t * p) * y / 3 + p + q)))
    scalars = {s.target: s.expression for s in found.statements if isinstance(s, Scalar)}
    assert set(scalars.values()) == {2 * p * q, sp.exp(-t * p) / 3, p + q}
    (vector,) = (s for s in found.statements if isinstance(s, Vector))
    assert vector.expression == sum(
        f * g for f, g in zip(sp.symbols(list(scalars)), (1, 1, 1), strict=True)
    ).subs(
        {
            sp.Symbol(name): sp.Symbol(name) * {2 * p * q: x, sp.exp(-t * p) / 3: y, p + q: 1}[e]
            for name, e in scalars.items()
        }
    )


def test_one_root_and_one_division_for_all_powers_of_a_base() -> None:
    base = x + p
    found = factor(
        step(
            Vector("v", y / base**2 + 1 / sp.sqrt(base)),
            Vector("w", y * sp.sqrt(base) + base ** sp.Rational(-3, 2)),
        )
    )
    powers = [e for s in found.statements if isinstance(s, Vector) for e in s.expression.atoms(sp.Pow)]
    assert sum(e.exp == sp.Rational(1, 2) for e in powers) == 1
    assert sum(e.exp.is_negative is True for e in powers) == 2  # of the base and of its root


def test_common_parts_are_computed_once_before_their_first_use() -> None:
    shared = sp.exp(x * y)
    found = factor(step(Vector("v", shared * x), Total("w", shared + y)))
    common, *others = found.statements
    assert isinstance(common, Vector)
    assert common.expression == shared
    assert [s.target for s in others] == ["v", "w"]


def test_what_numbers_share_is_a_number() -> None:
    a, b = sp.symbols("a b")
    shared, both = sp.exp(a * b), 1 / (a + b)
    found = factor(
        step(
            Entry("a", "x", 0),
            Entry("b", "x", 1),
            Number("n", shared + a),
            Number("m", shared * both),
            Stack("w", ("n", "m")),
            Vector("u", both * x + shared),
            Vector("s", sp.exp(a - b) * y),
            Vector("r", sp.exp(a - b) * x),
        )
    )
    made = {s.expression: s for s in found.statements if isinstance(s, Number | Vector)}
    assert isinstance(made[shared], Number)
    assert isinstance(made[both], Number)
    assert isinstance(made[sp.exp(a - b)], Vector)  # no number reads it
    assert [s.target for s in found.statements if s.target in ("n", "m", "w", "u")] == ["n", "m", "w", "u"]
    known: dict[str, sp.Expr] = {}
    for s in found.statements:
        if isinstance(s, Number | Vector):
            known[s.target] = s.expression.subs(known)
    assert sp.simplify(known["m"] - shared * both) == 0
    assert sp.simplify(known["u"] - both * x - shared) == 0


def test_new_names_avoid_the_old_ones() -> None:
    found = factor(step(Vector("common0", sp.exp(x * y) * x), Vector("factor0", sp.exp(x * y) * p * q)))
    targets = [s.target for s in found.statements]
    assert len(targets) == len(set(targets)) == 4


def test_symbols_of_one_name_are_one_whatever_their_assumptions() -> None:
    positive = sp.Symbol("x", positive=True)
    found = factor(step(Vector("v", sp.exp(positive * y) + sp.exp(x * y))))
    assert unfold(found)["v"] == 2 * sp.exp(x * y)
