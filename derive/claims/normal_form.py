"""A normal form for expressions in index notation with explicit functions: equal expressions have the same.

A term is a monomial in tensors and state times a function of the coordinates' second moments, of time and of
what stands under roots. Roots and exponentials become symbols, so that this function is rational: two are
equal if and only if `cancel` of their difference is 0. For an exponential ``exp(-c t)`` the symbol is
``gamma_c = 1 - exp(-c t)``, because bias corrections are made of these. A second moment is eliminated by its
root. Any other root r is of a polynomial p and known by ``r**2 = p``: it is brought out of denominators and
reduced to its first power. Different irreducible polynomials have no square among their products, so the
products of their roots are linearly independent over the rational functions, and the form is unique. A sign
is known by ``s**2 = 1``, an absolute value is ``s`` times its argument.
"""

from collections.abc import Mapping
from itertools import permutations

from sympy import (
    Abs,
    Add,
    Expr,
    Integer,
    Lambda,
    Mul,
    Poly,
    Pow,
    Rational,
    Symbol,
    apart,
    cancel,
    erf,
    exp,
    factor_list,
    fraction,
    sign,
    sqrt,
    together,
)
from sympy import factor as factorised

from ..derivation.chain import Chain
from ..errors import BadInput
from ..notation.coordinates import written_out
from ..notation.indices import dummies, fresh, reindex, terms
from ..notation.symbols import Component, Field, t

NormalForm = Mapping[Expr, Expr]
"""For each monomial in tensors and state its coefficient, a rational function in lowest terms; none
vanishes.
"""


