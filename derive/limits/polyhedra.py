"""Relatively open convex polyhedra in exact rationals, and partitions of space into them.

The dimensions are two or three and the inequalities few, so vertices are found by solving for every choice of
tight ones. Unbounded polyhedra are cut by a box that lies far beyond the vertices; what the box makes is
never taken for a face.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations

from .exponents import Form, Point

BOX = 24
"""Half the width of the box, in units of exponents."""


@dataclass(frozen=True)
class Polyhedron:
    """The points at which all of `zero` vanish and all of `positive` are positive; forms in `size`
    unknowns.
    """

    zero: tuple[Form, ...]
    positive: tuple[Form, ...]
    size: int

    @cached_property
    def dimension(self) -> int:
        """The dimension of the relatively open set."""
        return self.size - len(_reduced([f.weights[:-1] for f in self.zero]))

    @cached_property
    def vertices(self) -> tuple[Point, ...]:
        """Corners of the closure, those with the box included."""
        bounds = (*self.positive, *_box(self.size))
        found = set()
        for chosen in combinations(bounds, self.dimension):
            point = _solve([f.weights for f in (*self.zero, *chosen)], self.size)
            if point is not None and all(f.at(point) >= 0 for f in bounds):
                found.add(point)
        return tuple(sorted(found))

    @cached_property
    def centre(self) -> Point:
        """A point inside: the mean of the corners."""
        return _mean(self.vertices)

    @cached_property
    def faces(self) -> tuple[tuple[Point, ...], ...]:
        """The proper faces of the closure by their corners, those on the box left out."""
        facets = [frozenset(v for v in self.vertices if f.at(v) == 0) for f in self.positive]
        found = {f for f in facets if f and len(f) < len(self.vertices)}
        while True:
            met = {a & b for a, b in combinations(found, 2)} - found - {frozenset()}
            if not met:
                break
            found |= met
        box = _box(self.size)
        real = [f for f in found if not any(all(wall.at(v) == 0 for v in f) for wall in box)]
        return tuple(sorted(tuple(sorted(f)) for f in real))

    def simplified(self, form: Form) -> Form:
        """Return a form that has the same values here, without the unknowns that the equations determine."""
        return _modulo(form, self.zero)

    def __contains__(self, point: Point) -> bool:
        return all(f.at(point) == 0 for f in self.zero) and all(f.at(point) > 0 for f in self.positive)


def polyhedron(zero: Iterable[Form], positive: Iterable[Form], size: int) -> Polyhedron:
    """Return a polyhedron in its canonical form: equations in echelon form, only the inequalities that bound
    it.
    """
    echelon = tuple(Form(tuple(row)) for row in _reduced([f.weights for f in zero]))
    reduced = {_primitive(_modulo(f, echelon)): None for f in positive}
    whole = Polyhedron(echelon, tuple(f for f in reduced if not f.constant), size)
    kept: dict[frozenset[Point], Form] = {}
    for form in sorted(whole.positive, key=lambda f: f.weights):
        touching = frozenset(v for v in whole.vertices if form.at(v) == 0)
        if touching and _spanned(touching) == whole.dimension - 1:
            kept.setdefault(touching, form)
    return Polyhedron(echelon, tuple(kept.values()), size)


def polyhedra_of(region: Callable[[Point], Polyhedron | None], start: Point) -> Iterator[Polyhedron]:
    """Walk through a partition of space into relatively open polyhedra.

    Parameters
    ----------
    region : callable
        The polyhedron that contains a point; None outside the domain.
    start : Point
    """
    first = region(start)
    waiting, seen = [first] if first else [], {first}
    while waiting:
        polyhedron = waiting.pop()
        yield polyhedron
        for face in polyhedron.faces:
            middle = _mean(face)
            for found in [region(middle), *_beyond(region, polyhedron, middle)]:
                if found is not None and found not in seen:
                    seen.add(found)
                    waiting.append(found)


def _beyond(
    region: Callable[[Point], Polyhedron | None], inside: Polyhedron, middle: Point
) -> Iterator[Polyhedron]:
    """Yield what lies behind the middle of a face, closer and closer until it touches it."""
    outward = tuple(m - c for m, c in zip(middle, inside.centre, strict=True))
    for halvings in range(3, 14):
        found = region(tuple(m + o / 2**halvings for m, o in zip(middle, outward, strict=True)))
        if found is not None:
            yield found
            if all(f.at(middle) == 0 for f in found.zero) and all(f.at(middle) >= 0 for f in found.positive):
                return


def _modulo(form: Form, echelon: tuple[Form, ...]) -> Form:
    for row in echelon:
        pivot = next(n for n, a in enumerate(row.weights) if a)
        form = form - row * form.weights[pivot]
    return form


def _primitive(form: Form) -> Form:
    """Divide by the largest weight of an unknown, so that multiples become equal."""
    size = max((abs(a) for a in form.weights[:-1]), default=Fraction(0))
    return form * (1 / size) if size else form


def _box(size: int) -> tuple[Form, ...]:
    walls = []
    for n in range(size):
        for sign in (1, -1):
            walls.append(Form((*(Fraction(sign * (m == n)) for m in range(size)), Fraction(BOX))))
    return tuple(walls)


def _mean(points: Sequence[Point]) -> Point:
    return tuple(sum(xs, Fraction(0)) / len(points) for xs in zip(*points, strict=True))


def _spanned(points: frozenset[Point]) -> int:
    first, *rest = sorted(points)
    return len(_reduced([tuple(a - b for a, b in zip(point, first, strict=True)) for point in rest]))


def _solve(rows: Sequence[tuple[Fraction, ...]], size: int) -> Point | None:
    """Return the single point at which forms vanish, if there is one."""
    reduced = _reduced(rows)
    if len(reduced) != size or any(not any(row[:-1]) for row in reduced):
        return None
    return tuple(-row[-1] for row in reduced)


def _reduced(rows: Sequence[tuple[Fraction, ...]]) -> list[list[Fraction]]:
    """Return the reduced row echelon form without zero rows."""
    left, done, column = [list(row) for row in rows], [], 0
    while left and column < len(left[0]):
        pivot = next((row for row in left if row[column] != 0), None)
        if pivot is not None:
            left.remove(pivot)
            pivot = [a / pivot[column] for a in pivot]
            for row in (*left, *done):
                factor = row[column]
                if factor:
                    row[:] = [a - factor * b for a, b in zip(row, pivot, strict=True)]
            done.append(pivot)
        column += 1
    return done
