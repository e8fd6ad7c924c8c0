"""The symbols of the theory, made in one place with their assumptions.

An expression in index notation is a SymPy expression whose atoms are `Component` symbols: ``theta[i]``,
``F[i,j]``, ``S[i,j,k]``. Indices whose name starts with an underscore are summed, separately in each term.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sympy import Expr, Function, S, Symbol

from .latex_names import COMPONENTS

tau = Symbol("tau", positive=True)
"""The duration of one step, the small parameter."""
t = Symbol("t", real=True)
"""Time, in units in which one step lasts `tau`."""
k = Symbol("k", real=True)
"""The number of steps done before this one, ``t / tau``; for update rules."""
g = Symbol("g", real=True)
"""The stochastic gradient at one coordinate; for update rules."""


KEPT = 1 << 16
"""Results that a cache of expressions holds: a long process forgets the oldest."""


@dataclass(frozen=True)
class Field:
    """A family of components.

    Attributes
    ----------
    name : str
    rank : int
        Number of indices before derivatives by theta are appended.
    symmetric : bool
        The first `rank` indices may be exchanged.
    gradient : bool
        The field is itself a derivative of a function of theta: all indices may be exchanged.
    varies : bool
        The field depends on theta: differentiating appends an index.
    formal : bool
        The field stands for a derivative or for a random increment, not for a function of the state.
    """

    name: str
    rank: int = 1
    symmetric: bool = False
    gradient: bool = False
    varies: bool = False
    formal: bool = False

    def __call__(self, *indices: str) -> "Component":
        return _component(self, self._ordered(indices))

    def _ordered(self, indices: tuple[str, ...]) -> tuple[str, ...]:
        if self.gradient:
            return tuple(sorted(indices))
        head, tail = indices[: self.rank], indices[self.rank :]
        return tuple(sorted(head) if self.symmetric else head) + tuple(sorted(tail))


@dataclass(frozen=True)
class TotalField(Field):
    """A sum over coordinates as a number of its own, ``sum_j F_j**2``: outside of its body it has no index.

    So powers and functions of a sum need no care for its dummies. `indices.canonical` makes them.

    Attributes
    ----------
    body : Expr
        Terms in index notation whose indices are all dummies, named canonically.
    """

    body: Expr = S.Zero


@dataclass(frozen=True)
class NoiseField(Field):
    """The gradient noise of one of the samples of a step; it is a gradient itself, and more indices are
    derivatives by theta.

    Attributes
    ----------
    sample : int
    """

    sample: int = 1


class Component(Symbol):
    """One component of a field; equal fields and indices make equal components."""

    field: Field
    indices: tuple[str, ...]

    def _latex(self, printer: Any) -> str:
        return latex_component(self.field, self.indices)

    def _sympystr(self, printer: Any) -> str:
        if isinstance(self.field, TotalField):
            return f"total({printer._print(self.field.body)})"
        return f"{self.field.name}[{','.join(self.indices)}]"

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _component, (self.field, self.indices)

    def differentiated(self, index: str) -> "Component":
        """Return the derivative by ``theta[index]`` of a component that varies."""
        return self.field(*self.indices, index)


@lru_cache(KEPT)
def _component(field: Field, indices: tuple[str, ...]) -> Component:
    # SymPy keeps one symbol for each name: the name must tell fields apart that differ in anything
    kinds = zip("'~^!", (field.varies, field.gradient, field.symmetric, field.formal), strict=True)
    flags = "".join(flag for flag, on in kinds if on) + ("" if field.rank == 1 else str(field.rank))
    component = Symbol.__new__(Component, f"{field.name}{flags}[{','.join(indices)}]", real=True)
    component.field, component.indices = field, indices
    return component


def total_of(body: Expr) -> Component:
    """Return the sum over all dummies of a body; equal bodies make equal components."""
    # names tell a field that varies from a constant one, unlike the printed form
    name = str(body.xreplace({c: Symbol(c.name) for c in body.atoms(Component)}))
    return TotalField(f"total({name})", rank=0, body=body)()


def body_of(total: Component) -> Expr:
    """Return what a total sums."""
    assert isinstance(total.field, TotalField)
    return total.field.body


def latex_component(field: Field, indices: tuple[str, ...]) -> str:
    """Index notation in LaTeX: ``\\partial_{ij} f``, ``\\Sigma_{ij,k}``, ``\\theta_i``."""
    name = COMPONENTS.get(field.name, field.name)
    names = [index.replace("_", "") for index in indices]
    if field.gradient and not field.formal:
        return rf"\partial_{{{''.join(names)}}} {name}"
    head, tail = "".join(names[: field.rank]), "".join(names[field.rank :])
    return f"{name}_{{{head}{',' + tail if tail else ''}}}"


gradient = Field("F", gradient=True, varies=True)
"""``F_i = d_i f``, then ``F_ij`` the Hessian, and so on."""
noise = NoiseField("xi", gradient=True, formal=True)
"""The gradient noise, of the first sample where there are several."""
one = Field("1")
"""The number 1 at a coordinate: holds an index that nothing else has, so that ``sum_j 1`` is not lost."""


def noise_of(sample: int) -> NoiseField:
    """Return the field of the gradient noise of a sample: ``xi``, ``xi2``, ``xi3``, ..."""
    return noise if sample == 1 else NoiseField(f"xi{sample}", gradient=True, formal=True, sample=sample)


def sample_of(component: Component) -> int:
    """Return the sample of a component of the noise."""
    assert isinstance(component.field, NoiseField)
    return component.field.sample


factor = Field("B", rank=2, varies=True)
"""A factor of the noise covariance, ``S_ij = sum_p B_ip B_jp``."""
constant_factor = Field("B", rank=2)
"""The same where the noise does not depend on theta."""
square_factor = Field("B2", rank=2)
"""A factor of the covariance of the centred squares of Gaussian noise, ``2 S_ij**2``."""
zeta1 = Field("zeta1", formal=True)
"""Increments of the Brownian motion behind the noise, ``xi_i = sum_p B_ip zeta1_p``, with unit covariance."""
omega1 = Field("omega1", formal=True)
"""The Brownian motion behind the noise since the start of the optimizer's step, ``W_t - W_{t_k}``."""
zeta2 = Field("zeta2", formal=True)
"""Increments of an independent Brownian motion, for the second chaos, with unit covariance."""


