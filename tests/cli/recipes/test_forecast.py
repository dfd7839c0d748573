import numpy as np
import pytest

from linnet.cli.recipes import RECIPES


def test_a_series(train) -> None:
    run = train("forecast", "sunspots", "--epochs", "1", "--samples", "300", folder="timeseries")
    assert "2,820 values, 1749-01 to 1983-12" in run.out
    assert "test mean absolute error" in run.out
    assert "baseline: the value before: mean absolute error" in run.out
    pytest.importorskip("matplotlib")
    assert "forecast.png" in run.files()


def test_windows_end_before_their_target(data_dir) -> None:
    data = RECIPES["forecast"].load("sunspots", data_dir("timeseries"))
    values = data.extra["values"]
    scale, mean = data.extra["deviation"], data.extra["mean"]
    assert len(values) == len(data.x_test) == 2820 // 5
    np.testing.assert_allclose((data.x_test[1:, -1, 0]) * scale + mean, values[:-1], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose((data.x_test[:, -1, 0] + data.y_test[:, 0]) * scale + mean, values, rtol=1e-3, atol=1e-2)
    assert len(data.x_train) + len(data.validation[0]) + len(data.x_test) == 2820 - 48
