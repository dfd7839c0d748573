"""Whole sequences through a recurrent cell in one operation of the engine: what LSTM, GRU and SimpleRNN run on.

Not part of `linnet.ops`, since Keras has no such functions. x (n, t, in), kernel (in, g units), recurrent (units, g
units) with the g gates in Keras's order; the state is h, for an LSTM h and c, each (n, units).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet.ops.common import as_float, trace_of

# Activations that the engine's gates can apply.
ACTIVATIONS = {"linear": "none", "relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid"}


def recurrent(
    op: str,
    x: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    state: Sequence[Any] | None = None,
    mask: Any = None,
    recurrent_mask: Any = None,
    **attributes: Any,
) -> tuple[Any, list[Any]]:
    """(h after every step (n, t, units), the state after the last step). op: "lstm", "gru" or "simple_rnn".

    mask: (n, t), true where a step counts; others leave the state as it is. recurrent_mask: (n, units), factors of h
    wherever it meets the recurrent kernel.
    """
    trace = trace_of()
    tensors = [as_float(x), trace.tensor(kernel), trace.tensor(recurrent_kernel)]
    if bias is not None:
        tensors.append(trace.tensor(bias))
    if state is not None:
        tensors += [as_float(one) for one in state]
    tensors += [as_float(one) for one in (mask, recurrent_mask) if one is not None]
    outputs = trace.add_many(
        op,
        tensors,
        bias=bias is not None,
        state=state is not None,
        mask=mask is not None,
        recurrent_mask=recurrent_mask is not None,
        **attributes,
    )
    return outputs[0], outputs[1 : 3 if op == "lstm" else 2]


def static_batch(x: Any, batch: int) -> Any:
    """x (n, ...) as (batch, ...), or the other way round; a run with another number of rows is an error."""
    return trace_of().add("static_batch", [x], batch=batch)
