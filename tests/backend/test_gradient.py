"""value_and_grad against NumPy, in arrays, weights and lists of them; a loop by hand trains as fit does."""

import numpy as np
import pytest

import linnet
from linnet import layers, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 4)).astype(np.float32)
Y = RNG.normal(size=(12, 1)).astype(np.float32)
FACTOR = 3.0


def test_in_the_first_argument():
    value, slope = linnet.value_and_grad(lambda x: ops.sum(ops.square(x)))(X)
    assert value == pytest.approx(np.square(X).sum(), rel=1e-6)
    np.testing.assert_allclose(slope, 2 * X, rtol=1e-6)
    value, slope = linnet.value_and_grad(lambda x: x * x * x)(2.0)
    assert (float(value), float(slope)) == (8.0, 12.0)


def test_in_several_arguments_with_structure():
    def f(weights, x, unused, power=2):
        return ops.sum(ops.matmul(x, weights["w"]) ** power) + ops.sum(weights["b"])

    weights = {"w": X[:4], "b": Y}
    value, (first, third) = linnet.value_and_grad(f, (0, 2))(weights, X, X, power=2)
    assert value == pytest.approx(np.square(X @ X[:4]).sum() + Y.sum(), rel=1e-5)
    np.testing.assert_allclose(first["w"], 2 * X.T @ (X @ X[:4]), rtol=1e-4)
    np.testing.assert_array_equal(first["b"], np.ones_like(Y))
    np.testing.assert_array_equal(third, np.zeros_like(X))


