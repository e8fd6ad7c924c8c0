import ast
import re
from dataclasses import replace

import pytest
import sympy as sp
from rmsprop_kernels import RMSPROP, SDE, every_pace, one_track

from optsde.codegen.numba.cpu import emit
from optsde.codegen.numba.cuda import MOST_NUMBERS, MOST_SHARED, emit_cuda, usual_cuda_shape
from optsde.codegen.numba.frame import Shape
from optsde.codegen.program.kernel import Kernel, Step, Track
from optsde.codegen.program.statements import Number, Stack


def functions(source: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


def calls(function: ast.FunctionDef) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}


def signature_types(text: str) -> list[str]:
    """The types of the arguments in the text of a signature."""
    return re.split(r", (?![^(\[]*[)\]])", text.removeprefix("void(").removesuffix(")"))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_paths_share_is_computed_on_the_host(dtype: str) -> None:
    """The SDE's rate is 1 + exp(-t)/2, RMSprop's step 1/(1 + t): a thread reads tables."""
    found = functions(emit_cuda(every_pace(2, dtype), "test", "unrolled"))
    assert "math.exp" in calls(found["fine_setup"])
    assert {"fine_setup", "coarse_setup"} <= calls(found["numbers"])
    assert not {"math.exp", "fine_setup", "coarse_setup"} & (
        calls(found["kernel"]) | calls(found["fine_step"])
    )
    read = {ast.unparse(node.value) for node in ast.walk(found["kernel"]) if isinstance(node, ast.Subscript)}
    assert {"fine_times", "coarse_times", "coarsest_times", "optimizer_times"} <= read
    arguments = [a.arg for a in found["kernel"].args.args]
    (decorator,) = found["kernel"].decorator_list
    real = "float64" if dtype == "float64" else "float32"
    types = dict(zip(arguments, signature_types(decorator.args[0].value), strict=True))
    assert types["A"] == f"UniTuple({real}, 4)"
    assert types["step_scale"] == real
    assert types["fine_times"] == f"{real}[:, ::1]"


def test_only_what_a_path_reads_is_handed_over() -> None:
    found = functions(emit_cuda(one_track(2, SDE, "substep"), "test", "unrolled"))
    (returned,) = [n for n in ast.walk(found["alone_setup"]) if isinstance(n, ast.Return)]
    handed = {n.id for n in ast.walk(returned) if isinstance(n, ast.Name)}
    assert "alone_dt" in handed
    assert "alone_sd" not in handed  # joined with other factors
    assert "alone_rate" not in handed  # in the table


def test_a_step_has_the_text_of_the_cpu() -> None:
    """But for the lanes."""
    kernel = one_track(2, RMSPROP, "step")
    device, cpu = (write(kernel, "test", "unrolled").splitlines() for write in (emit_cuda, emit))
    computed = ("g_", "y_", "theta_next_", "v_next_", "inverse", "root")
    formulas = [line.strip() for line in cpu if line.strip().startswith(computed)]
    assert len(formulas) > 6
    assert [line.strip() for line in device if line.strip() in formulas] == formulas


def test_a_path_too_large_for_a_thread_is_refused() -> None:
    kernel = one_track(1000, SDE, "substep")
    with pytest.raises(
        ValueError, match=rf"dimension 1000: a CUDA thread would hold \d+ .* expected at most {MOST_NUMBERS}"
    ):
        emit_cuda(kernel, "test", "looped")


def test_more_numbers_than_a_kernel_may_be_given_are_refused() -> None:
    """Loops read them from arrays."""
    kernel, wanted = (
        one_track(20, RMSPROP, "step"),
        r"dimension 20: the paths of a CUDA kernel would share \d+ numbers",
    )
    with pytest.raises(
        ValueError, match=rf"{wanted}; expected at most {MOST_SHARED}: take the shape 'looped'"
    ):
        emit_cuda(kernel, "test", "unrolled")
    assert "finals, alone_numbers, matrices, vectors, alone_times):" in emit_cuda(kernel, "test", "looped")


@pytest.mark.parametrize(("kernel", "shape"), [
    (one_track(2, RMSPROP, "step"), "unrolled"), (one_track(12, RMSPROP, "step"), "unrolled"),
    (one_track(13, RMSPROP, "step"), "looped"), (every_pace(11), "unrolled"), (every_pace(12), "looped"),
], ids=["2", "12", "13", "matrices", "larger matrices"])  # fmt: skip
def test_what_is_written_out_fits_registers_and_arguments(kernel: Kernel, shape: Shape) -> None:
    assert usual_cuda_shape(kernel) == shape
    emit_cuda(kernel, "test", shape)


def test_the_checks_are_those_of_the_cpu() -> None:
    with pytest.raises(ValueError, match="a kernel needs at least one track"):
        emit_cuda(replace(one_track(2, SDE, "substep"), tracks=()), "test", "unrolled")
    step = Step("x", ("x",), (), (), (), (), (), (Number("a", sp.Integer(2)), Stack("y", ("a", "a"))), ("y",))
    with pytest.raises(ValueError, match="expected the shape 'unrolled'"):
        emit_cuda(Kernel(2, (Track("alone", step, "step"),), (), ((1.0,),)), "test", "looped")
