"""A run as labelled arrays."""

import numpy as np
from sample_results import a_run


def test_a_run_becomes_a_dataset():
    run = a_run(finals=np.arange(6.0).reshape(1, 2, 3))
    data = run.to_xarray()
    assert data["mean"].dims == data["standard_error"].dims == ("time", "observable")
    assert data["final"].dims == ("path", "block", "coordinate")
    np.testing.assert_array_equal(data["mean"].sel(observable="a"), run.means[:, 0])
    np.testing.assert_array_equal(data["time"], run.times)
    assert data.attrs == {"name": "some step", "paths": 10}
