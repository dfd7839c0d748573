"""Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers, Schmidhuber & Cummins 2000):

    i, f, o = recurrent_activation(x . W + h . U + b), each with its columns;  g = activation(...)
    c = f c + i g            the cell: what is remembered
    h = o activation(c)      the output

Columns of W (in, 4 units), U (units, 4 units) and b (4 units) in the order i, f, g, o, as in Keras.
"""

from __future__ import annotations

from typing import Any

from linnet import initializers, ops
from linnet.layers.recurrent import Recurrent, RecurrentCell, engine_activation


class LSTMCell(RecurrentCell):
    """One step of an LSTM. States: [h, c]. Arguments as of LSTM."""

    gates = 4

    def __init__(
        self,
        units: int,
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
        settings = {k: v for k, v in locals().items() if k not in ("self", "units", "seed", "kwargs", "__class__")}
        kwargs.pop("implementation", None)
        super().__init__(**kwargs)
        self.set_up(units, settings, seed)

    @property
    def state_size(self) -> list[int]:
        return [self.units, self.units]

    def bias_start(self) -> Any:
        own: Any = self
        if not own.unit_forget_bias:
            return own.bias_initializer
        units, inner = self.units, own.bias_initializer

        def start(shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
            ones = initializers.get("ones")
            return ops.concatenate([inner((units,), dtype), ones((units,), dtype), inner((2 * units,), dtype)])

        return start

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> Any:
        own: Any = self
        h, c = states
        x, dropped = self.dropped(inputs, h, training)
        z = ops.matmul(x, self.kernel) + ops.matmul(dropped, self.recurrent_kernel)
        if self.bias is not None:
            z = z + self.bias
        i, f, g, o = ops.split(z, 4, axis=-1)
        c = own.recurrent_activation(f) * c + own.recurrent_activation(i) * own.activation(g)
        h = own.recurrent_activation(o) * own.activation(c)
        return h, [h, c]


class LSTM(Recurrent):
    """A long short-term memory over sequences x (n, steps, features).

    units: size of the output and of the states. unit_forget_bias: the forget gate's bias begins at 1, which lets
    gradients through from the start. The other arguments are those of RNN, or name an initializer, regularizer or
    constraint of one of the weights. `unroll`, `use_cudnn` and `implementation` are accepted and change nothing.
    Raises ValueError for an input that is not (n, steps, features) and as RNN does.
    """

    operation = "lstm"

    def __init__(
        self,
        units: int,
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
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = LSTMCell(
            units,
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
            name="lstm_cell",
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )

    def engine_attributes(self) -> dict[str, Any] | None:
        inner, gate = engine_activation(self.cell.activation), engine_activation(self.cell.recurrent_activation)
        return None if inner is None or gate is None else {"activation": inner, "recurrent_activation": gate}
