"""TimeDistributed: every step by itself, with weights, training, masks and inner layers of any rank."""

from __future__ import annotations

import numpy as np
import pytest
from support import check_layer, samples

from linnet import layers


def test_every_respect() -> None:
    check_layer(layers.TimeDistributed, {"layer": layers.Dense(4)}, (5, 3), (5, 4), 2)
    check_layer(layers.TimeDistributed, {"layer": layers.Conv2D(2, 3)}, (2, 5, 6, 3), (2, 3, 4, 2), 2)
    check_layer(layers.TimeDistributed, {"layer": layers.LSTM(4)}, (3, 5, 2), (3, 4), 3)


def test_every_step_by_itself() -> None:
    x = samples((2, 4, 6, 5, 3))
    layer = layers.TimeDistributed(layers.Conv2D(2, 3, padding="same"))
    y = layer(x)
    for step in range(4):
        np.testing.assert_array_equal(y[:, step], layer.layer(x[:, step]))


def test_training_reaches_the_inner_layer() -> None:
    x = np.ones((2, 3, 50), np.float32)
    layer = layers.TimeDistributed(layers.Dropout(0.5))
    np.testing.assert_array_equal(layer(x), x)
    assert np.any(layer(x, training=True) == 0)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="layer must be a layer, got 3"):
        layers.TimeDistributed(3)
    with pytest.raises(ValueError, match="at least 3 dimensions"):
        layers.TimeDistributed(layers.Dense(2))(samples((4, 5)))
    with pytest.raises(ValueError, match="the mask has shape"):
        layers.TimeDistributed(layers.Dense(2))(samples((4, 5, 3)), mask=np.ones((4, 4), bool))
