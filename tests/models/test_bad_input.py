"""What is wrong is said: which layer or argument, what was expected, what came, and the way out."""

import numpy as np
import pytest

import linnet
from linnet import layers

X = np.zeros((6, 4), np.float32)
Y = np.array([0, 1, 2, 0, 1, 2])


def model(compiled=True, **kwargs):
    found = linnet.Sequential([linnet.Input((4,)), layers.Dense(3, activation="softmax", name="head")], name="net")
    if compiled:
        found.compile(**{"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", **kwargs})
    return found


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: model(False).fit(X, Y), ValueError, r'sequential "net": call compile\(.*before fit'),
        (lambda: model(False).evaluate(X, Y), ValueError, "before evaluate"),
        (lambda: model(False).train_on_batch(X, Y), ValueError, "before train_on_batch"),
        (lambda: model().fit(X, Y[:5]), ValueError, "x has 6, y has 5"),
        (lambda: model().fit(X, Y, sample_weight=np.ones(3)), ValueError, "sample_weight has 3"),
        (lambda: model().fit(X[:0], Y[:0]), ValueError, "the data is empty"),
        (lambda: model().predict(X[:0]), ValueError, "the data is empty"),
        (lambda: model().fit(), ValueError, "x is missing"),
        (
            lambda: model().predict(np.zeros((6, 5))),
            linnet.ShapeError,
            r'"net": the input must have shape \(n, 4\), got \(n, 5\)',
        ),
        (lambda: model().predict(np.zeros(4)), linnet.ShapeError, r"batch axis in front: x\[None\]"),
        (lambda: model().predict(np.float32(1)), ValueError, "single value"),
        (lambda: model().predict(np.zeros((6, 4), complex)), TypeError, "complex"),
        (lambda: model().predict([[1, 2, 3, 4], [1, 2]]), TypeError, "cannot make an array"),
        (lambda: model().predict(np.array([[1, 2], [1]], object)), TypeError, "rows of different length"),
        (lambda: model().predict(np.array(["a", "b"])), TypeError, "encode the strings"),
        (lambda: model().predict("data.csv"), TypeError, "expected a NumPy array"),
        (lambda: model().predict({"x": X}), ValueError, "lack"),
        (lambda: model().predict([X, X]), ValueError, "expected 1 input"),
        (lambda: model().fit(X, [Y, Y]), ValueError, "1 output"),
        (lambda: model().fit(X), ValueError, "no target"),
        (lambda: model().fit(X, np.eye(3)[Y]), linnet.ShapeError, "one-hot labels need categorical_crossentropy"),
        (
            lambda: model(loss="categorical_crossentropy").fit(X, Y),
            linnet.ShapeError,
            "sparse_categorical_crossentropy",
        ),
        (lambda: model().fit(X, Y, batch_size=0), ValueError, "batch_size must be a positive integer"),
        (lambda: model().fit(X, Y, validation_split=1.0), ValueError, "validation_split must lie between"),
        (lambda: model().fit(X, Y, validation_split=0.95), ValueError, "leaves none for training"),
        (lambda: model().fit(X, Y, steps_per_epoch=0), ValueError, "number of steps"),
        (lambda: model().fit(iter([(X, Y)]), Y), ValueError, "y must not be given beside a list_iterator"),
        (lambda: model().fit(iter([(X, Y)]), validation_split=0.5), ValueError, "validation_split needs arrays"),
        (lambda: model().fit(iter([])), ValueError, "has no batches: .*a generator can be used once"),
        (lambda: model().fit(iter([(X, Y, Y, Y)])), ValueError, "got a tuple of 4"),
        (lambda: model().fit(X, Y, class_weight="equal"), ValueError, 'or "balanced"'),
        (lambda: model(optimizer="adan"), ValueError, 'unknown optimizer "adan"; did you mean "adam"'),
        (lambda: model(loss="sparse_crossentropy"), ValueError, 'did you mean .*"sparse_categorical_crossentropy"'),
        (lambda: model(metrics=["acuracy"]), ValueError, 'unknown metric "acuracy"; did you mean "accuracy"'),
        (lambda: model().get_layer("haed"), ValueError, 'did you mean "head"'),
        (lambda: model().get_layer(index=3), ValueError, "there is no layer 3"),
        (lambda: model().set_weights([np.zeros((4, 3))]), ValueError, "expected 2 arrays of weights, got 1"),
        (lambda: model().set_weights([np.zeros((3, 4)), np.zeros(3)]), ValueError, r'"head/kernel" has shape \(4, 3\)'),
        (lambda: layers.Dens(3), AttributeError, 'did you mean "Dense"'),
        (lambda: layers.Dense(3, activaton="relu"), ValueError, 'did you mean "activation"'),
        (lambda: linnet.Input(), ValueError, "give the shape of one sample"),
        (lambda: linnet.Input(3), ValueError, r"write \(3,\)"),
        (lambda: linnet.Sequential().fit(X, Y), ValueError, "call compile"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("label", [3, -1])
def test_label_outside_the_classes_names_the_sample(label):
    labels = Y.copy()
    labels[4] = label
    with pytest.raises(ValueError, match=rf"{label}.*sample 4"):
        model().fit(X, labels, batch_size=2, verbose=0)
    with pytest.raises(ValueError, match=rf"{label}.*sample 4"):
        model().evaluate(X, labels, batch_size=4, verbose=0)


def test_nan_in_the_loss_names_epoch_and_step():
    x = np.ones((6, 4), np.float32)
    x[4] = np.nan
    with pytest.raises(linnet.NonFiniteError, match=r'"net": the loss is nan in epoch 1, step 3; .*LINNET_DEBUG=nan'):
        model().fit(x, Y, batch_size=2, shuffle=False, verbose=0)


def test_nan_names_the_layer_when_asked(monkeypatch):
    monkeypatch.setenv("LINNET_DEBUG", "nan")
    x = np.ones((6, 4), np.float32)
    x[4] = np.nan
    with pytest.raises(linnet.NonFiniteError, match=r'epoch 1, step 3: .*"head"'):
        model().fit(x, Y, batch_size=2, shuffle=False, verbose=0)


def test_terminate_on_nan_stops_instead():
    x = np.full((6, 4), np.nan, np.float32)
    found = model().fit(x, Y, epochs=3, verbose=0, callbacks=[linnet.callbacks.TerminateOnNaN()])
    assert len(found.epoch) <= 1


def test_unknown_debug_word(monkeypatch):
    monkeypatch.setenv("LINNET_DEBUG", "nofuze")
    with pytest.raises(ValueError, match="unknown word 'nofuze'"):
        model().predict(X, verbose=0)


def test_wrong_size_inside_names_the_layer():
    kernel = layers.Conv2D(4, 3, name="conv_1")
    kernel.build((None, 8, 8, 3))
    with pytest.raises(ValueError, match=r'conv2d "conv_1": .*3.*4'):
        kernel(np.zeros((1, 8, 8, 4)))


def test_a_mistake_in_a_layer_of_the_user_is_located():
    class Broken(linnet.Layer):
        def call(self, x):
            return x + np.zeros((7,), np.float32)

    with pytest.raises(ValueError, match="add") as caught:
        linnet.Sequential([linnet.Input((4,)), Broken(name="mine")])
    assert "mine" in str(caught.value) + "".join(getattr(caught.value, "__notes__", []))


def test_numpy_functions_and_conditions_on_tensors():
    class Numpy(linnet.Layer):
        def call(self, x):
            return np.asarray(x)

    class Condition(linnet.Layer):
        def call(self, x):
            return x if x > 0 else -x

    with pytest.raises(TypeError, match=r"use linnet\.ops instead of numpy"):
        Numpy()(X)
    with pytest.raises(TypeError, match=r"ops\.where"):
        Condition()(X)


@pytest.mark.parametrize("label", [2**40, -(2**35)])
def test_labels_that_would_wrap_around(label: int) -> None:
    model = linnet.Sequential([linnet.Input((3,)), layers.Dense(2)])
    model.compile("sgd", linnet.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.zeros((4, 3), np.float32), np.array([0, 1, label, 0])
    for call in (model.fit, model.evaluate, model.train_on_batch):
        with pytest.raises(ValueError, match=r"y: integers from .* do not fit into int32"):
            call(x, y)
