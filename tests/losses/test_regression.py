"""Regression losses against float64 formulas, values and gradients."""

import numpy as np
import pytest
from support import check_function, samples

from linnet import losses

EPSILON = 1e-7

ORACLES = {
    "mean_squared_error": lambda t, p: np.mean((t - p) ** 2, -1),
    "mean_absolute_error": lambda t, p: np.mean(np.abs(t - p), -1),
    "mean_absolute_percentage_error": lambda t, p: 100 * np.mean(np.abs((t - p) / np.maximum(np.abs(t), EPSILON)), -1),
    "mean_squared_logarithmic_error": lambda t, p: np.mean(
        (np.log(np.maximum(t, EPSILON) + 1) - np.log(np.maximum(p, EPSILON) + 1)) ** 2, -1
    ),
    "huber": lambda t, p: np.mean(np.where(abs(t - p) <= 1, 0.5 * (t - p) ** 2, abs(t - p) - 0.5), -1),
    "log_cosh": lambda t, p: np.mean(np.log(np.cosh(p - t)), -1),
}
CLASSES = {
    "mean_squared_error": losses.MeanSquaredError,
    "mean_absolute_error": losses.MeanAbsoluteError,
    "mean_absolute_percentage_error": losses.MeanAbsolutePercentageError,
    "mean_squared_logarithmic_error": losses.MeanSquaredLogarithmicError,
    "huber": losses.Huber,
    "log_cosh": losses.LogCosh,
}


@pytest.mark.parametrize("shape", [(4, 3), (2, 5, 3), (1, 1)])
@pytest.mark.parametrize("name", ORACLES)
def test_values_and_gradients(name, shape):
    y_true, y_pred = 2 * samples(shape, 1), 2 * samples(shape, 2)
    if "percentage" in name:
        y_true += 3 * np.sign(y_true)  # away from the division by zero, where the difference quotient fails
    check_function(getattr(losses, name), ORACLES[name], [y_true, y_pred])
    mean = np.mean(ORACLES[name](y_true.astype(float), y_pred.astype(float)))
    assert CLASSES[name]()(y_true, y_pred) == pytest.approx(mean, rel=1e-5)


def test_huber_delta():
    # errors 0.5 and 3 at delta 2: 0.125, and 2 * 3 - 2 = 4
    assert losses.Huber(delta=2.0)([[0.0, 0.0]], [[0.5, 3.0]]) == pytest.approx((0.125 + 4) / 2)


def test_log_cosh_does_not_overflow():
    assert losses.log_cosh(np.zeros((1, 1)), np.array([[500.0]]))[0] == pytest.approx(500 - np.log(2), rel=1e-6)


def test_percentage_of_zero_uses_epsilon():
    assert losses.mean_absolute_percentage_error([[0.0]], [[1.0]])[0] == pytest.approx(1e9, rel=1e-5)
