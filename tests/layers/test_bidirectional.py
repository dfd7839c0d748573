"""Bidirectional: the two layers inside, merge modes, states, masks, saving, settings that do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support import check_layer, samples

import linnet
from linnet import layers


@pytest.mark.parametrize("mode", ["concat", "sum", "ave", "mul"])
@pytest.mark.parametrize("sequences", [True, False])
def test_every_respect(mode: str, sequences: bool) -> None:
    width = 10 if mode == "concat" else 5
    shape = (4, width) if sequences else (width,)
    inner = layers.GRU(5, return_sequences=sequences)
    check_layer(layers.Bidirectional, {"layer": inner, "merge_mode": mode}, (4, 3), shape, 6)


@pytest.mark.parametrize("mode", ["concat", "sum", "ave", "mul", None])
def test_it_is_two_layers(mode: Any) -> None:
    x = samples((3, 6, 2))
    both = layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode=mode)
    found = both(x)
    forward = both.forward_layer(x)
    backward = both.backward_layer(x)[:, ::-1]
    merged = {
        "concat": lambda: np.concatenate([forward, backward], -1),
        "sum": lambda: forward + backward,
        "ave": lambda: (forward + backward) / 2,
        "mul": lambda: forward * backward,
    }
    if mode is None:
        np.testing.assert_array_equal(found[0], forward)
        np.testing.assert_array_equal(found[1], backward)
    else:
        np.testing.assert_allclose(found, merged[mode](), rtol=1e-6, atol=1e-7)
    assert both.backward_layer.go_backwards
    assert (both.forward_layer.name[:8], both.backward_layer.name[:9]) == ("forward_", "backward_")


def test_states_and_masks() -> None:
    x = samples((2, 5, 3))
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], bool)
    both = layers.Bidirectional(layers.LSTM(4, return_sequences=True, return_state=True))
    y, *states = both(x, mask=mask)
    assert [s.shape for s in states] == [(2, 4)] * 4
    short, *expected = both(x[:1, :3])
    np.testing.assert_allclose(y[0, :3], short[0], rtol=1e-6, atol=1e-7)
    assert not np.any(y[0, 3:])
    for a, b in zip(states, expected, strict=True):
        np.testing.assert_allclose(a[0], b[0], rtol=1e-6, atol=1e-7)
    again = both(x, initial_state=states)
    assert np.any(again[0] != y)


def test_stateful() -> None:
    source = linnet.Input(batch_shape=(2, 3, 2))
    both = layers.Bidirectional(layers.GRU(4, stateful=True))
    model = linnet.Model(source, both(source))
    x = samples((2, 3, 2))
    first = model.predict(x, verbose=0)
    assert np.any(model.predict(x, verbose=0) != first)
    assert len(both.states) == 2
    both.reset_state()
    np.testing.assert_array_equal(model.predict(x, verbose=0), first)
    with pytest.raises(AttributeError, match="is not stateful"):
        layers.Bidirectional(layers.GRU(4)).reset_states()


def test_weights_to_begin_with() -> None:
    x = samples((2, 3, 2))
    first = layers.Bidirectional(layers.SimpleRNN(3))
    first(x)
    second = layers.Bidirectional(layers.SimpleRNN(3), weights=first.get_weights())
    np.testing.assert_array_equal(second(x), first(x))


def test_bad_settings() -> None:
    with pytest.raises(ValueError, match="layer must be a layer, got 3"):
        layers.Bidirectional(3)
    with pytest.raises(ValueError, match="layer must be a recurrent layer, got Dense 'dense"):
        layers.Bidirectional(layers.Dense(3))
    with pytest.raises(ValueError, match="merge_mode"):
        layers.Bidirectional(layers.GRU(3), merge_mode="add")
    with pytest.raises(ValueError, match="must differ in go_backwards"):
        layers.Bidirectional(layers.GRU(3), backward_layer=layers.GRU(3))
    with pytest.raises(ValueError, match="must agree in return_sequences"):
        layers.Bidirectional(layers.GRU(3, return_sequences=True), backward_layer=layers.GRU(3, go_backwards=True))
