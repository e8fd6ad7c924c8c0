"""User expressions: what is read, what is refused, and that nothing is ever run."""

import builtins
import time

import pytest
import sympy as sp

from optsde.derive.notation.parser import FUNCTIONS, parse_assignments, parse_expression

X, Y, TAU = sp.symbols("x y tau", positive=True)
C = sp.Symbol("c")
THETA = sp.symbols("theta_0 theta_1", real=True)
SYMBOLS = {"x": X, "y": Y, "tau": TAU, "c": C, "theta[0]": THETA[0], "theta[1]": THETA[1]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 - c*tau", 1 - C * TAU),
        ("0.1", sp.Rational(1, 10)),
        ("1e-8*x", X / 10**8),
        (".5 + 2.", sp.Rational(5, 2)),
        ("1.25E+2", sp.Integer(125)),
        ("x**2/(sqrt(y) + 1e-8)", X**2 / (sp.sqrt(Y) + sp.Rational(1, 10**8))),
        ("-x**2", -(X**2)),
        ("(-x)**2", X**2),
        ("+x - -y", X + Y),
        ("x**-0.5", 1 / sp.sqrt(X)),
        ("2**3**2", sp.Integer(512)),
        ("x - y - tau", X - Y - TAU),
        ("x/y/tau", X / Y / TAU),
        ("tau**c", TAU**C),
        ("theta[0]*theta[1]", THETA[0] * THETA[1]),
        ("max(x, y) + Max(x, y)", 2 * sp.Max(X, Y)),
        ("min(x, y)*Min(x, y)", sp.Min(X, Y) ** 2),
        ("abs(c) + Abs(c)", 2 * sp.Abs(C)),
        ("sign(c)*erf(x/sqrt(2*y))", sp.sign(C) * sp.erf(X / sp.sqrt(2 * Y))),
        ("exp(-c*x) + log(y) + tanh(x)", sp.exp(-C * X) + sp.log(Y) + sp.tanh(X)),
        ("sin(x)*cos(y)", sp.sin(X) * sp.cos(Y)),
        (" x ", X),
    ],
)  # fmt: skip
def test_reads_exactly(text: str, expected: sp.Expr) -> None:
    assert parse_expression(text, SYMBOLS) == expected


def test_decimals_stay_exact() -> None:
    assert parse_expression("0.1 + 0.2 - 0.3", {}) == 0
    assert not parse_expression("0.1*x", SYMBOLS).has(sp.Float)


def test_own_functions_replace_the_default_ones() -> None:
    g = sp.Function("g")
    assert parse_expression("g(x, 2)", SYMBOLS, {"g": g}) == g(X, 2)
    with pytest.raises(ValueError, match=r"the function 'sqrt'.*allowed are g$"):
        parse_expression("sqrt(x)", SYMBOLS, {"g": g})


