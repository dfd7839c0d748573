"""Follows the Keras guides "Customizing what happens in fit()": a train_step of one's own, metrics of one's own, sample
weights, a test_step, and an adversarial pair. What those guides do in TensorFlow, PyTorch or JAX to get gradients is
linnet.gradients here."""

import numpy as np

import linnet as keras
from linnet import layers

RNG = np.random.default_rng(0)
X, Y = RNG.random((100, 32)).astype("float32"), RNG.random((100, 1)).astype("float32")


def make(cls):
    inputs = keras.Input(shape=(32,))
    return cls(inputs, layers.Dense(1)(inputs))


class CustomModel(keras.Model):
    def train_step(self, data):
        x, y = data
        y_pred = self(x, training=True)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        trainable_vars = self.trainable_variables
        gradients = keras.gradients(loss, trainable_vars)
        self.optimizer.apply(gradients, trainable_vars)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_a_first_simple_step():
    model = make(CustomModel)
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    history = model.fit(X, Y, epochs=3, verbose=0)
    assert set(history.history) == {"loss", "mae"}
    assert history.history["loss"][-1] < history.history["loss"][0]


class LowLevelModel(keras.Model):
    """Loss, metrics and everything else without compile's help; compile gives the optimizer only."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae_metric = keras.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = keras.losses.MeanSquaredError()

    def train_step(self, data):
        if len(data) == 3:
            x, y, sample_weight = data
        else:
            sample_weight = None
            x, y = data
        y_pred = self(x, training=True)
        loss = self.loss_fn(y, y_pred, sample_weight=sample_weight)
        gradients = keras.gradients(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        self.loss_tracker.update_state(loss)
        self.mae_metric.update_state(y, y_pred, sample_weight=sample_weight)
        return {"loss": self.loss_tracker.result(), "mae": self.mae_metric.result()}

    @property
    def metrics(self):
        return [self.loss_tracker, self.mae_metric]


def test_going_lower_level_and_sample_weights():
    model = make(LowLevelModel)
    model.compile(optimizer="adam")
    history = model.fit(X, Y, epochs=5, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    weighted = model.fit(X, Y, sample_weight=0 * Y[:, 0], epochs=1, verbose=0)
    assert weighted.history["loss"] == [0.0]


class CustomEvaluation(keras.Model):
    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_an_evaluation_step_of_ones_own():
    model = make(CustomEvaluation)
    model.compile(loss="mse", metrics=["mae"])
    loss, mae = model.evaluate(X, Y, batch_size=50, verbose=0)
    p = model.predict(X, verbose=0)
    np.testing.assert_allclose([loss, mae], [np.square(p - Y).mean(), np.abs(p - Y).mean()], rtol=1e-5)


class GAN(keras.Model):
    def __init__(self, discriminator, generator, latent_dim):
        super().__init__()
        self.discriminator = discriminator
        self.generator = generator
        self.latent_dim = latent_dim
        self.d_loss_tracker = keras.metrics.Mean(name="d_loss")
        self.g_loss_tracker = keras.metrics.Mean(name="g_loss")
        self.seed_generator = keras.random.SeedGenerator(1337)
        self.built = True

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer
        self.loss_fn = loss_fn

    @property
    def metrics(self):
        return [self.d_loss_tracker, self.g_loss_tracker]

    def train_step(self, real_images):
        if isinstance(real_images, tuple):
            real_images = real_images[0]
        batch_size = keras.ops.shape(real_images)[0]
        noise = keras.random.normal(shape=(batch_size, self.latent_dim), seed=self.seed_generator)
        generated = self.generator(noise)
        combined = keras.ops.concatenate([generated, real_images], axis=0)
        labels = keras.ops.concatenate([keras.ops.ones((batch_size, 1)), keras.ops.zeros((batch_size, 1))], axis=0)
        labels = labels + 0.05 * keras.random.uniform(keras.ops.shape(labels), seed=self.seed_generator)
        d_loss = self.loss_fn(labels, self.discriminator(combined))
        grads = keras.gradients(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply(grads, self.discriminator.trainable_weights)
        noise = keras.random.normal(shape=(batch_size, self.latent_dim), seed=self.seed_generator)
        misleading = keras.ops.zeros((batch_size, 1))
        g_loss = self.loss_fn(misleading, self.discriminator(self.generator(noise)))
        grads = keras.gradients(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply(grads, self.generator.trainable_weights)
        self.d_loss_tracker.update_state(d_loss)
        self.g_loss_tracker.update_state(g_loss)
        return {"d_loss": self.d_loss_tracker.result(), "g_loss": self.g_loss_tracker.result()}


def test_an_adversarial_pair():
    discriminator = keras.Sequential(
        [
            keras.Input(shape=(8, 8, 1)),
            layers.Conv2D(8, (3, 3), strides=(2, 2), padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.GlobalMaxPooling2D(),
            layers.Dense(1),
        ],
        name="discriminator",
    )
    generator = keras.Sequential(
        [
            keras.Input(shape=(6,)),
            layers.Dense(2 * 2 * 6),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Reshape((2, 2, 6)),
            layers.Conv2DTranspose(8, (4, 4), strides=(2, 2), padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2DTranspose(8, (4, 4), strides=(2, 2), padding="same"),
            layers.Conv2D(1, (3, 3), padding="same", activation="sigmoid"),
        ],
        name="generator",
    )
    (images, _), _ = keras.datasets.digits.load_data()
    images = images[:96, ..., None].astype("float32") / 255
    gan = GAN(discriminator, generator, 6)
    gan.compile(
        d_optimizer=keras.optimizers.Adam(learning_rate=0.0003),
        g_optimizer=keras.optimizers.Adam(learning_rate=0.0003),
        loss_fn=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    before = [w.copy() for w in gan.get_weights()]
    history = gan.fit(images, epochs=2, batch_size=32, verbose=0)
    assert set(history.history) == {"d_loss", "g_loss"}
    assert np.isfinite(history.history["d_loss"] + history.history["g_loss"]).all()
    assert all(not np.array_equal(a, b) for a, b in zip(before, gan.get_weights(), strict=True))
