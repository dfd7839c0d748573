"""RNN over cells of one's own: plain objects and layers, states of several parts, masks, stateful, bad cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support import samples

import linnet
from linnet import layers, ops


class Counter:
    """No layer at all: adds up its inputs, and counts the steps."""

    state_size = (3, 1)

    def call(self, inputs: Any, states: Any) -> Any:
        total, steps = states
        return total + inputs, [total + inputs, steps + 1.0]


@linnet.saving.register_keras_serializable("test_rnn")
class MinimalCell(linnet.Layer):
    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight((input_shape[-1], self.units), name="kernel")
        self.inner = self.add_weight((self.units, self.units), name="inner")

    def call(self, inputs: Any, states: Any) -> Any:
        h = ops.matmul(inputs, self.kernel) + ops.matmul(states[0], self.inner)
        return h, [h]


def test_any_object_is_a_cell() -> None:
    x = samples((2, 5, 3))
    y, total, steps = layers.RNN(Counter(), return_state=True, return_sequences=True)(x)
    np.testing.assert_allclose(y, np.cumsum(x, 1), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(total, y[:, -1])
    np.testing.assert_array_equal(steps, [[5], [5]])
    np.testing.assert_allclose(
        layers.RNN(Counter(), return_sequences=True, go_backwards=True)(x),
        np.cumsum(x[:, ::-1], 1),
        rtol=1e-5,
        atol=1e-6,
    )


def test_a_mask_leaves_all_states_as_they_are() -> None:
    x, mask = samples((2, 4, 3)), np.array([[1, 0, 1, 0], [0, 0, 0, 0]], bool)
    y, total, steps = layers.RNN(Counter(), return_state=True, return_sequences=True)(x, mask=mask)
    np.testing.assert_array_equal(steps, [[2], [0]])
    np.testing.assert_allclose(y, np.cumsum(x * mask[..., None], 1), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(total, y[:, -1])


def test_a_cell_of_ones_own_learns_and_is_saved(tmp_path: Any) -> None:
    source = linnet.Input((5, 3))
    model = linnet.Model(source, layers.RNN([MinimalCell(4), MinimalCell(2)])(source))
    assert [w.shape for w in model.weights] == [(3, 4), (4, 4), (4, 2), (2, 2)]
    model.compile(linnet.optimizers.Adam(0.005), "mse")
    x, y = samples((8, 5, 3)), 0.1 * samples((8, 2), 2)
    losses = model.fit(x, y, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "m.linnet")
    np.testing.assert_array_equal(linnet.saving.load_model(tmp_path / "m.linnet")(x), model(x))


def test_steps_that_vary_from_batch_to_batch() -> None:
    source = linnet.Input((None, 3))
    output = layers.RNN(MinimalCell(4), return_sequences=True)(source)
    assert output.shape == (None, None, 4)
    model = linnet.Model(source, output)
    assert [model(samples((2, steps, 3))).shape for steps in (1, 4)] == [(2, 1, 4), (2, 4, 4)]


def test_stateful_with_states_of_several_parts() -> None:
    source = linnet.Input(batch_shape=(2, 2, 3))
    layer = layers.RNN(Counter(), stateful=True)
    model = linnet.Model(source, layer(source))
    x = samples((2, 2, 3))
    once, twice = model.predict(x, verbose=0), model.predict(x, verbose=0)
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(layer.states[1]), [[4], [4]])
    layer.reset_state()
    np.testing.assert_array_equal(model.predict(x, verbose=0), once)


def test_bad_cells() -> None:
    with pytest.raises(ValueError, match=r"the cell needs a method call\(inputs, states\)"):
        layers.RNN(3)
    with pytest.raises(ValueError, match="the cell needs state_size"):
        layers.RNN(layers.Dense(3))
    with pytest.raises(ValueError, match="every cell needs"):
        layers.RNN([layers.LSTMCell(3), layers.Dense(3)])
