"""class_weight: the weight of every label, for targets of any rank, several outputs, and balanced."""

import numpy as np
import pytest

import linnet
from linnet import layers
from linnet.models.class_weights import balanced, sample_weights, with_class_weights

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5)).astype(np.float32)
Y = np.repeat([0, 1, 2], [40, 15, 5])
WEIGHTS = {0: 0.5, 1: 2.0, 2: 0.0}


def test_class_weight_is_sample_weight():
    models = []
    for options in ({"class_weight": WEIGHTS}, {"sample_weight": np.array([WEIGHTS[k] for k in Y])}):
        linnet.utils.set_random_seed(1)
        model = linnet.Sequential([linnet.Input((5,)), layers.Dense(3, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(X, Y, verbose=0, **options)
        model.train_on_batch(X, Y, **options)
        models.append(model.get_weights())
    np.testing.assert_array_equal(models[0][0], models[1][0])


@pytest.mark.parametrize(
    ("target", "sparse", "shape"),
    [
        (Y, False, (60,)),
        (Y[:, None], False, (60,)),
        (Y.astype(np.float64), False, (60,)),
        (np.eye(3)[Y], False, (60,)),
        (Y.reshape(4, 15), True, (4, 15)),
        (Y.reshape(2, 5, 6, 1), False, (2, 5, 6)),
        (np.eye(3)[Y].reshape(4, 15, 3), False, (4, 15)),
    ],
)
def test_any_rank(target, sparse, shape):
    found = sample_weights(target, WEIGHTS, sparse)
    assert found.shape == shape
    np.testing.assert_array_equal(found.reshape(-1), [WEIGHTS[k] for k in Y])


def test_classes_without_a_weight_have_one():
    np.testing.assert_array_equal(sample_weights(np.array([0, 3]), {0: 5}, False), [5, 1])
    np.testing.assert_array_equal(sample_weights(np.array([0, 1]), {7: 5}, False), [1, 1])


def test_balanced():
    weights = balanced(Y)
    assert weights == {0: 60 / 120, 1: 60 / 45, 2: 60 / 15}
    assert sample_weights(Y, "balanced", False).mean() == pytest.approx(1.0)
    for k in range(3):
        assert sample_weights(Y, "balanced", False)[k == Y].sum() == pytest.approx(20)


def test_pixels_with_weights_per_sample_too():
    w = np.array([1.0, 3.0, 1.0, 1.0])
    found = with_class_weights(Y.reshape(4, 15), w, {0: 2.0}, {"out": True})
    np.testing.assert_array_equal(found[:2], [[2.0] * 15, [6.0] * 15])


def test_several_outputs_train_with_their_own():
    source = linnet.Input((5,))
    a, b = layers.Dense(3, name="a")(source), layers.Dense(1, name="b")(source)
    model = linnet.Model(source, [a, b])
    sparse = linnet.losses.SparseCategoricalCrossentropy(from_logits=True)
    binary = linnet.losses.BinaryCrossentropy(from_logits=True)
    model.compile(linnet.optimizers.SGD(0.0), [sparse, binary])
    coarse = (Y > 0).astype(np.float32)[:, None]
    history = model.fit(X, [Y, coarse], class_weight={"a": "balanced", "b": {1: 3.0}}, batch_size=60, verbose=0)
    weights = {"a": sample_weights(Y, "balanced", True), "b": np.where(coarse[:, 0] > 0, 3.0, 1.0)}
    expected = model.evaluate(X, [Y, coarse], sample_weight=weights, batch_size=60, verbose=0)
    assert [history.history[key][0] for key in ("loss", "a_loss", "b_loss")] == pytest.approx(expected, rel=1e-6)
    one = model.fit(X, [Y, coarse], class_weight=[None, {1: 3.0}], batch_size=60, verbose=0).history
    assert one["b_loss"][0] == pytest.approx(expected[2], rel=1e-6)
    assert one["a_loss"][0] != pytest.approx(expected[1], rel=1e-6)
    with pytest.raises(ValueError, match=r"2 outputs \(a, b\)"):
        model.fit(X, [Y, coarse], class_weight={0: 1.0}, verbose=0)


@pytest.mark.parametrize(
    ("y", "weights", "message"),
    [
        (None, {0: 1.0}, "needs targets"),
        (np.array([0, -1]), {0: 1.0}, "label -1 at sample 1 is negative"),
        (Y, "equal", 'or "balanced"'),
        (Y, 3, 'or "balanced"'),
    ],
)
def test_errors(y, weights, message):
    with pytest.raises(ValueError, match=message):
        with_class_weights(y, None, weights, {"out": False})


def test_stratified_validation_split():
    model = linnet.Sequential([linnet.Input((5,)), layers.Dense(3, activation="softmax")])
    model.compile(linnet.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    held = np.concatenate([np.flatnonzero(k == Y)[-n:] for k, n in ((0, 8), (1, 3), (2, 1))])
    for labels in (Y, Y[:, None]):
        history = model.fit(X, labels, validation_split=0.2, stratify=True, verbose=0).history
        assert history["val_loss"][0] == pytest.approx(model.evaluate(X[held], Y[held], verbose=0), rel=1e-5)
        kept = np.setdiff1d(np.arange(60), held)
        assert history["loss"][0] == pytest.approx(model.evaluate(X[kept], Y[kept], verbose=0), rel=1e-5)
    with pytest.raises(ValueError, match="stratify needs one label per sample"):
        model.fit(X, np.zeros((60, 2, 2)), validation_split=0.2, stratify=True)
