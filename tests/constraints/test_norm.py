"""Constraints against formulas, and kept while training."""

import numpy as np
import pytest
from support import samples, training_losses

import linnet
from linnet import constraints


def lengths(w, axis):
    return np.linalg.norm(w.reshape(-1, w.shape[-1]) if axis == (0, 1, 2) else w, axis=0)


@pytest.mark.parametrize(("shape", "axis"), [((6, 4), 0), ((3, 3, 2, 4), (0, 1, 2))])
def test_values(shape, axis):
    w = samples(shape)
    before = lengths(w, axis)
    limit = float(np.median(before))
    got = constraints.MaxNorm(limit, axis=axis)(w)
    np.testing.assert_allclose(lengths(got, axis), np.minimum(before, limit), rtol=1e-5)
    np.testing.assert_allclose(lengths(constraints.UnitNorm(axis=axis)(w), axis), 1, rtol=1e-5)
    got = constraints.MinMaxNorm(limit, limit + 0.1, rate=0.5, axis=axis)(w)
    expected = 0.5 * np.clip(before, limit, limit + 0.1) + 0.5 * before
    np.testing.assert_allclose(lengths(got, axis), expected, rtol=1e-5)
    np.testing.assert_array_equal(constraints.NonNeg()(w), np.maximum(w, 0))


@pytest.mark.parametrize("cls", ["Dense", "Conv2D"])
def test_layers_keep_it_while_training(cls):
    linnet.utils.set_random_seed(1)
    kwargs = {"kernel_constraint": constraints.MaxNorm(0.5, axis=0 if cls == "Dense" else (0, 1, 2))}
    layer = linnet.layers.Dense(3, **kwargs) if cls == "Dense" else linnet.layers.Conv2D(3, 2, **kwargs)
    shape = (4,) if cls == "Dense" else (3, 3, 2)
    layer.bias_constraint = constraints.NonNeg()
    model = linnet.Sequential([linnet.Input(shape), layer])
    x = samples((8, *shape))
    y = 9 * samples(model(x).shape, 3)
    training_losses(model, x, y, linnet.losses.MeanSquaredError(), linnet.optimizers.SGD(0.1), steps=5)
    assert np.linalg.norm(layer.kernel.numpy().reshape(-1, 3), axis=0).max() <= 0.5 + 1e-5
    assert layer.bias.numpy().min() >= 0
    again = type(layer).from_config(layer.get_config())
    assert again.kernel_constraint.get_config() == layer.kernel_constraint.get_config()


@pytest.mark.parametrize("name", ["MaxNorm", "min_max_norm", "NonNeg", "unit_norm"])
def test_names_and_configurations(name):
    constraint = constraints.get(name)
    again = constraints.deserialize(constraints.serialize(constraint))
    assert type(again) is type(constraint)
    assert again.get_config() == constraint.get_config()


def test_unknown():
    assert constraints.get(None) is None
    with pytest.raises(ValueError, match='unknown constraint "maxnrm"; did you mean "MaxNorm" or "max_norm"'):
        linnet.layers.Dense(2, kernel_constraint="maxnrm")
