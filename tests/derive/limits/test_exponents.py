from fractions import Fraction

from sympy import Symbol

from optsde.derive.limits.exponents import Comparisons, Form

Q = Fraction


def form(*weights):
    return Form(tuple(map(Q, weights)))


def test_forms_are_evaluated_added_and_solved():
    f = form(2, -1, 3) + form(0, 1, 1) * 2 - form(1, 0, 0)
    assert f == form(1, 1, 5)
    assert f.at((Q(1, 2), Q(-3))) == Q(5, 2)
    assert f.solved(1, form(0, 0, 4)) == form(1, 0, 9)
    assert f.without(1) == form(1, 5)
    assert f.expression(("s", "b")) == Symbol("s") + Symbol("b") + 5
    assert f.one == form(0, 0, 1)


def test_comparisons_are_remembered_with_their_sign():
    seen = Comparisons((Q(1), Q(2)))
    assert [seen.sign(f) for f in (form(1, 0, 0), form(2, -1, 0), form(0, -1, 1))] == [1, 0, -1]
    assert list(seen.zero) == [form(2, -1, 0)]
    assert list(seen.positive) == [form(1, 0, 0), form(0, 1, -1)]
    assert seen.sign(form(0, 0, -7)) == -1
    assert len(seen.positive) == 2


def test_the_smallest_forms_tie_or_are_strictly_smaller():
    seen = Comparisons((Q(1), Q(1)))
    assert seen.smallest([form(1, 0, 1), form(1, 0, 0), form(0, 1, 0)]) == [1, 2]
    assert list(seen.zero) == [form(-1, 1, 0)]
    assert list(seen.positive) == []
    assert seen.smallest([form(2, 0, 1), form(0, 1, 0)]) == [1]
    assert list(seen.positive) == [form(2, -1, 1)]
