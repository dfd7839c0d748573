"""The simplest recurrent network (Elman 1990): h = activation(x . W + h . U + b).

Gradients through many steps vanish or explode (Bengio, Simard & Frasconi 1994): see LSTM and GRU for what was found
against that.
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.recurrent import Recurrent, RecurrentCell, engine_activation


class SimpleRNNCell(RecurrentCell):
    """One step of a SimpleRNN. State: [h]. Arguments as of SimpleRNN."""

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
        super().__init__(**kwargs)
        self.set_up(units, settings, seed)

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> Any:
        own: Any = self
        h = states[0] if isinstance(states, (list, tuple)) else states
        x, dropped = self.dropped(inputs, h, training)
        z = ops.matmul(x, self.kernel) + ops.matmul(dropped, self.recurrent_kernel)
        if self.bias is not None:
            z = z + self.bias
        h = own.activation(z)
        return h, [h] if isinstance(states, (list, tuple)) else h


class SimpleRNN(Recurrent):
    """A fully connected recurrent layer over sequences x (n, steps, features).

    units: size of the output and of the state. The other arguments are those of RNN, or name an initializer,
    regularizer or constraint of one of the weights. `unroll` is accepted and changes nothing.
    Raises ValueError for an input that is not (n, steps, features) and as RNN does.
    """

    operation = "simple_rnn"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        cell = SimpleRNNCell(
            units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            name="simple_rnn_cell",
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
        inner = engine_activation(self.cell.activation)
        return None if inner is None else {"activation": inner}
