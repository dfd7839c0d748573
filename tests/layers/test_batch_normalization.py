"""Batch normalisation: training, inference, frozen, other axes, masks; the running averages."""

import numpy as np
import pytest
from support import central_difference, check_layer, gradients, run_traced, samples

from linnet.layers import BatchNormalization


@pytest.mark.parametrize(
    ("kwargs", "in_shape", "n_weights", "n_trainable"),
    [
        ({}, (4,), 4, 2),
        ({"momentum": 0.8, "epsilon": 0.1}, (3, 5, 4), 4, 2),
        ({"center": False}, (4,), 3, 1),
        ({"center": False, "scale": False}, (4,), 2, 0),
        ({"axis": 1}, (4, 3), 4, 2),
        ({"gamma_regularizer": "l2", "moving_mean_initializer": "ones"}, (4,), 4, 2),
    ],
)
def test_layer(kwargs, in_shape, n_weights, n_trainable):
    check_layer(BatchNormalization, kwargs, in_shape, in_shape, n_weights, n_trainable)


def made(channels, **kwargs):
    layer = BatchNormalization(**kwargs)
    layer.build((None, 3, channels))
    layer.set_weights(
        [samples((channels,), 1), samples((channels,), 2), samples((channels,), 3), samples((channels,), 4) ** 2]
    )
    return layer


def test_inference_uses_the_running_averages():
    layer, x = made(4), samples((5, 3, 4))
    gamma, beta, mean, variance = (w.astype(float) for w in layer.get_weights())
    expected = (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer(x, training=False), expected, rtol=1e-4, atol=1e-5)


def test_training_uses_the_batch_and_moves_the_averages():
    layer, x = made(4, momentum=0.9, epsilon=0.01), 3 + 2 * samples((5, 3, 4))
    gamma, beta, mean, variance = (w.astype(float) for w in layer.get_weights())
    batch_mean, batch_variance = x.astype(float).mean((0, 1)), x.astype(float).var((0, 1))
    expected = (x - batch_mean) / np.sqrt(batch_variance + 0.01) * gamma + beta
    np.testing.assert_allclose(layer(x, training=True), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.9 * mean + 0.1 * batch_mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.9 * variance + 0.1 * batch_variance, rtol=1e-5)


def test_frozen_layer_infers_even_in_training():
    layer, x = made(4), samples((5, 3, 4))
    layer.trainable = False
    before = layer.get_weights()
    np.testing.assert_array_equal(layer(x, training=True), layer(x))
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert layer.trainable_weights == []


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_other_axes(axis):
    x = samples((6, 4, 5, 3))
    layer = BatchNormalization(axis=axis)
    y = layer(x, training=True)
    axes = tuple(i for i in range(4) if i != axis % 4)
    expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-3)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)
    assert layer.gamma.shape == (x.shape[axis],)


def test_gradients():
    x, gamma, beta = samples((6, 3)), samples((3,), 1), samples((3,), 2)

    def call(x, gamma, beta):
        layer = BatchNormalization(epsilon=0.01)
        layer.build((None, 3))
        layer.gamma, layer.beta = gamma, beta
        return layer.call(x, training=True)

    def oracle(x, gamma, beta):
        return (x - x.mean(0)) / np.sqrt(x.var(0) + 0.01) * gamma + beta

    np.testing.assert_allclose(run_traced(call, [x, gamma, beta])[0], oracle(x, gamma, beta), rtol=1e-4, atol=1e-5)
    weights = samples((6, 3), 3)
    for got, want in zip(
        gradients(call, [x, gamma, beta], weights), central_difference(oracle, [x, gamma, beta], weights), strict=True
    ):
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4)


def test_mask_leaves_steps_out():
    layer = BatchNormalization(momentum=0.0)
    x = samples((2, 3, 4))
    mask = np.array([[True, True, False], [True, False, False]])
    y = layer(x, training=True, mask=mask)
    seen = x[mask]
    np.testing.assert_allclose(layer.moving_mean.numpy(), seen.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), seen.var(0), rtol=1e-4)
    np.testing.assert_allclose(y, (x - seen.mean(0)) / np.sqrt(seen.var(0) + 1e-3), rtol=1e-4, atol=1e-5)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="axis must be an integer"):
        BatchNormalization(axis="last")
    with pytest.raises(ValueError, match=r'batch_normalization "bn": axis 0 is not a channel axis'):
        BatchNormalization(axis=0, name="bn")(samples((2, 3)))
    with pytest.raises(ValueError, match="axis 3 is not a channel axis"):
        BatchNormalization(axis=3)(samples((2, 3)))
    with pytest.raises(NotImplementedError, match="synchronized"):
        BatchNormalization(synchronized=True)