def test_in_the_weights_of_a_model_that_is_built_by_the_call():
    model = linnet.Sequential([layers.Dense(1, name="d")])

    def loss(x, y):
        p = model(x, training=True)
        return ops.mean(ops.square(p - y)), p

    (value, p), (kernel, bias) = linnet.value_and_grad(loss, model, has_aux=True)(X, Y)
    error = p - Y
    assert value == pytest.approx(np.square(error).mean(), rel=1e-5)
    np.testing.assert_allclose(kernel, 2 * X.T @ error / 12, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(bias, 2 * error.mean(0), rtol=1e-4, atol=1e-6)


def test_in_variables():
    a, b, c = linnet.Variable(2.0), linnet.Variable(3.0), linnet.Variable(1.0)
    value, slopes = linnet.value_and_grad(lambda: a * a * b, [a, b, c])()
    assert (float(value), float(slopes[0]), float(slopes[1]), slopes[2]) == (12.0, 12.0, 4.0, None)
    assert float(linnet.value_and_grad(lambda: a * a, a)()[1]) == 4.0
    a.assign(5.0)
    assert float(linnet.value_and_grad(lambda: a * a, (a, b))()[1][0]) == 10.0


def test_a_loop_by_hand_trains_as_fit_does():
    def network():
        linnet.utils.set_random_seed(1)
        return linnet.Sequential(
            [linnet.Input((4,)), layers.Dense(5, activation="tanh"), layers.BatchNormalization(), layers.Dense(1)]
        )

    usual, own = network(), network()
    usual.compile(linnet.optimizers.Adam(0.05, clipnorm=1.0), "mse")
    usual.fit(X, Y, batch_size=5, epochs=3, shuffle=False, verbose=0)
    optimizer = linnet.optimizers.Adam(0.05, clipnorm=1.0)
    objective = linnet.losses.MeanSquaredError()
    step = linnet.value_and_grad(lambda x, y: objective(y, own(x, training=True)), own)
    for epoch in range(3):
        for i in (0, 5, 10):
            _, grads = step(X[i : i + 5], Y[i : i + 5])
            if epoch == 0:
                optimizer.apply(grads, own.trainable_variables)
            else:
                optimizer.apply_gradients(zip(grads, own.trainable_variables, strict=True))
    assert int(optimizer.iterations) == 9
    for a, b in zip(usual.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_what_the_function_refers_to_may_change():
    scale = np.ones(4, np.float32)

    def f(x):
        return ops.sum(x * scale) * FACTOR

    slope = linnet.value_and_grad(f)
    np.testing.assert_array_equal(slope(X)[1][0], [3, 3, 3, 3])
    scale[:] = 2
    np.testing.assert_array_equal(slope(X)[1][0], [6, 6, 6, 6])
    globals()["FACTOR"] = 5.0
    try:
        np.testing.assert_array_equal(slope(X)[1][0], [10, 10, 10, 10])
    finally:
        globals()["FACTOR"] = 3.0


def test_settings_of_the_optimizer_may_change():
    v = linnet.Variable(np.zeros(2, np.float32))
    optimizer = linnet.optimizers.SGD(1.0)
    grad = np.array([3.0, 4.0], np.float32)
    optimizer.apply([grad], [v])
    np.testing.assert_array_equal(v.numpy(), [-3, -4])
    optimizer.clipnorm = 1.0
    optimizer.learning_rate = 10.0
    optimizer.apply([grad])
    np.testing.assert_allclose(v.numpy(), [-9, -12], rtol=1e-6)


def test_random_layers_draw_anew_at_every_call():
    drop = layers.Dropout(0.5)
    slope = linnet.value_and_grad(lambda x: ops.sum(drop(x, training=True)))
    first, second = slope(X)[1], slope(X)[1]
    assert set(np.unique(first)) == {0.0, 2.0}
    assert not np.array_equal(first, second)


def test_inside_a_train_step():
    class Gan(linnet.Model):
        """Two networks against each other, each with an optimizer of its own."""

        def __init__(self):
            super().__init__()
            self.maker = linnet.Sequential([layers.Dense(4)])
            self.judge = linnet.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1)])
            self.judge_loss = linnet.metrics.Mean(name="judge_loss")

        def compile(self, maker_optimizer, judge_optimizer, objective):
            super().compile()
            self.maker_optimizer, self.judge_optimizer = maker_optimizer, judge_optimizer
            self.objective = objective

        def call(self, x):
            return self.judge(self.maker(x))

        @property
        def metrics(self):
            return [self.judge_loss]

        def train_step(self, data):
            noise = linnet.random.normal(ops.shape(data))
            judged = lambda x: self.judge(x, training=True)  # noqa: E731

            def against():
                real, false = judged(data), judged(self.maker(noise))
                return self.objective(ops.ones_like(real), real) + self.objective(ops.zeros_like(false), false)

            loss, slopes = linnet.value_and_grad(against, self.judge)()
            self.judge_optimizer.apply(slopes, self.judge.trainable_weights)
            fooled = judged(self.maker(noise))
            slopes = linnet.gradients(self.objective(ops.ones_like(fooled), fooled), self.maker)
            self.maker_optimizer.apply(slopes, self.maker.trainable_weights)
            self.judge_loss.update_state(loss)
            return {"judge_loss": self.judge_loss.result()}

    model = Gan()
    model.compile(
        linnet.optimizers.Adam(0.01), linnet.optimizers.Adam(0.01), linnet.losses.BinaryCrossentropy(from_logits=True)
    )
    history = model.fit(X, epochs=1, batch_size=4, verbose=0)
    before = model.get_weights()
    history = model.fit(X, epochs=5, batch_size=4, verbose=0)
    assert list(history.history) == ["judge_loss"]
    assert int(model.maker_optimizer.iterations) == 18
    assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: linnet.value_and_grad(lambda x: x)(X), ValueError, r"shape \(12, 4\) instead of being one number"),
        (lambda: linnet.value_and_grad(ops.sum, 1)(X), TypeError, "no positional argument 1 among 1"),
        (lambda: linnet.value_and_grad(ops.sum, "x"), TypeError, "wrt must be"),
        (lambda: linnet.value_and_grad(ops.sum)(np.arange(3)), TypeError, "arrays of floats"),
        (lambda: linnet.value_and_grad(ops.sum, 0, has_aux=True)(X), TypeError, "must return"),
        (lambda: linnet.value_and_grad(3), TypeError, "expected a function, got 3"),
        (lambda: linnet.gradients(X, [X]), ValueError, "value_and_grad"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
