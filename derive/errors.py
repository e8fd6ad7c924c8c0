"""What can be refused: all of these are `ValueError`, and all say in one line what came, what was expected,
what to do.
"""


class OptsdeError(ValueError):
    """Something was refused."""


class BadInput(OptsdeError):
    """A value that makes no sense: a number, a name, a text, a file."""


class DerivationRefused(OptsdeError):
    """An equation, a certificate or a limit that does not exist or is out of reach."""


class KernelRefused(OptsdeError):
    """A step, an observable or a kernel for which there is no code."""
