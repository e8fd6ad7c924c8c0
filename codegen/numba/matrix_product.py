"""The product of a matrix and a block of paths, as a function of the generated source."""

from collections.abc import Iterator

from .lines import Source, in_row, lane_loop

BLOCK = 5, 5
SHORT = 2, 10
"""Rows and columns of the matrix in one pass over the paths: its numbers stay in registers. Short rows are
done in one pass.
"""


def blocks(length: int, size: int, first: int = 0) -> Iterator[tuple[int, int, int]]:
    """(start, stop, step) of the ranges of blocks that cover first ... length - 1; the last block may be
    smaller.
    """
    full = first + max(length - first, 0) // size * size
    if full > first:
        yield first, full, size
    if full < length:
        yield full, length, length - full


def write_product(
    out: Source, name: str, shape: tuple[int, int], lanes: int, decorator: str, transposed: bool = False
) -> None:
    """Write ``name(A, x, y)``: y = A x for each path, A of rows x columns numbers, x and y of so many rows of
    lanes; of a transposed A its columns lie one behind the other.
    """
    height, width = shape
    most_rows, most_columns = SHORT if width <= SHORT[1] else BLOCK
    start = min(most_columns, width)
    out("", decorator)
    with out.under(f"def {name}(A, x, y):"):
        if lanes > 1:
            out("widest()")
            if width > most_columns:  # several passes add to the same rows of y
                out("apart()")
        for first_row, stop_row, rows in blocks(height, most_rows):
            with out.under(f"for i in range({first_row}, {stop_row}, {rows}):"):
                for first, stop, columns in [(0, start, start), *blocks(width, most_columns, start)]:
                    with out.under(f"for j in range({first}, {stop}, {columns}):"):
                        _write_pass(out, shape, lanes, rows, columns, first > 0, transposed)


def _write_pass(
    out: Source, shape: tuple[int, int], lanes: int, rows: int, columns: int, add: bool, transposed: bool
) -> None:
    # y_i = sum_j A_ij x_j with A_ij at i width + j, or at j height + i
    height, width = shape
    down, right = (1, height) if transposed else (width, 1)
    out(f"n = j*{height} + i" if transposed else f"n = i*{width} + j")
    for r in range(rows):
        out("; ".join(f"a{r}_{c} = A[n + {r * down + c * right}]" for c in range(columns)))
    with out.under(lane_loop(lanes)):
        out(f"at = {in_row('i', lanes)}", f"source = {in_row('j', lanes)}")
        out("; ".join(f"x{c} = x[source + {c * lanes}]" for c in range(columns)))
        for r in range(rows):
            terms = " + ".join(f"a{r}_{c}*x{c}" for c in range(columns))
            place = f"y[at + {r * lanes}]"
            out(f"{place} = {f'{place} + ' if add else ''}{terms}")
