"""`Operation` and `Node`: what the functional API remembers. An operation is a layer or a function of `linnet.ops`; a
node is one call of it on symbolic tensors, with its arguments and its outputs.

`infer` finds the symbolic outputs of a call by tracing it on placeholders: there is one source of truth for shapes, the
operation itself. Where a size other than the batch is None, it traces twice with two stand-ins; sizes of the result
that differ are None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from linnet.backend.keras_tensor import KerasHistory, KerasTensor
from linnet.backend.naming import auto_name
from linnet.backend.tensor import BatchSize, Tensor
from linnet.backend.trace import Trace, placeholder_dims
from linnet.backend.tree import flatten, map_structure

# Two sizes for a dimension that is None: large enough for any usual window, and without a common divisor.
STAND_INS = (60, 61)


class Node:
    """One call: operation(*arguments, **keywords) gave `outputs` (a structure of KerasTensors)."""

    def __init__(self, operation: Operation, arguments: tuple, keywords: dict[str, Any], outputs: Any) -> None:
        self.operation = operation
        self.arguments = arguments
        self.keywords = keywords
        self.outputs = outputs
        self.input_tensors = [leaf for leaf in flatten((arguments, keywords)) if isinstance(leaf, KerasTensor)]
        self.output_tensors = [leaf for leaf in flatten(outputs) if isinstance(leaf, KerasTensor)]
        index = len(operation._inbound_nodes)
        for position, tensor in enumerate(self.output_tensors):
            tensor._keras_history = KerasHistory(operation, index, position)
        operation._inbound_nodes.append(self)

    @property
    def is_input(self) -> bool:
        return not self.input_tensors

    @property
    def parents(self) -> list[Node]:
        """The calls that made this call's inputs."""
        found = []
        for tensor in self.input_tensors:
            history = tensor._keras_history
            if history is not None:
                found.append(history.operation._inbound_nodes[history.node_index])
        return found


class Operation:
    """Something that can be called on symbolic tensors."""

    def __init__(self, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"{type(self).__name__}: name must be a string, got {name!r}")
        if name is not None and "/" in name:
            raise ValueError(f'{type(self).__name__}: the name "{name}" must not contain "/"')
        self.name = name or auto_name(type(self).__name__)
        self._inbound_nodes: list[Node] = []

    def replay(self, *args: Any, **kwargs: Any) -> Any:
        """Performs the operation inside a trace."""
        raise TypeError(f"{type(self).__name__} cannot be replayed")

    def _single(self, what: str) -> Any:
        if not self._inbound_nodes:
            raise AttributeError(f'{self._title()} has not been called on a symbolic tensor yet: it has no "{what}"')
        if len(self._inbound_nodes) > 1:
            raise AttributeError(
                f'{self._title()} was called {len(self._inbound_nodes)} times, so "{what}" is ambiguous; '
                "keep the tensor that the call returned instead"
            )
        node = self._inbound_nodes[0]
        return node.outputs if what == "output" else node.arguments

    def _title(self) -> str:
        return f'{type(self).__name__} "{self.name}"'

    @property
    def output(self) -> Any:
        """The symbolic output of its only call."""
        return self._single("output")

    @property
    def input(self) -> Any:
        """The symbolic input of its only call."""
        arguments = self._single("input")
        return arguments[0] if len(arguments) == 1 else arguments


def infer(call: Callable[..., Any], arguments: Any, keywords: dict[str, Any], training: bool | None = None) -> Any:
    """The structure of KerasTensors that call(*arguments, **keywords) gives, found by tracing on placeholders."""
    tensors = [leaf for leaf in flatten((arguments, keywords)) if isinstance(leaf, KerasTensor)]
    vague = any(size is None for tensor in tensors for size in tensor.symbolic_shape[1:])
    first = _trace_once(call, arguments, keywords, training, STAND_INS[0] if vague else None)
    if not vague:
        return map_structure(lambda leaf: _symbolic(leaf, leaf), first)
    second = iter(flatten(_trace_once(call, arguments, keywords, training, STAND_INS[1])))
    return map_structure(lambda leaf: _symbolic(leaf, next(second)), first)


def _trace_once(call: Callable[..., Any], arguments: Any, keywords: Any, training: Any, stand_in: int | None) -> Any:
    trace = Trace(training=training)
    inputs: dict[int, Tensor] = {}

    def placeholder(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        if id(leaf) not in inputs:
            dims = placeholder_dims(leaf.symbolic_shape, stand_in)
            made = inputs[id(leaf)] = trace.input(leaf.name, dims, leaf.dtype)
            if leaf.mask_form is not None:
                shape, dtype = leaf.mask_form
                made._keras_mask = trace.input(f"{leaf.name}_mask", placeholder_dims(shape, stand_in), dtype)
        return inputs[id(leaf)]

    with trace:
        arguments, keywords = map_structure(placeholder, (arguments, keywords))
        result = call(*arguments, **keywords)
        return map_structure(lambda leaf: trace.tensor(leaf) if hasattr(leaf, "_as_variable") else leaf, result)


def _symbolic(first: Any, second: Any) -> Any:
    if not isinstance(first, Tensor):
        return first
    found = KerasTensor(_symbolic_shape(first, second), first.dtype)
    mask = first._keras_mask
    if mask is not None:
        found.mask_form = tuple(_symbolic_shape(mask, second._keras_mask)), mask.dtype
    return found


def _symbolic_shape(first: Tensor, second: Tensor) -> list[int | BatchSize | None]:
    shape: list[int | BatchSize | None] = []
    for axis, (size, other) in enumerate(zip(first.dims, second.dims, strict=True)):
        if size == -1 and axis == 0:
            shape.append(None)
        elif size < 0:
            shape.append(BatchSize(-size))
        else:
            shape.append(size if size == other else None)
    return shape
