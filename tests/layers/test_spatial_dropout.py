"""SpatialDropout: whole channels."""

import numpy as np
import pytest
from support import check_layer

from linnet import layers


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_layer(rank):
    cls = getattr(layers, f"SpatialDropout{rank}D")
    shape = (*(3, 4, 2)[:rank], 5)
    check_layer(cls, {"rate": 0.25, "seed": 2}, shape, shape, 0)
    x = np.ones((200, *shape), np.float32)
    layer = cls(0.4)
    np.testing.assert_array_equal(layer(x), x)
    y = layer(x, training=True)
    first = y[(slice(None), *(slice(0, 1),) * rank)]
    np.testing.assert_array_equal(y, np.broadcast_to(first, y.shape))  # a channel is dropped or not
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.6], rtol=1e-6)
    assert abs((first == 0).mean() - 0.4) < 0.06
    with pytest.raises(ValueError, match=f"rank {rank + 2}"):
        layer(x[0])


def test_wrong_arguments():
    with pytest.raises(ValueError, match="rate must be"):
        layers.SpatialDropout1D(1.5)
    with pytest.raises(NotImplementedError, match="channels_first"):
        layers.SpatialDropout2D(0.5, data_format="channels_first")
    with pytest.raises(TypeError):
        layers.SpatialDropout1D(0.5, data_format=None)
