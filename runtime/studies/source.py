"""The text of the kernel behind a simulation or a study."""

from ...codegen.program.statements import Kernel
from ...derive.derivation.chain import Chain
from ...derive.equations.abstract import Equation
from ...derive.errors import BadInput
from ..kernels.compiled import write_kernel
from ..kernels.device import write_cuda_kernel
from .ensembles import Simulation
from .setting import Ensemble, Integrator, Setting
from .weak_error import Study


def kernel_source(
    target: Chain | Equation,
    setting: Setting,
    *,
    study: bool = False,
    integrator: Integrator | None = None,
    ensemble: Ensemble | None = None,
) -> str:
    """Return the source of the kernel that `simulate` runs or, with `study`, of the one that `weak_error`
    runs.

    Parameters
    ----------
    target : OptimizerChain or Equation
        An equation for a study.
    setting : Setting
    study : bool
    integrator : Integrator, optional
    ensemble : Ensemble, optional

    Returns
    -------
    str
        Python for Numba; the file itself lies in the private cache directory.

    Raises
    ------
    ValueError
        What is asked for has no code; the message says what was expected.

    Examples
    --------
    >>> from optsde import Quadratic, Setting, kernel_source, modified_equation
    >>> from optsde import noise, optimizers, regimes
    >>> sme = modified_equation(optimizers.sgd(), regimes.ballistic, noise.gaussian(), order=1)
    >>> "def kernel(" in kernel_source(sme, Setting(Quadratic([1.0]), horizon=1))
    True
    """
    _, source = written(kernel_of(target, setting, study, integrator, ensemble), ensemble or Ensemble())
    return source


def kernel_of(
    target: Chain | Equation,
    setting: Setting,
    study: bool = False,
    integrator: Integrator | None = None,
    ensemble: Ensemble | None = None,
) -> Kernel:
    """Return the kernel itself, the same for every tau."""
    how = {"setting": setting, "integrator": integrator or Integrator(), "ensemble": ensemble or Ensemble()}
    if study:
        if isinstance(target, Chain):
            raise BadInput(f"study of {target.name} alone; expected its equation")
        return Study(equation=target, taus=(1.0,), **how).kernel
    return Simulation(target=target, tau=1.0, **how).kernel


def written(kernel: Kernel, ensemble: Ensemble) -> tuple[str, str]:
    """Return the name and the source of a kernel for a device."""
    write = write_kernel if ensemble.device == "cpu" else write_cuda_kernel
    name, path = write(kernel)
    return name, path.read_text(encoding="ascii")
