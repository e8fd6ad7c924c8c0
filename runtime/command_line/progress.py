"""Progress of long work, on standard error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function that shows a label with work done and work in all; it shows nothing where nobody
    looks.

    Uses tqdm where it is installed (the extra ``progress``), else a line of text.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda label, done, total: None
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda label, done, total: print(
            f"\r{label}: {100 * done // total:3d} %", end="", file=sys.stderr, flush=True
        )
        print(file=sys.stderr)
        return
    with tqdm(total=1, file=sys.stderr, leave=False, unit_scale=True) as shown:

        def show(label: str, done: int, total: int) -> None:
            if shown.desc != f"{label}: ":
                shown.reset(total)
                shown.set_description(label)
            shown.update(done - shown.n)

        yield show
