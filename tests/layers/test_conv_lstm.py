"""ConvLSTM1D and ConvLSTM2D: all that every layer can, the definition in NumPy, states, dropout, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from support import check_layer, samples

import linnet
from linnet import layers


def test_every_respect() -> None:
    check_layer(layers.ConvLSTM2D, {"filters": 2, "kernel_size": 3}, (3, 6, 5, 2), (4, 3, 2), 3)
    same = {"filters": 2, "kernel_size": (3, 2), "padding": "same", "return_sequences": True, "strides": 2}
    check_layer(layers.ConvLSTM2D, same, (3, 5, 4, 2), (3, 3, 2, 2), 3)
    check_layer(layers.ConvLSTM1D, {"filters": 3, "kernel_size": 3, "use_bias": False}, (3, 6, 2), (4, 3), 2)


def test_a_window_of_one_is_an_lstm_at_every_position() -> None:
    x = samples((2, 4, 3, 5))
    conv = layers.ConvLSTM1D(6, 1, return_sequences=True, return_state=True)
    y, h, c = conv(x)
    plain = layers.LSTM(6, return_sequences=True, return_state=True)
    plain.build((None, 4, 5))
    kernel, inner, bias = conv.get_weights()
    plain.set_weights([kernel[0], inner[0], bias])
    for position in range(3):
        expected = plain(x[:, :, position])
        for a, b in zip((y[:, :, position], h[:, position], c[:, position]), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(bias, [0] * 6 + [1] * 6 + [0] * 12)


def test_states_masks_and_stateful() -> None:
    x = samples((2, 4, 5, 3))
    layer = layers.ConvLSTM1D(2, 3, padding="same", return_state=True, return_sequences=True)
    y, *states = layer(x)
    first, *between = layer(x[:, :2])
    second, *last = layer(x[:, 2:], initial_state=between)
    np.testing.assert_allclose(np.concatenate([first, second], 1), y, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(last[1], states[1], rtol=1e-6, atol=1e-7)
    masked = layer(x, mask=np.array([[1, 1, 0, 0]] * 2, bool))
    np.testing.assert_allclose(masked[1], between[0], rtol=1e-6, atol=1e-7)
    source = linnet.Input(batch_shape=(2, 2, 5, 3))
    kept = layers.ConvLSTM1D(2, 3, padding="same", stateful=True)
    model = linnet.Model(source, kept(source))
    model.set_weights(layer.get_weights())
    model.predict(x[:, :2], verbose=0)
    np.testing.assert_allclose(model.predict(x[:, 2:], verbose=0), y[:, -1], rtol=1e-5, atol=1e-6)


def test_dropout() -> None:
    source = linnet.Input((3, 5, 2))
    layer = layers.ConvLSTM1D(4, 3, dropout=0.5, recurrent_dropout=0.5)
    model = linnet.Model(source, layer(source))
    x = samples((2, 3, 5, 2))
    np.testing.assert_array_equal(model(x), model(x))
    assert np.any(model(x, training=True) != model(x))
    assert (layer.filters, layer.dropout) == (4, 0.5)


def test_bad_settings() -> None:
    with pytest.raises(ValueError, match="cannot both exceed 1"):
        layers.ConvLSTM2D(2, 3, strides=2, dilation_rate=2)
    with pytest.raises(ValueError, match="filters must be a positive integer"):
        layers.ConvLSTM2D(0, 3)
    with pytest.raises(ValueError, match="must be known"):
        layers.ConvLSTM2D(2, 3)(linnet.Input((3, None, 5, 2)))
