"""Expressions typed by a user, read without ever being executed.

The text passes three gates: a character set without quotes, colons, braces, backslashes or equals signs;
Python's own grammar (`ast.parse`, which builds a tree and runs nothing); and a reader that knows numbers,
known names, arithmetic and the listed functions. Whatever it does not know it refuses. Sizes are capped at
each gate, because SymPy evaluates eagerly: `9**9**9` or `exp(9**60*log(9))` would otherwise hang in exact
integer arithmetic.
"""

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

import sympy as sp
from sympy import Expr

from ..errors import BadInput
from .functions import FUNCTIONS
from .naming import did_you_mean, split_at_commas

MAX_TEXT, MAX_BRACKETS, MAX_DEPTH, MAX_NODES = 2000, 60, 150, 500
MAX_DIGITS, MAX_DECIMAL_EXPONENT, MAX_EXPONENT, MAX_SIZE = 40, 60, 64, 2000

_OUTSIDE = re.compile(r"[^A-Za-z0-9_+\-*/()\[\],. ]")
_NUMBER = re.compile(r"(?P<digits>\d+\.?\d*|\.\d+)(?:[eE](?P<exponent>[+-]?\d+))?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")
_NOT_REAL = (sp.zoo, sp.nan, sp.oo, -sp.oo, sp.I)


def parse_expression(
    text: str,
    symbols: Mapping[str, Expr],
    functions: Mapping[str, Callable[..., Expr]] | None = None,
) -> Expr:
    """Read one real expression over known names.

    Parameters
    ----------
    text
        For instance ``"1 - c*tau"`` or ``"theta[1]**2 / (sqrt(v) + 1e-8)"``. Integers and decimals are exact.
    symbols
        What each name stands for. A subscript ``name[3]`` is looked up under the key ``"name[3]"``.
    functions
        What may be called; `FUNCTIONS` by default.

    Raises
    ------
    ValueError
        Anything else than numbers, these names, ``+ - * / **``, brackets and these functions; a value that is
        not finite and real; a text, a number or a power above the caps of this module.
    """
    return _Reader(text, symbols, FUNCTIONS if functions is None else functions).expression()


def parse_assignments(
    text: str,
    symbols: Mapping[str, Expr],
    functions: Mapping[str, Callable[..., Expr]] | None = None,
    *,
    free: bool = False,
) -> dict[str, Expr]:
    """Read comma-separated assignments such as ``"lr=tau, alpha=1-c*tau"``, each side by `parse_expression`'s
    rules.

    With `free`, a plain name on the right that is not in `symbols` becomes a positive symbol of that name.

    Raises
    ------
    ValueError
        A part that is not ``name=expression``, a name assigned twice, or whatever `parse_expression` refuses.
    """
    _check_size(text)
    assigned: dict[str, Expr] = {}
    for part in split_at_commas(text):
        name, equals, right = (piece.strip() for piece in part.partition("="))
        if not equals or not _NAME.fullmatch(name):
            raise BadInput(
                f"got {_shown(part.strip())}, expected assignments such as 'lr=tau, alpha=1-c*tau'"
            )
        if name in assigned:
            raise BadInput(f"{name} is assigned twice in {_shown(text)}: keep one of the two")
        assigned[name] = _Reader(
            right, symbols, FUNCTIONS if functions is None else functions, free
        ).expression()
    return assigned


