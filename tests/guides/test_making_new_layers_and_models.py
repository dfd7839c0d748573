"""Follows the Keras guide "Making new layers and models via subclassing": layers with weights of their own, weights
that are not trained, late building, layers in layers, add_loss, get_config, the training and mask arguments, and a
variational autoencoder at the end. Random data takes the place of the guide's."""

import numpy as np
import pytest

import linnet as keras
from linnet import layers, ops

X = np.random.default_rng(0).random((32, 12)).astype("float32")


class Linear(layers.Layer):
    def __init__(self, units=32, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="random_normal", trainable=True)

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        config = super().get_config()
        config.update({"units": self.units})
        return config


def test_weights_made_at_once_and_late():
    class Early(layers.Layer):
        def __init__(self, units=32, input_dim=32):
            super().__init__()
            self.w = self.add_weight(shape=(input_dim, units), initializer="random_normal", trainable=True)
            self.b = self.add_weight(shape=(units,), initializer="zeros", trainable=True)

        def call(self, inputs):
            return ops.matmul(inputs, self.w) + self.b

    x = ops.ones((2, 2))
    early = Early(4, 2)
    assert early(x).shape == (2, 4)
    assert early.weights == [early.w, early.b]
    late = Linear(4)
    assert late.weights == []
    assert late(x).shape == (2, 4)
    assert len(late.weights) == 2


def test_weights_that_are_not_trained():
    class ComputeSum(layers.Layer):
        def __init__(self, input_dim):
            super().__init__()
            self.total = self.add_weight(initializer="zeros", shape=(input_dim,), trainable=False)

        def call(self, inputs):
            self.total.assign_add(ops.sum(inputs, axis=0))
            return self.total

    my_sum = ComputeSum(2)
    np.testing.assert_array_equal(my_sum(ops.ones((2, 2))), [2, 2])
    np.testing.assert_array_equal(my_sum(ops.ones((2, 2))), [4, 4])
    assert len(my_sum.non_trainable_weights) == 1
    assert my_sum.trainable_weights == []


class MLPBlock(layers.Layer):
    def __init__(self):
        super().__init__()
        self.linear_1 = Linear(32)
        self.linear_2 = Linear(32)
        self.linear_3 = Linear(1)

    def call(self, inputs):
        x = keras.activations.relu(self.linear_1(inputs))
        x = keras.activations.relu(self.linear_2(x))
        return self.linear_3(x)


def test_layers_in_layers():
    mlp = MLPBlock()
    mlp(ops.ones(shape=(3, 64)))
    assert (len(mlp.weights), len(mlp.trainable_weights)) == (6, 6)


class ActivityRegularizationLayer(layers.Layer):
    def __init__(self, rate=1e-2):
        super().__init__()
        self.rate = rate

    def call(self, inputs):
        self.add_loss(self.rate * ops.mean(inputs))
        return inputs


def test_losses_made_on_the_way():
    class OuterLayer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.activity_reg = ActivityRegularizationLayer(1e-2)

        def call(self, inputs):
            return self.activity_reg(inputs)

    layer = OuterLayer()
    assert len(layer.losses) == 0
    layer(ops.ones((1, 1)))
    assert len(layer.losses) == 1
    layer(ops.ones((1, 1)))
    assert len(layer.losses) == 1  # those of the last call

    class OuterLayerWithKernelRegularizer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(32, kernel_regularizer=keras.regularizers.l2(1e-3))

        def call(self, inputs):
            return self.dense(inputs)

    layer = OuterLayerWithKernelRegularizer()
    layer(ops.ones((1, 1)))
    kernel = layer.dense.kernel.numpy()
    assert [float(loss) for loss in layer.losses] == [pytest.approx(1e-3 * np.square(kernel).sum(), rel=1e-5)]
    inputs = keras.Input(shape=(3,))
    model = keras.Model(inputs, ActivityRegularizationLayer()(inputs))
    x = np.ones((2, 3), "float32")
    for loss, expected in (("mse", 1.01), (None, 0.01)):  # without a loss, what was added on the way is all
        model.compile(optimizer="adam", loss=loss)
        with pytest.warns(UserWarning, match="no trainable weights"):
            history = model.fit(x, 2 * x, verbose=0)
        assert history.history["loss"] == [pytest.approx(expected)]


def test_configuration():
    layer = Linear(64, name="linear_8")
    config = layer.get_config()
    assert config["units"] == 64
    assert Linear.from_config(config).get_config() == config


def test_the_training_argument():
    class CustomDropout(layers.Layer):
        def __init__(self, rate, **kwargs):
            super().__init__(**kwargs)
            self.rate = rate
            self.seed_generator = keras.random.SeedGenerator(1337)

        def call(self, inputs, training=None):
            if training:
                return keras.random.dropout(inputs, rate=self.rate, seed=self.seed_generator)
            return inputs

    layer = CustomDropout(0.5)
    np.testing.assert_array_equal(layer(X), X)
    dropped = layer(X, training=True)
    assert 0.3 < (dropped == 0).mean() < 0.7


class Sampling(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        z_mean, z_log_var = inputs
        batch = ops.shape(z_mean)[0]
        dim = ops.shape(z_mean)[1]
        epsilon = keras.random.normal(shape=(batch, dim), seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon


class Encoder(layers.Layer):
    def __init__(self, latent_dim=4, intermediate_dim=16, name="encoder", **kwargs):
        super().__init__(name=name, **kwargs)
        self.dense_proj = layers.Dense(intermediate_dim, activation="relu")
        self.dense_mean = layers.Dense(latent_dim)
        self.dense_log_var = layers.Dense(latent_dim)
        self.sampling = Sampling()

    def call(self, inputs):
        x = self.dense_proj(inputs)
        z_mean = self.dense_mean(x)
        z_log_var = self.dense_log_var(x)
        return z_mean, z_log_var, self.sampling((z_mean, z_log_var))


class Decoder(layers.Layer):
    def __init__(self, original_dim, intermediate_dim=16, name="decoder", **kwargs):
        super().__init__(name=name, **kwargs)
        self.dense_proj = layers.Dense(intermediate_dim, activation="relu")
        self.dense_output = layers.Dense(original_dim, activation="sigmoid")

    def call(self, inputs):
        return self.dense_output(self.dense_proj(inputs))


class VariationalAutoEncoder(keras.Model):
    def __init__(self, original_dim, name="autoencoder", **kwargs):
        super().__init__(name=name, **kwargs)
        self.original_dim = original_dim
        self.encoder = Encoder()
        self.decoder = Decoder(original_dim)

    def call(self, inputs):
        z_mean, z_log_var, z = self.encoder(inputs)
        reconstructed = self.decoder(z)
        kl_loss = -0.5 * ops.mean(z_log_var - ops.square(z_mean) - ops.exp(z_log_var) + 1)
        self.add_loss(kl_loss)
        return reconstructed


def test_a_variational_autoencoder():
    keras.utils.set_random_seed(0)
    vae = VariationalAutoEncoder(12)
    optimizer = keras.optimizers.Adam(learning_rate=1e-2)
    vae.compile(optimizer, loss=keras.losses.MeanSquaredError())
    history = vae.fit(X, X, epochs=15, batch_size=16, verbose=0, validation_data=(X, X))
    assert history.history["loss"][-1] < history.history["loss"][0]
    # Random numbers differ from call to call, and the weights were built by fit.
    assert not np.array_equal(vae(X), vae(X))
    assert len(vae.weights) == 10
