"""Every activation against its formula, with gradients, its name, and its configuration."""

import math

import numpy as np
import pytest
from support import check_function, samples

import linnet
from linnet import activations

X = 2 * samples((5, 6))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


erf = np.vectorize(math.erf)
ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


def sparsemax(x):
    z = -np.sort(-x, axis=-1)
    sums, k = np.cumsum(z, -1), np.arange(1, x.shape[-1] + 1)
    count = np.sum(1 + k * z > sums, -1, keepdims=True)
    return np.maximum(x - (np.take_along_axis(sums, count - 1, -1) - 1) / count, 0)


ORACLES = {
    "celu": lambda x: np.maximum(x, 0) + np.minimum(np.expm1(x), 0),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "exponential": np.exp,
    "gelu": lambda x: x * 0.5 * (1 + erf(x / math.sqrt(2))),
    "glu": lambda x: x[..., :3] * sigmoid(x[..., 3:]),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_swish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "linear": lambda x: x,
    "log_sigmoid": lambda x: np.log(sigmoid(x)),
    "log_softmax": lambda x: np.log(softmax(x)),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(x)),
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "softmax": softmax,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
    "sparsemax": lambda x: sparsemax(x),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "squareplus": lambda x: (x + np.sqrt(x**2 + 4)) / 2,
    "swish": lambda x: x * sigmoid(x),
    "tanh": np.tanh,
    "tanh_shrink": lambda x: x - np.tanh(x),
}


@pytest.mark.parametrize("name", ORACLES)
def test_values_and_gradients(name):
    function = activations.get(name)
    assert function is getattr(activations, name)
    check_function(function, ORACLES[name], [X], rtol=1e-5, atol=3e-6)


def test_every_public_function_is_tested():
    others = {"get", "serialize", "deserialize", "threshold"}
    assert set(activations.__all__) - others == set(ORACLES)


@pytest.mark.parametrize(
    ("slope", "largest", "threshold"),
    [(0.0, None, 0.0), (0.1, None, 0.0), (0.0, 1.5, 0.0), (0.2, 2.0, 0.5), (0.0, None, 1.0)],
)
def test_relu_with_all_knobs(slope, largest, threshold):
    def oracle(x):
        y = np.where(x > threshold, x, slope * (x - threshold))
        return y if largest is None else np.minimum(y, largest)

    check_function(
        lambda x: activations.relu(x, negative_slope=slope, max_value=largest, threshold=threshold), oracle, [X]
    )


def test_other_arguments():
    check_function(lambda x: activations.elu(x, alpha=0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x)), [X])
    check_function(
        lambda x: activations.celu(x, alpha=2.0),
        lambda x: np.maximum(x, 0) + np.minimum(2 * np.expm1(x / 2), 0),
        [X],
    )
    check_function(
        lambda x: activations.gelu(x, approximate=True),
        lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        [X],
    )
    check_function(lambda x: activations.softmax(x, axis=0), lambda x: softmax(x.T).T, [X])
    check_function(lambda x: activations.threshold(x, 0.5, -2.0), lambda x: np.where(x > 0.5, x, -2.0), [X])


def test_sparsemax_of_ties_and_along_another_axis():
    np.testing.assert_allclose(activations.sparsemax([[2.0, 2.0, 0.0], [0.0, 0.0, 0.0]]), [[0.5, 0.5, 0], [1 / 3] * 3])
    np.testing.assert_allclose(activations.sparsemax(X.T, axis=0), activations.sparsemax(X).T, rtol=1e-6)
    np.testing.assert_allclose(activations.sparsemax(X).sum(-1), np.ones(len(X)), rtol=1e-6)


def test_far_out_there_is_no_overflow():
    x = np.array([-500.0, 500.0], np.float32)
    for name in ORACLES:
        if name not in ("exponential", "glu"):
            assert np.isfinite(getattr(activations, name)(x)).all(), name


def test_serialization():
    assert activations.serialize(activations.relu) == "relu"
    assert activations.get(None) is activations.linear
    assert activations.get(activations.serialize(activations.gelu)) is activations.gelu
    keras = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "relu"}
    assert activations.get({**keras, "module": "keras.activations"}) is activations.relu

    @linnet.saving.register_keras_serializable(package="tests")
    def cube(x):
        return x**3

    config = activations.serialize(cube)
    assert config["registered_name"] == "tests>cube"
    assert activations.deserialize(config) is cube
    with pytest.raises(ValueError, match="a lambda cannot be saved"):
        activations.serialize(lambda x: x)


def test_unknown_name():
    with pytest.raises(ValueError, match='unknown activation "sotfmax"; did you mean "softmax"'):
        activations.get("sotfmax")
