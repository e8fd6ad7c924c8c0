"""Kernels for CUDA against those for the CPU: in Numba's simulator, on a device, and as far as a compiler
alone can tell.
"""

import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import numba.cuda
import numpy as np
import pytest
from flat import measured, predicted, simulated
from optsde_command import CONVERGE, SGD, SIMULATE, refused, run
from quadratics import quadratic
from rmsprop_kernels import RMSPROP, every_pace, one_track, two_paces

from optsde.codegen.numba.cuda import emit_cuda
from optsde.derive import ballistic, gaussian, modified_equation, sgd
from optsde.runtime.kernels import device
from optsde.runtime.kernels.device import compile_cuda

WITHOUT_FMA = platform.machine() in ("x86_64", "AMD64")
"""Whether the CPU's FMA instructions can be left out, so that nothing contracts there, as nothing does in the
simulator.
"""


class Found(dict[str, np.ndarray]):
    """What `cuda_kernels` found; ``same_bits`` where neither side contracts products and sums."""

    same_bits: bool


@pytest.fixture(scope="module", params=["simulator", "device"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    simulated, environment = request.param == "simulator", dict(os.environ)
    if simulated:
        environment["NUMBA_ENABLE_CUDASIM"] = "1"
    elif importlib.util.find_spec("numba_cuda") is None or not numba.cuda.is_available():
        pytest.skip("no CUDA device here, or no optsde[cuda]")
    if simulated and WITHOUT_FMA:
        environment |= {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    path, script = (
        tmp_path_factory.mktemp("device") / "found.npz",
        Path(__file__).parents[1] / "cuda_kernels.py",
    )
    subprocess.run([sys.executable, str(script), str(path)], check=True, env=environment, timeout=600)
    with np.load(path) as file:
        made = Found(file)
    made.same_bits = simulated and WITHOUT_FMA
    return made


def of(found: Found, name: str, where: str) -> dict[str, np.ndarray]:
    head = f"{name} {where} "
    return {key.removeprefix(head): value for key, value in found.items() if key.startswith(head)}


@pytest.mark.parametrize("name", ["adam", "equation", "whole", "signs", "study", "loops", "launch", "only"])
def test_every_path_has_the_bits_of_the_cpu(found: Found, name: str) -> None:
    """Elsewhere the tolerances of `test_kernels`: some fifty operations a step, their errors at worst added
    up.
    """
    cpu, cuda = of(found, name, "cpu"), of(found, name, "cuda")
    finals = [key for key in cpu if key.startswith("finals")]
    assert finals
    for key in finals:
        assert cuda[key].dtype == cpu[key].dtype
        if found.same_bits:
            np.testing.assert_array_equal(cuda[key], cpu[key])
        else:
            tolerance = 7e-5 if cpu[key].dtype == np.float32 else 1e-12
            np.testing.assert_allclose(cuda[key], cpu[key], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("name", "paths"), [("study", 24), ("loops", 24), ("launch", 2100), ("only", 1)])
def test_sums_differ_by_rounding_alone(found: Found, name: str, paths: int) -> None:
    """A sum of n numbers, in two orders: n 2^-52 times the sum of their sizes, at most sqrt(n) times the root
    of squares.
    """
    cpu, cuda = of(found, name, "cpu"), of(found, name, "cuda")
    for key in ("counts", "nonfinite", "negative"):
        np.testing.assert_array_equal(cuda[key], cpu[key])
    ulp = 2.0**-52 if found.same_bits else 1e-12  # elsewhere the numbers themselves differ, see above
    bound = paths * ulp * np.sqrt(paths * cpu["squares"])
    assert (np.abs(cuda["sums"] - cpu["sums"]) <= bound).all()
    assert (np.abs(cuda["squares"] - cpu["squares"]) <= paths * ulp * cpu["squares"]).all()


@pytest.mark.parametrize("name", ["adam", "equation"])
def test_ensembles_have_the_means_of_the_cpu(found: Found, name: str) -> None:
    cpu, cuda = of(found, name, "cpu")["means"], of(found, name, "cuda")["means"]
    np.testing.assert_allclose(
        cuda, cpu, rtol=24 * 2.0**-52 if found.same_bits else 7e-5
    )  # of positive numbers


def test_weak_errors_differ_by_rounding_alone(found: Found) -> None:
    """The bound of the sums from above, over n, for means; for variances that of squares, twice that of
    means, and one more.
    """
    cpu, cuda = of(found, "rows", "cpu"), of(found, "rows", "cuda")
    np.testing.assert_array_equal(cuda["counted"], cpu["counted"])
    paths, ulp = 24, 2.0**-52 if found.same_bits else 1e-12
    mean, error = cpu["mean"][:, :2], cpu["standard_error"]  # of the weak error and of the own error
    squares = (paths - 1) * error**2 + mean**2
    assert (np.abs(cuda["mean"][:, :2] - mean) <= paths * ulp * np.sqrt(squares)).all()
    assert (np.abs(cuda["standard_error"] ** 2 - error**2) <= 4 * paths * ulp * squares / (paths - 1)).all()
    np.testing.assert_allclose(cuda["mean"][:, 2], cpu["mean"][:, 2], rtol=paths * ulp)  # of positive numbers


def test_a_leading_weak_error_comes_from_the_same_paths(found: Found) -> None:
    """Elsewhere four paths of the tolerance above, over the square of the distance between them, a
    hundredth.
    """
    cpu, cuda = found["prediction cpu"], found["prediction cuda"]
    if found.same_bits:
        np.testing.assert_array_equal(cuda, cpu)
    else:
        np.testing.assert_allclose(cuda, cpu, rtol=0, atol=1e-7)


def test_a_study_remembers_noise_and_its_tracks_differ(found: Found) -> None:
    finals = [value for key, value in of(found, "study", "cuda").items() if key.startswith("finals")]
    assert len({value.tobytes() for value in finals}) == 4


def test_threads_of_a_block_and_slices_do_not_change_a_bit(found: Found) -> None:
    whole, divided = of(found, "launch", "cuda"), of(found, "divided", "cuda")
    for key, value in whole.items():
        np.testing.assert_array_equal(divided[key], value)
    assert 0 < whole["negative"][0] < 2100
    assert 0 < whole["nonfinite"][0] < 2100


def test_one_path_by_itself_has_the_same_bits(found: Found) -> None:
    alone, launch = of(found, "only", "cuda"), of(found, "launch", "cuda")
    np.testing.assert_array_equal(alone["finals walk"][0], launch["finals walk"][2077])
    if found.same_bits:
        np.testing.assert_array_equal(alone["exact"], of(found, "only", "cpu")["exact"])


@pytest.fixture
def undecided():
    """Whether there is a device is asked again."""
    device._cuda.cache_clear()
    yield
    device._cuda.cache_clear()


def test_without_a_device_one_line_says_what_to_do(
    undecided, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    kernel = one_track(2, RMSPROP, "step")
    monkeypatch.setattr(numba.cuda, "implementation", "Built-in")
    with pytest.raises(
        ValueError, match=r"numba-cuda is not installed; expected .*'optsde.cuda.'.* NUMBA_ENABLE_CUDASIM=1"
    ):
        compile_cuda(kernel)
    monkeypatch.setattr(numba.cuda, "implementation", "NVIDIA")
    monkeypatch.setattr(numba.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="device 'cuda': there is none; expected an NVIDIA GPU"):
        compile_cuda(kernel)
    for command in (SIMULATE, CONVERGE):
        assert "device 'cuda': there is none" in refused(capsys, *command, "--device", "cuda")
    monkeypatch.delattr(numba, "cuda")
    monkeypatch.setitem(sys.modules, "numba.cuda", None)
    with pytest.raises(ValueError, match="Numba has no CUDA target: "):
        compile_cuda(kernel)


def test_an_unknown_device_is_refused() -> None:
    equation, problem = modified_equation(sgd(), ballistic, gaussian()), quadratic([[1.0]], noise=1.0)
    asked = {"horizon": 1, "start": {"theta": 1.0}, "device": "gpu"}
    for run_on in (
        lambda: simulated(equation.chain, problem, tau=0.5, **asked),
        lambda: measured(equation, problem, taus=[0.5], **asked),
        lambda: predicted(equation, problem, **asked),
    ):
        with pytest.raises(ValueError, match="device 'gpu'; expected cpu or cuda"):
            run_on()


def test_the_source_is_shown_without_a_device(capsys) -> None:
    code, out, _ = run(capsys, "show", *SGD[:3], "--what", "optimizer", "--device", "cuda", "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown["source"].startswith(f'"""optsde kernel {shown["signature"]}')
    assert "cuda.grid(1)" in shown["source"]


def test_the_device_runs_its_own_random_numbers_without_flags() -> None:
    """With any fastmath flag of a function for the CPU Numba would let the device's compiler reassociate."""
    from numba.cuda.dispatcher import CUDADispatcher

    from optsde.runtime.kernels import device_functions, rng

    for name in ("stream64", "stream32", "draw64", "draw32"):
        function = getattr(device_functions, name)
        scope = function.py_func.__globals__
        assert function.py_func.__code__ is getattr(rng, name).py_func.__code__
        called = [scope[n] for n in function.py_func.__code__.co_names if hasattr(scope.get(n), "py_func")]
        assert called
        assert all(
            isinstance(f, CUDADispatcher) and not f.targetoptions.get("fastmath") for f in (function, *called)
        )


@pytest.mark.parametrize(
    ("kernel", "shape"),
    [
        (every_pace(3), "unrolled"),
        (one_track(2, RMSPROP, "step", "float32"), "unrolled"),
        (two_paces(13), "looped"),
    ],
    ids=["unrolled", "single", "looped"],
)
def test_kernels_compile_for_a_device(kernel, shape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To PTX, for which no device is needed."""
    pytest.importorskip("numba_cuda", reason="the compiler comes with optsde[cuda]")
    from numba import cuda, types
    from numba.core import sigutils
    from numba.cuda import dispatcher

    capability = (8, 0)
    monkeypatch.setattr(
        dispatcher, "get_current_device", lambda: type("Device", (), {"compute_capability": capability})
    )
    decorated = re.compile(r'@cuda\.jit\("(void\(.*?)"\s+"(.*?\))", cache=True\)\n', re.DOTALL)
    source = emit_cuda(kernel, "test", shape)
    (signature,) = ("".join(parts) for parts in decorated.findall(source))
    path = tmp_path / f"optsde_ptx_{shape}_{kernel.dtype}.py"
    path.write_text(decorated.sub("", source))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    arguments, _ = sigutils.normalize_signature(signature)
    ptx, _ = cuda.compile_ptx(module.kernel, types.void(*arguments), cc=capability)
    assert "sqrt.approx" not in ptx
    assert "div.full" not in ptx
    assert (".local" in ptx) == (shape == "looped")  # paths written out live in registers
