"""sort, top_k, quantiles and their kin against NumPy; their gradients."""

import numpy as np
import pytest
from support import check_function, samples

import linnet
from linnet import ops

X = samples((4, 7))


def test_sorting_and_its_gradient():
    check_function(ops.sort, lambda x: np.sort(x, -1), [X])
    check_function(lambda x: ops.sort(x, axis=0), lambda x: np.sort(x, 0), [X])
    check_function(lambda x: ops.top_k(x, 3).values, lambda x: -np.sort(-x, -1)[:, :3], [X])
    np.testing.assert_array_equal(ops.argsort(X), np.argsort(X, -1))
    np.testing.assert_array_equal(ops.top_k(X, 3).indices, np.argsort(-X, -1)[:, :3])
    large = np.array([[2**24 + 1, 2**24, 5]], np.int32)
    np.testing.assert_array_equal(ops.sort(large), np.sort(large))
    assert ops.sort(X > 0).dtype == bool


def test_quantiles_and_their_gradient():
    for q in (0.0, 0.3, 0.5, 1.0):
        check_function(lambda x, q=q: ops.quantile(x, q, axis=1), lambda x, q=q: np.quantile(x, q, axis=1), [X])
    check_function(ops.median, np.median, [X])
    with pytest.raises(ValueError, match="method"):
        ops.quantile(X, 0.5, method="cubic")


def test_inside_a_model():
    source = linnet.Input((7,))
    model = linnet.Model(source, ops.top_k(source, 2).values)
    np.testing.assert_allclose(model.predict(X, verbose=0), -np.sort(-X, -1)[:, :2])
    with pytest.raises(NotImplementedError, match="size of a result cannot depend on values"):
        ops.unique(source)
    with pytest.raises(ValueError, match="the batch axis cannot be sorted"):
        ops.sort(source, axis=0)


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"top_k: k must lie in 1 to the size of the last axis, got k=8"):
        ops.top_k(X, 8)
    with pytest.raises(ValueError, match="sorted_sequence must be a vector"):
        ops.searchsorted(X, X)
    with pytest.raises(ValueError, match="minlength"):
        linnet.Model(source := linnet.Input((3,), dtype="int32"), ops.bincount(source))
