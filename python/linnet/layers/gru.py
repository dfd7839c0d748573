"""Gated recurrent units (Cho et al. 2014):

    z, r = recurrent_activation(x . W + h . U + b), each with its columns
    g = activation(x . W_g + r (h . U_g))         reset_after, the default; else (r h) . U_g
    h = z h + (1 - z) g

Columns of W (in, 3 units) and U (units, 3 units) in the order z, r, g, as in Keras. The bias is (2, 3 units) with
reset_after, one for the products of x and one for those of h; else (3 units).
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.recurrent import Recurrent, RecurrentCell, engine_activation


class GRUCell(RecurrentCell):
    """One step of a GRU. State: [h]. Arguments as of GRU."""

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        settings = {k: v for k, v in locals().items() if k not in ("self", "units", "seed", "kwargs", "__class__")}
        kwargs.pop("implementation", None)
        super().__init__(**kwargs)
        self.set_up(units, settings, seed)

    def bias_shape(self) -> tuple[int, ...]:
        own: Any = self
        return (2, 3 * self.units) if own.reset_after else (3 * self.units,)

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> Any:
        own: Any = self
        h = states[0] if isinstance(states, (list, tuple)) else states
        x, dropped = self.dropped(inputs, h, training)
        a = ops.matmul(x, self.kernel)
        units = self.units
        if self.bias is not None:
            a = a + (self.bias[0] if own.reset_after else self.bias)
        if own.reset_after:
            b = ops.matmul(dropped, self.recurrent_kernel)
            if self.bias is not None:
                b = b + self.bias[1]
            z = own.recurrent_activation(a[:, :units] + b[:, :units])
            r = own.recurrent_activation(a[:, units : 2 * units] + b[:, units : 2 * units])
            inner = r * b[:, 2 * units :]
        else:
            u = ops.convert_to_tensor(self.recurrent_kernel)
            b = ops.matmul(dropped, u[:, : 2 * units])
            z = own.recurrent_activation(a[:, :units] + b[:, :units])
            r = own.recurrent_activation(a[:, units : 2 * units] + b[:, units:])
            inner = ops.matmul(r * dropped, u[:, 2 * units :])
        g = own.activation(a[:, 2 * units :] + inner)
        h = z * h + (1.0 - z) * g
        return h, [h] if isinstance(states, (list, tuple)) else h


class GRU(Recurrent):
    """Gated recurrent units over sequences x (n, steps, features).

    units: size of the output and of the state. reset_after: whether the reset gate comes after the product of the
    state, which is faster. The other arguments are those of RNN, or name an initializer, regularizer or constraint of
    one of the weights. `unroll`, `use_cudnn` and `implementation` are accepted and change nothing.
    Raises ValueError for an input that is not (n, steps, features) and as RNN does.
    """

    operation = "gru"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = GRUCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
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
            reset_after=reset_after,
            seed=seed,
            name="gru_cell",
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
        cell = self.cell
        inner, gate = engine_activation(cell.activation), engine_activation(cell.recurrent_activation)
        if inner is None or gate is None:
            return None
        return {"activation": inner, "recurrent_activation": gate, "reset_after": bool(cell.reset_after)}
