"""One coordinate as LaTeX vectors: products with ``\\odot``, ``H (P(v) \\odot \\nabla f)``,
``\\Sigma^{1/2} dW``.
"""

from collections.abc import Iterable
from functools import lru_cache
from re import fullmatch

from sympy import Add, Expr, Integer, Mul, Pow, Symbol, factor
from sympy.printing.latex import LatexPrinter

from ..errors import DerivationRefused
from ..notation.contraction import Contraction, contract, contract_closed, readable, root_of, totals
from ..notation.indices import components, dummies, reindex, terms
from ..notation.latex_names import MATRICES, SYMBOLS, VECTORS
from ..notation.symbols import KEPT, Component, ElementFunction, body_of, one


class Printer(LatexPrinter):
    """LaTeX with Greek letters for hyperparameters that have one, others upright, brackets around a
    derivative in a power.
    """

    def _print_Pow(self, expr: Expr) -> str:
        base, exponent = expr.as_base_exp()
        if isinstance(base, Component) and base.field.gradient and exponent.is_positive:
            return rf"({self._print(base)})^{{{self._print(exponent)}}}"
        return super()._print_Pow(expr)

    def _print_Symbol(self, expr: Symbol, style: str = "plain") -> str:
        text = SYMBOLS.get(expr.name) or super()._print_Symbol(expr, style)
        is_word = fullmatch("[A-Za-z]{2}[A-Za-z_]*", expr.name) and "\\" not in text
        return rf"\mathrm{{{expr.name.replace('_', chr(92) + '_')}}}" if is_word else text


class _Named(Symbol):
    """A quantity whose LaTeX is known."""

    tex: str

    def _latex(self, printer: LatexPrinter) -> str:
        return self.tex


class _Vector(_Named):
    """A vector; multiplied element by element."""


class _Number(_Named):
    """A norm or another sum over all coordinates."""


def latex_vector(expression: Expr) -> str:
    """Return an expression with the free index i as vectors, terms that are no vectors in index notation."""
    groups: dict[tuple[str, ...], list[Expr]] = {}
    rest = []
    for term in terms(with_numbers(expression)):
        try:
            vector = _as_product(contract(term))
        except DerivationRefused:
            rest.append(term)
        else:
            # what is factored out first: matrices applied to vectors, and the abstract functions
            key = sorted(
                str(f) for f in Mul.make_args(vector) if isinstance(f.as_base_exp()[0], _Vector) and _leads(f)
            )
            groups.setdefault(tuple(key), []).append(vector)
    pieces = [_text(factor(Add(*group))) for group in groups.values()]
    pieces += [_indexed(term) for term in rest]
    return " + ".join(pieces).replace("+ -", "- ") or "0"


def with_numbers(expression: Expr) -> Expr:
    """Replace sums over all coordinates by symbols that print as norms and inner products."""
    return expression.xreplace({c: _number(c) for c in totals(expression)})


@lru_cache(KEPT)
def _number(total: Component) -> Expr:
    if root := root_of(total):
        (index,) = dummies(root)
        return _made(_Number, rf"\| {latex_vector(reindex(root, {index: 'i'}))} \|", positive=True) ** 2
    pieces = []
    for term in terms(with_numbers(body_of(total))):
        try:
            pieces.append(_inner_product(contract_closed(term)))
        except DerivationRefused:
            pieces.append(_indexed(term, free=()))
    text = " + ".join(pieces).replace("+ -", "- ")
    return _made(_Number, text if len(pieces) == 1 else rf"\big( {text} \big)")


def _inner_product(tree: Contraction) -> str:
    """Print a sum over all coordinates as the inner product of its last vector with the others."""
    product = _as_product(tree)
    vectors = sorted((f for f in Mul.make_args(product) if f.atoms(_Vector)), key=_place)
    front = Mul(*(f for f in Mul.make_args(product) if not f.atoms(_Vector)))
    left = _text(Mul(*vectors[:-1])) if len(vectors) > 1 else r"\mathbf{1}"
    right = _text(vectors[-1]) if vectors else r"\mathbf{1}"
    return _text(front * _made(_Vector, rf"\langle {left}, {right} \rangle"))


def _leads(factor_: Expr) -> bool:
    return str(factor_.as_base_exp()[0]).startswith(("0", "3"))


def _vector(order: int, tex: str) -> Symbol:
    """Make a vector; `order` 0 for functions, 1 for the rest, 3 for matrices applied to vectors is where it
    is printed.
    """
    return _made(_Vector, tex, f"{order}")


