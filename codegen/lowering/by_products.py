"""Lowering for an objective with linear operators: a term is a tree of them applied to vectors."""

from dataclasses import dataclass

from sympy import Expr, Mul, Symbol

from ...derive.errors import KernelRefused
from ...derive.notation.contraction import Contraction, contract, contract_closed
from ...derive.notation.indices import components
from ...derive.notation.symbols import Component
from ..objectives.quadratic import QuadraticFields
from .lower import Lowering


@dataclass
class ProductLowering(Lowering):
    """Makes each product of a matrix and a vector once.

    With ``A_ij x_j`` for a link and numbers for what is summed whole, a term is
    ``local_i (A (local (B ...)))_i ... sum_j local_j ...``: `contract` finds the tree, this writes it from
    the leaves up.
    """

    fields: QuadraticFields  # pyright: ignore[reportIncompatibleVariableOverride]

    def vector_of(self, component: Component) -> str:
        if component.field.name == "S" and len(component.indices) == 2:
            return "S_diagonal"
        raise KernelRefused(f"{component} in a kernel for a quadratic; expected the diagonal of S")

    def contracted(self, term: Expr) -> Expr:
        return self._tree(contract(term))

    def closed(self, term: Expr) -> Expr:
        return self._total(contract_closed(term))

    def _total(self, tree: Contraction) -> Expr:
        return self.total(tree, self._tree(tree))

    def _tree(self, tree: Contraction) -> Expr:
        links = [self._product(matrix, child) for matrix, child in tree.links]
        numbers = [self._total(number) for number in tree.numbers]
        return Mul(self.local(tree.local), *numbers, *links)

    def _product(self, matrix: Expr, child: Contraction) -> Symbol:
        name, number = (
            self.fields.oriented(matrix),
            Mul(*(f for f in Mul.make_args(child.local) if not components(f))),
        )
        if number != 1:
            raise KernelRefused(f"{number} inside a matrix product; expected numbers in front")
        if (name, child) not in self.known:
            operand = self.as_vector(child, self._tree(child))
            statements = self.fields.applied(name, operand)
            self.add(*statements)
            self.known[name, child] = Symbol(statements[-1].target, real=True)
        return self.known[name, child]
