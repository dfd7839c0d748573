"""Cosine similarity against its formula."""

import numpy as np
import pytest
from support import check_function, samples

from linnet import losses


def oracle(t, p, axis=-1):
    lengths = np.linalg.norm(t, axis=axis) * np.linalg.norm(p, axis=axis)
    return -np.sum(t * p, axis) / lengths


@pytest.mark.parametrize("axis", [-1, 1])
def test_values_and_gradients(axis):
    y_true, y_pred = samples((3, 4, 5), 1), samples((3, 4, 5), 2)
    check_function(
        lambda t, p: losses.cosine_similarity(t, p, axis=axis), lambda t, p: oracle(t, p, axis), [y_true, y_pred]
    )


def test_directions():
    loss = losses.CosineSimilarity()
    assert loss([[2.0, 0.0]], [[7.0, 0.0]]) == pytest.approx(-1)
    assert loss([[2.0, 0.0]], [[-1.0, 0.0]]) == pytest.approx(1)
    assert loss([[0.0, 0.0]], [[1.0, 0.0]]) == 0
