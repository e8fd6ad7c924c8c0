"""Running the command line in a test."""

from optsde.runtime.command_line.cli import main

# one small problem for all, so that each kernel is compiled once
SGD = ["sgd", "--hessian", "1,0.5;0.5,1.5", "--start", "theta=1,0.5"]
SIMULATE = ["simulate", *SGD, "--tau", "0.25", "--horizon", "1", "--paths", "500"]
CONVERGE = ["converge", *SGD, "--horizon", "1", "--paths", "2000", "--substeps", "4", "--taus", "2^-1,2^-2"]


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    return code, *capsys.readouterr()


def refused(capsys, *arguments: str) -> str:
    """Return the one line on stderr of a command that must fail with exit code 2."""
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("optsde")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err
