"""Views: reshape and its kin, also of the batch axis."""

import numpy as np
import pytest
from support import check_op, samples

import linnet
from linnet import ops


@pytest.mark.parametrize("shape", [(6, 4), (-1,), (2, -1), (2, 3, 4, 1), (24, 1)])
def test_reshape(shape):
    check_op(lambda x: ops.reshape(x, shape) * 2.0, lambda x: np.reshape(x, shape) * 2, [samples((4, 6))])


def test_reshape_with_the_batch():
    x = samples((5, 6, 4))
    check_op(lambda x: ops.reshape(x, (-1, 4)) * 2.0, lambda x: x.reshape(-1, 4) * 2, [x], batched=True)
    check_op(lambda x: ops.reshape(x, (None, 24)), lambda x: x.reshape(5, 24), [x], batched=True)

    def there_and_back(x):
        n, t, c = ops.shape(x)
        return ops.reshape(ops.relu(ops.reshape(x, (n * t, c))), (n, t, c))

    check_op(there_and_back, lambda x: np.maximum(x, 0), [x], batched=True)


def test_symbolic_shapes_keep_the_batch_apart():
    x = linnet.Input((6, 4))
    merged = ops.reshape(x, (-1, 4))
    assert merged.shape == (None, 4)
    assert ops.reshape(merged, (-1, 6, 4)).shape == (None, 6, 4)
    with pytest.raises(ValueError, match="reshape: cannot make shape"):
        ops.reshape(x, (-1, 7))
    pairs = ops.tensordot(x, x, axes=((1, 2), (1, 2)))
    assert ops.reshape(pairs, (None, None, 1)).shape == (None, None, 1)
    with pytest.raises(ValueError, match="-1 would be the batch times itself"):
        ops.reshape(pairs, (-1, 1))
    with pytest.raises(ValueError, match=r"24\*batch does not divide by 1\*batch\*batch"):
        ops.reshape(x, (None, None, -1))


@pytest.mark.parametrize(
    ("shape", "message"), [((5, 5), "do not fill"), ((-1, -1), "only one -1"), ((-1, 7), "divide")]
)
def test_wrong_reshape(shape, message):
    with pytest.raises(ValueError, match=message):
        ops.reshape(np.zeros((4, 6)), shape)


def test_axes_of_size_one():
    x = samples((3, 1, 4))
    np.testing.assert_array_equal(ops.squeeze(x), x[:, 0])
    np.testing.assert_array_equal(ops.squeeze(x, 1), x[:, 0])
    np.testing.assert_array_equal(ops.expand_dims(x, (0, -1)), x[None, ..., None])
    np.testing.assert_array_equal(ops.ravel(x), x.ravel())
    with pytest.raises(ValueError, match="does not have size 1"):
        ops.squeeze(x, 0)


def test_shape_size_ndim():
    x = np.zeros((3, 4))
    assert ops.shape(x) == (3, 4)
    assert ops.size(x) == 12
    assert ops.ndim(x) == 2
    assert ops.shape(linnet.Input((7,))) == (None, 7)
