"""Cells on top of one another: the same as layers on top of one another; states, dropout, saving."""

from __future__ import annotations

import numpy as np
from support import check_layer, samples

import linnet
from linnet import layers


def test_the_same_as_a_stack_of_layers() -> None:
    x = samples((3, 6, 4))
    cells = [layers.LSTMCell(5), layers.GRUCell(3)]
    stacked = layers.RNN(cells, return_sequences=True, return_state=True)
    y, first, second = stacked(x)
    lstm, gru = layers.LSTM(5, return_sequences=True, return_state=True), layers.GRU(3, return_sequences=True)
    lstm(x), gru(lstm(x)[0])
    lstm.set_weights(cells[0].get_weights())
    gru.set_weights(cells[1].get_weights())
    below, h, c = lstm(x)
    np.testing.assert_allclose(y, gru(below), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(first[0], h, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(first[1], c, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(second[0] if isinstance(second, (list, tuple)) else second, y[:, -1])


def test_every_respect() -> None:
    cells = [layers.SimpleRNNCell(4), layers.LSTMCell(5)]
    check_layer(lambda **kwargs: layers.RNN(layers.StackedRNNCells(kwargs.pop("cells")), **kwargs), {"cells": cells},
                (4, 3), (5,), 6)  # fmt: skip
    assert layers.StackedRNNCells(cells).output_size == 5
    assert layers.StackedRNNCells(cells).state_size == [4, [5, 5]]


def test_dropout_of_inner_cells() -> None:
    source = linnet.Input((4, 3))
    cells = [layers.LSTMCell(8, dropout=0.5), layers.LSTMCell(8, recurrent_dropout=0.5)]
    model = linnet.Model(source, layers.RNN(cells)(source))
    x = samples((3, 4, 3))
    np.testing.assert_array_equal(model(x), model(x))
    assert np.any(model(x, training=True) != model(x))
