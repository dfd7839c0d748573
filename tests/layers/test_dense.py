"""Dense against NumPy, and its arguments."""

import numpy as np
import pytest
from support import central_difference, check_layer, gradients, run_traced, samples

import linnet
from linnet import layers
from linnet.layers import Dense


@pytest.mark.parametrize(
    ("kwargs", "in_shape", "out_shape", "n_weights"),
    [
        ({"units": 3}, (4,), (3,), 2),
        ({"units": 3, "activation": "tanh", "use_bias": False}, (4,), (3,), 1),
        ({"units": 5, "activation": "softplus", "kernel_regularizer": "l2"}, (2, 3, 7), (2, 3, 5), 2),
        ({"units": 1, "kernel_initializer": {"class_name": "HeNormal", "config": {"seed": 1}}}, (1,), (1,), 2),
    ],
)
def test_layer(kwargs, in_shape, out_shape, n_weights):
    check_layer(Dense, kwargs, in_shape, out_shape, n_weights)


def test_values_and_gradients():
    x, kernel, bias = samples((6, 5)), samples((5, 3), 1), samples((3,), 2)

    def call(x, kernel, bias):
        layer = Dense(3, activation="sigmoid")
        layer.kernel, layer.bias = kernel, bias
        return layer.call(x)

    def oracle(x, kernel, bias):
        return 1 / (1 + np.exp(-(x @ kernel + bias)))

    np.testing.assert_allclose(run_traced(call, [x, kernel, bias])[0], oracle(x, kernel, bias), rtol=1e-5, atol=1e-6)
    weights = samples((6, 3), 5)
    for got, want in zip(
        gradients(call, [x, kernel, bias], weights), central_difference(oracle, [x, kernel, bias], weights), strict=True
    ):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_weights_are_named_and_shaped_as_in_keras():
    layer = Dense(3, name="head")
    layer.build((None, 5))
    assert [(v.name, v.path, v.shape) for v in layer.weights] == [
        ("kernel", "head/kernel", (5, 3)),
        ("bias", "head/bias", (3,)),
    ]
    assert np.all(layer.bias.numpy() == 0)


def test_regularizer_adds_to_the_losses():
    layer = Dense(2, kernel_regularizer=linnet.regularizers.L2(0.5), bias_regularizer="l1")
    layer.build((None, 3))
    layer.set_weights([np.full((3, 2), 2.0), np.array([1.0, -3.0])])
    assert [float(loss) for loss in layer.losses] == pytest.approx([0.5 * 6 * 4, 0.01 * 4])


def test_wrong_input_size_names_the_layer():
    layer = Dense(2, name="head")
    layer.build((None, 3))
    with pytest.raises(ValueError, match=r'dense "head": expected size 3 in axis -1 of the input, got 4'):
        layer(np.zeros((1, 4)))
    with pytest.raises(ValueError, match=r'dense "head": .*rank 2 or more'):
        layer(np.zeros(3))


@pytest.mark.parametrize("units", [0, -1, 2.5, "3", True, None])
def test_units_must_be_a_positive_integer(units):
    with pytest.raises(ValueError, match="units must be a positive integer"):
        Dense(units)


def test_unknown_names_show_near_ones():
    with pytest.raises(ValueError, match='unknown activation "rellu"; did you mean "relu"'):
        Dense(2, activation="rellu")
    with pytest.raises(ValueError, match='unknown initializer "glorot_unifrm"; did you mean "glorot_uniform"'):
        Dense(2, kernel_initializer="glorot_unifrm")
    with pytest.raises(ValueError, match='unknown regularizer "l3"'):
        Dense(2, kernel_regularizer="l3")


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(3, activation="relu"),
        layers.Conv1D(3, 1, activation="relu"),
        layers.EinsumDense("abc,cd->abd", (None, 3), activation="relu"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_an_activation_may_be_taken_off(layer):
    model = linnet.Sequential([linnet.Input((5, 4)), layer])
    x = samples((2, 5, 4))
    clipped = model(x)
    layer.activation = None  # before predict, which compiles the model as it is then
    free = model.predict(x, verbose=0)
    assert free.min() < 0
    np.testing.assert_array_equal(np.maximum(free, 0), clipped)
    assert linnet.Sequential.from_config(model.get_config()).layers[0].activation(free[0, 0]) is not None
