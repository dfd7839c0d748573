"""Mean 0 and variance 1 by numbers that are given or found out."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from support import check_layer, samples

import linnet
from linnet.layers import Normalization

DATA = samples((50, 4)) * np.array([1, 2, 3, 4], np.float32) + np.array([5, 0, -5, 100], np.float32)


def test_layer():
    check_layer(Normalization, {}, (3, 4), (3, 4), 3, 0)
    check_layer(Normalization, {"axis": None, "invert": True}, (3, 4), (3, 4), 3, 0)
    check_layer(Normalization, {"mean": 1.5, "variance": 4.0}, (3, 4), (3, 4), 0)
    given = {"axis": (1, 2), "mean": [1.0, 2.0, 3.0, 4.0], "variance": [1.0, 4.0, 9.0, 0.5]}
    check_layer(Normalization, given, (3, 4), (3, 4), 0)


@pytest.mark.parametrize("shift", [0, 1e4])
def test_adapt(shift):
    data = DATA + np.float32(shift)
    layer = Normalization()
    layer.adapt(data)
    y = layer(data)
    np.testing.assert_allclose(y.mean(0), 0, atol=2e-3 if shift else 1e-5)
    np.testing.assert_allclose(y.std(0), 1, rtol=1e-3)
    back = Normalization(invert=True)
    back.adapt(data)
    np.testing.assert_allclose(back(y), data, rtol=1e-4, atol=1e-3)


def test_adapt_in_batches():
    whole = Normalization()
    whole.adapt(DATA)
    for batches in ([DATA[:7], DATA[7:30], DATA[30:]], ((DATA[i : i + 20], i) for i in (0, 20, 40))):
        layer = Normalization()
        layer.adapt(batches)
        for one, other in zip(layer.get_weights(), whole.get_weights(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)
    whole.adapt(DATA * 2)  # forgets what was before
    np.testing.assert_allclose(whole.get_weights()[0], DATA.mean(0) * 2, rtol=1e-5)


def test_constant_columns_stay_finite():
    layer = Normalization()
    layer.adapt(np.ones((5, 2), np.float32))
    np.testing.assert_array_equal(layer(np.ones((3, 2), np.float32)), 0)


def test_state_is_saved():
    layer = Normalization()
    layer.adapt(DATA)
    model = linnet.Sequential([linnet.Input((4,)), layer, linnet.layers.Dense(2)])
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.linnet")
        loaded = linnet.saving.load_model(Path(folder) / "model.linnet")
    np.testing.assert_array_equal(loaded.predict(DATA, verbose=0), model.predict(DATA, verbose=0))


def test_errors():
    for kwargs, message in (
        ({"mean": 1.0}, "must be given together"),
        ({"mean": [1.0, 2.0], "variance": 1.0}, "the same shape"),
        ({"mean": [[1.0]], "variance": [[1.0]]}, "more axes"),
    ):
        with pytest.raises(ValueError, match=message):
            Normalization(**kwargs)
    with pytest.raises(ValueError, match=r'normalization "n": axis \(3,\) does not exist'):
        Normalization(axis=3, name="n")(DATA)
    with pytest.raises(ValueError, match="must have a known size"):
        Normalization(axis=0)(DATA)
    with pytest.raises(ValueError, match="do not fit an input"):
        Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0])(DATA)
    with pytest.raises(ValueError, match="got no data"):
        Normalization().adapt([])
    with pytest.raises(ValueError, match="were given already"):
        Normalization(mean=1.0, variance=1.0).adapt(DATA)
    layer = Normalization()
    layer.adapt(DATA)
    with pytest.raises(ValueError, match=r"data of shape \(50, 3\), which does not fit"):
        layer.adapt(DATA[:, :3])
