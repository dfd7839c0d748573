"""Follows the Keras guide "The Functional API": graphs of layers, models as layers, several inputs and outputs,
residual connections, shared layers, feature extraction, own layers. Random data takes the place of the guide's."""

import numpy as np
import pytest

import linnet as keras
from linnet import layers, ops

RNG = np.random.default_rng(0)


def mlp():
    inputs = keras.Input(shape=(20,))
    dense = layers.Dense(16, activation="relu")
    x = dense(inputs)
    x = layers.Dense(16, activation="relu")(x)
    outputs = layers.Dense(4)(x)
    return keras.Model(inputs=inputs, outputs=outputs, name="small_model")


def test_a_first_graph(tmp_path, capsys):
    img_inputs = keras.Input(shape=(32, 32, 3))
    assert img_inputs.shape == (None, 32, 32, 3)
    assert img_inputs.dtype == "float32"
    model = mlp()
    model.summary()
    assert "small_model" in capsys.readouterr().out
    pytest.importorskip("matplotlib")
    keras.utils.plot_model(model, tmp_path / "plain.png")
    keras.utils.plot_model(model, tmp_path / "shapes.png", show_shapes=True)
    assert (tmp_path / "shapes.png").stat().st_size > 1000


def test_training_saving_loading(tmp_path):
    x, y = RNG.normal(size=(60, 20)).astype("float32"), RNG.integers(0, 4, 60)
    model = mlp()
    model.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        optimizer=keras.optimizers.RMSprop(),
        metrics=["accuracy"],
    )
    history = model.fit(x, y, batch_size=64, epochs=2, validation_split=0.2, verbose=0)
    assert len(history.history["val_accuracy"]) == 2
    scores = model.evaluate(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    del model
    model = keras.models.load_model(tmp_path / "model.keras")
    assert model.evaluate(x, y, verbose=0) == scores


def test_the_same_layers_in_several_models():
    encoder_input = keras.Input(shape=(12, 12, 1), name="img")
    x = layers.Conv2D(4, 3, activation="relu")(encoder_input)
    x = layers.MaxPooling2D(2)(x)
    encoder_output = layers.GlobalMaxPooling2D()(layers.Conv2D(9, 3, activation="relu")(x))
    encoder = keras.Model(encoder_input, encoder_output, name="encoder")
    decoder_input = keras.Input(shape=(9,), name="encoded_img")
    x = layers.Reshape((3, 3, 1))(decoder_input)
    x = layers.Conv2DTranspose(4, 3, activation="relu")(x)
    x = layers.Conv2DTranspose(4, 2, strides=2)(x)
    decoder_output = layers.Conv2DTranspose(1, 3, activation="relu")(x)
    decoder = keras.Model(decoder_input, decoder_output, name="decoder")
    autoencoder_input = keras.Input(shape=(12, 12, 1), name="img")
    autoencoder = keras.Model(autoencoder_input, decoder(encoder(autoencoder_input)), name="autoencoder")
    assert autoencoder.output_shape == (None, 12, 12, 1)
    autoencoder.compile("adam", "mse")
    x = RNG.random((8, 12, 12, 1)).astype("float32")
    before = encoder.get_weights()[0]
    autoencoder.fit(x, x, verbose=0)
    assert not np.array_equal(before, encoder.get_weights()[0])
    np.testing.assert_allclose(decoder(encoder(x)), autoencoder(x), rtol=1e-5)


def test_an_ensemble():
    def get_model():
        inputs = keras.Input(shape=(16,))
        return keras.Model(inputs, layers.Dense(1)(inputs))

    models = [get_model() for _ in range(3)]
    inputs = keras.Input(shape=(16,))
    ensemble = keras.Model(inputs=inputs, outputs=layers.average([model(inputs) for model in models]))
    x = RNG.normal(size=(5, 16)).astype("float32")
    np.testing.assert_allclose(ensemble(x), np.mean([model(x) for model in models], 0), rtol=1e-4, atol=1e-6)


def test_several_inputs_and_outputs(tmp_path):
    words, tags, departments = 50, 6, 4
    title = keras.Input(shape=(None,), name="title")
    body = keras.Input(shape=(None,), name="body")
    labels = keras.Input(shape=(tags,), name="tags")
    title_features = layers.GlobalAveragePooling1D()(layers.Embedding(words, 8)(title))
    body_features = layers.GlobalAveragePooling1D()(layers.Embedding(words, 8)(body))
    x = layers.concatenate([title_features, body_features, labels])
    priority = layers.Dense(1, name="priority")(x)
    department = layers.Dense(departments, name="department")(x)
    model = keras.Model(inputs=[title, body, labels], outputs={"priority": priority, "department": department})
    keras.utils.plot_model(model, tmp_path / "several.svg", show_shapes=True)
    model.compile(
        optimizer=keras.optimizers.RMSprop(1e-3),
        loss={
            "priority": keras.losses.BinaryCrossentropy(from_logits=True),
            "department": keras.losses.CategoricalCrossentropy(from_logits=True),
        },
        loss_weights={"priority": 1.0, "department": 0.2},
    )
    data = {
        "title": RNG.integers(words, size=(40, 7)),
        "body": RNG.integers(words, size=(40, 12)),
        "tags": RNG.integers(2, size=(40, tags)).astype("float32"),
    }
    targets = {
        "priority": RNG.random((40, 1)).round(),
        "department": np.eye(departments)[RNG.integers(departments, size=40)],
    }
    history = model.fit(data, targets, epochs=2, batch_size=32, verbose=0)
    assert len(history.history["loss"]) == 2


def test_a_small_residual_network():
    inputs = keras.Input(shape=(16, 16, 3), name="img")
    x = layers.Conv2D(8, 3, activation="relu")(inputs)
    block_1_output = layers.MaxPooling2D(3)(x)
    x = layers.Conv2D(8, 3, activation="relu", padding="same")(block_1_output)
    x = layers.Conv2D(8, 3, activation="relu", padding="same")(x)
    block_2_output = layers.add([x, block_1_output])
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu")(block_2_output))
    x = layers.Dropout(0.5)(layers.Dense(16, activation="relu")(x))
    model = keras.Model(inputs, layers.Dense(10)(x), name="toy_resnet")
    model.compile(
        optimizer=keras.optimizers.RMSprop(1e-3),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["acc"],
    )
    x, y = RNG.random((20, 16, 16, 3)), keras.utils.to_categorical(RNG.integers(10, size=20), 10)
    history = model.fit(x, y, batch_size=8, epochs=1, validation_split=0.2, verbose=0)
    assert set(history.history) == {"loss", "acc", "val_loss", "val_acc"}


def test_shared_layers():
    shared_embedding = layers.Embedding(100, 8)
    text_input_a = keras.Input(shape=(None,), dtype="int32")
    text_input_b = keras.Input(shape=(None,), dtype="int32")
    model = keras.Model([text_input_a, text_input_b], [shared_embedding(text_input_a), shared_embedding(text_input_b)])
    assert len(model.weights) == 1
    ids = RNG.integers(100, size=(3, 5)).astype("int32")
    a, b = model.predict([ids, ids], verbose=0)
    np.testing.assert_array_equal(a, b)


def test_features_of_every_layer():
    vgg = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    features_list = [layer.output for layer in vgg.layers]
    feat_extraction_model = keras.Model(inputs=vgg.input, outputs=features_list)
    extracted = feat_extraction_model(RNG.random((1, 32, 32, 3)).astype("float32"))
    assert len(extracted) == len(vgg.layers)
    assert extracted[-1].shape == (1, 1, 1, 512)


class CustomDense(layers.Layer):
    def __init__(self, units=32):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="random_normal", trainable=True)

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        return {"units": self.units}


