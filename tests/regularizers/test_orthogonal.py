"""The penalty on rows that are not at right angles."""

import numpy as np
import pytest
from support import check_function, samples

from linnet import regularizers


def oracle(x, rows=True):
    x = x if rows else x.T
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    products = np.abs(unit @ unit.T)
    n = len(products)
    return 0.3 * 0.5 * (products.sum() - np.trace(products)) / (n * (n - 1) / 2)


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_values_and_gradients(mode):
    regularizer = regularizers.OrthogonalRegularizer(0.3, mode=mode)
    check_function(regularizer, lambda x: oracle(x, mode == "rows"), [samples((4, 5))])


def test_extremes():
    regularizer = regularizers.OrthogonalRegularizer(0.1)
    assert regularizer(3 * np.eye(4)) == pytest.approx(0, abs=1e-7)
    assert regularizer(np.ones((3, 4))) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="needs a matrix"):
        regularizer(np.ones(3))
    with pytest.raises(ValueError, match='mode must be "rows" or "columns"'):
        regularizers.OrthogonalRegularizer(mode="row")
