"""Global max pooling against NumPy."""

import numpy as np
import pytest
from support import check_layer, gradients, samples

from linnet import layers


@pytest.mark.parametrize("shape", [(5, 3), (5, 6, 3), (2, 5, 6, 3)])
def test_layer(shape):
    rank = len(shape) - 1
    cls = getattr(layers, f"GlobalMaxPooling{rank}D")
    check_layer(cls, {}, shape, (3,), 0)
    check_layer(cls, {"keepdims": True}, shape, (*(1,) * rank, 3), 0)
    assert getattr(layers, f"GlobalMaxPool{rank}D") is cls
    x, axes = samples((4, *shape)), tuple(range(1, rank + 1))
    np.testing.assert_array_equal(cls()(x), x.max(axis=axes))
    weights = samples((4, 3), 1)
    got = gradients(lambda x: cls()(x), [x], weights)[0]
    largest = x == x.max(axis=axes, keepdims=True)
    np.testing.assert_allclose(got, largest * weights.reshape(4, *(1,) * rank, 3), rtol=1e-6)
    with pytest.raises(ValueError, match=f"rank {rank + 2}"):
        cls()(x[0])
    with pytest.raises(NotImplementedError, match="channels_first"):
        cls(data_format="channels_first")