def test_an_own_layer_and_its_configuration():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, CustomDense(10)(inputs))
    config = model.get_config()
    new_model = keras.Model.from_config(config, custom_objects={"CustomDense": CustomDense})
    new_model.set_weights(model.get_weights())
    x = RNG.normal(size=(3, 4)).astype("float32")
    np.testing.assert_array_equal(new_model(x), model(x))


def test_a_graph_inside_an_own_model_and_the_other_way_round():
    class Recurrence(layers.Layer):
        """A recurrence written with operations, whose head is a functional model."""

        def __init__(self):
            super().__init__()
            self.units = 8
            self.projection_1 = layers.Dense(units=self.units, activation="tanh")
            self.projection_2 = layers.Dense(units=self.units, activation="tanh")
            head = keras.Input((self.units,))
            self.classifier = keras.Model(head, layers.Dense(1, activation="sigmoid")(head))

        def call(self, inputs):
            state = ops.zeros(shape=(inputs.shape[0], self.units))
            outputs = []
            for t in range(inputs.shape[1]):
                h = self.projection_1(inputs[:, t, :])
                y = h + self.projection_2(state)
                state = y
                outputs.append(y)
            features = ops.stack(outputs, axis=1)
            return self.classifier(ops.mean(features, axis=1))

    at_once = Recurrence()(np.zeros((1, 6, 5), "float32"))
    assert at_once.shape == (1, 1)
    inputs = keras.Input(batch_shape=(4, 6, 5))
    x = layers.Conv1D(5, 3, padding="same")(inputs)
    model = keras.Model(inputs, Recurrence()(x))
    assert model(np.zeros((4, 6, 5), "float32")).shape == (4, 1)
