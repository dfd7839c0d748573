"""Whole models in files: the same predictions, training that goes on where it was, and hostile files."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from support import samples

import linnet
from linnet import layers
from linnet.saving import load_model

X, Y = samples((40, 6, 6, 2), 1), np.random.default_rng(0).integers(0, 3, 40)


def network(optimizer="adam"):
    linnet.utils.set_random_seed(6)
    inputs = linnet.Input((6, 6, 2), name="image")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", kernel_regularizer="l2")(inputs)
    x = layers.BatchNormalization()(x)
    y = layers.Conv2D(4, (1, 1))(x)
    x = layers.add([x, y])
    x = linnet.ops.relu(x) * 0.5
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.1)(layers.Flatten()(x))
    model = linnet.Model(inputs, layers.Dense(3, activation="softmax", name="class")(x))
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def metadata_of(path):
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return file.metadata()


OPTIMIZERS = [
    linnet.optimizers.SGD(0.05, momentum=0.9),
    linnet.optimizers.Adam(0.01, clipnorm=1.0),
    linnet.optimizers.RMSprop(0.001, momentum=0.5, centered=True),
    linnet.optimizers.AdamW(linnet.optimizers.schedules.CosineDecay(0.01, 100)),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer.name)
def test_training_goes_on_where_it_was(optimizer, tmp_path):
    path = tmp_path / "m.linnet"
    model = network(type(optimizer).from_config(optimizer.get_config()))
    model.fit(X, Y, epochs=2, batch_size=16, verbose=0)
    model.save(path)
    loaded = load_model(path)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    assert loaded.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    assert int(loaded.optimizer.iterations.numpy()) == 6
    for _ in range(3):
        assert loaded.train_on_batch(X, Y, return_dict=True) == model.train_on_batch(X, Y, return_dict=True)
        loaded.reset_metrics()
        model.reset_metrics()
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_in_the_file(tmp_path):
    path = tmp_path / "m.linnet"
    model = network()
    model.fit(X, Y, verbose=0)
    model.save(path)
    tensors = load_file(path)
    np.testing.assert_array_equal(tensors["weights/class/kernel"], model.get_layer("class").kernel.numpy())
    assert tensors["optimizer/conv2d_1/kernel/velocity"].shape == (1, 1, 4, 4)
    assert tensors["optimizer/iterations"] == 2
    metadata = metadata_of(path)
    assert json.loads(metadata["config"])["class_name"] == "Functional"
    assert json.loads(metadata["compile_config"])["loss"] == "sparse_categorical_crossentropy"
    assert not any(name.startswith("optimizer/") for name in _saved_without_optimizer(model, tmp_path))


def _saved_without_optimizer(model, folder):
    model.save(folder / "n.linnet", include_optimizer=False)
    assert load_model(folder / "n.linnet").optimizer.name == model.optimizer.name
    return load_file(folder / "n.linnet")


def test_uncompiled(tmp_path):
    path = tmp_path / "m.linnet"
    model = network()
    model.save(path)
    loaded = load_model(path, compile=False)
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded(X), model(X))
    plain = linnet.Sequential([linnet.Input((3,)), layers.Dense(2)])
    plain.save(path)
    assert not load_model(path).compiled


def test_sequential_without_input_is_built_on_loading(tmp_path):
    path = tmp_path / "m.linnet"
    model = linnet.Sequential([layers.Dense(3), layers.ReLU(), layers.Dense(2)])
    x = samples((4, 5))
    y = model(x)
    model.save(path)
    np.testing.assert_array_equal(load_model(path)(x), y)


def test_several_inputs_outputs_and_nested_models(tmp_path):
    path = tmp_path / "m.linnet"
    a, b = linnet.Input((4,), name="a"), linnet.Input((4,), name="b")
    encoder = linnet.Sequential([linnet.Input((4,)), layers.Dense(3, activation="tanh")], name="encoder")
    one, two = encoder(a), encoder(b)
    model = linnet.Model([a, b], {"near": layers.Subtract()([one, two]), "both": layers.Concatenate()([one, two])})
    model.compile("sgd", {"near": "mse", "both": "mae"}, loss_weights={"near": 0.5})
    model.save(path)
    loaded = load_model(path)
    xs = [samples((3, 4), 1), samples((3, 4), 2)]
    expected, got = model(xs), loaded(xs)
    assert set(got) == {"near", "both"}
    for key in expected:
        np.testing.assert_array_equal(got[key], expected[key])
    assert len(loaded.weights) == 2
    y = {"near": samples((3, 3)), "both": samples((3, 6))}
    assert loaded.train_on_batch(xs, y) == model.train_on_batch(xs, y)


class Gain(layers.Layer):
    """A layer of the user's, with a weight."""

    def build(self, input_shape):
        self.gain = self.add_weight((input_shape[-1],), "ones", name="gain")

    def call(self, x):
        return x * self.gain


