"""Concrete polynomial problems at rational points, and what an abstract expression is worth there."""

from fractions import Fraction
from functools import cache
from itertools import chain

import sympy as sp
from brute_force import BLOCKS, Monomial, Problem
from sympy.core.function import AppliedUndef
from truncated import Polynomial

from optsde import derive

GAUSSIAN = derive.gaussian()
HYPER = {
    "c": Fraction(2, 3),
    "c1": Fraction(3, 5),
    "c2": Fraction(5, 7),
    "mu": Fraction(4, 3),
    "eps": Fraction(1, 10),
}


def polynomial(**coefficients: int) -> Polynomial:
    """`polynomial(x12=5)` is 5 theta_1 theta_2^2: one digit of exponent for each coordinate."""
    return {tuple(map(int, key[1:])): Fraction(value) for key, value in coefficients.items()}


# Order 3 in the batch-equivalent regime reaches the fifth derivative of f and the fourth of S: none of them
# vanishes.
LINE = Problem(
    objective=polynomial(x1=3, x2=-2, x3=5, x4=1, x5=-2),
    factor=((polynomial(x0=1, x1=2, x2=-1),),),
    theta=(Fraction(1, 3),),
    momentum=(Fraction(2, 5),),
    second=(Fraction(9, 4),),
    time=Fraction(3, 7),
    decay=(Fraction(1, 2), Fraction(16, 25)),
    hyper=HYPER,
)
QUINTIC = polynomial(
    x10=3, x20=-2, x11=5, x02=7, x30=1, x21=2, x12=-3, x03=4, x40=1, x31=-2, x22=3, x13=1, x04=-1,
    x50=2, x41=-1, x32=1, x23=3, x14=-2, x05=1,
)  # fmt: skip
PLANE = Problem(
    objective=QUINTIC,
    factor=(
        (polynomial(x00=1, x10=2, x02=-1), polynomial(x00=2, x11=1)),
        (polynomial(x01=1, x20=3), polynomial(x00=3, x10=-1, x01=1)),
    ),
    theta=(Fraction(1, 3), Fraction(-1, 2)),
    momentum=(Fraction(2, 5), Fraction(-3)),
    second=(Fraction(9, 4), Fraction(4, 9)),
    time=Fraction(3, 7),
    decay=(Fraction(1, 2), Fraction(16, 25)),
    hyper=HYPER,
)
PROBLEMS = {1: LINE, 2: PLANE}


def coordinates(rule: str, dimension: int) -> list[str]:
    """Names of the brute force's coordinates, in its order; as the engine spells them, then time for Adam."""
    names = [b if dimension == 1 else f"{b}_{i + 1}" for b in BLOCKS[rule] for i in range(dimension)]
    return names + ["t"] * (rule == "adam")


def as_sympy(poly: Polynomial, variables: tuple[sp.Symbol, ...]) -> sp.Expr:
    terms = (
        c.numerator * sp.prod([x**e for x, e in zip(variables, k, strict=True)]) / c.denominator
        for k, c in poly.items()
    )
    return sp.Add(*terms)


class Point:
    """Values of expressions in f, S and the state at the point of a problem, exact."""

    def __init__(self, rule: str, problem: Problem) -> None:
        d = problem.dimension
        self.values = dict(problem.hyper)
        v = problem.momentum if rule == "heavy_ball" else problem.second
        for block, entries in (("theta", problem.theta), ("m", problem.momentum), ("v", v)):
            self.values.update({block if d == 1 else f"{block}_{i + 1}": entries[i] for i in range(d)})
        self.values["t"] = problem.time
        self.decay = problem.decay
        self.theta = tuple(sp.Symbol("theta" if d == 1 else f"theta_{i + 1}") for i in range(d))
        factor = sp.Matrix(d, d, lambda i, p: as_sympy(problem.factor[i][p], self.theta))
        covariance = (factor * factor.T).expand()
        self.fields = {"f": as_sympy(problem.objective, self.theta)}
        for i in range(d):
            for j in range(i, d):
                self.fields["S" if d == 1 else f"S_{i + 1}{j + 1}"] = covariance[i, j]

    def number(self, symbol: sp.Symbol) -> sp.Rational:
        value = self.values[symbol.name]
        return sp.Rational(value.numerator, value.denominator)

    def field(self, atom: sp.Expr) -> sp.Expr:
        """A field or a derivative of one, at theta."""
        base = atom.expr if isinstance(atom, sp.Derivative) else atom
        rename = dict(zip(base.args, self.theta, strict=True))
        value = self.fields[base.func.__name__]
        if isinstance(atom, sp.Derivative):
            for variable, count in atom.variable_count:
                value = value.diff(rename[variable], int(count))
        return value.subs({x: self.number(x) for x in self.theta})

    def exponential(self, atom: sp.exp) -> sp.Rational:
        """exp(-n1 c1 t - n2 c2 t) by the values given to exp(-c1 t) and exp(-c2 t)."""
        named = {symbol.name: symbol for symbol in atom.free_symbols}
        value, rest = sp.Integer(1), atom.exp
        for name, decay in zip(("c1", "c2"), self.decay, strict=True):
            if name in named:
                power = -atom.exp.diff(named[name], named["t"])
                value *= sp.Rational(decay.numerator, decay.denominator) ** power
                rest += power * named[name] * named["t"]
        assert sp.expand(rest) == 0, f"{atom} is not a product of the two known exponentials"
        return value

    def evaluate(self, expression: sp.Expr) -> Fraction:
        expression = sp.sympify(expression)
        replacement: dict[sp.Basic, sp.Basic] = {}
        for atom in expression.atoms(AppliedUndef, sp.Derivative):
            replacement[atom] = self.field(atom)
        for atom in expression.atoms(sp.exp):
            replacement[atom] = self.exponential(atom)
        for symbol in expression.free_symbols:
            replacement[symbol] = self.number(symbol)
        value = expression.xreplace(replacement)
        assert value.is_Rational, f"{expression} is {value}, not a rational number"
        return Fraction(int(value.p), int(value.q))


@cache
def engine_equation(rule: str, regime: str, order: int, noise: derive.NoiseModel = GAUSSIAN):
    """What the engine derives for the paper's variants."""
    make = getattr(derive, rule)
    optimizer = make(variant="paper") if rule in ("rmsprop", "adam") else make()
    return derive.modified_equation(optimizer, regime=getattr(derive, regime), noise=noise, order=order)


@cache
def engine_form(rule: str, regime: str, order: int, dimension: int, noise: derive.NoiseModel = GAUSSIAN):
    """Its component form."""
    return engine_equation(rule, regime, order, noise).expand(dimension)


def coefficients(form: object, orders: int) -> list[dict[Monomial, sp.Expr]]:
    """Non-zero coefficients of L_0, L_1, ... of a component form, keyed like `brute_force.generator`."""
    position = {symbol: k for k, symbol in enumerate(form.state)}
    result: list[dict[Monomial, sp.Expr]] = []
    for order in range(orders):
        drift, covariance = form.drift[order], form.covariance[order]
        pairs = (((a, b), covariance[a, b]) for a in range(len(position)) for b in range(a, len(position)))
        entries = chain((((a,), drift[a]) for a in range(len(position))), pairs)
        result.append({key: value for key, value in entries if value != 0})
    if orders > 1:
        for table in (form.third, form.fourth):
            for key, value in table.items():
                result[1][tuple(sorted(position[symbol] for symbol in key))] = value
    return result
