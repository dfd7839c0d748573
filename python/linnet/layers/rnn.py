"""`RNN`: a loop of a cell over the steps of a sequence, and all that recurrent layers do around it.

    class MinimalCell(linnet.Layer):
        state_size = 32                                  # or a list of sizes

        def build(self, input_shape): ...
        def call(self, inputs, states): ...              # returns output, new_states

    y = layers.RNN(MinimalCell())(x)                     # x (n, steps, features); a list of cells is a stack

The loop is unrolled while it is traced, one call of the cell for each step, so any Python cell gets its gradient. LSTM,
GRU and SimpleRNN (recurrent.py) override `run` with one operation for all steps.

A mask (n, steps) says which steps count; at the others the state stays as it is, and the output is the state once more,
or zeros with zero_output_for_mask. A stateful layer goes on from the state that the batch before it left, without a
gradient through it: truncated back-propagation through time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from linnet import ops
from linnet.backend.tensor import Tensor
from linnet.backend.tree import flatten, map_structure, pack_like
from linnet.backend.variable import Variable
from linnet.layers.layer import Layer
from linnet.layers.layer_calls import parameters
from linnet.ops.recurrent import static_batch


class _Kept:
    """What a stateful layer remembers. An object of its own, so that it is not counted among the weights."""

    def __init__(self, states: Any, batch: int) -> None:
        self.states = states  # the structure of the cell's states, of variables
        self.batch = batch


class RNN(Layer):
    """A recurrent layer over any cell.

    cell: an object with `call(inputs, states)`, which returns the output and the new states, and `state_size`; or a
    list of cells, each of which gets the output of the one before.
    return_sequences: the outputs of all steps (n, steps, units) instead of the last one.
    return_state: also the states after the last step.
    go_backwards: from the last step to the first; outputs come in the order in which they were computed.
    stateful: every batch goes on where the one before ended, row by row, until reset_state(). Needs a known batch size.
    unroll: accepted; see above.
    zero_output_for_mask: zeros at steps that the mask leaves out.
    Raises ValueError for a cell without `call` or `state_size`, no time steps, and states that do not fit.
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        if isinstance(cell, (list, tuple)):
            from linnet.layers.stacked_rnn_cells import StackedRNNCells

            cell = StackedRNNCells(cell)
        if not hasattr(cell, "call"):
            raise ValueError(f"RNN: the cell needs a method call(inputs, states), got {cell!r}")
        if not isinstance(getattr(cell, "state_size", None), (int, list, tuple)):
            raise ValueError(
                f"RNN: the cell needs state_size, the size of its state or a list of sizes, got {cell!r} with "
                f"{getattr(cell, 'state_size', None)!r}"
            )
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self._kept: _Kept | None = None

    @property
    def state_size(self) -> list[Any]:
        size = self.cell.state_size
        return [size] if isinstance(size, int) else list(size)

    # ---- building and state ------------------------------------------------------------------------------------------

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if self.stateful and self._kept is None:
            if sequences_shape[0] is None:
                raise self.error(
                    "a stateful layer needs to know the batch size: begin the model with "
                    f"Input(batch_shape=(32, ...)), or call build((32, ...)); got {tuple(sequences_shape)}"
                )
            batch = int(sequences_shape[0])
            zeros = map_structure(lambda one: np.zeros(np.shape(one), np.float32), self.get_initial_state(batch))
            self._kept = _Kept(map_structure(self._variable, zeros), batch)

    @staticmethod
    def _variable(value: np.ndarray) -> Variable:
        return Variable(value, trainable=False, name="rnn_state")

    @property
    def states(self) -> Any:
        """The variables that a stateful layer keeps its state in; None for others."""
        return None if self._kept is None else self._kept.states

    def reset_state(self) -> None:
        """The next batch of a stateful layer begins with zeros."""
        for variable in flatten(self.states) if self._kept else []:
            variable.assign(np.zeros(variable.shape, np.float32))

    def reset_states(self) -> None:
        """The same as reset_state()."""
        self.reset_state()

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """The states before the first step, for a batch of that size."""
        own = getattr(self.cell, "get_initial_state", None)
        if own is None:
            return [ops.zeros((batch_size, size)) for size in self.state_size]
        found = own(batch_size=batch_size)
        return list(found) if isinstance(found, (list, tuple)) else [found]

    def _given_states(self, sequences: Any, initial_state: Any) -> list[Any] | None:
        """The states to begin with, or None for zeros."""
        if initial_state is None and self._kept is not None:
            kept = self._kept
            if sequences.dims[0] == kept.batch:
                return list(kept.states)
            return list(map_structure(lambda one: static_batch(ops.convert_to_tensor(one), kept.batch), kept.states))
        if initial_state is None:
            return None
        states = list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
        expected = self.state_size
        if len(states) != len(expected):
            raise self.error(f"initial_state has {len(states)} tensors, the cell has {len(expected)} states")
        for one, size in zip(states, expected, strict=True):
            if isinstance(one, Tensor) and isinstance(size, int) and one.shape[-1] != size:
                raise self.error(f"initial_state has shape {one.shape}, expected (batch, {size})")
        return states

    def _keep(self, states: Any) -> None:
        assert self._kept is not None
        for variable, value in zip(flatten(self._kept.states), flatten(states), strict=True):
            fits = value.dims[0] == self._kept.batch
            variable.assign(value if fits else static_batch(value, self._kept.batch))

    # ---- calling -----------------------------------------------------------------------------------------------------

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool | None = False) -> Any:
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        if sequences.shape[1] == 0:
            raise self.error(f"needs at least one time step, got an input of shape {sequences.shape}")
        if mask is not None and (len(mask.shape) < 2 or mask.shape[1] != sequences.shape[1]):
            raise self.error(f"the mask has shape {mask.shape}, expected (batch, {sequences.shape[1]})")
        if self.stateful and sequences.dims[0] >= 0 and sequences.dims[0] != self._kept.batch:  # type: ignore[union-attr]
            raise self.error(
                f"its state is kept for batches of {self._kept.batch} rows, "  # type: ignore[union-attr]
                f"this one has {sequences.dims[0]}; a stateful layer needs the same rows in every batch"
            )
        states = self._given_states(sequences, initial_state)
        self._forget_dropout_masks()
        outputs, last, states = self.run(sequences, states, mask, training)
        self._forget_dropout_masks()
        if self._kept is not None:
            self._keep(states)
        if mask is not None and self.zero_output_for_mask:
            order = ops.flip(mask, 1) if self.go_backwards else mask
            if self.return_sequences:
                outputs = _zero_where_masked(outputs, order)
            else:
                last = _zero_where_masked(last, order[:, -1])
        output = outputs if self.return_sequences else last
        return (output, *states) if self.return_state else output

    def _forget_dropout_masks(self) -> None:
        for layer in self.cell._flatten_layers() if isinstance(self.cell, Layer) else ():
            forget = getattr(layer, "forget_dropout_masks", None)
            if forget is not None:
                forget()

    def run(
        self, sequences: Any, states: Sequence[Any] | None, mask: Any, training: bool | None
    ) -> tuple[Any, Any, list[Any]]:
        """(outputs of all steps, the last one, the last states), without regard to the settings of the output.

        states None: zeros. The outputs of all steps may be None where return_sequences does not ask for them.
        """
        if states is None:
            states = self.get_initial_state(ops.shape(sequences)[0])
        return self.unrolled(self.cell, sequences, states, mask, training)

    def unrolled(
        self, cell: Any, sequences: Any, states: Sequence[Any], mask: Any, training: bool | None
    ) -> tuple[Any, Any, list[Any]]:
        """`run` as a loop over `cell`."""
        steps = sequences.shape[1]
        order = range(steps - 1, -1, -1) if self.go_backwards else range(steps)
        step = _step_function(cell, training)
        current: Any = list(states)
        found: list[Any] = []
        for index in order:
            output, new = step(sequences[:, index], current)
            if mask is not None:
                live = mask[:, index]
                output = _where(live, output, current[-1][0] if _nested(current[0]) else current[0])
                before, after = flatten(current), flatten(new)
                new = pack_like(current, [_where(live, a, b) for a, b in zip(after, before, strict=True)])
            current = new
            found.append(output)
        outputs = ops.stack(found, axis=1) if self.return_sequences else None
        return outputs, found[-1], current

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        own = mask if self.return_sequences else None
        return [own] + [None] * len(flatten(self.state_size)) if self.return_state else own

    # ---- configuration -----------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        from linnet.saving import serialize_keras_object

        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
            "cell": serialize_keras_object(self.cell),
        }


def _step_function(cell: Any, training: bool | None) -> Callable[[Any, Any], tuple[Any, Any]]:
    """The cell as a function of inputs and states that returns the output and a list of states."""
    keywords = {"training": training} if "training" in parameters(type(cell).call) else {}
    call = cell if callable(cell) else cell.call

    def step(inputs: Any, states: Any) -> tuple[Any, Any]:
        output, new = call(inputs, states, **keywords)
        return output, list(new) if isinstance(new, (list, tuple)) else [new]

    return step


def _nested(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _where(live: Any, new: Any, old: Any) -> Any:
    """new where `live` (n) is true, else old; both (n, ...)."""
    for _ in range(len(new.shape) - 1):
        live = ops.expand_dims(live, -1)
    return ops.where(live, new, old)


def _zero_where_masked(x: Any, mask: Any) -> Any:
    """x (n, ..., rest) where mask (n, ...) is true, else zero."""
    live = ops.cast(mask, "float32")
    for _ in range(len(x.shape) - len(mask.shape)):
        live = ops.expand_dims(live, -1)
    return x * live
