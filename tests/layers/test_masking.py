"""Masking, and how masks travel through layers and models to losses and metrics."""

import numpy as np
import pytest
from support import check_layer, samples

import linnet
from linnet import layers, ops
from linnet.backend import get_keras_mask

IDS = np.array([[1, 2, 0, 0], [3, 1, 1, 4], [2, 0, 0, 0]], np.int32)
MASK = IDS != 0


def padded():
    x = samples((3, 4, 5))
    x[~MASK] = 0
    return x


def test_masking():
    check_layer(layers.Masking, {"mask_value": 0.5}, (4, 5), (4, 5), 0)
    x = padded()
    y = layers.Masking()(x)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(y._keras_mask, MASK)
    x[0, 0] = -1.0
    y = layers.Masking(-1.0)(x)
    np.testing.assert_array_equal(y[0, 0], 0)
    np.testing.assert_array_equal(y._keras_mask, (x != -1).any(-1))
    with pytest.raises(ValueError, match="mask_value must be a number"):
        layers.Masking("0")
    with pytest.raises(ValueError, match=r'masking "m": expected \(n, steps, ..., features\), got \(None,\)'):
        layers.Masking(name="m")(x[:, 0, 0])


class UsesMask(linnet.Layer):
    """1 where the step counts and 0 where not, everywhere 2 without a mask."""

    def call(self, x, mask=None):
        return ops.ones_like(x) * 2 if mask is None else ops.ones_like(x) * ops.expand_dims(mask, -1)


def seen(layer):
    """The mask that a layer passes on, in a compiled model and at once on arrays."""
    source = linnet.Input((4,), dtype="int32")
    y = layer(layers.Embedding(5, 3, mask_zero=True)(source))
    model = linnet.Model(source, UsesMask()(y))
    compiled = model.predict(IDS, verbose=0)[..., 0]
    at_once = UsesMask()(layer(layers.Embedding(5, 3, mask_zero=True)(IDS)))[..., 0]
    np.testing.assert_array_equal(compiled, at_once)
    symbolic = get_keras_mask(y)
    assert (symbolic is None) == (compiled == 2).all()
    if symbolic is not None:
        np.testing.assert_array_equal(linnet.Model(source, symbolic).predict(IDS, verbose=0), compiled)
    return compiled


