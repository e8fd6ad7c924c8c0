"""What the command ``optsde`` takes: verbs, options, examples."""

import argparse
from typing import NoReturn, get_args

from ...derive.limits.balance import Start
from ..kernels.device import Device
from . import simulations, theory
from .groups import add_equation, add_experiment, add_law, add_problem, add_rule, add_verb
from .options import count, real

_EXAMPLES = """examples:
  optsde list
  optsde schemes
  optsde derive rmsprop --regime ballistic --order 2
  optsde derive adam --regime batch-equivalent --order 2 --latex
  optsde derive rmsprop --regime "lr=tau, alpha=1-c*tau" --order 2 --json
  optsde derive --rule mine.toml --order 2
  optsde check callisti2025-code
  optsde regimes rmsprop --plot regimes.png
  optsde scaling adam
  optsde show rmsprop --regime ballistic --order 2
  optsde simulate rmsprop --regime ballistic --tau 0.125 --horizon 10 --paths 100000
  optsde converge rmsprop --regime ballistic --order 2 --taus 0.25,0.125,0.0625 --horizon 2
  optsde converge rmsprop --regime batch-equivalent --form synchronised \\
      --objective "theta**2/2 + sin(theta)/2" --factor "0.4 + sin(theta)/8" \\
      --start theta=1 v=1 --constants eps=0.1 c=1 --taus 2^-3,2^-4,2^-5 --horizon 1
  optsde reproduce callisti2025 --quick --output demo
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser_of_arguments() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(
        prog="optsde",
        description="Stochastic modified equations of stochastic optimizers: derive, simulate, measure.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=theory.version())
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND", parser_class=_Parser)

    listing = add_verb(
        verbs, "list", theory.list_all, "optimizers, variants and regimes known by name", "optsde list --json"
    )
    del listing

    add_verb(
        verbs, "schemes", theory.schemes, "prove the weak order of numerical schemes", "optsde schemes --json"
    )

    derive = add_verb(
        verbs, "derive", theory.derive, "derive a modified equation",
        "optsde derive adam --regime batch-equivalent --order 2\n"
        '  optsde derive rmsprop --regime "lr=tau, alpha=1-c*tau" --latex',
    )  # fmt: skip
    add_equation(derive)
    derive.add_argument(
        "--population", metavar="N", help="the samples of a batch are different ones out of N data points"
    )
    derive.add_argument(
        "--reshuffle", action="store_true", help="where a step takes several samples, no data point is in two"
    )
    derive.add_argument("--latex", action="store_true", help="print LaTeX")
    derive.add_argument(
        "--leading-error", action="store_true", help="also print the operator behind the leading weak error"
    )
    derive.add_argument(
        "--dimension", type=count, metavar="D", help="also print the components in this dimension"
    )

    check = add_verb(
        verbs, "check", theory.check, "hold published equations against the derivation",
        "optsde check li2019\n  optsde check --latex > appendix.tex\n  optsde check callisti2025-code "
        "--measure --plot .",
    )  # fmt: skip
    check.add_argument(
        "paper", nargs="?", metavar="PAPER", help="key of a paper as the output shows it (default: all)"
    )
    form = check.add_mutually_exclusive_group()
    form.add_argument(
        "--latex", action="store_true", help="print published and derived coefficients as a LaTeX longtable"
    )
    form.add_argument("--markdown", action="store_true", help="print Markdown")
    form.add_argument(
        "--measure", action="store_true", help="weak errors of equations that differ, beside the derived ones"
    )
    check.add_argument("--paths", type=count, default=100_000, help="for --measure")
    check.add_argument("--seed", type=count, default=0, help="for --measure")
    check.add_argument(
        "--plot", metavar="FOLDER", help="with --measure, draw the weak errors as PNG into this folder"
    )
    check.add_argument("--quiet", action="store_true", help="no progress bar")

    regimes = add_verb(
        verbs,
        "regimes",
        theory.regimes,
        "find all scaling regimes: the limits for every choice of exponents",
        'optsde regimes rmsprop --plot regimes.png\n  optsde regimes adam --exponents "beta2=1+s"',
    )
    add_rule(regimes)
    regimes.add_argument(
        "--exponents",
        default="",
        metavar="NAME=FORM,...",
        help="exponents linear in s, b and new names: 'beta2=1+s, eps=e'; noise is h^-s",
    )
    regimes.add_argument(
        "--start",
        choices=get_args(Start),
        help="slow second moments start with their stationary size, or from zero",
    )
    add_law(regimes)
    regimes.add_argument("--latex", action="store_true", help="print LaTeX")
    regimes.add_argument("--plot", metavar="FILE", help="draw the map over two exponents as PNG")

    scaling = add_verb(
        verbs,
        "scaling",
        theory.scaling,
        "derive how hyperparameters must change with the batch to keep the limit",
        "optsde scaling adam\n  optsde scaling sgd --regime 'lr=tau, noise=tau**(-1/2)'",
    )
    add_rule(scaling)
    scaling.add_argument(
        "--regime", default="batch-equivalent", help="as in optsde derive; default batch-equivalent"
    )
    add_law(scaling)

    show = add_verb(
        verbs, "show", simulations.show, "print the generated kernel",
        "optsde show adam --regime ballistic --what study --hessian '2'",
    )  # fmt: skip
    add_equation(show)
    add_problem(show)
    show.add_argument("--what", choices=("optimizer", "equation", "study"), default="equation")
    show.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    show.add_argument("--device", choices=get_args(Device), default="cpu")

    simulate = add_verb(
        verbs,
        "simulate",
        simulations.simulate,
        "simulate an optimizer, or with --what equation its equation",
        "optsde simulate adam --regime ballistic --t0 1 --tau 0.125 --horizon 4 --what equation --plot "
        "paths.png\n"
        "  optsde simulate rmsprop --tau 2^-4 --horizon 1 --objective 'theta**4/4' --factor '1 + "
        "sin(theta)/2'",
    )
    add_equation(simulate)
    add_problem(simulate)
    add_experiment(simulate, paths=10_000)
    simulate.add_argument("--what", choices=("optimizer", "equation"), default="optimizer")
    simulate.add_argument(
        "--tau", required=True, help="duration of a step: a number, or a power such as 2^-3"
    )
    simulate.add_argument(
        "--keep", type=count, default=0, metavar="N", help="keep the final states of the first N paths"
    )
    simulate.add_argument(
        "--only-path", type=count, metavar="N", help="run path number N of the ensemble alone: the same bits"
    )
    simulate.add_argument("--dtype", choices=("float64", "float32"), default="float64")

    converge = add_verb(
        verbs,
        "converge",
        simulations.converge,
        "measure the weak error of an equation against its optimizer",
        "optsde converge adam --regime ballistic --order 2 --t0 1 --taus 2^-2,2^-3,2^-4 --horizon 2 --plot "
        "adam.png",
    )
    add_equation(converge)
    add_problem(converge)
    add_experiment(converge, paths=200_000)
    converge.add_argument("--taus", required=True, metavar="T,T,...", help="numbers or powers such as 2^-3")
    converge.add_argument(
        "--own-share",
        type=real,
        default=0.1,
        help="share of the weak error that the equation's own discretisation may reach",
    )
    converge.add_argument(
        "--precision",
        type=real,
        metavar="SHARE",
        help="add paths, up to --paths, until errors are this share of the result",
    )
    converge.add_argument("--seconds", type=real, help="add paths, up to --paths, for so long per tau")
    converge.add_argument(
        "--leading-error", action="store_true", help="also compute the leading weak error, from the theory"
    )
    converge.add_argument(
        "--noise-free-steps", type=count, default=0, metavar="N", help="start after N steps without noise"
    )

    reproduce = add_verb(
        verbs,
        "reproduce",
        simulations.reproduce,
        "rerun a paper's experiment",
        "optsde reproduce callisti2025 --quick",
    )
    reproduce.add_argument("paper", choices=("callisti2025",))
    reproduce.add_argument("--quick", action="store_true", help="fewer paths and steps: a minute or two")
    reproduce.add_argument(
        "--output", default="callisti2025", metavar="DIR", help="folder for PNG, JSON and tables"
    )
    reproduce.add_argument("--seed", type=count, default=0)
    reproduce.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser
