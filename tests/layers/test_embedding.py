"""Embedding: rows of a table, its gradient, its mask, and ids outside the vocabulary."""

import json

import numpy as np
import pytest
from support import samples

import linnet
from linnet import layers

IDS = np.array([[1, 2, 0, 0], [3, 1, 1, 4]], np.int32)


def test_values_shapes_and_weights():
    layer = layers.Embedding(5, 3)
    y = layer(IDS)
    assert y.shape == (2, 4, 3)
    assert [v.shape for v in layer.weights] == [(5, 3)]
    assert np.abs(layer.get_weights()[0]).max() <= 0.05
    np.testing.assert_array_equal(y, layer.get_weights()[0][IDS])
    np.testing.assert_array_equal(layer(IDS.astype(np.float32)), y)
    assert layer(linnet.Input((4,), dtype="int32")).shape == (None, 4, 3)
    assert layer.compute_output_shape((None, 7)) == (None, 7, 3)
    assert layer(linnet.Input((), dtype="int32")).shape == (None, 3)


def test_saved_and_loaded(tmp_path):
    layer = layers.Embedding(5, 3, embeddings_initializer="normal", embeddings_regularizer="l2", mask_zero=True)
    config = json.loads(json.dumps(linnet.saving.serialize_keras_object(layer)))
    assert linnet.saving.deserialize_keras_object(config).get_config() == layer.get_config()
    model = linnet.Sequential([linnet.Input((4,), dtype="int32"), layer, layers.Dense(2)])
    model.save(tmp_path / "e.linnet")
    np.testing.assert_array_equal(linnet.saving.load_model(tmp_path / "e.linnet")(IDS), model(IDS))


def test_gradient_adds_up_the_rows_of_equal_ids():
    table = samples((5, 3))
    layer = layers.Embedding(5, 3, weights=table)
    model = linnet.Sequential([linnet.Input((4,), dtype="int32"), layer])
    model.compile(linnet.optimizers.SGD(1.0), "mse")
    target = samples((2, 4, 3), 1)
    model.train_on_batch(IDS, target)
    gradient = np.zeros((5, 3))
    np.add.at(gradient, IDS, 2 * (table[IDS] - target) / target.size)
    np.testing.assert_allclose(layer.get_weights()[0], table - gradient, rtol=1e-5, atol=1e-6)


def test_mask():
    assert layers.Embedding(5, 3).compute_mask(IDS) is None
    layer = layers.Embedding(5, 3, mask_zero=True)
    np.testing.assert_array_equal(layer.compute_mask(IDS), IDS != 0)
    np.testing.assert_array_equal(layer(IDS)._keras_mask, IDS != 0)
    assert not hasattr(layers.Embedding(5, 3)(IDS), "_keras_mask")


def test_id_outside_of_the_vocabulary():
    model = linnet.Sequential([linnet.Input((4,), dtype="int32"), layers.Embedding(4, 3, name="words")])
    with pytest.raises(ValueError, match=r'embedding "words": id 4 is outside of the table.*0 to 3 \(row 1 of'):
        model.predict(IDS, verbose=0)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r'embedding "words": id -1 .*row 0'):
        model.fit(IDS - 1, np.zeros((2, 4, 3)), shuffle=False, verbose=0)


def test_what_does_not_fit():
    with pytest.raises(ValueError, match="input_dim must be a positive integer"):
        layers.Embedding(0, 3)
    with pytest.raises(ValueError, match="output_dim must be a positive integer"):
        layers.Embedding(3, 1.5)
    with pytest.raises(ValueError, match=r"has shape \(5, 3\), the given array has \(4, 3\)"):
        layers.Embedding(5, 3, weights=np.zeros((4, 3)))
    with pytest.raises(NotImplementedError, match="LoRA"):
        layers.Embedding(5, 3, lora_rank=2)
