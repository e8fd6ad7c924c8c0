import math
import os
from argparse import ArgumentTypeError

import numpy as np
import pytest

from optsde.codegen.objectives.quadratic import QuadraticFields
from optsde.runtime.command_line import options
from optsde.runtime.command_line.cli import joined


@pytest.mark.parametrize(
    ("text", "name", "variant"),
    [
        ("rmsprop", "rmsprop", "paper"),
        ("rmsprop:torch", "rmsprop", "torch"),
        ("adam:torch", "adam", "torch"),
        ("heavy-ball", "heavy_ball", "li-tai-e"),
        ("heavy_ball", "heavy_ball", "li-tai-e"),
        ("sgd:plain", "sgd", "plain"),
    ],
)
def test_rules_by_name_and_variant(text, name, variant):
    found = options.rule(text)
    assert (found.name, found.variant) == (name, variant)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rmsporp", "unknown optimizer 'rmsporp'.*did you mean rmsprop"),
        ("zzz", "unknown optimizer 'zzz'.*see optsde list"),
        ("", "unknown optimizer ''"),
        ("rmsprop:fast", "rmsprop has no variant 'fast'; expected one of paper, torch"),
        ("sgd:fast", "sgd has no variant 'fast'; expected plain"),
        ("__class__", "unknown optimizer '__class__'"),
    ],
)
def test_other_rules_are_refused(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        options.rule(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2^-3", 0.125),
        ("2**-3", 0.125),
        ("1/3", 1 / 3),
        (" 1e-3", 1e-3),
        ("-2", -2.0),
        ("sqrt(2)", math.sqrt(2)),
    ],
)
def test_numbers_may_be_computed(text, value):
    assert options.number(text) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    "text", ["", "x", "1,2", "2^^3", "1/0", "9^9^9", "__import__('os')", "sqrt(-1)", "1;2", "(1"]
)
def test_other_numbers_are_refused(text):
    with pytest.raises(ValueError, match="is not accepted"):
        options.number(text)


def test_lists_and_assignments():
    assert options.numbers("2^-1, 1/4,3") == [0.5, 0.25, 3.0]
    assert options.start(["theta=1,0.5", "v=1"]) == {"theta": [1.0, 0.5], "v": 1.0}
    assert options.assignments(["c=1/2", "eps = 1e-3"]) == {"c": 0.5, "eps": 1e-3}
    assert options.assignments([]) == {}


@pytest.mark.parametrize("item", ["c", "c=", "=1", "", "="])
def test_what_is_no_assignment_is_refused(item):
    with pytest.raises(ValueError, match="is no assignment; expected NAME=VALUE"):
        options.assignments([item])
    with pytest.raises(ValueError, match="is no assignment; expected NAME=VALUE"):
        options.start([item])


def test_what_is_given_twice_is_refused():
    with pytest.raises(ValueError, match="c is given 2 times; expected each name once"):
        options.assignments(["c=1", "eps=2", "c =1"])


def problem(**given):
    return options.ProblemOptions(**given).problem()


def test_problems():
    spread = problem(hessian="1,0.5;0.5,1", minimum_noise="1/4").matrices["S"]
    np.testing.assert_allclose(spread, [[0.078125, 0.0625], [0.0625, 0.078125]], rtol=1e-15)
    np.testing.assert_array_equal(problem(hessian="2", minimum_noise="0.5").matrices["S"], [[1.0]])
    given = problem(hessian="1,0;0,1", covariance="2,1;1,2").matrices["S"]
    np.testing.assert_allclose(given, [[2, 1], [1, 2]], rtol=1e-14)


def test_one_row_is_a_diagonal():
    wide = problem(hessian="1,2,3", variances="1/2,2,1")
    assert (wide.fields.hessian, wide.fields.covariance, wide.matrices) == ("diagonal", "diagonal", {})
    assert [wide.vectors["H"].tolist(), wide.vectors["S_diagonal"].tolist()] == [
        [1.0, 2.0, 3.0],
        [0.5, 2.0, 1.0],
    ]
    assert problem(hessian="1,2", minimum_noise="1/2").vectors["S_diagonal"].tolist() == [0.25, 1.0]
    mixed = problem(hessian="1,0.5;0.5,1", variances="1,2")
    assert (mixed.fields.hessian, mixed.fields.covariance) == ("dense", "diagonal")
    thin = problem(hessian="1,2,3", factor="1;1/2;0")
    assert (thin.fields, thin.matrices["B"].tolist()) == (
        QuadraticFields("diagonal", "factor", 1),
        [[1.0], [0.5], [0.0]],
    )


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"hessian": "1,2;3"}, "H is not a matrix of numbers"),
        ({"hessian": "1,2;3,4"}, "H is not symmetric"),
        ({"hessian": "2,1;1,2", "covariance": "1,2;2,1"}, "positive semidefinite"),
        ({"hessian": "1,2", "variances": "1"}, "variances has 1 numbers; expected 2"),
        ({"hessian": "1", "minimum_noise": "-1"}, "minimum_noise is -1"),
        ({"hessian": "a"}, "the name 'a'"),
        ({"hessian": ""}, "is not accepted"),
        ({"hessian": "nan"}, "the name 'nan'"),
        ({"hessian": "1e999"}, "too large; expected a finite one"),
        ({"hessian": "\uff11"}, "the character"),
    ],
)
def test_other_problems_are_refused(given, complaint):
    with pytest.raises(ValueError, match=complaint):
        problem(**given)


