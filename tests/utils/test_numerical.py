"""to_categorical and normalize."""

import numpy as np
import pytest

from linnet.utils import normalize, to_categorical


def test_to_categorical():
    np.testing.assert_array_equal(to_categorical([0, 2, 1]), [[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    np.testing.assert_array_equal(to_categorical([[0], [2]], num_classes=4), [[1, 0, 0, 0], [0, 0, 1, 0]])
    assert to_categorical(np.zeros((2, 3), int), 5).shape == (2, 3, 5)
    assert to_categorical(3, 5).tolist() == [0, 0, 0, 1, 0]
    assert to_categorical([], 3).shape == (0, 3)
    assert to_categorical(np.array([1.0, 0.0])).tolist() == [[0, 1], [1, 0]]


def test_to_categorical_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"class 3 at position 1 is not in 0 \.\. 2"):
        to_categorical([0, 3], num_classes=3)
    with pytest.raises(ValueError, match="class -1 at position 0"):
        to_categorical([-1, 0])
    with pytest.raises(ValueError, match="must be whole"):
        to_categorical([0.5])
    with pytest.raises(TypeError, match="expected class numbers"):
        to_categorical(["a"])


def test_normalize():
    np.testing.assert_allclose(normalize([[3.0, 4.0], [0.0, 0.0]]), [[0.6, 0.8], [0, 0]])
    np.testing.assert_allclose(normalize([[1.0, 3.0]], order=1), [[0.25, 0.75]])
