"""Subclasses of Model, and what all models have."""

import numpy as np
import pytest

import linnet
from linnet import layers, ops

X = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)


class Net(linnet.Model):
    def __init__(self, width=3, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.hidden = [layers.Dense(width, activation="relu") for _ in range(2)]
        self.parts = {"head": layers.Dense(2)}
        self.drop = layers.Dropout(0.5)

    def call(self, x, training=None):
        for layer in self.hidden:
            x = layer(x)
        return self.parts["head"](self.drop(x, training=training))


def test_built_by_fit_predict_or_call():
    for use in (
        lambda m: (m.compile("adam", "mse"), m.fit(X, X[:, :2], verbose=0)),
        lambda m: m.predict(X, verbose=0),
        lambda m: m(X),
        lambda m: m.build((None, 4)),
    ):
        model = Net()
        assert model.weights == []
        use(model)
        assert [w.shape for w in model.weights] == [(4, 3), (3,), (3, 3), (3,), (3, 2), (2,)]
        assert len(model.layers) == 4


def test_learns_and_keeps_its_weights_in_lists_and_dicts():
    model = Net(16)
    model.compile(linnet.optimizers.Adam(0.01), "mse")
    history = model.fit(X, X[:, :2], epochs=60, verbose=0)
    assert min(history.history["loss"]) < history.history["loss"][0]
    np.testing.assert_array_equal(model(X), model.predict(X, verbose=0))


def test_configuration_is_what_init_was_given():
    model = Net(5, name="net")
    assert model.get_config() == {"name": "net", "trainable": True, "dtype": "float32", "width": 5}
    assert Net.from_config(model.get_config()).width == 5


def test_several_inputs_and_outputs_of_a_subclass():
    class Pair(linnet.Model):
        def call(self, inputs):
            return {"sum": inputs["a"] + inputs["b"], "difference": inputs["a"] - inputs["b"]}

    found = Pair().predict({"a": X, "b": 2 * X}, verbose=0)
    np.testing.assert_allclose(found["sum"], 3 * X, rtol=1e-6)
    np.testing.assert_allclose(found["difference"], -X, rtol=1e-6)


def test_model_without_call():
    with pytest.raises(NotImplementedError, match="must define call"):
        linnet.Model()(X)


def test_get_layer_and_weights():
    model = linnet.Sequential([linnet.Input((4,)), layers.Dense(3, name="one"), layers.Dense(2, name="two")])
    assert model.get_layer("two") is model.layers[1] is model.get_layer(index=-1)
    weights = model.get_weights()
    model.set_weights([w + 1 for w in weights])
    np.testing.assert_array_equal(model.get_weights()[0], weights[0] + 1)
    weights[0][:] = 0  # copies: the model does not change
    assert model.get_weights()[0].any()


def test_a_layer_of_the_user_with_weights_masks_and_names():
    class Scale(linnet.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")
            self.count = self.add_weight((), "zeros", trainable=False, name="count")

        def call(self, x):
            self.count.assign_add(1.0)
            return x * self.scale

    scale = Scale()
    model = linnet.Sequential([linnet.Input((4,)), scale])
    assert [w.path for w in model.weights] == ["scale/scale", "scale/count"]
    model.compile(linnet.optimizers.SGD(0.1), "mse")
    model.fit(X, 2 * X, batch_size=5, epochs=3, verbose=0)
    assert float(scale.count.numpy()) == 6
    assert (scale.scale.numpy() > 1).all()


def test_gradients_through_operations_of_all_families():
    class Mixed(linnet.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(6)

        def call(self, x):
            y = self.dense(x)
            a, b = ops.split(y, 2, axis=-1)
            y = ops.concatenate([ops.softmax(a), ops.exp(-ops.square(b))], axis=-1)
            y = ops.reshape(y, (-1, 2, 3))
            return ops.max(ops.transpose(y, (0, 2, 1)), axis=-1)

    model = Mixed()
    model.compile(linnet.optimizers.Adam(0.05), "mse")
    history = model.fit(X, np.abs(X[:, :3]), epochs=40, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
