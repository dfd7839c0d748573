"""Weights in files: names that do not depend on what was made before, and errors that say what does not fit."""

import numpy as np
import pytest
from support import samples

import linnet
from linnet import layers
from linnet.saving.weights_file import named_weights


def small(units=3, name=None):
    return linnet.Sequential(
        [linnet.Input((4,)), layers.Dense(5), layers.BatchNormalization(), layers.Dense(units, name=name)]
    )


def test_names():
    layers.Dense(1)  # moves the automatic numbers on
    inner = linnet.Sequential([linnet.Input((4,)), layers.Dense(4), layers.Dense(4)], name="inner")
    x = linnet.Input((4,))
    shared = layers.Dense(4)
    model = linnet.Model(x, layers.Dense(2, name="head")(shared(inner(shared(x)))))
    assert sorted(named_weights(model)) == sorted(
        [
            "dense/kernel",
            "dense/bias",
            "inner/dense/kernel",
            "inner/dense/bias",
            "inner/dense_1/kernel",
            "inner/dense_1/bias",
            "head/kernel",
            "head/bias",
        ]
    )
    assert [id(v) for v in named_weights(model).values()] == [id(v) for v in model.weights]


def test_the_same_architecture_made_again(tmp_path):
    path = tmp_path / "w.safetensors"
    first, second = small(), small()
    assert first.layers[0].name != second.layers[0].name
    first.save_weights(path)
    second.load_weights(path)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # A whole model's file serves too, and a layer by itself.
    first.set_weights([samples(w.shape, 3) for w in first.get_weights()])
    first.save(path)
    second.load_weights(path)
    np.testing.assert_array_equal(first(samples((2, 4))), second(samples((2, 4))))


def test_what_does_not_fit(tmp_path):
    path = tmp_path / "w.safetensors"
    small().save_weights(path)
    other = small(units=7)
    before = other.get_weights()
    message = r'weight "dense_1/kernel" has shape \(5, 7\), in the file \(5, 3\); weight "dense_1/bias"'
    with pytest.raises(ValueError, match=message):
        other.load_weights(path)
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)  # nothing was changed
    other.load_weights(path, skip_mismatch=True)
    assert not np.array_equal(before[0], other.get_weights()[0])
    np.testing.assert_array_equal(before[-2], other.get_weights()[-2])
    with pytest.raises(ValueError, match=r'"head/kernel" \(5, 3\) is not in the file.*the model has none of that name'):
        small(name="head").load_weights(path)


def test_not_built_yet(tmp_path):
    model = linnet.Sequential([layers.Dense(2)])
    with pytest.raises(ValueError, match="no weights to save yet; build"):
        model.save_weights(tmp_path / "w")
    small().save_weights(tmp_path / "w")
    with pytest.raises(ValueError, match="cannot load weights yet; build"):
        model.load_weights(tmp_path / "w")


def test_no_overwriting_unless_asked(tmp_path):
    path = tmp_path / "w"
    small().save_weights(path)
    with pytest.raises(FileExistsError, match="exists already"):
        small().save_weights(path, overwrite=False)


def test_foreign_safetensors(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "w"
    save_file({"x": np.ones(3)}, path)
    with pytest.raises(ValueError, match="not written by linnet"):
        small().load_weights(path)
    save_file({"x": np.ones(3)}, path, {"format": "linnet", "version": "99"})
    with pytest.raises(ValueError, match="format version '99'"):
        small().load_weights(path)
