"""Formulas as a paper prints them, read into index notation.

A formula is text at one coordinate: products go element by element, ``H(x)`` is the Hessian applied to a
vector, ``B(dW)`` is ``Sigma^(1/2) dW``. The paper's own names are explained by its notation map, each entry
in terms of those before it.
"""

from collections.abc import Iterator, Mapping
from itertools import count

from sympy import Add, Expr, Integer, Mul, Rational, Symbol, erf, exp, factorial, nan, oo, pi, sign, sqrt, zoo

from ..derivation.chain import Chain
from ..derivation.wiener_chaos import noise_factor
from ..errors import BadInput
from ..notation.indices import dummies, free, fresh, reindex, terms
from ..notation.operators import apply, momentum
from ..notation.parser import parse_expression
from ..notation.symbols import Component, Field, gradient, one, square_factor, t, tau, zeta1, zeta2


class Reader:
    """Reads the formulas of one paper about one chain.

    Known are the state's blocks, ``F`` (the gradient), ``S`` (the diagonal of the noise's covariance), ``t``,
    ``tau``, ``pi``, the constants of regime and noise, the Brownian increments ``dW`` and ``dW2``, sqrt, exp,
    erf and sign, and

    * ``H(x)``: ``sum_j F_ij x_j``; ``T(x)``: ``sum_jk F_ijk S_jk x_j x_k``;
    * ``grad(x)``: ``d_i sum_j x_j``, the derivative by theta of a sum over coordinates;
    * ``B(x)``: a root of the covariance ``S_ij`` applied to x; ``B2(x)``: likewise of ``2 S_ij**2``.

    Parameters
    ----------
    chain : Chain
    notation : mapping of str to str
        The paper's names, each explained by names before it.

    Raises
    ------
    ValueError
        An entry of the notation is no formula, takes a known name, or contains a sum over coordinates.
    """

    def __init__(self, chain: Chain, notation: Mapping[str, str]) -> None:
        self.covariance, self._numbers = chain.noise.cumulant_field(2), count(1)
        self.symbols: dict[str, Expr] = {b.name: Field(b.name)("i") for b in chain.blocks}
        self.symbols |= {"F": gradient("i"), "S": self.covariance("i", "i"), "t": t, "tau": tau, "pi": pi}
        self.symbols |= {"dW": zeta1("i"), "dW2": zeta2("i")} | {str(s): s for s in _constants(chain)}
        root = noise_factor(chain)
        self.functions = {
            "sqrt": sqrt,
            "exp": exp,
            "erf": erf,
            "sign": sign,
            "H": lambda x: self._applied(gradient, x),
            "T": self._third,
            "grad": _gradient,
            "B": lambda x: self._applied(root, x),
            "B2": lambda x: self._applied(square_factor, x),
        }
        for name, text in notation.items():
            if name in self.symbols or name in self.functions:
                raise BadInput(f"notation explains {name}, a known name; expected a name of the paper's own")
            self.symbols[name] = parse_expression(text, self.symbols, self.functions)
            if dummies(self.symbols[name]):
                raise BadInput(
                    f"notation explains {name} by {text}, a sum over coordinates; write it out in the "
                    "formulas"
                )

    def drift(self, text: str) -> Expr:
        """Read a drift.

        Raises
        ------
        ValueError
            The text is no formula, or contains Brownian increments.
        """
        expression = self._read(text)
        if found := sorted(map(str, _increments(expression))):
            raise BadInput(f"the drift {text} contains {found[0]}; expected none")
        return expression

    def noise(self, text: str) -> Expr:
        """Read a noise term, linear in the Brownian increments.

        Raises
        ------
        ValueError
            The text is no formula, or not linear.
        """
        expression = self._read(text)
        for term in terms(expression):
            if sum(f.atoms(Component) & _increments(term) != set() for f in Mul.make_args(term)) != 1:
                raise BadInput(f"the noise {text} contains {term}; expected one of dW and dW2 in each term")
        return expression

    def _read(self, text: str) -> Expr:
        expression = parse_expression(text, self.symbols, self.functions)
        for factor in (f for term in terms(expression) for f in Mul.make_args(term)):
            base, exponent = factor.as_base_exp()
            if isinstance(base, Component) and dummies(base) and exponent != 1:
                raise BadInput(f"{text} contains a power of a sum over coordinates; write it as a product")
        return expression

    def _applied(self, matrix: Field, vector: Expr) -> Expr:
        (j,) = self._fresh(1)
        return Add(*(matrix("i", j) * reindex(term, {"i": j}) for term in terms(vector)))

    def _third(self, vector: Expr) -> Expr:
        j, k = self._fresh(2)
        inside = sorted(dummies(vector))
        again = reindex(vector, {"i": k, **dict(zip(inside, self._fresh(len(inside)), strict=True))})
        pair = terms(reindex(vector, {"i": j}) * again)
        return Add(*(gradient("i", j, k) * self.covariance(j, k) * term for term in pair))

    def _fresh(self, number: int) -> list[str]:
        return [f"_{next(self._numbers)}" for _ in range(number)]


def _gradient(summed: Expr) -> Expr:
    pieces = (term if "i" in free(term) else term * one("i") for term in terms(summed))
    total = Add(*(reindex(term, {"i": fresh(dummies(term), 1)[0]}) for term in pieces))
    return apply(momentum("theta")("i"), total).xreplace({one("i"): Integer(1)})


def powers_of_tau(expression: Expr, last: Rational) -> dict[Rational, Expr]:
    """Return the coefficients of ``tau**0, tau**(1/2), ..., tau**last``, those that vanish left out.

    Raises
    ------
    ValueError
        The expression has no expansion in powers of ``sqrt(tau)`` from 0 on.
    """
    found: dict[Rational, list[Expr]] = {}
    for term in terms(expression):
        parts = Mul.make_args(term)
        first = Add(*(f.as_base_exp()[1] for f in parts if f.as_base_exp()[0] == tau))
        rest = Mul(*(f for f in parts if f.as_base_exp()[0] != tau))
        if not first.is_Rational:
            raise BadInput(f"{term} contains tau**({first}); expected powers of sqrt(tau)")
        for n, coefficient in enumerate(_taylor(rest, int(last - first))):
            found.setdefault(first + n, []).append(coefficient)
    summed = {power: Add(*parts) for power, parts in sorted(found.items())}
    if negative := [power for power in summed if power < 0]:
        raise BadInput(f"{expression} contains tau**({negative[0]}); expected powers from 0 on")
    return {power: value for power, value in summed.items() if value != 0 and power <= last}


def _taylor(expression: Expr, last: int) -> Iterator[Expr]:
    """Yield the coefficients of ``tau**0, ..., tau**last``."""
    fixed, current = expression.as_independent(tau, as_Add=False)
    for n in range(last + 1):
        current = current.diff(tau) if n else current
        coefficient = current.xreplace({tau: Rational(0)}) / factorial(n)
        if coefficient.has(zoo, nan, oo):
            raise BadInput(
                f"{expression} has no expansion in powers of tau; expected sqrt(tau) as a factor only"
            )
        yield fixed * coefficient


def _increments(expression: Expr) -> set[Component]:
    return {c for c in expression.atoms(Component) if c.field in (zeta1, zeta2)}


def _constants(chain: Chain) -> list[Symbol]:
    scaling = chain.regime.scaling(chain.rule)
    found = {
        s
        for e in (*scaling.hyperparameters.values(), scaling.noise, *scaling.blocks.values())
        for s in e.free_symbols
    }
    return sorted((found | chain.noise.symbols) - {tau}, key=str)
