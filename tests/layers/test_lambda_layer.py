"""Lambda: a function as a layer, which trains and cannot be saved."""

import numpy as np
import pytest
from support import gradients, samples

import linnet
from linnet import ops
from linnet.layers import Lambda


def test_values_shapes_and_gradient():
    layer = Lambda(lambda x: ops.square(x) * 2.0)
    x, weights = samples((3, 4)), samples((3, 4), 1)
    np.testing.assert_allclose(layer(x), 2 * x**2, rtol=1e-6)
    np.testing.assert_allclose(gradients(lambda x: layer(x), [x], weights)[0], 4 * x * weights, rtol=1e-5)
    assert Lambda(lambda x: x[:, :2])(linnet.Input((4,))).shape == (None, 2)
    assert Lambda(lambda x: x[:, :2], output_shape=(2,)).compute_output_shape((None, 4)) == (None, 2)


def test_several_inputs_and_arguments():
    layer = Lambda(lambda xs, factor: xs[0] + factor * xs[1], arguments={"factor": 3.0})
    a, b = samples((2, 3)), samples((2, 3), 1)
    np.testing.assert_allclose(layer([a, b]), a + 3 * b, rtol=1e-6)


def test_training_is_passed_on():
    layer = Lambda(lambda x, training: x + 1.0 if training else x)
    x = samples((2, 3))
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=True), x + 1)


def test_mask_is_passed_on():
    layer = Lambda(lambda x, mask: x * ops.cast(mask, "float32")[:, :, None])
    x, mask = samples((2, 3, 2)), np.array([[1, 0, 1], [0, 1, 1]], bool)
    np.testing.assert_array_equal(layer(x, mask=mask), x * mask[:, :, None])


def test_a_model_trains_with_it():
    model = linnet.Sequential([linnet.Input((3,)), linnet.layers.Dense(2), Lambda(ops.tanh)])
    model.compile("sgd", "mse")
    history = model.fit(samples((32, 3)), np.tanh(samples((32, 2), 1)), epochs=5, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_saving_says_why_not(tmp_path):
    model = linnet.Sequential([linnet.Input((3,)), Lambda(lambda x: x + 1.0, name="plus")])
    with pytest.raises(NotImplementedError, match=r'lambda "plus": a Lambda layer cannot be saved.*call method'):
        model.save(tmp_path / "model.linnet")
    assert not list(tmp_path.iterdir())


def test_no_function():
    with pytest.raises(TypeError, match="needs a function"):
        Lambda(3)
