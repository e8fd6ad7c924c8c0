"""When the slope of a weak error has settled at an order."""

from optsde.runtime import WeakErrorStudy


def assert_settled(study: WeakErrorStudy, order: int) -> None:
    """Both last local slopes lie within 0.15 of the order, three of their standard errors at most; no path is
    lost.
    """
    assert sum(row.nonfinite for row in study.rows) == 0
    for name, slopes in study.local_slopes.items():
        assert len(slopes) == 2
        for local in slopes:
            assert local.standard_error < 0.05
            assert abs(local.slope - order) < 0.15, f"{name}: {slopes}"
