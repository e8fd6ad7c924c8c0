"""What the command ``optsde`` takes: verbs, options, examples."""

import argparse
from typing import NoReturn, get_args

from ...derive.derivation.equation import Form
from ...derive.limits.balance import Start
from ..kernels.device import Device
from . import simulations, theory

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
      --objective "theta**2/2 + sin(theta)/2" --noise-factor "0.4 + sin(theta)/8" \\
      --start theta=1 v=1 --set eps=0.1 c=1 --taus 2^-3,2^-4,2^-5 --horizon 1
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

    listing = _verb(
        verbs, "list", theory.list_all, "optimizers, variants and regimes known by name", "optsde list --json"
    )
    del listing

    _verb(
        verbs, "schemes", theory.schemes, "prove the weak order of numerical schemes", "optsde schemes --json"
    )

    derive = _verb(
        verbs, "derive", theory.derive, "derive a modified equation",
        "optsde derive adam --regime batch-equivalent --order 2\n"
        '  optsde derive rmsprop --regime "lr=tau, alpha=1-c*tau" --latex',
    )  # fmt: skip
    _equation(derive)
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
        "--dimension", type=int, metavar="D", help="also print the components in this dimension"
    )

    check = _verb(
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
    check.add_argument("--paths", type=int, default=100_000, help="for --measure")
    check.add_argument("--seed", type=int, default=0, help="for --measure")
    check.add_argument(
        "--plot", metavar="FOLDER", help="with --measure, draw the weak errors as PNG into this folder"
    )
    check.add_argument("--quiet", action="store_true", help="no progress bar")

    regimes = _verb(
        verbs,
        "regimes",
        theory.regimes,
        "find all scaling regimes: the limits for every choice of exponents",
        'optsde regimes rmsprop --plot regimes.png\n  optsde regimes adam --exponents "beta2=1+s"',
    )
    _rule(regimes)
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
    _law(regimes)
    regimes.add_argument("--latex", action="store_true", help="print LaTeX")
    regimes.add_argument("--plot", metavar="FILE", help="draw the map over two exponents as PNG")

    scaling = _verb(
        verbs,
        "scaling",
        theory.scaling,
        "derive how hyperparameters must change with the batch to keep the limit",
        "optsde scaling adam\n  optsde scaling sgd --regime 'lr=tau, noise=tau**(-1/2)'",
    )
    _rule(scaling)
    scaling.add_argument(
        "--regime", default="batch-equivalent", help="as in optsde derive; default batch-equivalent"
    )
    _law(scaling)

    show = _verb(
        verbs, "show", simulations.show, "print the generated kernel",
        "optsde show adam --regime ballistic --what study --hessian '2'",
    )  # fmt: skip
    _equation(show)
    _problem(show)
    show.add_argument("--what", choices=("optimizer", "equation", "study"), default="equation")
    show.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    show.add_argument("--device", choices=get_args(Device), default="cpu")

    simulate = _verb(
        verbs,
        "simulate",
        simulations.simulate,
        "simulate an optimizer, or with --what equation its equation",
        "optsde simulate adam --regime ballistic --t0 1 --tau 0.125 --horizon 4 --what equation --plot "
        "paths.png\n"
        "  optsde simulate rmsprop --tau 2^-4 --horizon 1 --objective 'theta**4/4' --noise-factor '1 + "
        "sin(theta)/2'",
    )
    _equation(simulate)
    _problem(simulate)
    _experiment(simulate, paths=10_000)
    simulate.add_argument("--what", choices=("optimizer", "equation"), default="optimizer")
    simulate.add_argument(
        "--tau", required=True, help="duration of a step: a number, or a power such as 2^-3"
    )
    simulate.add_argument(
        "--keep", type=int, default=0, metavar="N", help="keep the final states of the first N paths"
    )
    simulate.add_argument(
        "--only-path", type=int, metavar="N", help="run path number N of the ensemble alone: the same bits"
    )
    simulate.add_argument("--dtype", choices=("float64", "float32"), default="float64")

    converge = _verb(
        verbs,
        "converge",
        simulations.converge,
        "measure the weak error of an equation against its optimizer",
        "optsde converge adam --regime ballistic --order 2 --t0 1 --taus 2^-2,2^-3,2^-4 --horizon 2 --plot "
        "adam.png",
    )
    _equation(converge)
    _problem(converge)
    _experiment(converge, paths=200_000)
    converge.add_argument("--taus", required=True, metavar="T,T,...", help="numbers or powers such as 2^-3")
    converge.add_argument(
        "--own-share",
        type=float,
        default=0.1,
        help="share of the weak error that the equation's own discretisation may reach",
    )
    converge.add_argument(
        "--precision",
        type=float,
        metavar="SHARE",
        help="add paths, up to --paths, until errors are this share of the result",
    )
    converge.add_argument("--seconds", type=float, help="add paths, up to --paths, for so long per tau")
    converge.add_argument(
        "--leading-error", action="store_true", help="also compute the leading weak error, from the theory"
    )
    converge.add_argument(
        "--noise-free-steps", type=int, default=0, metavar="N", help="start after N steps without noise"
    )

    reproduce = _verb(
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
    reproduce.add_argument("--seed", type=int, default=0)
    reproduce.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser


def _verb(verbs, name, run, text, example):
    verb = verbs.add_parser(
        name, help=text, description=text, epilog=f"example:\n  {example}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    verb.set_defaults(run=run)
    verb.add_argument("--json", action="store_true", help="print one JSON object")
    return verb


def _rule(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "name", nargs="?", metavar="RULE", help="optimizer, see optsde list; RULE:VARIANT for a variant"
    )
    verb.add_argument("--rule", metavar="FILE", help="a rule of your own, in TOML")


def _law(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--law", default="gaussian", help="noise: gaussian, general, symmetric, two_point or student_t"
    )
    verb.add_argument(
        "--constant-noise", action="store_true", help="noise covariance does not depend on theta"
    )


def _equation(verb: argparse.ArgumentParser) -> None:
    _rule(verb)
    verb.add_argument(
        "--regime", default="ballistic", help="a name, or 'lr=tau, alpha=1-c*tau, noise=tau**(-1/2)'"
    )
    verb.add_argument("--order", type=int, default=2, help="weak order asked for (default 2)")
    verb.add_argument(
        "--form",
        choices=get_args(Form),
        default="diffusion",
        help="order 1: with the leading fluctuations, or an ode; order 2: synchronised",
    )
    _law(verb)
    verb.add_argument(
        "--batch", metavar="B", help="noise is the mean of B samples of the law: a number or a name"
    )


def _problem(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("problem")
    group.add_argument(
        "--hessian", metavar="ROW;ROW", help="H of a quadratic, or its diagonal 1,2,3 (default 1,0.5;0.5,1)"
    )
    group.add_argument(
        "--noise",
        metavar="S",
        help="its noise: number s for covariance s^2 H^2 (default 0.25), "
        "ROW;ROW for the covariance, or variances 1,2,3",
    )
    group.add_argument(
        "--objective",
        metavar="EXPR",
        help="instead of a quadratic, any f: 'theta**2/2 + sin(theta)/2', or in theta_1, theta_2, ...",
    )
    group.add_argument(
        "--noise-factor",
        metavar="B",
        help="noise of a formula, B with covariance B B^T, as '1 + sin(theta)/2' "
        "or '1,theta_1/5;0,1' (default 1); of a quadratic instead of --noise: d rows of r numbers",
    )
    group.add_argument(
        "--phi",
        default="none",
        metavar="PHI",
        help="regularisation: none (default), floor, smooth, or floor:U with U in tau",
    )
    group.add_argument(
        "--scheme",
        metavar="NAME",
        help="of the equation: heun-for-additive-noise, ..., see optsde schemes "
        "(default: Euler-Maruyama, Runge-Kutta for --form ode)",
    )
    group.add_argument(
        "--observable", action="append", metavar="EXPR", help="norm(theta)**2, mean(v), theta[0]**2*v[0], ..."
    )


def _experiment(verb: argparse.ArgumentParser, paths: int) -> None:
    group = verb.add_argument_group("experiment")
    group.add_argument("--horizon", type=float, required=True, help="duration, a multiple of tau")
    group.add_argument("--start", nargs="+", metavar="BLOCK=X,X",
                       help="default theta=1,0.5,1,..., second moments 1, the rest 0")  # fmt: skip
    group.add_argument("--t0", type=float, default=0.0, help="time of the start; above 0 for Adam")
    group.add_argument("--set", nargs="+", default=[], metavar="NAME=X", help="constants: c=0.5 eps=1e-3 ...")
    group.add_argument("--paths", type=int, default=paths)
    group.add_argument("--seed", type=int, default=0)
    group.add_argument(
        "--substeps", type=int, help="steps of the scheme per tau (default: 8; converge chooses them)"
    )
    group.add_argument(
        "--antithetic",
        action="store_true",
        help="pairs of a path and its mirror image: fewer paths where the start is not forgotten",
    )
    group.add_argument(
        "--control-variate",
        action="store_true",
        help="a linearisation whose means are known runs along: fewer paths for little noise",
    )
    group.add_argument(
        "--device", choices=get_args(Device), default="cpu", help="cuda: an NVIDIA GPU, with optsde[cuda]"
    )
    group.add_argument("--threads", type=int, help="of the CPU (default: one for each processor)")
    group.add_argument("--output", metavar="FILE", help="write the result as JSON")
    group.add_argument("--plot", metavar="FILE", help="draw it as PNG")
    group.add_argument("--quiet", action="store_true", help="no progress bar")