HOSTILE = [
    "__import__('builtins').canary()",
    "__import__",
    "__import__(x)",
    "__builtins__",
    "__class__",
    "x.__class__",
    "x.__class__.__mro__[1].__subclasses__()",
    "().__class__.__bases__[0]",
    "x.free_symbols",
    "x.subs(x, y)",
    "sqrt.__globals__",
    "sqrt.__init__",
    "(x).__reduce_ex__(2)",
    "x.__dict__",
    "x._",
    "x.real",
    "import os",
    "from os import system",
    "open('/etc/passwd')",
    "open(x)",
    "exec('canary()')",
    "exec(x)",
    "eval('canary()')",
    "eval(x)",
    "compile(x)",
    "getattr(x, y)",
    "getattr(x, '__class__')",
    "setattr(x, y, 1)",
    "globals()",
    "locals()",
    "vars()",
    "dir()",
    "input()",
    "breakpoint()",
    "help()",
    "exit()",
    "quit()",
    "id(x)",
    "type(x)",
    "canary()",
    "canary",
    "canary.append(1)",
    "print(x)",
    "sympify(x)",
    "Symbol(x)",
    "Function(x)(y)",
    "lambda: 1",
    "lambda x: x",
    "(lambda: canary())()",
    "lambda",
    "[x for x in y]",
    "{x for x in y}",
    "(x for x in y)",
    "{x: y}",
    "{x}",
    "[x]",
    "[x][0]",
    "(x, y)",
    "x,",
    "()",
    "[]",
    "{}",
    "x[0]",
    "x[0:1]",
    "theta[x]",
    "theta[theta[0]]",
    "theta[0, 1]",
    "theta[0.0]",
    "theta[-1]",
    "theta[True]",
    "theta[:]",
    "theta[0][1]",
    "(theta)[2]",
    "sqrt(x)[0]",
    "theta",
    "theta[999999999999]",
    "f(x)",
    "x(y)",
    "x(1)",
    "sqrt(x)(y)",
    "2(x)",
    "sqrt",
    "'x'",
    '"x"',
    "'a'*9**9",
    "b'x'",
    "f'{x}'",
    "f'{canary()}'",
    "'{0.__class__}'.format(x)",
    "'%s' % x",
    "rb'x'",
    "x % y",
    "x // y",
    "x @ y",
    "x << y",
    "x >> y",
    "x | y",
    "x & y",
    "x ^ y",
    "~x",
    "!x",
    "x!",
    "x := 1",
    "(x := 1)",
    "x = 1",
    "x == y",
    "x != y",
    "x < y",
    "x <= y < 1",
    "x is y",
    "x in y",
    "x not in y",
    "x and y",
    "x or y",
    "not x",
    "x if y else 1",
    "1 if True else 0",
    "True",
    "False",
    "None",
    "...",
    "Ellipsis",
    "await x",
    "yield",
    "yield x",
    "*x",
    "max(*x)",
    "max(**x)",
    "sqrt(x=1)",
    "sqrt(arg=x)",
    "max(x, y, evaluate=x)",
    "print(*theta)",
    "1j",
    "1_000",
    "0x1f",
    "0b11",
    "0o7",
    "1e",
    "e5x",
    "1..2",
    "1.2.3",
    "inf",
    "nan",
    "oo",
    "zoo",
    "I",
    "pi",
    "E",
    "x; y",
    "x;",
    ";",
    "x\ny",
    "x\n",
    "\n",
    "(x\n)",
    "x\\\ny",
    "x\ty",
    "x\ry",
    "x\fy",
    "x\vy",
    "x\0",
    "\0",
    "x\0+y",
    "x #",
    "# coding: utf-8",
    "x$",
    "x?",
    "x`y`",
    "@x",
    "x -> y",
    "x: int",
    "\\x41",
    "\\N{BULLET}",
    "\x1b[31mx",
    "х",
    "ｘ",
    "𝐱",
    "τ",
    "x²",
    "x−y",
    "x×y",
    "x÷y",
    "ſqrt(x)",
    "sqrt（x）",
    "x\u200b",
    "\ufeffx",
    "x\u202ey",
    "x\u2028y",
    "＿＿import＿＿",
    "x\u0301",
    "٣",
    "\ud800",
    "",
    " ",
    "(",
    ")",
    "(x",
    "x)",
    "x y",
    "x +",
    "* x",
    "x ** ",
    "+",
    "1 2",
    "9**9**9",
    "9**9**9**9",
    "2**1000000",
    "x**65",
    "x**1e9",
    "x**-1e9",
    "((9**64)**64)**64",
    "(x**64)**64",
    "2**2**100",
    "((x + y)**60)**60",
    "9**(10**9)",
    "1e61",
    "1e999999999",
    "1e-999999999",
    "9" * 41,
    "0." + "1" * 41,
    "9" * 1999,
    "exp(9**60*log(9))",
    "exp(x + 9**60*log(9))",
    "exp(9**60*log(9*x))",
    "exp(1)**(9**9*log(x))",
    "exp(exp(exp(9)))",
    "Max(exp(exp(exp(9))), 1)",
    "sign(exp(exp(exp(9))) - exp(exp(exp(8))))",
    "2**sqrt(2)",
    "2**exp(exp(9))",
    "(x**(9**9*log(9)))",
    "1/0",
    "0**-1",
    "log(0)",
    "x/(y - y)",
    "sqrt(-1)",
    "log(-1)",
    "(-8)**(1/3)",
    "(-1)**0.5",
    "max()",
    "sqrt()",
    "sqrt(x, y, c, tau)",
    "exp(x, y)",
    "sin()",
    "log(x, y, c)",
    "abs(x, y)",
    "(" * 61 + "x" + ")" * 61,
    "(" * 10_000 + "x" + ")" * 10_000,
    "[" * 10_000,
    "(" * 10_000,
    "theta[" * 500 + "]" * 500,
    "-" * 400 + "x",
    "-" * 1999 + "x",
    "-" * 100_000 + "x",
    "+".join(["x"] * 400),
    "x**" * 300 + "1",
    "x/" * 600 + "1",
    "sqrt(" * 100 + "x" + ")" * 100,
    "max(" + "x," * 600 + "y)",
    "x" * 1_000,
    "x" * 10_000_000,
    "1+" * 5_000_000 + "1",
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_refuses_and_runs_nothing(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = HOSTILE[number]
    fired: list[object] = []

    def trap(*arguments: object, **keywords: object) -> None:
        fired.append((arguments, keywords))

    monkeypatch.setattr(builtins, "canary", trap, raising=False)
    start = time.process_time()
    with monkeypatch.context() as guarded:
        # `compile` stays, for ast.parse is compile with the flag that only parses; `exec` serves SymPy's late
        # imports.
        for name in ("eval", "open", "input", "breakpoint", "print"):
            guarded.setattr(builtins, name, trap)
        try:
            parse_expression(text, SYMBOLS)
        except ValueError as error:
            message: str | None = str(error)
        else:
            message = None
    assert message is not None, f"accepted {text[:60]!r}"
    assert not fired
    assert "\n" not in message
    assert len(message) < 400
    assert (
        time.process_time() - start < 5.0
    )  # seconds; the largest texts are 10 MB, and no power may be evaluated


def test_the_canary_can_fire(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard of the test above is a real one: evaluated, the same kind of text does fire it."""
    fired: list[int] = []
    monkeypatch.setattr(builtins, "canary", lambda: fired.append(1), raising=False)
    eval("(lambda: canary())()")
    assert fired == [1]


@pytest.mark.parametrize("text", [b"x", None, 3, X, ["x"]])
def test_only_text_is_read(text: object) -> None:
    with pytest.raises(ValueError, match="expected an expression as text"):
        parse_expression(text, SYMBOLS)  # type: ignore[arg-type]


def test_values_at_the_caps_are_read() -> None:
    assert parse_expression("(" * 60 + "x" + ")" * 60, SYMBOLS) == X
    assert parse_expression("x**64", SYMBOLS) == X**64
    assert parse_expression("9" * 40, {}) == int("9" * 40)
    assert parse_expression("1e60", {}) == 10**60
    assert parse_expression("+".join(["x"] * 150), SYMBOLS) == 150 * X


def test_unknown_name_is_helped() -> None:
    with pytest.raises(
        ValueError, match=r"the name 'tua' in '1 - tua' .* did you mean tau\? allowed are .*tau.*x, y"
    ):
        parse_expression("1 - tua", SYMBOLS)
    with pytest.raises(ValueError, match=r"the function 'sqr'.*did you mean sqrt\?"):
        parse_expression("sqr(x)", SYMBOLS)
    with pytest.raises(ValueError, match=r"theta\[7\].*did you mean theta\["):
        parse_expression("theta[7]", SYMBOLS)
    with pytest.raises(ValueError, match="no names at all"):
        parse_expression("x", {})


def test_assignments() -> None:
    known = {"tau": TAU, "c": C}
    assert parse_assignments("lr=tau, alpha=1-c*tau", known) == {"lr": TAU, "alpha": 1 - C * TAU}
    assert parse_assignments("a = max(tau, c), b=min(tau,c)", known) == {
        "a": sp.Max(TAU, C),
        "b": sp.Min(TAU, C),
    }


def test_assignments_with_free_names() -> None:
    kappa = sp.Symbol("kappa", positive=True)
    assert parse_assignments("beta1=1-kappa*tau, s=kappa", {"tau": TAU}, free=True) == {
        "beta1": 1 - kappa * TAU,
        "s": kappa,
    }
    with pytest.raises(ValueError, match="the name 'kappa'"):
        parse_assignments("s=kappa", {"tau": TAU})
    for text in ("s=__class__", "s=_x", "s=a__b", "s=k[0]", "s=k()", "s=k.real"):
        with pytest.raises(ValueError, match="is not accepted"):
            parse_assignments(text, {}, free=True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected assignments"),
        ("lr", "expected assignments"),
        ("lr=tau,", "expected assignments"),
        (",", "expected assignments"),
        ("=tau", "expected assignments"),
        ("1=tau", "expected assignments"),
        ("__class__=tau", "expected assignments"),
        ("x.y=tau", "expected assignments"),
        ("x[0]=tau", "expected assignments"),
        ("lr==tau", "character '='"),
        ("lr=tau=c", "character '='"),
        ("lr:=tau", "expected assignments"),
        ("lr=tau; c=1", "character ';'"),
        ("lr=tau, lr=c", "lr is assigned twice"),
        ("lr=", "not an expression"),
        ("lr=(tau, c=1", "character '='"),
        ("lr=sqrt(x=tau)", "character '='"),
        ("lr=" + "9" * 3000, "at most 2000"),
    ],
)
def test_assignments_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_assignments(text, {"tau": TAU, "c": C})


def test_every_listed_function_is_callable_from_text() -> None:
    for name in FUNCTIONS:
        assert parse_expression(f"{name}(x)", SYMBOLS) == FUNCTIONS[name](X)