def test_problems_by_formulas():
    line = options.formula("theta**2/2", "1 + sin(theta)")
    assert (str(line.f), line.description["factor"], line.dimension) == (
        "theta**2/2",
        [["sin(theta) + 1"]],
        1,
    )
    plane = options.formula("theta_1*theta_2", "1, theta_1*(2 + 1); Max(0.5, 0.25), 1")
    assert (plane.dimension, plane.description["factor"]) == (2, [["1", "3*theta_1"], ["1/2", "1"]])
    assert options.formula("theta_1**2", "1;2").description["factor"] == [["1"], ["2"]]


def test_one_kind_of_problem_is_chosen():
    assert problem().description["H"].tolist() == [[1.0, 0.5], [0.5, 1.0]]
    assert problem(hessian="2", minimum_noise="1").description["S"].tolist() == [[4.0]]
    assert problem(objective="theta_2*theta_1").description["factor"] == [["1", "0"], ["0", "1"]]
    with pytest.raises(ValueError, match="got --minimum-noise with --objective"):
        problem(minimum_noise="1", objective="theta")
    with pytest.raises(ValueError, match="got both minimum_noise and factor"):
        problem(hessian="1", minimum_noise="1", factor="1")


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e6", 10**6), ("2^20", 2**20), ("12", 12), ("-1", -1), (str(2**64), 2**64), ("6/2", 3)],
)
def test_whole_numbers_as_people_write_them(text, value):
    assert options.count(text) == value


@pytest.mark.parametrize("text", ["1.5", "two", "\uff11", "", "--", "1e999", "9" * 1000])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(ArgumentTypeError) as refusal:
        options.count(text)
    assert len(str(refusal.value)) < 300


def test_values_that_begin_with_a_hyphen():
    assert joined(["--objective", "-theta**4/4", "--json"]) == ["--objective=-theta**4/4", "--json"]
    assert joined(["--seed", "-1"]) == ["--seed=-1"]
    assert joined(["derive", "-h"]) == ["derive", "-h"]


@pytest.mark.parametrize(
    ("objective", "factor", "complaint"),
    [
        ("theta", "1,0;0,1", "the name 'theta' .* allowed are theta_1, theta_2"),
        ("theta", "1,0", r"noise factor has rows of \[2\] entries"),
        ("theta_1*theta_2", "1,0;1", r"noise factor has rows of \[2, 1\] entries"),
        ("theta_900", "1", "dimension 900 of an objective given by a formula; expected 1 to 8"),
        ("theta_0*theta_1", "1", "the name 'theta_0'"),
        ("theta_1", "1", "the name 'theta_1' .* did you mean theta"),
        ("", "1", "is not accepted"),
        ("theta", "", "is not accepted"),
    ],
)
def test_other_problems_by_formulas_are_refused(objective, factor, complaint):
    with pytest.raises(ValueError, match=complaint):
        options.formula(objective, factor)


def test_noise_laws():
    assert options.noise_law("gaussian", True).constant
    assert options.noise_law("two-point", False).name == "two-point"
    with pytest.raises(ValueError, match="unknown noise 'white'; expected one of gaussian"):
        options.noise_law("white", False)


def test_batches():
    assert options.noise_law("general", False, "8").batch == 8
    drawn = options.noise_law("general", True, "8", "100")
    assert (drawn.batch, drawn.population, drawn.constant, drawn.name) == (
        8,
        100,
        True,
        "mean of 8 out of 100 general",
    )
    named = options.noise_law("gaussian", False, "b", "points")
    assert {str(symbol) for symbol in named.symbols} == {"b", "points"}


@pytest.mark.parametrize(
    ("batch", "population", "complaint"),
    [
        (None, "9", "a population of 9 without a batch; expected --batch"),
        ("0", None, "number of samples '0'; expected a positive integer, or a name"),
        ("1.5", None, "number of samples '1.5'"),
        ("-2", None, "number of samples '-2'"),
        ("b+1", None, r"number of samples 'b\+1'"),
        ("9" * 19, None, "number of samples '9{19}'"),
        ("tau", None, "'tau', a name that means something else"),
        ("8", "7", "a batch of 8 out of 7 without replacement"),
    ],
)
def test_other_batches_are_refused(batch, population, complaint):
    with pytest.raises(ValueError, match=complaint):
        options.noise_law("general", False, batch, population)


def test_files_that_cannot_be_written_are_refused_beforehand(tmp_path):
    options.check_writable(str(tmp_path / "new.json"), None)
    for bad in (tmp_path / "none" / "x.json", tmp_path):
        with pytest.raises(
            ValueError, match=r"cannot write .*; expected a file in an existing folder with write permission"
        ):
            options.check_writable(str(bad))
    if os.getuid():
        (closed := tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(ValueError, match="cannot write"):
            options.check_writable(str(closed / "x.json"))


def test_samples_of_a_step_without_a_common_data_point():
    law = options.noise_law("general", False, "2", "6", True)
    assert (law.batch, law.population, law.disjoint) == (2, 6, True)
    assert options.noise_law("general", False, None, "6", True).batch == 1
    assert not options.noise_law("general", False, "2", "6", False).disjoint
    with pytest.raises(
        ValueError, match="--reshuffle without a population; expected --population N beside it"
    ):
        options.noise_law("general", False, "2", None, True)
