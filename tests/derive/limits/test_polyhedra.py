from fractions import Fraction
from functools import cache
from itertools import product

from optsde.derive.limits.exponents import Form
from optsde.derive.limits.polyhedra import BOX, polyhedra_of, polyhedron

Q = Fraction


def form(*weights):
    return Form(tuple(map(Q, weights)))


TRIANGLE = polyhedron([], [form(1, 0, 0), form(0, 1, 0), form(-1, -1, 1), form(-1, 0, 5)], 2)


def test_a_triangle_has_three_corners_and_six_faces():
    assert TRIANGLE.vertices == ((0, 0), (0, 1), (1, 0))
    assert TRIANGLE.dimension == 2
    assert len(TRIANGLE.positive) == 3
    assert sorted(map(len, TRIANGLE.faces)) == [1, 1, 1, 2, 2, 2]
    assert TRIANGLE.centre == (Q(1, 3), Q(1, 3))
    assert TRIANGLE.centre in TRIANGLE
    assert (Q(0), Q(1, 2)) not in TRIANGLE


def test_the_same_set_has_one_form():
    other = polyhedron([], [form(-3, -3, 3), form(2, 0, 0), form(0, 7, 0), form(1, 1, 1)], 2)
    assert other == TRIANGLE
    edge = polyhedron([form(2, 2, -2), form(1, 1, -1)], [form(1, 0, 0), form(0, 3, 0)], 2)
    assert edge == polyhedron([form(-1, -1, 1)], [form(0, -1, 1), form(-1, 0, 1)], 2)
    assert edge.dimension == 1
    assert edge.simplified(form(1, 1, 0)) == form(0, 0, 1)


def test_what_the_box_cuts_is_no_face():
    quadrant = polyhedron([], [form(1, 0, 0), form(0, 1, 0)], 2)
    assert (BOX, BOX) in quadrant.vertices
    assert ((0, 0),) in quadrant.faces
    assert len(quadrant.faces) == 3


def test_a_walk_finds_every_sign_pattern_of_an_arrangement():
    """Four planes in general position cut space into 15 parts; by Euler the signs of all faces add up to
    -1.
    """
    planes = [form(1, 0, 0, 0), form(0, 1, 0, 0), form(0, 0, 1, 0), form(1, 1, 1, -1)]

    @cache
    def pattern(signs):
        zero = [f for f, sign in zip(planes, signs, strict=True) if sign == 0]
        return polyhedron(zero, [f * sign for f, sign in zip(planes, signs, strict=True) if sign], 3)

    def region(point):
        values = [f.at(point) for f in planes]
        return pattern(tuple((value > 0) - (value < 0) for value in values))

    found = list(polyhedra_of(region, (Q(1, 5), Q(1, 5), Q(1, 5))))
    assert len(set(found)) == len(found)
    assert sum(p.dimension == 3 for p in found) == 15
    assert sum((-1) ** p.dimension for p in found) == -1
    grid = [Q(n, 2) for n in range(-2, 4)]
    assert {region(point) for point in product(grid, repeat=3)} <= set(found)