def _made(kind: type[_Named], tex: str, place: str = "", positive: bool | None = None) -> Symbol:
    symbol = Symbol.__new__(kind, place + tex, real=True, positive=positive)
    symbol.tex = tex
    return symbol


def _as_product(tree: Contraction) -> Expr:
    """Return the contraction as a commutative product of vectors."""
    factors = []
    for f in Mul.make_args(tree.local):
        base, exponent = f.as_base_exp()
        factors.append(Pow(_local(base), exponent) if components(base) else f)
    factors += [_made(_Number, _inner_product(number)) for number in tree.numbers]
    return Mul(*factors, *(_vector(3, _applied(matrix, child)) for matrix, child in tree.links))


def _local(base: Expr) -> Expr:
    if base == one("i"):
        return Integer(1)
    if isinstance(base, Component):
        return _vector(1, _name(base))
    plain = base.xreplace({c: Symbol(_name(c), real=True) for c in components(base)})
    return _vector(0 if isinstance(base, ElementFunction) else 1, Printer().doprint(plain))


def _name(c: Component) -> str:
    if len(c.indices) == 1:
        return VECTORS.get(c.field.name, c.field.name)
    if len(c.indices) == 2:
        return rf"\operatorname{{diag}} {MATRICES.get(c.field.name, c.field.name)}"
    raise DerivationRefused(f"{c} is no vector")


def _applied(matrix: Expr, child: Contraction) -> str:
    base, exponent = matrix.as_base_exp()
    if not isinstance(base, Component):
        raise DerivationRefused(f"{matrix} is no power of a matrix")
    inside = _text(_as_product(child))
    name = MATRICES.get(base.field.name, base.field.name)
    if base.indices == ("i", "i", "j") and (base.field.gradient or base.field.rank == 2):
        return rf"\big( ({inside}) \cdot \nabla \big) \operatorname{{diag}} {name}"
    if sorted(base.indices) != ["i", "j"]:
        raise DerivationRefused(f"{base} is no matrix")
    power = "" if exponent == 1 else rf"^{{\odot {exponent}}}"
    single = isinstance(_as_product(child), Symbol)
    return rf"{name}{power}\,{inside}" if single else rf"{name}{power} ({inside})"


def _text(product: Expr) -> str:
    """Print numbers and parameters in front, then vectors joined by ``\\odot``."""
    if isinstance(product, Add):
        parts = sorted(product.args, key=lambda arg: (arg.could_extract_minus_sign(), str(arg)))
        return " + ".join(_text(part) for part in parts).replace("+ -", "- ")
    number, rest = product.as_coeff_Mul()
    vectors = sorted((f for f in Mul.make_args(rest) if f.atoms(_Vector)), key=_place)
    front = size_of(number, (f for f in Mul.make_args(rest) if not f.atoms(_Vector)))
    text = "" if front == 1 and vectors else in_front(front, Printer()) + (r"\," if vectors else "")
    return ("-" if number < 0 else "") + text + r" \odot ".join(_factor_text(f) for f in vectors)


def size_of(number: Expr, factors: Iterable[Expr]) -> Expr:
    """Return the size of a number times scalar factors; a sum among them is not multiplied out."""
    rest = Mul(*factors)
    return rest if abs(number) == 1 else Mul(abs(number), rest, evaluate=not isinstance(rest, Add))


def in_front(scalar: Expr, printer: LatexPrinter) -> str:
    """Print a scalar factor; a sum has brackets."""
    text = printer.doprint(scalar)
    return rf"\left({text}\right)" if isinstance(scalar, Add) else text


def _place(f: Expr) -> str:
    return "2" if isinstance(f, Add) else str(f)


def _factor_text(f: Expr) -> str:
    base, exponent = f.as_base_exp()
    text = rf"\big( {_text(base)} \big)" if isinstance(base, Add) else Printer().doprint(base)
    if exponent == 1:
        return text
    return rf"{text}^{{\odot {exponent}}}" if len(text) == 1 else rf"({text})^{{\odot {exponent}}}"


def _indexed(term: Expr, free: tuple[str, ...] = ("i",)) -> str:
    ((summed, body),) = readable(term, free)
    number, rest = body.as_coeff_Mul()
    front = size_of(number, (f for f in Mul.make_args(rest) if not components(f)))
    size = "" if front == 1 else in_front(front, Printer()) + r"\,"
    body = Printer().doprint(Mul(*(f for f in Mul.make_args(rest) if components(f))))
    return (
        ("-" if number < 0 else "")
        + rf"{size}\Big( \sum_{{{','.join(summed)}}} {body} \Big)"
        + ("_i" if free else "")
    )
