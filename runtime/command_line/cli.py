"""The command ``optsde``."""

import os
import re
import sys
from collections.abc import Sequence

from ...derive.errors import BadInput
from .arguments import parser_of_arguments


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    int
        0, or 1 if a check failed, or 2 for bad usage or input; 128 and a signal's number if one ended it.
    """
    try:
        parser = parser_of_arguments()
        options = parser.parse_args(joined(sys.argv[1:] if arguments is None else arguments))
        forms = [f"--{form}" for form in ("json", "latex", "markdown") if getattr(options, form, False)]
        if len(forms) > 1:
            raise BadInput(f"{' and '.join(forms)}; expected one of them: the output has one form")
        code = options.run(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # who reads the output, as head, has enough; Python would complain once more when it flushes at its
        # end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, OSError, ImportError, MemoryError) as error:
        print(f"optsde: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("optsde: interrupted", file=sys.stderr)
        return 130
    except SystemExit as stop:
        return int(stop.code or 0)


def joined(arguments: Sequence[str]) -> list[str]:
    """Write ``--option=-value`` where a value begins with a hyphen, as ``--objective "-theta**4/4"`` does.

    Without this argparse takes the value for an option.
    """
    result: list[str] = []
    for argument in arguments:
        value = argument[:1] == "-" and argument[:2] != "--" and argument != "-h"
        if value and result and re.fullmatch(r"--[a-z][a-z0-9-]*", result[-1]):
            result[-1] = f"{result[-1]}={argument}"
        else:
            result.append(argument)
    return result
