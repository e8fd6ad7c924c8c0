"""From expressions in index notation to the statements of a `Step`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

from sympy import Add, Expr, Function, Integer, Lambda, Mul, Pow, Symbol, factor_terms
from sympy.core.function import AppliedUndef

from ...derive.notation.indices import components, terms
from ...derive.notation.symbols import Component, ElementFunction, TotalField, body_of, one
from ...derive.optimizers.reductions import total
from ..objectives.protocol import Fields
from ..program.statement import Statement
from ..program.statements import Scalar, Total, Vector
from .regularisation import Regularisation

_PHI = Function("phi", positive=True)


@dataclass
class Lowering(ABC):
    """Collects the statements of one step; makes each vector, contraction and scalar once; abstract.

    Attributes
    ----------
    fields : Fields
    definitions : mapping of str to Lambda
        Of the abstract functions.
    regularisation : Regularisation
    statements : list of Statement
        The result so far.
    vectors : set of str
        Names that differ from coordinate to coordinate or from path to path.
    known : dict
        What has been made, by the expression or contraction it stands for.
    """

    fields: Fields
    definitions: dict[str, Lambda]
    regularisation: Regularisation
    statements: list[Statement] = field(default_factory=list)
    vectors: set[str] = field(default_factory=set)
    known: dict[object, Expr] = field(default_factory=dict)

    @abstractmethod
    def vector_of(self, component: Component) -> str:
        """Return the vector behind a component with two or more indices that are all equal, such as
        ``S[i,i]``.
        """

    @abstractmethod
    def contracted(self, term: Expr) -> Expr:
        """Return a term with the free index i in vectors and scalars, after adding the statements it
        needs.
        """

    @abstractmethod
    def closed(self, term: Expr) -> Expr:
        """Return a term whose indices are all summed in numbers per path, likewise."""

    def add(self, *statements: Statement) -> None:
        """Append statements made elsewhere, those that are there already left out."""
        for statement in statements:
            if not isinstance(statement, Scalar):
                self.vectors.add(statement.target)
            if statement not in self.statements:
                self.statements.append(statement)

    def vector(self, name: str, expression: Expr) -> Symbol:
        """Set a new vector from an expression in vectors, scalars and sums ``total(x)`` of such
        expressions.
        """
        self.add(Vector(name, self.hoisted(self._added_up(expression))))
        return Symbol(name, real=True)

    def _added_up(self, expression: Expr) -> Expr:
        """Replace the sums over all coordinates in an update rule by numbers per path."""
        calls = sorted((call for call in expression.atoms(AppliedUndef) if call.func == total), key=str)
        return expression.xreplace({call: self.total(call, self._added_up(call.args[0])) for call in calls})

    def total(self, key: object, summand: Expr) -> Symbol:
        """Return the number per path that is the sum of an expression over all coordinates, the same for the
        same `key`.
        """
        key = ("total", key)  # a vector is known by the same contraction
        if key not in self.known:
            name = self.unused("total")
            self.add(Total(name, self.hoisted(summand)))
            self.known[key] = Symbol(name, real=True)
        return self.known[key]

    def lowered(self, expression: Expr) -> Expr:
        """Return an expression with the free index i in vectors and scalars, after the statements it
        needs.
        """
        kept = (term for term in terms(expression) if not self._vanishes(term))
        return Add(*(self.contracted(term) for term in kept))

    def _vanishes(self, expression: Expr) -> bool:
        """Tell whether every term has a factor that is identically zero."""
        return all(any(self._is_zero(c) for c in components(term)) for term in terms(expression))

    def _is_zero(self, c: Component) -> bool:
        return self._vanishes(body_of(c)) if isinstance(c.field, TotalField) else self.fields.vanishes(c)

    def as_vector(self, key: object, expression: Expr) -> str:
        """Return the name of the vector that holds an expression in vectors and scalars, the same for the
        same `key`.
        """
        if key not in self.known:
            if isinstance(expression, Symbol):
                self.known[key] = expression
            else:
                name = "".join(str(f).replace("**", "") for f in sorted(Mul.make_args(expression), key=str))
                self.known[key] = self.vector(
                    self.unused(name if name.isidentifier() else f"u{len(self.known)}"), expression
                )
        return str(self.known[key])

    def local(self, expression: Expr) -> Expr:
        """Return a product of components at the index i alone, and of functions of them, in vectors and
        scalars.
        """
        calls = {call: self._call(call) for call in sorted(expression.atoms(ElementFunction), key=str)}
        expression = expression.xreplace(calls)
        return expression.xreplace(
            {c: self._component(c) for c in sorted(components(expression), key=lambda c: c.name)}
        )

    def _component(self, c: Component) -> Expr:
        if c.field == one:
            return Integer(1)
        if isinstance(c.field, TotalField):
            return Add(*(self.closed(term) for term in terms(body_of(c)) if not self._vanishes(term)))
        name = c.field.name if len(c.indices) == 1 else self.vector_of(c)
        self.vectors.add(name)
        return Symbol(name, real=True)

    def _call(self, call: ElementFunction) -> Symbol:
        if call not in self.known:
            definition = self.definitions[call.base]
            arguments = dict(zip(definition.variables, map(self.local, call.args), strict=True))
            expression = self.collected(self._differentiated(definition, call.orders, arguments))
            marks = "".join(str(v) * n for v, n in zip(definition.variables, call.orders, strict=True))
            self.known[call] = self.vector(
                self.unused(call.base + ("_" + marks if marks else "")), expression
            )
        return self.known[call]

    def _differentiated(
        self, definition: Lambda, orders: tuple[int, ...], arguments: Mapping[Symbol, Expr]
    ) -> Expr:
        """Return a derivative of a function, its second moments regularised: `phi` stays abstract until it is
        taken.
        """
        regularised = {x: _PHI(x) for x in definition.variables if x.is_nonnegative}
        expression = definition.expr.xreplace(regularised)
        for variable, order in zip(definition.variables, orders, strict=True):
            expression = expression.diff(variable, order) if order else expression
        for (x, phi), order in product(regularised.items(), range(max(orders), -1, -1)):
            if expression.has(wanted := phi.diff(x, order) if order else phi):
                # of the argument: the equation does not keep it nonnegative, as the variable is
                expression = expression.xreplace({wanted: self.regularisation.phi(arguments[x], order)})
        return expression.xreplace(arguments)

    def unused(self, name: str) -> str:
        """Return the name, with a number if a statement has it: the same function may stand at two places of
        the state.
        """
        taken = {s.target for s in self.statements}
        return next(
            n for n in (name, *(f"{name}_{count}" for count in range(2, len(taken) + 3))) if n not in taken
        )

    def collected(self, expression: Expr) -> Expr:
        """Multiply out, join terms that differ by a scalar factor, and factor each group of terms with equal
        scalars.
        """
        coefficients: dict[Expr, Expr] = {}
        for term in terms(expression):
            scalar, monomial = term.as_independent(
                *(Symbol(name, real=True) for name in sorted(self.vectors)), as_Add=False
            )
            coefficients[monomial] = coefficients.get(monomial, Integer(0)) + scalar
        groups: dict[Expr, list[Expr]] = {}
        for monomial, scalar in coefficients.items():
            sign = -1 if scalar.could_extract_minus_sign() else 1
            groups.setdefault(sign * scalar, []).append(sign * monomial)
        return Add(
            *(Mul(scalar, factor_terms(Add(*group)), evaluate=False) for scalar, group in groups.items())
        )

    def hoisted(self, expression: Expr) -> Expr:
        """Replace what is the same for all coordinates and paths by scalars, computed outside the loop over
        paths.
        """
        if expression.is_number or isinstance(expression, Symbol):
            return expression
        if not self._varies(expression):
            return self._scalar(expression)
        if isinstance(expression, Add | Mul):
            fixed = [arg for arg in expression.args if not self._varies(arg)]
            varying = [self.hoisted(arg) for arg in expression.args if self._varies(arg)]
            return expression.func(self.hoisted(expression.func(*fixed)), *varying)
        if isinstance(expression, Pow) and expression.exp.is_number:
            return Pow(self.hoisted(expression.base), expression.exp)
        return expression.func(*(self.hoisted(arg) for arg in expression.args))

    def _varies(self, expression: Expr) -> bool:
        return any(symbol.name in self.vectors for symbol in expression.free_symbols)

    def _scalar(self, expression: Expr) -> Symbol:
        if expression not in self.known:
            name = f"k{sum(isinstance(s, Scalar) for s in self.statements) + 1}"
            self.add(Scalar(name, expression))
            self.known[expression] = Symbol(name, real=True)
        return self.known[expression]