class ElementFunction(Function):
    """A non-linearity kept abstract, such as ``P(v_i)``; its derivatives are ``P'(v_i)`` with counts per
    argument.
    """

    base: str = ""
    orders: tuple[int, ...] = ()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _applied, (self.base, self.orders, self.args)

    def fdiff(self, argindex: int = 1) -> "ElementFunction":
        orders = list(self.orders)
        orders[argindex - 1] += 1
        return element_function(self.base, tuple(orders))(*self.args)

    def _sympystr(self, printer: Any) -> str:
        marks = (
            "'" * self.orders[0] if len(self.orders) == 1 else "_" + self._marks() if any(self.orders) else ""
        )
        return f"{self.base}{marks}({', '.join(printer._print(arg) for arg in self.args)})"

    def _latex(self, printer: Any, exp: Any = None) -> str:
        name = latex_function(self.base)
        if len(self.orders) == 1:
            name += "'" * self.orders[0]
        elif any(self.orders):
            name = rf"\partial_{{{self._marks()}}} {name}"
        body = rf"{name}({', '.join(printer._print(arg) for arg in self.args)})"
        return body if exp is None else rf"{body}^{{{exp}}}"

    def _marks(self) -> str:
        names = (arg.field.name if isinstance(arg, Component) else str(arg) for arg in self.args)
        return "".join(name * order for name, order in zip(names, self.orders, strict=True))


def latex_function(name: str) -> str:
    """Return the LaTeX name of an abstract function; the correction ``Q_1`` is ``Q^{(1)}``, the mean ``E_u``
    is ``E_{u}``.
    """
    base, _, correction = name.partition("_")
    if correction and not correction[0].isdigit():
        return rf"\mathrm{{{base}}}_{{{correction.replace('_', ',')}}}"
    return f"{base}^{{({correction.replace('o', '/')})}}" if correction else base


@cache
def element_function(name: str, orders: tuple[int, ...]) -> type[ElementFunction]:
    """Return the class of the abstract function `name` differentiated `orders` times by each argument."""
    return type(f"{name}{orders}", (ElementFunction,), {"base": name, "orders": orders, "nargs": len(orders)})


def _applied(name: str, orders: tuple[int, ...], arguments: tuple[Expr, ...]) -> ElementFunction:
    return element_function(name, orders)(*arguments, evaluate=False)
