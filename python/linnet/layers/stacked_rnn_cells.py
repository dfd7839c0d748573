"""Several recurrent cells as one: each takes the output of the one before, and keeps a state of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet import ops
from linnet.layers.layer import Layer
from linnet.layers.layer_calls import parameters


class StackedRNNCells(Layer):
    """A cell made of cells. Its state is the list of theirs, its output that of the last."""

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            if not hasattr(cell, "call") or not hasattr(cell, "state_size"):
                raise ValueError(f"StackedRNNCells: every cell needs call(inputs, states) and state_size, got {cell!r}")
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        return _output_size(self.cells[-1])

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """The states of all cells before the first step."""
        states: list[Any] = []
        for cell in self.cells:
            own = getattr(cell, "get_initial_state", None)
            if own is not None:
                states.append(own(batch_size=batch_size))
            elif isinstance(cell.state_size, int):
                states.append(ops.zeros((batch_size, cell.state_size)))
            else:
                states.append([ops.zeros((batch_size, size)) for size in cell.state_size])
        return states

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], _output_size(cell))

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> Any:
        new_states = []
        for cell, state in zip(self.cells, states, strict=True):
            several = isinstance(state, (list, tuple))
            keywords = {"training": training} if "training" in parameters(type(cell).call) else {}
            call = cell if callable(cell) else cell.call
            inputs, new = call(inputs, list(state) if several else [state], **keywords)
            new = list(new) if isinstance(new, (list, tuple)) else [new]
            new_states.append(new if several else new[0])
        return inputs, new_states

    def get_config(self) -> dict[str, Any]:
        from linnet.saving import serialize_keras_object

        return {**super().get_config(), "cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> StackedRNNCells:
        from linnet.saving import deserialize_keras_object

        config = dict(config)
        cells = [deserialize_keras_object(cell) for cell in config.pop("cells")]
        return cls(cells, **config)


def _output_size(cell: Any) -> int:
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size
    return int(size[0] if isinstance(size, (list, tuple)) else size)