def custom_loss(y_true, y_pred):
    """A loss of the user's."""
    return linnet.ops.mean(linnet.ops.absolute(y_true - y_pred) ** 3, axis=-1)


def test_custom_objects(tmp_path):
    path = tmp_path / "m.linnet"
    model = linnet.Sequential([linnet.Input((3,)), Gain()])
    model.compile("sgd", custom_loss)
    model.fit(samples((8, 3)), samples((8, 3), 1), verbose=0)
    model.save(path)
    with pytest.raises(ValueError, match=r'm\.linnet: .*unknown object "Gain"'):
        load_model(path)
    loaded = load_model(path, custom_objects={"Gain": Gain, "custom_loss": custom_loss})
    x, y = samples((8, 3)), samples((8, 3), 1)
    np.testing.assert_array_equal(loaded(x), model(x))
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


def test_weights_only_and_other_files(tmp_path):
    model = network()
    model.save_weights(tmp_path / "w")
    with pytest.raises(ValueError, match="holds weights only"):
        load_model(tmp_path / "w")
    save_file({"x": np.ones(2)}, tmp_path / "f")
    with pytest.raises(ValueError, match="not written by linnet"):
        load_model(tmp_path / "f")
    (tmp_path / "z").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(ValueError, match="zip archive"):
        load_model(tmp_path / "z")
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_model(tmp_path / "none")


def _tampered(path, change):
    """The saved model with its configuration changed."""
    tensors, metadata = load_file(path), metadata_of(path)
    config = json.loads(metadata["config"])
    config = change(config) or config
    save_file(tensors, path, {**metadata, "config": config if isinstance(config, str) else json.dumps(config)})


def _layer(config, index):
    return config["config"]["layers"][index]


@pytest.mark.parametrize(
    "change",
    [
        lambda c: "not json",
        lambda c: "3",
        lambda c: "[]",
        lambda c: "null",
        lambda c: '"Dense"',
        lambda c: "[" * 100_000,
        lambda c: json.dumps({"module": "losses", "class_name": "Huber", "config": {}, "registered_name": None}),
        lambda c: c.update(class_name="system", module="os"),
        lambda c: c.update(config=None),
        lambda c: c["config"].pop("layers"),
        lambda c: c["config"].update(layers=3),
        lambda c: c["config"].update(input_layers=[["nobody", 0, 0]]),
        lambda c: _layer(c, 1).update(class_name="eval", module="builtins"),
        lambda c: _layer(c, 1).update(inbound_nodes=[]),
        lambda c: _layer(c, 1)["config"].update(filters=-1),
        lambda c: _layer(c, 1)["config"].update(filters=5),
        lambda c: _layer(c, 1)["config"].update(filters=10**12),
        lambda c: _layer(c, 1)["config"].update(kernel_size=[10**9, 10**9]),
        lambda c: _layer(c, 1)["config"].update(surprise=1),
        lambda c: _layer(c, 1)["config"].update(
            activation={"class_name": "function", "config": "system", "module": "os"}
        ),
        lambda c: _layer(c, 0)["config"].update(batch_shape="abc"),
    ],
)
def test_tampered_configurations_are_one_clear_error(change, tmp_path):
    path = tmp_path / "m.linnet"
    network().save(path)
    _tampered(path, change)
    with pytest.raises(ValueError, match=r"m\.linnet"):
        load_model(path)


def test_missing_and_surplus_tensors(tmp_path):
    path = tmp_path / "m.linnet"
    network().save(path)
    tensors, metadata = load_file(path), metadata_of(path)
    kernel = tensors.pop("weights/class/kernel")
    save_file(tensors, path, metadata)
    with pytest.raises(ValueError, match=r'weight "class/kernel" \(36, 3\) is not in the file'):
        load_model(path)
    save_file({**tensors, "weights/class/kernel": kernel, "weights/other": kernel}, path, metadata)
    with pytest.raises(ValueError, match='the file has weight "other"'):
        load_model(path)
    save_file({**tensors, "weights/class/kernel": kernel[:-1]}, path, metadata)
    with pytest.raises(ValueError, match=r'"class/kernel" has shape \(36, 3\), in the file \(35, 3\)'):
        load_model(path)


def test_truncated_anywhere(tmp_path):
    path = tmp_path / "m.linnet"
    network().save(path)
    content = path.read_bytes()
    for size in np.linspace(0, len(content) - 1, 40).astype(int):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match=r"m\.linnet: the file is (empty|truncated|damaged)"):
            load_model(path)


def test_a_lambda_cannot_be_saved(tmp_path):
    model = linnet.Sequential([linnet.Input((3,)), layers.Activation(lambda x: x + 1)])
    with pytest.raises(ValueError, match="a lambda cannot be saved"):
        model.save(tmp_path / "m.linnet")
    assert list(tmp_path.iterdir()) == []


def test_overwrite(tmp_path):
    path = tmp_path / "m.linnet"
    network().save(path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        network().save(path, overwrite=False)
