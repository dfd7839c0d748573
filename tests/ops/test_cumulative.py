"""Running sums and products with their gradients, also through zeros; what leaves NaN out."""

import numpy as np
import pytest
from support import check_function, samples

import linnet
from linnet import ops

X = samples((3, 5))


def test_running_sums_and_products():
    check_function(lambda x: ops.cumsum(x, axis=1), lambda x: np.cumsum(x, 1), [X])
    check_function(ops.cumsum, np.cumsum, [X])
    check_function(lambda x: ops.cumprod(x, axis=1), lambda x: np.cumprod(x, 1), [X])
    zeros = X.copy()
    zeros[0, 2] = zeros[1, 0] = zeros[1, 3] = 0
    check_function(lambda x: ops.cumprod(x, axis=1), lambda x: np.cumprod(x, 1), [zeros])
    check_function(lambda x: ops.diff(x, n=2), lambda x: np.diff(x, n=2), [X])
    check_function(lambda x: ops.trapezoid(x, dx=0.5), lambda x: np.trapezoid(x, dx=0.5), [X])
    check_function(lambda x: ops.associative_scan(ops.maximum, x, axis=1), lambda x: np.maximum.accumulate(x, 1), [X])


def test_nan_left_out():
    x = X.copy()
    x[0, 1] = x[2, 3] = np.nan
    for name in ("nansum", "nanmean", "nanmax", "nanmin", "nanvar", "nanstd", "nanprod"):
        np.testing.assert_allclose(getattr(ops, name)(x, axis=1), getattr(np, name)(x, axis=1), rtol=1e-5)
    assert np.isnan(ops.nanmax(np.full((2,), np.nan, np.float32)))


def test_the_batch_axis_is_refused():
    with pytest.raises(ValueError, match="the batch axis cannot be walked along"):
        ops.cumsum(linnet.Input((3,)), axis=0)
