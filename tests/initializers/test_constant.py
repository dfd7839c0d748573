"""Constants and the identity."""

import numpy as np
import pytest

from linnet import initializers


def test_values():
    np.testing.assert_array_equal(initializers.Zeros()((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(initializers.Ones()((2,)), np.ones(2))
    np.testing.assert_array_equal(initializers.Constant(2.5)((2, 2)), np.full((2, 2), 2.5))
    np.testing.assert_array_equal(initializers.Constant(np.arange(3))((3,)), [0, 1, 2])
    np.testing.assert_array_equal(initializers.Identity(2.0)((2, 3)), [[2, 0, 0], [0, 2, 0]])
    assert initializers.Zeros()(()).shape == ()


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"the value has shape \(3,\), the weight \(2,\)"):
        initializers.Constant(np.arange(3))((2,))
    with pytest.raises(ValueError, match="matrices only"):
        initializers.Identity()((2, 2, 2))
