"""The coefficients of a generator: drift, covariance, and those of higher derivatives."""

from itertools import permutations

from sympy import Add, Expr

from ..equations.certificate import Obstruction
from ..errors import DerivationRefused
from ..notation.indices import FREE, canonical, reindex, terms
from ..notation.operators import TIME, block_of, split
from ..notation.symbols import Component
from ..notation.zeros import lowest_terms
from .chain import Chain


def _spatial(symbol: Expr) -> Expr:
    """Drop the derivative by time, which every chain has and no other part of a generator contains."""
    return Add(*(term for term in terms(symbol) if all(block_of(m) != TIME for m in split(term)[1])))


def coefficient_of(symbol: Expr, blocks: tuple[str, ...]) -> Expr:
    """Return the coefficient of the derivative by the given blocks, symmetrised over equal ones.

    The generator contains ``1/r! c_a...z d_a...d_z`` summed over all blocks, so after joining equal products
    of derivatives the coefficient is the sum over the orders in which equal blocks can carry the free
    indices.
    """
    pieces = []
    for term in terms(symbol):
        coefficient, momenta = split(term)
        if sorted(block_of(m) for m in momenta) == sorted(blocks):
            for arranged in permutations(momenta):
                if tuple(block_of(m) for m in arranged) == blocks:
                    pieces.append(_freed(coefficient, arranged))
    return lowest_terms(canonical(Add(*pieces)))


def _freed(coefficient: Expr, momenta: tuple[Component, ...]) -> Expr:
    indices = [m.indices[0] for m in momenta]
    if len(set(indices)) < len(indices) or len(indices) > len(FREE):
        raise DerivationRefused(
            f"derivatives by {', '.join(map(str, momenta))}; expected at most {len(FREE)}, of different "
            "indices"
        )
    return reindex(coefficient, dict(zip(indices, FREE[: len(indices)], strict=True)))


def parts_of(chain: Chain, symbol: Expr, power: Expr, degree: int) -> list[Obstruction]:
    """Return the coefficients of the derivatives from a degree on."""
    names = [block.name for block in chain.blocks]
    kinds = {
        tuple(sorted((block_of(m) for m in split(term)[1]), key=names.index))
        for term in terms(_spatial(symbol))
    }
    chosen = sorted((kind for kind in kinds if len(kind) >= degree), key=lambda kind: (len(kind), kind))
    return [Obstruction(power, blocks, coefficient_of(symbol, blocks)) for blocks in chosen]
