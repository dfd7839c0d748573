"""An LSTM whose states are images and whose products are convolutions (Shi et al. 2015), in one and two dimensions:

    i, f, o = recurrent_activation(conv(x, W) + conv(h, U) + b);  g = activation(...)
    c = f c + i g;  h = o activation(c)

x (n, steps, spatial..., channels). The convolution of x has the given strides, padding and dilation and runs over all
steps at once; that of h keeps the size. Kernels (window..., channels, 4 filters) in the order i, f, g, o.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet import activations, constraints, initializers, ops, regularizers
from linnet.backend.input_spec import InputSpec
from linnet.layers.arguments import channels_last, padding_name, positive, sizes
from linnet.layers.layer import Layer
from linnet.layers.recurrent import _SERIALIZED, DropoutMasks, rate
from linnet.layers.rnn import RNN


class ConvLSTMCell(DropoutMasks, Layer):
    """One step. States: [h, c], each (n, spatial..., filters)."""

    state_size = -1  # an image: get_initial_state says which

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rank = rank
        self.filters = positive("filters", filters)
        self.kernel_size = sizes("kernel_size", kernel_size, rank)
        self.strides = sizes("strides", strides, rank)
        self.padding = padding_name(padding)
        self.data_format = channels_last(data_format)
        self.dilation_rate = sizes("dilation_rate", dilation_rate, rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(f"strides {self.strides} and dilation_rate {self.dilation_rate} cannot both exceed 1")
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.unit_forget_bias = unit_forget_bias
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = rate("dropout", dropout)
        self.recurrent_dropout = rate("recurrent_dropout", recurrent_dropout)
        self.seed = seed

    def build(self, inputs_shape: Any, states_shape: Any = None) -> None:
        if None in inputs_shape[1:]:
            raise self.error(f"height, width and channels of the input must be known, got {inputs_shape}")
        self.spatial = tuple(
            _conv_size(size, window, stride, dilation, self.padding)
            for size, window, stride, dilation in zip(
                inputs_shape[1:-1], self.kernel_size, self.strides, self.dilation_rate, strict=True
            )
        )
        self.kernel = self.add_weight(
            (*self.kernel_size, inputs_shape[-1], 4 * self.filters),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            (*self.kernel_size, self.filters, 4 * self.filters),
            self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (4 * self.filters,),
                self._bias_start if self.unit_forget_bias else self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _bias_start(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        one, own = initializers.get("ones"), self.bias_initializer
        f = self.filters
        return ops.concatenate([own((f,), dtype), one((f,), dtype), own((2 * f,), dtype)])

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Zeros for a batch of that size."""
        return [ops.zeros((batch_size, *self.spatial, self.filters)) for _ in range(2)]

    def convolve_input(self, x: Any) -> Any:
        """What x adds to all gates, with the bias."""
        z = ops.conv(x, self.kernel, self.strides, self.padding, dilation_rate=self.dilation_rate)
        return z if self.bias is None else z + self.bias

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> Any:
        mask = self.dropout_mask("x", inputs, self.dropout, training)
        return self.step(self.convolve_input(inputs if mask is None else inputs * mask), states, training)

    def step(self, z: Any, states: Any, training: bool | None) -> Any:
        """One step, given what the input adds to the gates."""
        h, c = states
        mask = self.dropout_mask("h", h, self.recurrent_dropout, training)
        z = z + ops.conv(h if mask is None else h * mask, self.recurrent_kernel, 1, "same")
        i, f, g, o = ops.split(z, 4, axis=-1)
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(g)
        h = self.recurrent_activation(o) * self.activation(c)
        return h, [h, c]

    def settings(self) -> dict[str, Any]:
        """What describes the cell but for its rank, as plain data."""
        own = {name: getattr(self, name) for name in _SETTINGS}
        for name, module in _SERIALIZED.items():
            own[name] = module.serialize(own[name])
        return own

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rank": self.rank, **self.settings()}


def _conv_size(size: int, window: int, stride: int, dilation: int, padding: str) -> int:
    if padding == "same":
        return -(-size // stride)
    return (size - dilation * (window - 1) - 1) // stride + 1


class _InputDone:
    """A cell whose inputs are convolved already."""

    def __init__(self, cell: ConvLSTMCell) -> None:
        self.cell = cell

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> Any:
        return self.cell.step(inputs, states, training)


class ConvLSTM(RNN):
    """Base of ConvLSTM1D and ConvLSTM2D."""

    rank = 0
    cell: Any

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        cell = ConvLSTMCell(
            self.rank,
            filters,
            kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            name="conv_lstm_cell",
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=self.rank + 3)

    @property
    def state_size(self) -> list[Any]:
        return [None, None]  # images

    def run(
        self, sequences: Any, states: Sequence[Any] | None, mask: Any, training: bool | None
    ) -> tuple[Any, Any, list[Any]]:
        cell = self.cell
        n, steps, *image = ops.shape(sequences)
        factors = cell.dropout_mask("x", sequences[:, 0], cell.dropout, training)
        x = sequences if factors is None else sequences * ops.expand_dims(factors, 1)
        z = cell.convolve_input(ops.reshape(x, (n * steps, *image)))
        z = ops.reshape(z, (n, steps, *z.shape[1:]))
        if states is None:
            states = self.get_initial_state(n)
        return self.unrolled(_InputDone(cell), z, states, mask, training)

    def __getattr__(self, name: str) -> Any:
        cell = self.__dict__.get("cell")
        if cell is not None and name in _SETTINGS:
            return getattr(cell, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for name in ("cell", "unroll", "zero_output_for_mask"):
            if name == "cell" or not config[name]:
                del config[name]
        return {**config, **self.cell.settings()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        from linnet.saving import deserialize_keras_object

        return cls(**{k: deserialize_keras_object(v) if isinstance(v, dict) else v for k, v in config.items()})


_SETTINGS = (
    "filters",
    "kernel_size",
    "strides",
    "padding",
    "data_format",
    "dilation_rate",
    "activation",
    "recurrent_activation",
    "use_bias",
    "kernel_initializer",
    "recurrent_initializer",
    "bias_initializer",
    "unit_forget_bias",
    "kernel_regularizer",
    "recurrent_regularizer",
    "bias_regularizer",
    "kernel_constraint",
    "recurrent_constraint",
    "bias_constraint",
    "dropout",
    "recurrent_dropout",
    "seed",
)