class Block(linnet.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def functional():
    source = linnet.Input((4, 3))
    return linnet.Model(source, layers.Dense(2)(layers.Dropout(0.2)(source)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dense(2),
        lambda: layers.Dropout(0.5),
        lambda: layers.Activation("relu"),
        lambda: layers.Activation("linear"),
        lambda: layers.ReLU(),
        lambda: layers.BatchNormalization(),
        lambda: layers.Rescaling(2.0),
        lambda: linnet.Sequential([layers.Dense(3), layers.Activation("tanh")]),
        lambda: linnet.Sequential([linnet.Input((4, 3)), layers.Dense(3)]),
        functional,
        Block,
    ],
)
def test_passed_on(make):
    np.testing.assert_array_equal(seen(make()), MASK)


@pytest.mark.filterwarnings("ignore:.*does not support masking")
def test_not_passed_on():
    np.testing.assert_array_equal(seen(layers.Conv1D(2, 1)), 2)
    np.testing.assert_array_equal(seen(layers.Reshape((4, 3, 1)))[..., 0], 2)


def test_a_layer_that_drops_a_mask_says_so():
    x = layers.Embedding(5, 3, mask_zero=True)(IDS)
    with pytest.warns(UserWarning, match='flatten "flat": the input has a mask'):
        assert get_keras_mask(layers.Flatten(name="flat")(x)) is None


def test_operations_drop_masks():
    x = layers.Embedding(5, 3, mask_zero=True)(IDS)
    assert get_keras_mask(x * 2) is None
    assert get_keras_mask(ops.tanh(x)) is None


def test_given_masks():
    x = samples((3, 4, 5))
    expected = np.where(MASK, 1, 0)
    np.testing.assert_array_equal(UsesMask()(x, mask=MASK)[..., 0], expected)
    np.testing.assert_array_equal(UsesMask()(x, MASK)[..., 0], expected)
    np.testing.assert_array_equal(layers.Dense(2)(x)[..., 0].shape, expected.shape)
    source, mask = linnet.Input((4, 5)), linnet.Input((4,), dtype="bool")
    model = linnet.Model([source, mask], UsesMask()(source, mask=mask))
    np.testing.assert_array_equal(model.predict([x, MASK], verbose=0)[..., 0], expected)
    inner = linnet.Sequential([linnet.Input((4, 5)), layers.Dense(2), UsesMask()])
    np.testing.assert_array_equal(inner(x, mask=MASK)[..., 0], expected)
    deferred = linnet.Sequential([layers.Dense(2), UsesMask()])
    np.testing.assert_array_equal(deferred(x, mask=MASK)[..., 0], expected)


def test_arguments_get_the_masks_of_their_tensors_by_name():
    class Two(linnet.Layer):
        def call(self, query, value, query_mask=None, value_mask=None):
            count = lambda mask: 0.0 if mask is None else ops.sum(ops.cast(mask, "float32"), axis=1, keepdims=True)  # noqa: E731
            return ops.sum(query, axis=(1, 2))[:, None] * 0 + count(query_mask) + 10 * count(value_mask)

    q, v = layers.Embedding(5, 3, mask_zero=True)(IDS), layers.Embedding(5, 3, mask_zero=True)(IDS[:, :2])
    plain = samples((3, 4, 3))
    with pytest.warns(UserWarning, match="does not support masking"):
        np.testing.assert_array_equal(Two()(q, v)[:, 0], [22, 24, 11])
    np.testing.assert_array_equal(Two()(plain, v)[:, 0], [20, 20, 10])


def test_a_layer_that_returns_its_input_leaves_its_mask_alone():
    class Marks(linnet.Layer):
        def call(self, x):
            return x

        def compute_mask(self, inputs, mask=None):
            return ops.not_equal(inputs[..., 0], 0.0)

    source = linnet.Input((4, 5))
    marked = Marks()(source)
    model = linnet.Model(source, [UsesMask()(marked), UsesMask()(source)])
    with_mask, without = model.predict(padded(), verbose=0)
    np.testing.assert_array_equal(with_mask[..., 0], MASK)
    np.testing.assert_array_equal(without, 2)


def test_merged_masks():
    other = np.array([[1, 0, 3, 0], [0, 1, 1, 4], [2, 1, 0, 0]], np.int32)
    a = layers.Embedding(5, 3, mask_zero=True)(IDS)
    b = layers.Embedding(5, 3, mask_zero=True)(other)
    plain = samples((3, 4, 3))
    both = MASK | (other != 0)
    for kind in (layers.Add, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum, layers.Subtract):
        np.testing.assert_array_equal(get_keras_mask(kind()([a, b])), both)
        assert get_keras_mask(kind()([a, plain])) is None
    np.testing.assert_array_equal(get_keras_mask(layers.Concatenate()([a, b])), both)
    np.testing.assert_array_equal(
        get_keras_mask(layers.Concatenate(axis=1)([a, plain])), np.concatenate([MASK, np.ones_like(MASK)], 1)
    )
    x, y = np.array(a), np.array(b)
    m, k = MASK[..., None], (other != 0)[..., None]
    np.testing.assert_allclose(
        layers.Multiply()([a, b]), np.where(m | k, np.where(m, x, 1) * np.where(k, y, 1), 0), rtol=1e-6
    )
    largest = np.where(m & k, np.maximum(x, y), np.where(m, x, y))
    np.testing.assert_array_equal(np.where(m | k, layers.Maximum()([a, b]), 0), np.where(m | k, largest, 0))
    with pytest.raises(ValueError, match="a list of as many masks"):
        layers.Add().compute_mask([plain, plain], [None])


def test_losses_and_metrics_leave_out_what_does_not_count():
    source = linnet.Input((4,), dtype="int32")
    y = layers.Dense(1)(layers.Embedding(5, 3, mask_zero=True)(source))
    model = linnet.Model(source, y)
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"])
    target = samples((3, 4, 1))
    found = model.evaluate(IDS, target, verbose=0, return_dict=True)
    error = np.asarray(model(IDS)) - target
    np.testing.assert_allclose(found["loss"], np.mean(error[MASK] ** 2), rtol=1e-5)
    np.testing.assert_allclose(found["mae"], np.mean(np.abs(error[MASK])), rtol=1e-5)
    np.testing.assert_allclose(found["mse"], np.mean(error[MASK] ** 2), rtol=1e-5)
    # A mask and sample weights multiply.
    weights = np.array([1.0, 2.0, 3.0], np.float32)
    found = model.evaluate(IDS, target, sample_weight=weights, verbose=0, return_dict=True)
    np.testing.assert_allclose(
        found["loss"], np.sum((error[..., 0] ** 2 * weights[:, None])[MASK]) / MASK.sum(), rtol=1e-5
    )
    np.testing.assert_allclose(
        linnet.losses.MeanSquaredError()(target, model(IDS)), np.mean(error[MASK] ** 2), rtol=1e-5
    )
    # Nothing at all counts: the loss is 0, not NaN.
    assert model.evaluate(np.zeros_like(IDS), target, verbose=0, return_dict=True)["loss"] == 0


def test_saved_with_a_symbolic_mask(tmp_path):
    source = linnet.Input((4,), dtype="int32")
    x = layers.Embedding(5, 3, mask_zero=True)(source)
    model = linnet.Model(source, [x, x._keras_mask])
    model.save(tmp_path / "m.linnet")
    loaded = linnet.saving.load_model(tmp_path / "m.linnet")
    np.testing.assert_array_equal(loaded.predict(IDS, verbose=0)[1], MASK)
