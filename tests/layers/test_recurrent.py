"""LSTM, GRU and SimpleRNN: all that every layer can; one operation or step by step give the same; states, masks,
dropout, activations, bad input. Values are held against Keras in tests/parity, kernels in tests/engine and tests/cpp.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support import check_layer, samples

import linnet
from linnet import layers, ops

KINDS = ("LSTM", "GRU", "SimpleRNN")
STATES = {"LSTM": 2, "GRU": 1, "SimpleRNN": 1}


@pytest.fixture(params=KINDS)
def kind(request: Any) -> str:
    return str(request.param)


def make(kind: str, units: int = 6, **kwargs: Any) -> Any:
    return getattr(layers, kind)(units, **kwargs)


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"return_sequences": True},
        {"return_sequences": True, "go_backwards": True, "use_bias": False},
        {"activation": "softsign", "kernel_regularizer": "l2", "bias_initializer": "ones"},
    ],
)
def test_every_respect(kind: str, kwargs: dict[str, Any]) -> None:
    out = (5, 6) if kwargs.get("return_sequences") else (6,)
    check_layer(getattr(layers, kind), {"units": 6, **kwargs}, (5, 3), out, 2 if kwargs.get("use_bias") is False else 3)


def test_gru_with_the_reset_before() -> None:
    check_layer(layers.GRU, {"units": 5, "reset_after": False}, (4, 3), (5,), 3)
    assert layers.GRU(5, reset_after=False).cell.bias_shape() == (15,)


def test_weights_are_those_of_keras() -> None:
    for layer, shapes in (
        (layers.LSTM(4), [(3, 16), (4, 16), (16,)]),
        (layers.GRU(4), [(3, 12), (4, 12), (2, 12)]),
        (layers.SimpleRNN(4), [(3, 4), (4, 4), (4,)]),
    ):
        layer.build((None, 5, 3))
        assert [w.shape for w in layer.weights] == shapes
        assert [w.name for w in layer.weights] == ["kernel", "recurrent_kernel", "bias"]
    bias = layers.LSTM(3)
    bias.build((None, 5, 3))
    np.testing.assert_array_equal(bias.get_weights()[2], [0] * 3 + [1] * 3 + [0] * 6)


def test_the_recurrent_kernel_starts_orthogonal(kind: str) -> None:
    layer = make(kind, 8)
    layer.build((None, 5, 3))
    kernel = layer.get_weights()[1]
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(8), atol=1e-5)


def test_the_cell_step_by_step_gives_the_same(kind: str) -> None:
    x = samples((4, 7, 3))
    for kwargs in ({"return_sequences": True, "return_state": True}, {"go_backwards": True}):
        layer = make(kind, **kwargs)
        found = layer(x)
        steps = layers.RNN(layer.cell, **kwargs)
        expected = steps(x)
        for a, b in zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]:
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def check_same(got, expected) -> None:
    """The same bits; but `reference` carries the state in double from step to step, and rounds it between calls."""
    if linnet._engine.isa() == "reference":
        np.testing.assert_allclose(got, expected, rtol=2e-6, atol=1e-7)
    else:
        np.testing.assert_array_equal(got, expected)


def test_a_sequence_in_two_parts_with_its_state_handed_on(kind: str) -> None:
    x = samples((4, 7, 3))
    layer = make(kind, return_state=True, return_sequences=True)
    y, *states = layer(x)
    first, *between = layer(x[:, :3])
    second, *last = layer(x[:, 3:], initial_state=between)
    check_same(np.concatenate([first, second], 1), y)
    for a, b in zip(last, states, strict=True):
        check_same(a, b)


def test_stateful_goes_on_where_it_ended(kind: str) -> None:
    x = samples((4, 6, 3))
    source = linnet.Input(batch_shape=(4, 3, 3))
    layer = make(kind, stateful=True)
    model = linnet.Model(source, layer(source))
    whole = make(kind)
    whole.build((None, 6, 3))
    whole.set_weights(model.get_weights())
    assert len(model.weights) == 3  # the state is none of them
    first = model.predict(x[:, :3], batch_size=4, verbose=0)
    check_same(model.predict(x[:, 3:], batch_size=4, verbose=0), whole(x))
    layer.reset_state()
    np.testing.assert_array_equal(model.predict(x[:, :3], batch_size=4, verbose=0), first)
    layer.reset_states()
    assert all(not np.any(np.asarray(state)) for state in layer.states)
    with pytest.raises(ValueError, match="batches of 4 rows, this one has 3"):
        model.predict(x[:3, :3], verbose=0)


def test_stateful_trains_on_parts_of_a_sequence(kind: str) -> None:
    source = linnet.Input(batch_shape=(4, 3, 3))
    model = linnet.Model(source, make(kind, stateful=True)(source))
    model.compile("adam", "mse")
    x, y = samples((8, 3, 3)), samples((8, 6), 2)
    history = model.fit(x, y, batch_size=4, epochs=40, shuffle=False, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_stateful_needs_the_batch_size(kind: str) -> None:
    with pytest.raises(ValueError, match="a stateful layer needs to know the batch size"):
        make(kind, stateful=True)(samples((4, 5, 3)))


def test_masked_steps_do_not_exist(kind: str) -> None:
    x = samples((5, 6, 3))
    mask = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 0], [1, 0, 1, 0, 1, 0], [1] * 6, [0] * 6], bool)
    layer = make(kind, return_sequences=True, return_state=True)
    y, *states = layer(x, mask=mask)
    for row in range(5):
        alone = layer(x[row : row + 1][:, mask[row]]) if mask[row].any() else None
        if alone is None:
            assert not any(np.any(s[row]) for s in (y, *states))
            continue
        np.testing.assert_array_equal(alone[0][0], y[row, mask[row]])
        for a, b in zip(alone[1:], states, strict=True):
            np.testing.assert_array_equal(a[0], b[row])


def test_masks_travel(kind: str) -> None:
    tokens = np.array([[1, 2, 3, 0, 0], [3, 1, 2, 2, 1]], np.int32)
    source = linnet.Input((5,), dtype="int32")
    embedded = layers.Embedding(4, 3, mask_zero=True)
    inner = make(kind, return_sequences=True)
    outer = make(kind)
    model = linnet.Model(source, outer(inner(embedded(source))))
    short = embedded(tokens[:1, :3])
    np.testing.assert_allclose(model.predict(tokens, verbose=0)[0], outer(inner(short))[0], rtol=1e-6, atol=1e-7)


def test_zero_output_where_masked(kind: str) -> None:
    x, mask = samples((2, 4, 3)), np.array([[1, 1, 0, 0], [0, 1, 1, 1]], bool)
    y = make(kind, return_sequences=True, zero_output_for_mask=True)(x, mask=mask)
    assert not np.any(y[~mask])
    assert np.all(y[mask])
    last = make(kind, zero_output_for_mask=True)(x, mask=mask)
    assert not np.any(last[0])
    assert np.all(last[1])


def dropped_model(kind: str, **kwargs: Any) -> Any:
    source = linnet.Input((4, 3))
    return linnet.Model(source, make(kind, 50, return_sequences=True, **kwargs)(source))


def test_dropout_has_one_mask_for_all_steps(kind: str) -> None:
    x = np.ones((3, 4, 3), np.float32)
    model = dropped_model(kind, dropout=0.5)
    np.testing.assert_array_equal(model(x), model(x))
    assert np.any(model(x, training=True) != model(x))
    # Without a recurrent kernel, every step is the same but for the state: an SRN of equal inputs stays equal.
    if kind == "SimpleRNN":
        weights = model.get_weights()
        weights[1][:] = 0
        model.set_weights(weights)
        y = model(x, training=True)
        np.testing.assert_array_equal(y[:, 1:], np.repeat(y[:, :1], 3, axis=1))


def test_recurrent_dropout_drops_the_state_alone(kind: str) -> None:
    x = samples((3, 4, 3))
    model = dropped_model(kind, recurrent_dropout=0.5)
    plain, dropped = model(x), model(x, training=True)
    np.testing.assert_array_equal(plain[:, 0], dropped[:, 0])
    assert np.any(plain[:, 1] != dropped[:, 1])


@pytest.mark.parametrize(
    "kwargs", [{"dropout": 0.3}, {"recurrent_dropout": 0.3}, {"activation": "softsign", "dropout": 0.3}]
)
def test_dropout_trains(kind: str, kwargs: dict[str, Any]) -> None:
    model = dropped_model(kind, **kwargs)
    model.compile("adam", "mse")
    x, y = samples((8, 4, 3)), samples((8, 4, 50), 3)
    before = model.evaluate(x, y, verbose=0)
    losses = model.fit(x, y, epochs=40, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert model.evaluate(x, y, verbose=0) < before


def test_the_same_bits_on_any_number_of_threads(kind: str) -> None:
    x, y = samples((37, 9, 5)), samples((37, 24), 2)
    found = []
    for threads in (1, 3):
        linnet.set_num_threads(threads)
        linnet.utils.set_random_seed(7)
        source = linnet.Input((9, 5))
        model = linnet.Model(source, make(kind, 24, dropout=0.2, recurrent_dropout=0.2)(source))
        model.compile("adam", "mse")
        model.fit(x, y, batch_size=16, epochs=2, verbose=0)
        found.append(model.get_weights())
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_activations_by_name_and_by_function() -> None:
    x = samples((3, 4, 3))
    one = layers.LSTM(5, activation="relu", recurrent_activation="hard_sigmoid")
    two = layers.LSTM(5, activation=ops.relu, recurrent_activation=linnet.activations.hard_sigmoid)
    one(x), two(x)
    two.set_weights(one.get_weights())
    np.testing.assert_allclose(one(x), two(x), rtol=1e-6, atol=1e-7)


def test_settings_of_the_cell_are_the_layers() -> None:
    layer = layers.LSTM(5, dropout=0.25, recurrent_initializer="zeros", name="memory")
    assert (layer.units, layer.dropout, layer.use_bias, layer.unit_forget_bias) == (5, 0.25, True, True)
    assert layer.get_config()["units"] == 5
    with pytest.raises(AttributeError, match="'LSTM' object has no attribute 'unit'"):
        layer.unit  # noqa: B018


@pytest.mark.parametrize("cls", [layers.LSTMCell, layers.GRUCell, layers.SimpleRNNCell])
def test_a_cell_alone(cls: Any) -> None:
    cell = cls(4)
    x = samples((3, 2))
    states = [np.zeros((3, 4), np.float32)] * (2 if cls is layers.LSTMCell else 1)
    y, new = cell(x, states)
    assert y.shape == (3, 4)
    np.testing.assert_array_equal(y, new[0])
    twin = linnet.saving.deserialize_keras_object(linnet.saving.serialize_keras_object(cell))
    assert twin.get_config() == cell.get_config()


def test_bad_input(kind: str) -> None:
    with pytest.raises(ValueError, match="units must be a positive integer, not 0"):
        make(kind, 0)
    with pytest.raises(ValueError, match="dropout must be a number"):
        make(kind, dropout="half")
    low = make(kind)._title().split()[0]
    with pytest.raises(ValueError, match=rf"{low} .*3"):
        make(kind)(samples((4, 5)))
    with pytest.raises(ValueError, match="at least one time step"):
        make(kind)(np.zeros((2, 0, 3), np.float32))
    x = samples((4, 5, 3))
    with pytest.raises(ValueError, match=rf"initial_state has 3 tensors, the cell has {STATES[kind]} states"):
        make(kind)(x, initial_state=[np.zeros((4, 6), np.float32)] * 3)
    with pytest.raises(ValueError, match=r"initial_state has shape \(None, 5\), expected \(batch, 6\)"):
        make(kind)(x, initial_state=[np.zeros((4, 5), np.float32)] * STATES[kind])
    with pytest.raises(ValueError, match=r"the mask has shape \(None, 4\), expected \(batch, 5\)"):
        make(kind)(x, mask=np.ones((4, 4), bool))
    layer = make(kind)
    layer(x)
    with pytest.raises(ValueError, match="3"):
        layer(samples((4, 5, 2)))