class Algebra:
    """Roots and exponentials as symbols, for a family of expressions.

    Parameters
    ----------
    chain : Chain
        Its nonnegative blocks and the exponentials of time are what may stand under a root.
    definitions : mapping of str to Lambda
        Of the functions kept abstract.

    Raises
    ------
    ValueError
        In `normal_form`, if what stands under a root is not linear in one such quantity, nor an irreducible
        polynomial without them that is never negative.
    """

    def __init__(self, chain: Chain, definitions: Mapping[str, Lambda]) -> None:
        self.nonnegative = {b.name for b in chain.blocks if b.nonnegative}
        self.definitions = definitions
        self._exponentials: dict[Expr, Symbol] = {}
        self._roots: dict[Expr, Symbol] = {}
        self._solved: dict[Symbol, Expr] = {}
        self._squares: dict[Symbol, Expr] = {}
        self._under_roots: set[tuple[Field, int]] = set()
        self._error_functions: dict[Expr, Symbol] = {}
        self._written: dict[Symbol, Expr] = {}

    def normal_form(self, expression: Expr) -> NormalForm:
        """Return the normal form: it is empty if and only if the expression is zero."""
        found: dict[Expr, Expr] = {}
        whole = written_out(expression, self.definitions).replace(Abs, lambda x: x * sign(x))
        self._rational(whole)  # roots first: what stands under one belongs to no monomial
        for term in terms(whole):
            for monomial, coefficient in self._split(term):
                found[monomial] = found.get(monomial, 0) + self._rational(coefficient)
        # what stands under a root may have been met after a coefficient without the root
        reduced = {
            monomial: self._reduced(cancel(together(c.xreplace(self._solved))))
            for monomial, c in found.items()
        }
        parts = {
            monomial * k: c
            for monomial, whole in reduced.items()
            for k, c in self._by_constants(whole).items()
        }
        return dict(sorted(parts.items(), key=str))

    def expression(self, form: NormalForm) -> Expr:
        """Return a short sum with the normal form: for each set of sums over coordinates, factored if that is
        shorter.

        For ``1 - exp(-c t)`` stands the symbol ``gamma_c``.
        """
        groups: dict[tuple[str, ...], list[Expr]] = {}
        for monomial, coefficient in form.items():
            groups.setdefault(tuple(sorted(dummies(monomial))), []).append(
                monomial * self._shortest(coefficient)
            )
        sums = (Add(*group) for group in groups.values())
        written = {root: sqrt(base) for base, root in self._roots.items()} | self._written
        return Add(*(min(e, factorised(e), key=_length).xreplace(written) for e in sums))

    def _shortest(self, coefficient: Expr) -> Expr:
        """Return a rational function factored, or as partial fractions in the root of a second moment."""
        forms = [factorised(coefficient)]
        sums = {s for f in Mul.make_args(fraction(forms[0])[0]) if isinstance(f, Add) for s in f.free_symbols}
        roots = {root for base, root in self._roots.items() if self._is_nonnegative(base)}
        for root in sorted(sums & roots, key=str):
            forms.append(Add(*(factorised(part) for part in Add.make_args(apart(coefficient, root)))))
        return min(forms, key=_length)

    def _split(self, term: Expr) -> list[tuple[Expr, Expr]]:
        """Split off the monomial, with its dummies named canonically; averaged over the namings that leave it
        the same.
        """
        names = sorted(dummies(term))
        orders = permutations(fresh((), len(names)))
        renamed = [self._monomial(reindex(term, dict(zip(names, order, strict=True)))) for order in orders]
        least = min(str(monomial) for monomial, _ in renamed)
        chosen = [(monomial, coefficient) for monomial, coefficient in renamed if str(monomial) == least]
        return [(monomial, coefficient / len(chosen)) for monomial, coefficient in chosen]

    def _monomial(self, term: Expr) -> tuple[Expr, Expr]:
        factors = Mul.make_args(term)
        inside = [f for f in factors if self._belongs(*f.as_base_exp())]
        return Mul(*inside), Mul(*(f for f in factors if f not in inside))

    def _belongs(self, base: Expr, exponent: Expr) -> bool:
        """Tell whether a power stands in the monomial: what roots are taken of does not."""
        if not (exponent.is_Integer and exponent.is_positive and isinstance(base, Component)):
            return False
        return not self._is_nonnegative(base) and _kind(base) not in self._under_roots

    def _by_constants(self, coefficient: Expr) -> dict[Expr, Expr]:
        """Split a rational function by the monomials in the constants in which it is a polynomial."""
        numerator, denominator = fraction(coefficient)
        hidden = {
            *self._roots.values(),
            *self._exponentials.values(),
            *self._written,
            *denominator.free_symbols,
        }
        constants = sorted(
            (s for s in numerator.free_symbols - hidden if not isinstance(s, Component)), key=str
        )
        if not constants or numerator == 0:
            return {} if numerator == 0 else {Integer(1): coefficient}
        split = Poly(numerator, *constants).terms()
        return {
            Mul(*(Pow(s, n) for s, n in zip(constants, powers, strict=True))): c / denominator
            for powers, c in split
        }

    def _rational(self, expression: Expr) -> Expr:
        for call in sorted(expression.atoms(erf), key=str):
            expression = expression.xreplace({call: self._error_function(call.args[0])})
        for call in sorted(expression.atoms(sign), key=str):
            expression = expression.xreplace({call: self._sign(call.args[0])})
        for call in sorted(expression.atoms(exp), key=str):
            expression = expression.xreplace({call: self._exponential(call.exp)})
        powers = {
            p for p in expression.atoms(Pow) if p.exp.is_Rational and p.exp.q == 2 and not p.base.is_number
        }
        for power in sorted(powers, key=str):
            expression = expression.xreplace({power: self._root(power.base) ** power.exp.p})
        return expression.xreplace(self._solved)

    def _exponential(self, exponent: Expr) -> Expr:
        factors = []
        for part in Add.make_args(exponent.expand()):
            number, rate = part.as_coeff_Mul()
            symbol = self._exponentials.setdefault(rate, Symbol(f"gamma_{rate / t}", positive=True))
            factors.append(Pow(1 - symbol, -number))
        return Mul(*factors)

    def _error_function(self, argument: Expr) -> Symbol:
        """Return the symbol of an error function, the same for equal arguments: variances under roots are not
        negative.
        """
        scales = {
            c: Symbol(f"sqrt({c})", positive=True) ** 2 for c in argument.atoms(Component) if is_variance(c)
        }
        symbol = self._error_functions.setdefault(
            cancel(argument.xreplace(scales)), Symbol(f"erf({argument})", real=True)
        )
        self._written.setdefault(symbol, erf(argument))
        return symbol

    def _sign(self, argument: Expr) -> Symbol:
        symbol = Symbol(f"sign({argument})", real=True)
        self._written[symbol], self._squares[symbol] = sign(argument), Integer(1)
        return symbol

    def _root(self, base: Expr) -> Expr:
        if base in self._roots:
            return self._roots[base]
        under = {s for s in base.free_symbols if s in self._exponentials.values() or self._is_nonnegative(s)}
        if not under:
            return self._root_of_polynomial(base)
        slope = base.diff(*under) if len(under) == 1 else base
        if len(under) != 1 or slope.free_symbols & under or slope == 0 or under & set(self._solved):
            raise BadInput(_refusal(base))
        (unknown,) = under
        self._roots[base] = root = Symbol(f"sqrt({base})", positive=True)
        self._solved[unknown] = (root**2 - base.xreplace({unknown: Rational(0)})) / slope
        return root

    def _root_of_polynomial(self, base: Expr) -> Expr:
        scales = {c: Symbol(str(c), nonnegative=True) for c in base.atoms(Component) if is_variance(c)}
        if not (base.is_polynomial(*base.free_symbols) and base.xreplace(scales).is_nonnegative):
            raise BadInput(_refusal(base))
        content, factors = factor_list(base)
        if [power for _, power in factors] != [1] or not content.is_positive:
            raise BadInput(_refusal(base))
        ((polynomial, _),) = factors
        if polynomial not in self._roots:
            self._roots[polynomial] = root = Symbol(f"sqrt({polynomial})", positive=True)
            self._squares[root] = polynomial
            self._under_roots |= {_kind(c) for c in polynomial.atoms(Component)}
        return sqrt(content) * self._roots[polynomial]

    def _reduced(self, coefficient: Expr) -> Expr:
        """Bring roots of polynomials and signs out of the denominator, and those in the numerator to the
        first power.
        """
        numerator, denominator = fraction(coefficient)
        present = [(root, square) for root, square in self._squares.items() if coefficient.has(root)]
        for root, square in present:
            even, odd = _halves(denominator, root, square)
            numerator, denominator = numerator * (even - odd * root), (even**2 - odd**2 * square).expand()
            if denominator == 0:
                raise BadInput(f"division by {even + odd * root}, zero for one sign; expected none")
            even, odd = _halves(numerator, root, square)
            numerator = even + odd * root
        return cancel(numerator / denominator) if present else coefficient

    def _is_nonnegative(self, symbol: Symbol) -> bool:
        return isinstance(symbol, Component) and symbol.field.name in self.nonnegative


def _halves(polynomial: Expr, root: Symbol, square: Expr) -> tuple[Expr, Expr]:
    """Return a and b of ``polynomial = a + b root``."""
    halves = [Integer(0), Integer(0)]
    for (power,), coefficient in Poly(polynomial, root).terms():
        halves[power % 2] += coefficient * square ** (power // 2)
    return halves[0], halves[1]


def _kind(component: Component) -> tuple[Field, int]:
    return component.field, len(component.indices)


def is_variance(component: Component) -> bool:
    """Tell whether a component is a variance of the noise, which is not negative."""
    return component.field.name == "S" and len({*component.indices}) == 1


def _refusal(base: Expr) -> str:
    return (
        f"sqrt({base}) in an equation; expected a root of something linear in one second moment, or of an "
        "irreducible "
        "polynomial without any that is never negative"
    )


def _length(expression: Expr) -> int:
    return len(str(expression))
