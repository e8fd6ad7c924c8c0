"""User expressions: what is read, what is refused, and that nothing is ever run."""

import builtins
import time

import pytest
import sympy as sp
from hostile import HOSTILE

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
