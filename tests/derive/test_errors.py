"""What is refused says of which kind it is; all kinds are ValueError."""

import pytest

import optsde
from optsde import noise, optimizers, regimes


def _no_limit():
    rule = optimizers.adam()
    return optsde.modified_equation(rule, regimes.batch_equivalent, noise.general(), 1)


def _no_code():
    chain = optsde.OptimizerChain(optimizers.sgd(), regimes.ballistic, noise.student_t())
    return optsde.kernel_source(chain, optsde.Setting(optsde.Quadratic([1.0]), horizon=1))


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (_no_limit, optsde.DerivationRefused),
        (_no_code, optsde.KernelRefused),
        (lambda: optsde.Ensemble(paths=1), optsde.BadInput),
        (lambda: optsde.Quadratic([[1.0, 2.0]]), optsde.BadInput),
        (lambda: regimes.parse_regime("balistic", optimizers.sgd()), optsde.BadInput),
    ],
)
def test_every_refusal_has_its_kind(ask, kind):
    with pytest.raises(kind) as refusal:
        ask()
    assert isinstance(refusal.value, ValueError)
