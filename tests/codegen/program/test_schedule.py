import sympy as sp
from rmsprop_kernels import RMSPROP, SDE

from optsde.codegen.program.kernel import Step
from optsde.codegen.program.schedule import levels
from optsde.codegen.program.statements import Apply, Entry, Matrix, Scalar, Total, Vector

x, y, w, a, b = sp.symbols("x y w a b")


def test_products_come_between_as_few_loops_as_possible() -> None:
    first, second = levels(SDE.statements, SDE.result)
    assert [s.target for s in first.products] == ["F", "N1", "N2"]
    assert [s.target for s in first.loop] == ["P", "PF"]
    assert first.stored == ("P", "PF")
    assert [s.target for s in second.products] == ["H"]
    assert second.stored == ()
    assert [s.target for s in second.loop] == ["G", "theta_next", "v_next"]


def test_everything_is_complete_before_it_is_read() -> None:
    statements = (
        Vector("y", x + 1),
        Total("a", y**2),
        Vector("w", x / a),
        Entry("b", "w", 0),
        Apply("u", Matrix("A"), ("w",)),
        Apply("v", Matrix("A"), ("u",)),
        Total("c", sp.Symbol("v") * b),
        Vector("last", y * sp.Symbol("c")),
    )
    for one in (statements, SDE.statements, RMSPROP.statements):
        complete: set[str] = set()
        targets = {s.target for s in one if not isinstance(s, Scalar)}
        seen = []
        for level in levels(one, ("last",)):
            for s in (*level.products, *level.entries):
                assert targets.intersection(s.reads) <= complete
                complete.add(s.target)
            inside = set(complete)
            for s in level.loop:
                assert targets.intersection(s.reads) <= inside
                if isinstance(s, Vector):
                    inside.add(s.target)
            complete |= {s.target for s in level.loop if isinstance(s, Total)} | set(level.stored)
            seen += [s.target for s in (*level.products, *level.entries, *level.loop)]
        assert sorted(seen) == sorted(targets)


def test_scalars_take_no_part() -> None:
    one = Step(
        "s", ("x",), (), (), ("p",), (), (), (Scalar("q", sp.Symbol("p") ** 2), Vector("y", x)), ("y",)
    )
    (level,) = levels(one.statements, one.result)
    assert [s.target for s in level.loop] == ["y"]
