"""What LSTM, GRU and SimpleRNN share: a cell with a kernel, a recurrent kernel and a bias, whose gates lie side by side
in their columns; and a layer around it that hands whole sequences to the engine in one operation.

The operation knows the activations linear, relu, tanh and sigmoid. With any other the layer takes its cell step by
step, as `RNN` does: the same result, more slowly.

Dropout: one mask for all steps of a sequence (Gal & Ghahramani 2016), `dropout` on the inputs, `recurrent_dropout` on
the state where it meets the recurrent kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from linnet import activations, constraints, initializers, ops, random, regularizers
from linnet.backend.input_spec import InputSpec
from linnet.backend.trace import current_trace
from linnet.layers.arguments import positive
from linnet.layers.layer import Layer
from linnet.layers.rnn import RNN
from linnet.ops.recurrent import ACTIVATIONS, recurrent

# The parts of a configuration that are looked up in a module of theirs.
_SERIALIZED = {
    "activation": activations,
    "recurrent_activation": activations,
    "kernel_initializer": initializers,
    "recurrent_initializer": initializers,
    "bias_initializer": initializers,
    "kernel_regularizer": regularizers,
    "recurrent_regularizer": regularizers,
    "bias_regularizer": regularizers,
    "kernel_constraint": constraints,
    "recurrent_constraint": constraints,
    "bias_constraint": constraints,
}


def rate(name: str, value: Any) -> float:
    """A share of dropped values, brought into [0, 1] as Keras does."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} must be a number in [0, 1], not {value!r}")
    return min(1.0, max(0.0, float(value)))


class DropoutMasks:
    """A mixin of cells: masks drawn once for a sequence and used in all of its steps."""

    _masks: tuple[Any, dict[str, Any]] | None = None

    def forget_dropout_masks(self) -> None:
        """The next step begins a new sequence."""
        self._masks = None

    def dropout_mask(self, name: str, like: Any, share: float, training: bool | None) -> Any:
        """Factors for a tensor of the shape of `like`, or None where nothing is dropped."""
        if not training or not 0.0 < share < 1.0:
            return None
        trace = current_trace()
        if self._masks is None or self._masks[0] is not trace:
            self._masks = (trace, {})
        found = self._masks[1]
        if name not in found:
            found[name] = random.dropout(ops.ones_like(like), share)
        return found[name]


class RecurrentCell(DropoutMasks, Layer):
    """Base of the three cells. `gates` columns of `units` each; the bias has `bias_shape`."""

    gates = 1
    names: tuple[str, ...] = ()  # of the settings of a configuration, in Keras's order

    def set_up(self, units: int, settings: dict[str, Any], seed: int | None) -> None:
        """Takes what __init__ was given."""
        self.units = positive("units", units)
        for name, value in settings.items():
            if name in ("dropout", "recurrent_dropout"):
                value = rate(name, value)
            elif name in _SERIALIZED:
                value = _SERIALIZED[name].get(value)
            setattr(self, name, value)
        self.names = tuple(settings)
        self.seed = seed

    @property
    def state_size(self) -> Any:
        return self.units

    @property
    def output_size(self) -> int:
        return self.units

    def bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def bias_start(self) -> Any:
        return self.bias_initializer  # type: ignore[attr-defined]

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] is None:
            raise self.error(f"the number of features, the last axis of the input, must be known, got {input_shape}")
        own: Any = self
        self.kernel = self.add_weight(
            (input_shape[-1], self.gates * self.units),
            own.kernel_initializer,
            regularizer=own.kernel_regularizer,
            constraint=own.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, self.gates * self.units),
            own.recurrent_initializer,
            regularizer=own.recurrent_regularizer,
            constraint=own.recurrent_constraint,
            name="recurrent_kernel",
        )
        self.bias = None
        if own.use_bias:
            self.bias = self.add_weight(
                self.bias_shape(),
                self.bias_start(),
                regularizer=own.bias_regularizer,
                constraint=own.bias_constraint,
                name="bias",
            )

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Zeros for a batch of that size."""
        sizes = self.state_size
        return [ops.zeros((batch_size, size)) for size in (sizes if isinstance(sizes, list) else [sizes])]

    def dropped(self, x: Any, h: Any, training: bool | None) -> tuple[Any, Any]:
        """The input of a step and the state that meets the recurrent kernel, after dropout."""
        own: Any = self
        of_x = self.dropout_mask("x", x, own.dropout, training)
        of_h = self.dropout_mask("h", h, own.recurrent_dropout, training)
        return x if of_x is None else x * of_x, h if of_h is None else h * of_h

    def settings(self) -> dict[str, Any]:
        """units and what else describes the cell, as plain data."""
        found: dict[str, Any] = {"units": self.units}
        for name in self.names:
            value = getattr(self, name)
            found[name] = _SERIALIZED[name].serialize(value) if name in _SERIALIZED else value
        found["seed"] = self.seed
        return found

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.settings()}


def engine_activation(function: Callable[..., Any]) -> str | None:
    """What the engine calls this activation, or None."""
    for name, own in ACTIVATIONS.items():
        if function is activations.get(name):
            return own
    return None


class Recurrent(RNN):
    """Base of LSTM, GRU and SimpleRNN. `operation` is the engine's name of it."""

    operation = ""
    cell: Any

    def __init__(self, cell: RecurrentCell, **kwargs: Any) -> None:
        kwargs.pop("implementation", None)  # how Keras computes; it has no effect on results
        super().__init__(cell, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def engine_attributes(self) -> dict[str, Any] | None:
        """The attributes of the operation, or None where the engine does not know an activation."""
        raise NotImplementedError

    def run(
        self, sequences: Any, states: Sequence[Any] | None, mask: Any, training: bool | None
    ) -> tuple[Any, Any, list[Any]]:
        attributes = self.engine_attributes()
        cell = self.cell
        if attributes is None or cell.dropout == 1 or cell.recurrent_dropout == 1:
            return super().run(sequences, states, mask, training)
        if training and 0 < cell.dropout < 1:
            sequences = random.dropout(sequences, cell.dropout, (None, 1, None))
        factors = None
        if training and 0 < cell.recurrent_dropout < 1:
            factors = random.dropout(ops.ones((ops.shape(sequences)[0], cell.units)), cell.recurrent_dropout)
        y, found = recurrent(
            self.operation,
            sequences,
            cell.kernel,
            cell.recurrent_kernel,
            cell.bias,
            states,
            mask,
            factors,
            reverse=self.go_backwards,
            **attributes,
        )
        return y, found[0], found

    def __getattr__(self, name: str) -> Any:
        # layer.units, layer.activation, ...: the settings of the cell are the layer's.
        cell = self.__dict__.get("cell")
        if cell is not None and name in ("units", "seed", *cell.names):
            return getattr(cell, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["cell"]
        if not config["zero_output_for_mask"]:
            del config["zero_output_for_mask"]
        return {**config, **self.cell.settings()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        from linnet.saving import deserialize_keras_object

        values = {key: deserialize_keras_object(v) if isinstance(v, dict) else v for key, v in config.items()}
        return cls(**values)