class _Reader:
    """One pass over one text; `read` returns a value and a bound on its size (digits and terms, powers
    multiplied).
    """

    def __init__(
        self,
        text: str,
        symbols: Mapping[str, Expr],
        functions: Mapping[str, Callable[..., Expr]],
        free: bool = False,
    ) -> None:
        _check_size(text)
        self.text, self.symbols, self.functions, self.free = text.strip(" "), symbols, functions, free

    def expression(self) -> Expr:
        outside = _OUTSIDE.search(self.text)
        if outside:
            raise self.refusal(f"the character {outside.group()!r}")
        depth = 0
        for character in self.text:
            depth += (character in "([") - (character in ")]")
            if depth > MAX_BRACKETS:
                raise self.refusal(f"more than {MAX_BRACKETS} brackets inside each other")
        try:
            tree = ast.parse(self.text, mode="eval")
        except (
            SyntaxError,
            RecursionError,
            MemoryError,
        ) as error:  # the latter two: nesting beyond the parser's stack
            reason = getattr(error, "msg", None) or "too deeply nested"
            raise self.refusal(f"text that is not an expression ({reason})") from None
        if sum(isinstance(node, ast.expr) for node in ast.walk(tree)) > MAX_NODES:
            raise self.refusal(f"more than {MAX_NODES} terms and operations")
        return self.read(tree.body, 0)[0]

    def refusal(self, found: str, advice: str = "") -> ValueError:
        advice = advice or "use numbers, known names, + - * / **, brackets and " + ", ".join(
            sorted(self.functions)
        )
        return ValueError(f"{found} in {_shown(self.text)} is not accepted: {advice}")

    def read(self, node: ast.expr, depth: int) -> tuple[Expr, int]:
        if depth > MAX_DEPTH:
            raise self.refusal(f"nesting deeper than {MAX_DEPTH}")
        match node:
            case ast.Constant():
                value, size = self.number(ast.get_source_segment(self.text, node) or "")
            case ast.Name(id=name):
                value, size = self.known(name), 1
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int(index))):
                value, size = self.known(f"{name}[{index}]"), 1
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                value, size = self.read(operand, depth + 1)
                value = -value if isinstance(sign, ast.USub) else value
            case ast.BinOp(left=left, op=operation, right=right):
                value, size = self.binary(operation, self.read(left, depth + 1), self.read(right, depth + 1))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                value, size = self.call(name, [self.read(argument, depth + 1) for argument in arguments])
            case _:
                raise self.refusal(f"the construct {type(node).__name__}")
        if size > MAX_SIZE:
            raise self.refusal(
                f"a number or power of size above {MAX_SIZE} digits and terms", "write smaller powers"
            )
        if value.has(*_NOT_REAL) or (value.is_number and value.is_real is False):
            raise self.refusal(f"the value {value}", "only finite real values are allowed")
        return value, size

    def number(self, literal: str) -> tuple[Expr, int]:
        match = _NUMBER.fullmatch(literal)
        if match is None:
            raise self.refusal(f"the constant {literal}", "write numbers as 3, 0.25 or 1e-8")
        exponent = match["exponent"] or "0"
        if len(literal) > MAX_DIGITS or abs(int(exponent)) > MAX_DECIMAL_EXPONENT:
            raise self.refusal(
                f"the number {_shown(literal)}",
                f"at most {MAX_DIGITS} digits and e{MAX_DECIMAL_EXPONENT} are read",
            )
        value = Fraction(literal)
        return sp.Rational(value.numerator, value.denominator), len(literal) + abs(int(exponent))

    def known(self, name: str) -> Expr:
        if name in self.symbols:
            return self.symbols[name]
        if name in self.functions:
            raise self.refusal(f"the function {name} without arguments", f"write {name}(...)")
        if self.free and _NAME.fullmatch(name):
            return sp.Symbol(name, positive=True)
        raise self.refusal(f"the name {_shown(name)}", _advice(name, self.symbols))

    def binary(
        self, operation: ast.operator, left: tuple[Expr, int], right: tuple[Expr, int]
    ) -> tuple[Expr, int]:
        (a, size_a), (b, size_b) = left, right
        match operation:
            case ast.Add():
                return a + b, size_a + size_b
            case ast.Sub():
                return a - b, size_a + size_b
            case ast.Mult():
                return a * b, size_a + size_b
            case ast.Div():
                return a / b, size_a + size_b
            case ast.Pow():
                return self.power(a, b, size_a, size_b)
        raise self.refusal(f"the operation {type(operation).__name__}")

    def power(self, base: Expr, exponent: Expr, size_base: int, size_exponent: int) -> tuple[Expr, int]:
        if exponent.is_number and not (exponent.is_Rational and abs(exponent) <= MAX_EXPONENT):
            raise self.refusal("a large or irrational exponent", f"exponents up to {MAX_EXPONENT} are read")
        factor = int(sp.ceiling(abs(exponent))) if exponent.is_number else size_exponent
        # Checked before the power is taken: afterwards would be too late.
        if size_base * max(factor, 1) > MAX_SIZE:
            raise self.refusal(f"a power of size above {MAX_SIZE} digits and terms", "write smaller powers")
        self.check_exponent(exponent)
        return base**exponent, size_base * max(factor, 1)

    def check_exponent(self, exponent: Expr) -> None:
        """SymPy rewrites exp(n log b) to b**n, with any n: refuse the long form rather than bound it."""
        if exponent.has(sp.log):
            raise self.refusal("a logarithm in an exponent", "write b**a instead of exp(a*log(b))")

    def call(self, name: str, arguments: list[tuple[Expr, int]]) -> tuple[Expr, int]:
        if name not in self.functions:
            raise self.refusal(f"the function {_shown(name)}", _advice(name, self.functions))
        values = [value for value, _ in arguments]
        for value in values:
            # exp(exp(exp(9))) is a short text; comparing it to anything takes forever.
            if value.is_number and value.has(sp.Function):
                raise self.refusal(f"{name} of the number {value}", "write its value as a decimal")
            if name == "exp":
                self.check_exponent(value)
        try:
            return self.functions[name](*values), 1 + sum(size for _, size in arguments)
        except TypeError:
            raise self.refusal(
                f"{name} with {len(values)} arguments", "give it the number it takes"
            ) from None


def _check_size(text: str) -> None:
    if not isinstance(text, str):
        raise BadInput(f"got {type(text).__name__}, expected an expression as text such as '1 - c*tau'")
    if len(text) > MAX_TEXT:
        raise BadInput(
            f"got an expression of {len(text)} characters, at most {MAX_TEXT} are read: shorten it"
        )


def _advice(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    return f"{did_you_mean(name, names)}allowed are {', '.join(names) or 'no names at all'}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
