"""PReLU: slopes of their own, or shared along axes."""

import numpy as np
import pytest
from support import check_layer, gradients, samples

import linnet
from linnet.layers import PReLU


@pytest.mark.parametrize(
    ("shared_axes", "alpha_shape"), [(None, (3, 4, 2)), ([1, 2], (1, 1, 2)), (1, (1, 4, 2)), ([1, 2, 3], (1, 1, 1))]
)
def test_layer(shared_axes, alpha_shape):
    check_layer(PReLU, {"shared_axes": shared_axes, "alpha_initializer": "he_normal"}, (3, 4, 2), (3, 4, 2), 1)
    layer = PReLU(shared_axes=shared_axes)
    x = samples((5, 3, 4, 2))
    np.testing.assert_array_equal(layer(x), np.maximum(x, 0))
    assert layer.alpha.shape == alpha_shape
    alpha = samples(alpha_shape, 1)
    layer.set_weights([alpha])
    np.testing.assert_allclose(layer(x), np.where(x > 0, x, alpha * x), rtol=1e-6)
    weights = samples(x.shape, 2)
    got = gradients(lambda x: layer(x), [x], weights)[0]
    np.testing.assert_allclose(got, weights * np.where(x > 0, 1, alpha), rtol=1e-5)


def test_gradient_of_the_slopes():
    layer = PReLU(shared_axes=[1])
    x, y = samples((6, 3, 2)), samples((6, 3, 2), 1)
    model = linnet.Sequential([linnet.Input((3, 2)), layer])
    model.compile(linnet.optimizers.SGD(1.0), "mse")
    model.train_on_batch(x, y)
    step = np.sum(2 * (np.maximum(x, 0) - y) * np.minimum(x, 0), axis=(0, 1)) / x.size
    np.testing.assert_allclose(layer.get_weights()[0], -step[None], rtol=1e-5, atol=1e-6)


def test_regularizer_and_constraint():
    layer = PReLU(alpha_initializer="ones", alpha_regularizer="l2", alpha_constraint="non_neg")
    layer(samples((2, 3)))
    assert float(np.asarray(layer.losses[0])) == pytest.approx(0.03)
    config = layer.get_config()
    assert config["alpha_constraint"] is not None


@pytest.mark.parametrize("axes", [[0], [3], [-1], ["h"]])
def test_wrong_axes(axes):
    with pytest.raises(ValueError, match=r'p_re_lu "p".*shared_axes'):
        PReLU(shared_axes=axes, name="p")(np.zeros((2, 3, 4)))
