import numpy as np
import pytest

from optsde.codegen.numba.lines import Source
from optsde.codegen.numba.matrix_product import blocks, write_product


@pytest.mark.parametrize("length", [1, 2, 9, 10, 11, 20, 23])
def test_blocks_cover_everything_once(length: int) -> None:
    for size in (1, 2, 10):
        for first in range(0, length + 1, size):
            covered = [
                n
                for start, stop, step in blocks(length, size, first)
                for i in range(start, stop, step)
                for n in range(i, i + step)
            ]
            assert covered == list(range(first, length))


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 3), (10, 10), (13, 13), (21, 21), (1, 12), (12, 1), (5, 31), (31, 4)]
)
def test_the_product_is_that_of_numpy(shape: tuple[int, int], lanes: int) -> None:
    out, given = Source(), {"plain": lambda function: function, "widest": lambda: None, "apart": lambda: None}
    write_product(out, "product", shape, lanes, "@plain")
    exec("\n".join(out.lines), given)  # our own text, as plain Python
    random, (rows, columns) = np.random.default_rng(shape), shape
    A, x, y = (
        random.standard_normal(shape),
        random.standard_normal((columns, lanes)),
        np.full((rows, lanes), np.nan),
    )
    given["product"](A.ravel(), x.ravel(), y.ravel())
    np.testing.assert_allclose(y, A @ x, rtol=1e-12)
