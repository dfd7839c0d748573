"""What all losses share: reductions, sample weights, masks, shapes that must agree, configurations."""

import numpy as np
import pytest
from support import run_traced, samples

import linnet
from linnet import losses, ops
from linnet.backend.errors import ShapeError

Y = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
P = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 5.0]])
PER_SAMPLE = np.array([1.0, 4.0, 17.0])  # mean squared errors


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("sum_over_batch_size", PER_SAMPLE.mean()),
        ("mean", PER_SAMPLE.mean()),
        ("mean_with_sample_weight", PER_SAMPLE.mean()),
        ("sum", PER_SAMPLE.sum()),
        ("none", PER_SAMPLE),
        (None, PER_SAMPLE),
    ],
)
def test_reductions(reduction, expected):
    np.testing.assert_allclose(losses.MeanSquaredError(reduction=reduction)(Y, P), expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("sum_over_batch_size", (2 * 1 + 0 + 0.5 * 17) / 3),
        ("mean_with_sample_weight", (2 * 1 + 0 + 0.5 * 17) / 2.5),
        ("sum", 2 * 1 + 0.5 * 17),
    ],
)
def test_sample_weights(reduction, expected, shape):
    weights = np.array([2.0, 0.0, 0.5]).reshape(shape)
    assert losses.MeanSquaredError(reduction=reduction)(Y, P, weights) == pytest.approx(expected, rel=1e-6)
    traced = run_traced(losses.MeanSquaredError(reduction=reduction), [Y, P, weights])[0]
    assert traced == pytest.approx(expected, rel=1e-6)


def test_sample_weights_per_time_step_and_per_sequence():
    y, p = samples((2, 3, 4), 1), samples((2, 3, 4), 2)
    per_step = np.mean((y.astype(float) - p) ** 2, -1)
    weights = np.array([[1.0, 2.0, 0.0], [0.5, 1.0, 3.0]])
    loss = losses.MeanSquaredError()
    assert loss(y, p, weights) == pytest.approx(np.mean(per_step * weights), rel=1e-5)
    assert loss(y, p, weights[:, 0]) == pytest.approx(np.mean(per_step * weights[:, :1]), rel=1e-5)
    loss = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    expected = np.sum(per_step * weights[:, :1]) / np.sum(np.broadcast_to(weights[:, :1], (2, 3)))
    assert loss(y, p, weights[:, 0]) == pytest.approx(expected, rel=1e-5)


def test_weights_that_do_not_fit_are_an_error():
    with pytest.raises(ShapeError, match=r"sample_weight of shape \(2,\) does not fit losses of shape \(3,\)"):
        losses.MeanSquaredError()(Y, P, np.ones(2))
    with pytest.raises(ShapeError, match="does not fit"):
        losses.MeanSquaredError()(np.zeros((2, 3, 4)), np.zeros((2, 3, 4)), np.ones(3))


def test_nothing_is_broadcast_silently():
    for shape in [(3,), (3, 4), (1, 2), (2, 3, 2)]:
        with pytest.raises(ShapeError, match="y_true and y_pred must have the same shape"):
            losses.MeanSquaredError()(np.zeros(shape), P)
    # One missing or superfluous last axis of size 1 is no ambiguity.
    column = P[:, :1]
    assert losses.MeanSquaredError()(Y[:, 0], column) == losses.MeanSquaredError()(Y[:, :1], column[:, 0])
    assert losses.mean_squared_error(Y[:, 0], column).shape == (3,)


def test_mask_of_the_predictions_leaves_values_out():
    def call(y, p, mask):
        p._keras_mask = mask
        return losses.MeanSquaredError()(y, p), losses.MeanSquaredError(reduction="sum")(y, p)

    mask = np.array([1.0, 0.0, 1.0])
    mean, total = run_traced(call, [Y, P, mask])
    assert mean == pytest.approx((1 + 17) / 2)
    assert total == pytest.approx(18)


def test_own_loss_class_and_function():
    class Quartic(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean((y_true - y_pred) ** 4, axis=-1)

    assert Quartic()(Y, P) == pytest.approx(np.mean(P**4))
    assert Quartic().name == "quartic"
    wrapped = losses.LossFunctionWrapper(lambda y, p: ops.sum(ops.absolute(y - p), axis=-1), name="l1", reduction="sum")
    assert wrapped(Y, P) == pytest.approx(P.sum())


def test_integer_and_boolean_labels():
    assert losses.MeanSquaredError()(np.array([[1], [0]]), [[0.5], [0.5]]) == pytest.approx(0.25)
    assert losses.MeanSquaredError()(np.array([[True], [False]]), [[0.5], [0.5]]) == pytest.approx(0.25)


def test_unknown_reduction():
    with pytest.raises(ValueError, match='unknown reduction "avg"'):
        losses.MeanSquaredError(reduction="avg")


@pytest.mark.parametrize(
    "loss",
    [
        losses.Huber(delta=0.3, reduction="sum", name="mine"),
        losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1),
        losses.BinaryCrossentropy(label_smoothing=0.1),
        losses.CosineSimilarity(axis=-2),
        losses.LossFunctionWrapper(losses.mean_absolute_error, reduction="sum"),
    ],
)
def test_configuration_round_trip(loss):
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()


def test_every_public_class_can_be_made_from_its_name():
    for name in losses.__all__:
        found = getattr(losses, name)
        if isinstance(found, type) and name not in ("Loss", "LossFunctionWrapper"):
            assert type(losses.get(name)) is found
            assert losses.get(losses.serialize(found())).get_config() == found().get_config()
        elif not isinstance(found, type) and name not in ("get", "serialize", "deserialize"):
            assert losses.get(name) is found


def test_get():
    assert losses.get("mse") is losses.mean_squared_error
    assert losses.get(None) is None
    assert losses.get(losses.mean_squared_error) is losses.mean_squared_error
    with pytest.raises(ValueError, match='unknown loss "mean_squared_eror"; did you mean "mean_squared_error"'):
        losses.get("mean_squared_eror")
    with pytest.raises(ValueError, match="cannot read 3 as a loss"):
        losses.get(3)
    assert linnet.Loss is losses.Loss
