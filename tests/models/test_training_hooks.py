"""One's own train_step, test_step, predict_step, compute_loss and compute_metrics, and what they report."""

import numpy as np
import pytest

import linnet
from linnet import layers, ops
from linnet.backend.trace import current_trace

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 5)).astype(np.float32)
Y = (X @ RNG.normal(size=(5, 1))).astype(np.float32)


def built(cls, **kwargs):
    linnet.utils.set_random_seed(1)
    model = cls([linnet.Input((5,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
    model.compile(**{"optimizer": "sgd", "loss": "mse", "metrics": ["mae"], **kwargs})
    return model


def trained(cls, **kwargs):
    model = built(cls, **kwargs)
    history = model.fit(X, Y, epochs=2, batch_size=24, verbose=0, validation_data=(X, Y))
    return model, history.history


class OwnSteps(linnet.Sequential):
    """The whole step written out, with the metrics that compile made."""

    def train_step(self, data):
        x, y = data
        y_pred = self(x, training=True)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        variables = self.trainable_variables
        trace = current_trace()
        gradients = trace.gradients(loss, [trace.read(v) for v in variables])
        self.optimizer.apply(gradients, variables)
        return self._measure(y, y_pred, loss)

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        return self._measure(y, y_pred, self.compute_loss(y=y, y_pred=y_pred))

    def _measure(self, y, y_pred, loss):
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_a_written_out_step_trains_as_the_usual_one():
    usual, first = trained(linnet.Sequential)
    own, second = trained(OwnSteps)
    for a, b in zip(usual.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert list(first) == list(second) == ["loss", "mae", "val_loss", "val_mae"]
    np.testing.assert_allclose(first["mae"], second["mae"], rtol=1e-6)
    assert second["loss"] != first["loss"]  # the mean over batches, not over samples: update_state(loss) has no weight


def test_own_metrics_and_a_property_that_lists_them():
    class Own(linnet.Sequential):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.loss_tracker = linnet.metrics.Mean(name="loss")
            self.error = linnet.metrics.MeanAbsoluteError(name="error")

        @property
        def metrics(self):
            return [self.loss_tracker, self.error]

        def test_step(self, data):
            x, y = data
            y_pred = self(x)
            self.loss_tracker.update_state(ops.mean(ops.square(y - y_pred)))
            self.error.update_state(y, y_pred)
            return {"loss": self.loss_tracker.result(), "error": self.error.result()}

    model = built(Own, metrics=None)
    p = model.predict(X, verbose=0)
    for _ in range(2):  # reset in between
        found = model.evaluate(X, Y, batch_size=32, verbose=0, return_dict=True)
        assert found == {
            "loss": pytest.approx(np.square(p - Y).mean(), rel=1e-5),
            "error": pytest.approx(np.abs(p - Y).mean(), rel=1e-5),
        }


def test_tensors_in_the_logs_show_the_last_batch():
    class Last(linnet.Sequential):
        def train_step(self, data):
            x, _ = data
            return {**super().train_step(data), "first": ops.max(x), "nested": {"answer": 42}}

    model = built(Last)
    seen = []
    watch = linnet.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["first"]))
    history = model.fit(X, Y, shuffle=False, batch_size=16, verbose=0, callbacks=[watch]).history
    np.testing.assert_array_equal(seen, X.reshape(4, -1).max(1))
    assert history["first"] == [X[48:].max()]
    assert history["answer"] == [42.0]
    assert model.train_on_batch(X[:4], Y[:4], return_dict=True)["first"] == X[:4].max()


def test_a_step_may_compute_with_a_result():
    class Ratio(linnet.metrics.Mean):
        def result(self):
            return self.total / self.count

    class Own(linnet.Sequential):
        ratio = None

        def test_step(self, data):
            x, _ = data
            self.ratio = self.ratio or Ratio()
            self.ratio.update_state(x)
            return {"twice": 2.0 * self.ratio.result()}

    found = built(Own).evaluate(X, Y, batch_size=16, verbose=0)
    assert found == pytest.approx(2 * X.mean(), rel=1e-4)

    class Numbers(linnet.metrics.Mean):
        def result(self):
            return float(self.total.numpy())

    class Wrong(Own):
        def test_step(self, data):
            total = Numbers()
            total.update_state(data[0])
            return {"twice": 2.0 * total.result()}

    with pytest.raises(ValueError, match=r"not known inside a model; use linnet\.ops"):
        built(Wrong).evaluate(X, Y, verbose=0)


def test_own_compute_loss_without_the_newer_argument():
    class Own(linnet.Sequential):
        def compute_loss(self, x, y, y_pred, sample_weight):
            return ops.mean(ops.abs(y - y_pred))

    model = built(Own, loss=None)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(
        [np.abs(model.predict(X, verbose=0) - Y).mean()] * 2, rel=1e-5
    )
    before = model.evaluate(X, Y, verbose=0)[0]
    model.fit(X, Y, epochs=3, verbose=0)
    assert model.evaluate(X, Y, verbose=0)[0] < before


def test_own_compute_metrics():
    class Own(linnet.Sequential):
        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            results = super().compute_metrics(x, y, y_pred, sample_weight)
            return {**results, "largest": ops.max(y_pred)}

    model = built(Own)
    found = model.evaluate(X, Y, batch_size=64, verbose=0, return_dict=True)
    assert list(found) == ["loss", "mae", "largest"]
    assert found["largest"] == pytest.approx(model.predict(X, verbose=0).max())


def test_own_predict_step():
    class Own(linnet.Sequential):
        def predict_step(self, data):
            x, _, _ = linnet.utils.unpack_x_y_sample_weight(data)
            return self(x) + 1.0

    model = built(Own)
    np.testing.assert_allclose(model.predict(X, verbose=0), model(X) + 1, rtol=1e-6)


@pytest.mark.parametrize("sample_weight", [None, np.ones(64, np.float32)])
@pytest.mark.parametrize("y", [None, Y])
def test_data_is_as_much_as_there_is(y, sample_weight):
    seen = []

    class Own(linnet.Sequential):
        def test_step(self, data):
            seen.append(len(data) if isinstance(data, tuple) else 1)
            return {"loss": ops.mean(linnet.utils.unpack_x_y_sample_weight(data)[0])}

    built(Own).evaluate(X, y, sample_weight=sample_weight, verbose=0)
    assert seen == [3 if sample_weight is not None else 1 if y is None else 2]


def test_the_loss_is_watched_even_if_it_is_not_logged():
    class Quiet(OwnSteps):
        def _measure(self, y, y_pred, loss):
            return {"answer": 1.0}

    model = built(Quiet, optimizer=linnet.optimizers.SGD(1e30))
    with pytest.raises(linnet.NonFiniteError, match="epoch"):
        model.fit(X, Y, epochs=50, verbose=0)


def test_metrics_of_layers_inside_are_reported_those_of_inner_compiled_models_not():
    class Measuring(linnet.Layer):
        def __init__(self):
            super().__init__()
            self.size = linnet.metrics.Mean(name="size")

        def call(self, x):
            self.size.update_state(ops.abs(x))
            return x

    inner = linnet.Sequential([linnet.Input((5,)), layers.Dense(1)])
    inner.compile("sgd", "mse", metrics=["mae"])
    inner.fit(X, Y, verbose=0)
    model = linnet.Sequential([linnet.Input((5,)), Measuring(), inner])
    model.compile("sgd", "mse")
    found = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert list(found) == ["loss", "size"]
    assert found["size"] == pytest.approx(np.abs(X).mean(), rel=1e-5)
    assert [metric.name for metric in model.metrics] == ["loss", "compile_metrics", "size"]


@pytest.mark.parametrize(
    ("logs", "error", "message"),
    [(3.0, TypeError, "must return a dict"), ({"x": "rows"}, ValueError, 'the log "x" has shape')],
)
def test_bad_logs(logs, error, message):
    class Own(linnet.Sequential):
        def test_step(self, data):
            return {"x": data[0]} if logs == {"x": "rows"} else logs

    with pytest.raises(error, match=message):
        built(Own).evaluate(X, Y, verbose=0)
    with pytest.raises(ValueError, match="tuple of 4"):
        linnet.utils.unpack_x_y_sample_weight((1, 2, 3, 4))
    assert linnet.utils.pack_x_y_sample_weight((X,)) == ((X,),)


def test_stop_evaluating_and_predicting():
    class Stop(linnet.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = batch == 1

        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = batch == 1

    model = built(linnet.Sequential)
    p = model.predict(X, batch_size=8, verbose=0, callbacks=[Stop()])
    np.testing.assert_array_equal(p, model.predict(X, verbose=0)[:16])
    found = model.evaluate(X, Y, batch_size=8, verbose=0, callbacks=[Stop()])
    assert found == model.evaluate(X[:16], Y[:16], batch_size=8, verbose=0)


def test_stop_training_before_the_first_batch_lets_one_pass():
    class Stop(linnet.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.stop_training = True

    model = built(linnet.Sequential)
    assert model.fit(X, Y, batch_size=8, epochs=3, verbose=0, callbacks=Stop()).epoch == [0]
    assert int(model.optimizer.iterations) == 1


def test_validation_without_targets():
    class Auto(linnet.Model):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(5)

        def call(self, x):
            y = self.inner(x)
            self.add_loss(ops.mean(ops.square(x - y)))
            return y

    losses = []
    for held in (X, (X,), [X]):
        linnet.utils.set_random_seed(1)
        model = Auto()
        model.compile("sgd")
        losses.append(model.fit(X, verbose=0, validation_data=held).history["val_loss"])
    assert losses[0] == losses[1] == losses[2]


class TrainsInner(linnet.Model):
    """Has no call: only a training step, over models of its own."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.error = linnet.metrics.Mean(name="error")

    @property
    def metrics(self):
        return [self.error]

    def train_step(self, data):
        loss = ops.mean(ops.square(self.inner(data) - data))
        gradients = linnet.gradients(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.error.update_state(loss)
        return {"error": self.error.result()}


def test_a_model_without_call_trains_by_its_own_step():
    model = TrainsInner(linnet.Sequential([linnet.Input((X.shape[1],)), layers.Dense(X.shape[1])]))
    model.compile("adam")
    errors = model.fit(X, epochs=20, verbose=0).history["error"]
    assert errors[-1] < errors[0]
    with pytest.raises(NotImplementedError, match=r"must define call\(self, inputs\)"):
        model.predict(X, verbose=0)
    unbuilt = TrainsInner(layers.Dense(X.shape[1]))
    unbuilt.compile("adam")
    with pytest.raises(NotImplementedError, match=r"must define call\(self, inputs\)"):
        unbuilt.fit(X, verbose=0)
