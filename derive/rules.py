"""Update rules: what an optimizer does in one step, as its authors wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sympy import Expr, Symbol


@dataclass(frozen=True)
class Block:
    """A part of the state with one entry per coordinate.

    Attributes
    ----------
    name : str
    noise_units : int
        The power of the gradient's unit it carries: 2 for a running mean of ``g**2``, 0 where it is not rescaled.
    nonnegative : bool
        Whether the optimizer keeps its entries from becoming negative.
    """

    name: str
    noise_units: int = 0
    nonnegative: bool = False

    @property
    def symbol(self) -> Symbol:
        """The block's entry at one coordinate, in the expressions of a rule."""
        return Symbol(self.name, nonnegative=True) if self.nonnegative else Symbol(self.name, real=True)


@dataclass(frozen=True)
class Hyperparameter:
    """A number the user sets.

    Attributes
    ----------
    name : str
        Its keyword in PyTorch where there is one.
    role : {"learning rate", "memory", "constant"}
        A learning rate is proportional to tau, one minus a memory too; a constant does not depend on tau.
    noise_units : int
        The power of the gradient's unit it carries.
    default : float
        In simulations, the value of the constant that stands for it: ``c`` in ``alpha = 1 - c tau``, ``eps`` itself.
    """

    name: str
    role: Literal["learning rate", "memory", "constant"]
    noise_units: int = 0
    default: float = 1.0

    @property
    def symbol(self) -> Symbol:
        """The hyperparameter in the expressions of a rule."""
        return Symbol(self.name, positive=True)


@dataclass(frozen=True)
class Auxiliary:
    """An element-wise non-linearity that stays abstract until the end, such as ``P(v) = 1/(sqrt(v) + eps)``.

    Attributes
    ----------
    name : str
    argument : Symbol
        A block's symbol. The step number `k` and hyperparameters may stand in the expression too.
    expression : Expr
    """

    name: str
    argument: Symbol
    expression: Expr


@dataclass(frozen=True)
class UpdateRule:
    """One step of an optimizer at one coordinate.

    Attributes
    ----------
    name, variant : str
        The optimizer and whose form of it.
    blocks : tuple of Block
        The first is the parameter vector theta.
    hyperparameters : tuple of Hyperparameter
    auxiliaries : tuple of Auxiliary
        Used in `update` as undefined functions of their names.
    update : mapping of str to Expr
        For each block, its next value in terms of the old values, the gradient `g`, the step number `k` and hyperparameters.
    reference : str
    """

    name: str
    variant: str
    blocks: tuple[Block, ...]
    hyperparameters: tuple[Hyperparameter, ...]
    auxiliaries: tuple[Auxiliary, ...]
    update: Mapping[str, Expr]
    reference: str
