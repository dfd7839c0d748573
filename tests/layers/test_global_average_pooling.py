"""Global average pooling against NumPy; over sequences, with a mask."""

import numpy as np
import pytest
from support import check_layer, gradients, samples

from linnet import layers
from linnet.layers import GlobalAveragePooling1D, GlobalAveragePooling2D


@pytest.mark.parametrize("shape", [(5, 3), (5, 6, 3), (2, 5, 6, 3)])
def test_layer(shape):
    rank = len(shape) - 1
    cls = getattr(layers, f"GlobalAveragePooling{rank}D")
    check_layer(cls, {}, shape, (3,), 0)
    check_layer(cls, {"keepdims": True}, shape, (*(1,) * rank, 3), 0)
    assert getattr(layers, f"GlobalAvgPool{rank}D") is cls
    x = samples((4, *shape))
    np.testing.assert_allclose(cls()(x), x.mean(axis=tuple(range(1, rank + 1))), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=f"rank {rank + 2}"):
        cls()(x[0])
    with pytest.raises(NotImplementedError, match="channels_first"):
        cls(data_format="channels_first")


def test_masked_steps_do_not_count():
    x = samples((3, 4, 2))
    mask = np.array([[1, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]], bool)
    expected = np.array([x[0, [0, 1, 3]].mean(0), x[1, 0], [0, 0]])
    np.testing.assert_allclose(GlobalAveragePooling1D()(x, mask=mask), expected, rtol=1e-5, atol=1e-6)
    kept = GlobalAveragePooling1D(keepdims=True)(x, mask=mask)
    np.testing.assert_allclose(kept, expected[:, None], rtol=1e-5, atol=1e-6)
    weights = samples((3, 2), 1)
    got = gradients(lambda x: GlobalAveragePooling1D()(x, mask=mask), [x], weights)[0]
    share = mask / np.maximum(mask.sum(1, keepdims=True), 1)
    np.testing.assert_allclose(got, share[..., None] * weights[:, None], rtol=1e-5, atol=1e-7)


def test_images():
    x = samples((4, 5, 6, 3))
    np.testing.assert_allclose(GlobalAveragePooling2D()(x), x.mean(axis=(1, 2)), rtol=1e-5, atol=1e-6)
