"""Follows the Keras guide "Transfer learning and fine-tuning": trainable and frozen layers, a head on a frozen base,
features computed once, fine-tuning with the batch normalisation in inference mode. A small network trained on some
digits takes the place of one trained on ImageNet."""

import numpy as np

import linnet as keras
from linnet import layers


def test_the_trainable_attribute():
    layer = layers.Dense(3)
    layer.build((None, 4))
    assert (len(layer.weights), len(layer.trainable_weights), len(layer.non_trainable_weights)) == (2, 2, 0)
    layer = layers.BatchNormalization()
    layer.build((None, 4))
    assert (len(layer.weights), len(layer.trainable_weights), len(layer.non_trainable_weights)) == (4, 2, 2)
    layer = layers.Dense(3)
    layer.build((None, 4))
    layer.trainable = False
    assert (len(layer.weights), len(layer.trainable_weights), len(layer.non_trainable_weights)) == (2, 0, 2)

    layer1 = layers.Dense(3, activation="relu")
    layer2 = layers.Dense(3, activation="sigmoid")
    model = keras.Sequential([keras.Input(shape=(3,)), layer1, layer2])
    layer1.trainable = False
    initial = layer1.get_weights()
    model.compile(optimizer="adam", loss="mse")
    model.fit(np.random.default_rng(0).random((2, 3)), np.random.default_rng(1).random((2, 3)), verbose=0)
    np.testing.assert_array_equal(initial[0], layer1.get_weights()[0])


def test_setting_it_reaches_inner_layers():
    inner_model = keras.Sequential(
        [keras.Input(shape=(3,)), layers.Dense(3, activation="relu"), layers.Dense(3, activation="relu")]
    )
    model = keras.Sequential([keras.Input(shape=(3,)), inner_model, layers.Dense(3, activation="sigmoid")])
    model.trainable = False
    assert inner_model.trainable is False
    assert inner_model.layers[0].trainable is False


def pretrained():
    inputs = keras.Input(shape=(8, 8, 1))
    x = layers.Conv2D(8, 3, use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    x = layers.Conv2D(16, 3, activation="relu")(x)
    return keras.Model(inputs, x, name="base")


def test_a_head_on_a_frozen_base_and_fine_tuning():
    (images, labels), _ = keras.datasets.digits.load_data()
    images = images[..., None].astype("float32")
    keras.utils.set_random_seed(0)
    base_model = pretrained()
    teacher = keras.Sequential([base_model, layers.GlobalMaxPooling2D(), layers.Dense(5)])
    teacher.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    teacher.fit(images[labels < 5] / 127.5 - 1, labels[labels < 5], epochs=6, verbose=0)

    new = labels >= 8
    x, y = images[new], (labels[new] == 9).astype("float32")[:, None]
    base_model.trainable = False
    inputs = keras.Input(shape=(8, 8, 1))
    z = layers.Rescaling(scale=1 / 127.5, offset=-1)(inputs)
    z = base_model(z, training=False)
    z = layers.GlobalAveragePooling2D()(z)
    z = layers.Dropout(0.2)(z)
    outputs = layers.Dense(1)(z)
    model = keras.Model(inputs, outputs)
    model.summary(show_trainable=True, print_fn=lambda text: None)
    assert len(model.trainable_weights) == 2
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy()],
    )
    before = base_model.get_weights()
    model.fit(x, y, epochs=12, validation_split=0.2, verbose=0)
    for a, b in zip(before, base_model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    first = model.evaluate(x, y, verbose=0)

    base_model.trainable = True
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy()],
    )
    model.fit(x, y, epochs=8, verbose=0)
    second = model.evaluate(x, y, verbose=0)
    assert second[0] < first[0]
    assert second[1] > 0.85
    after = dict(zip([v.path for v in base_model.weights], base_model.get_weights(), strict=True))
    start = dict(zip([v.path for v in base_model.weights], before, strict=True))
    for path, weight in after.items():
        # Called with training=False, the base keeps its statistics while its weights are tuned.
        assert np.array_equal(weight, start[path]) == ("moving" in path), path


def test_features_computed_once():
    base_model = pretrained()
    (images, labels), _ = keras.datasets.digits.load_data()
    features = base_model.predict(images[:100, ..., None], verbose=0)
    head = keras.Sequential([keras.Input(features.shape[1:]), layers.GlobalAveragePooling2D(), layers.Dense(10)])
    head.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = head.fit(features, labels[:100], epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
