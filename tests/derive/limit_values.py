"""Numbers for the limits of a regime map, and the exact one-step moments of the optimizer they are held
against, d = 1.
"""

from fractions import Fraction

import mpmath as mp
import sympy as sp
from one_step import _quadrature

from optsde.derive.limits.limit import Limit
from optsde.derive.limits.monomials import OpenRule
from optsde.derive.notation.symbols import Component, ElementFunction, k

DIGITS = 400
H = mp.mpf(10) ** -40
SLOPE, COVARIANCE = sp.Rational(7, 10), sp.Rational(13, 10)


def numbers(model: OpenRule) -> dict[str, sp.Rational]:
    """Different positive numbers for blocks, memory constants, other constants and time."""
    names = [b.name for b in model.rule.blocks] + sorted(map(str, model.constants.values()))
    names += [h.name for h in model.rule.hyperparameters if h.role == "constant"] + ["t"]
    return {name: sp.Rational(3 + 2 * n, 10 + n) for n, name in enumerate(names)}


def value(expression: sp.Expr, limit: Limit, known: dict[str, sp.Rational]) -> sp.Expr:
    """What an expression of a limit is worth."""
    calls = {}
    for call in expression.atoms(ElementFunction):
        definition = limit.definitions[call.base]
        arguments = [value(argument, limit, known) for argument in call.args]
        calls[call] = value(
            definition.expr.subs(dict(zip(definition.variables, arguments, strict=True))), limit, known
        )
    expression = expression.xreplace(calls)
    found = {}
    for symbol in expression.free_symbols:
        if isinstance(symbol, Component):
            name = symbol.field.name
            found[symbol] = SLOPE if name == "F" else COVARIANCE if name == "S" else known[name]
        else:
            found[symbol] = known[symbol.name]
    return expression.xreplace(found)


def measured(model: OpenRule, limit: Limit, point: tuple[Fraction, ...]) -> tuple[dict, dict]:
    """Mean and covariance of one exact step in units of the time step and of the blocks' sizes, at a tiny
    h.
    """
    with mp.workdps(DIGITS):
        kappa = limit.time_step.at(point)
        s = -model.forms["noise"].at((*point, Fraction(0)))
        known = numbers(model)
        values = {k.name: _mp(known["t"]) * _power(-kappa)}
        for h in model.rule.hyperparameters:
            if h.role == "learning rate":
                values[h.name] = H
            elif h.role == "memory":
                forgotten = _power(model.forms[h.name].at((*point, Fraction(0))))
                values[h.name] = 1 - _mp(known[str(model.constants[h.name])]) * forgotten
            else:
                natural = -max(s, Fraction(0)) * h.noise_units - kappa * Fraction(str(h.step_units))
                exponent = model.forms[h.name].at((*point, Fraction(0))) if h.name in model.forms else natural
                values[h.name] = _mp(known[h.name]) * _power(exponent)
        sizes = {b.name: _power(limit.sizes[b.name].at(point)) for b in model.rule.blocks}
        values |= {name: _mp(known[name]) * size for name, size in sizes.items()}
        update = {name: _written(model, expression) for name, expression in model.rule.update.items()}
        symbols = sorted({x for e in update.values() for x in e.free_symbols}, key=str)
        step = sp.lambdify(symbols, list(update.values()), "mpmath")
        rows = []
        for x, weight in _quadrature():
            now = values | {"g": _mp(SLOPE) + _power(-s) * mp.sqrt(_mp(COVARIANCE)) * x}
            after = step(*(now[symbol.name] for symbol in symbols))
            rows.append((weight, {n: (a - values[n]) / sizes[n] for n, a in zip(update, after, strict=True)}))
        unit = _power(kappa)
        mean = {n: mp.fsum(w * row[n] for w, row in rows) for n in update}
        second = {(a, b): mp.fsum(w * (row[a] - mean[a]) * (row[b] - mean[b]) for w, row in rows) / unit
                  for a in update for b in update}  # fmt: skip
        return {n: m / unit for n, m in mean.items()}, second


def _written(model: OpenRule, expression: sp.Expr) -> sp.Expr:
    for auxiliary in model.rule.auxiliaries:
        expression = expression.replace(
            sp.Function(auxiliary.name), sp.Lambda(auxiliary.arguments, auxiliary.expression)
        )
    return expression


def _power(exponent: Fraction) -> mp.mpf:
    return mp.power(H, mp.mpf(exponent.numerator) / exponent.denominator)


def _mp(number: sp.Rational) -> mp.mpf:
    return mp.mpf(int(number.p)) / int(number.q)
