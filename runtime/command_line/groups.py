"""Groups of options that several commands share."""

import argparse
from typing import get_args

from ...derive.derivation.equation import Form
from ..kernels.device import Device
from .options import count, real


def add_verb(verbs, name, run, text, example):
    verb = verbs.add_parser(
        name, help=text, description=text, epilog=f"example:\n  {example}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    verb.set_defaults(run=run)
    verb.add_argument("--json", action="store_true", help="print one JSON object")
    return verb


def add_rule(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "name", nargs="?", metavar="RULE", help="optimizer, see optsde list; RULE:VARIANT for a variant"
    )
    verb.add_argument("--rule", metavar="FILE", help="a rule of your own, in TOML")


def add_law(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--noise",
        default="gaussian",
        metavar="LAW",
        help="gaussian, general, symmetric, two_point or student_t",
    )
    verb.add_argument(
        "--constant-noise", action="store_true", help="noise covariance does not depend on theta"
    )


def add_equation(verb: argparse.ArgumentParser) -> None:
    add_rule(verb)
    verb.add_argument(
        "--regime", default="ballistic", help="a name, or 'lr=tau, alpha=1-c*tau, noise=tau**(-1/2)'"
    )
    verb.add_argument("--order", type=count, default=2, help="weak order asked for (default 2)")
    verb.add_argument(
        "--form",
        choices=get_args(Form),
        default="diffusion",
        help="order 1: with the leading fluctuations, or an ode; order 2: synchronised",
    )
    add_law(verb)
    verb.add_argument(
        "--batch", metavar="B", help="noise is the mean of B samples of the law: a number or a name"
    )


def add_problem(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("problem")
    group.add_argument(
        "--hessian", metavar="ROW;ROW", help="H of a quadratic, or its diagonal 1,2,3 (default 1,0.5;0.5,1)"
    )
    group.add_argument("--minimum-noise", metavar="S", help="number s: covariance s^2 H^2 (default 0.25)")
    group.add_argument("--variances", metavar="S,S", help="instead, those of the gradient's coordinates")
    group.add_argument("--covariance", metavar="ROW;ROW", help="instead, the whole matrix")
    group.add_argument(
        "--objective",
        metavar="EXPR",
        help="instead of a quadratic, any f: 'theta**2/2 + sin(theta)/2', or in theta_1, theta_2, ...",
    )
    group.add_argument(
        "--factor",
        metavar="B",
        help="instead, B with covariance B B^T: d rows of r numbers; of a formula '1 + sin(theta)/2' "
        "or '1,theta_1/5;0,1' (default 1)",
    )
    group.add_argument(
        "--regularisation",
        default="none",
        metavar="PHI",
        help="none (default), floor, smooth, or floor:U with U in tau",
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


def add_experiment(verb: argparse.ArgumentParser, paths: int) -> None:
    group = verb.add_argument_group("experiment")
    group.add_argument("--horizon", type=real, required=True, help="duration, a multiple of tau")
    group.add_argument("--start", nargs="+", metavar="BLOCK=X,X",
                       help="default theta=1,0.5,1,..., second moments 1, the rest 0")  # fmt: skip
    group.add_argument("--t0", type=real, default=0.0, help="time of the start; above 0 for Adam")
    group.add_argument("--constants", nargs="+", default=[], metavar="NAME=X", help="c=0.5 eps=1e-3 ...")
    group.add_argument("--paths", type=count, default=paths)
    group.add_argument("--seed", type=count, default=0)
    group.add_argument(
        "--substeps", type=count, help="steps of the scheme per tau (default: 8; converge chooses them)"
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
    group.add_argument("--threads", type=count, help="of the CPU (default: one for each processor)")
    group.add_argument("--output", metavar="FILE", help="write the result as JSON")
    group.add_argument("--plot", metavar="FILE", help="draw it as PNG")
    group.add_argument("--quiet", action="store_true", help="no progress bar")
