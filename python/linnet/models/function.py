"""`Function`: the part of a graph of symbolic calls that lies between given inputs and outputs, and its replay.

`Model(inputs, outputs)` is one of these with training around it. Replaying calls every node's operation once more, in
an order in which arguments come first: inside a trace on tensors, which is how a model is compiled.
"""

from __future__ import annotations

from typing import Any

from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.operation import Node, Operation
from linnet.backend.tree import flatten, map_structure


class Function:
    """inputs, outputs: structures (one, list, tuple, dict) of KerasTensors. `name` is for error messages."""

    def __init__(self, inputs: Any, outputs: Any, name: str = "function") -> None:
        self.name = name
        self.input_structure = inputs
        self.output_structure = outputs
        self.inputs: list[KerasTensor] = flatten(inputs)
        self.outputs: list[KerasTensor] = flatten(outputs)
        for what, tensors in (("inputs", self.inputs), ("outputs", self.outputs)):
            if not tensors:
                raise ValueError(f'model "{name}": there are no {what}')
            for tensor in tensors:
                if not isinstance(tensor, KerasTensor):
                    raise ValueError(
                        f'model "{name}": {what} must be symbolic tensors, made by linnet.Input() and by calling '
                        f"layers on them; got {tensor!r}"
                    )
        if len({id(tensor) for tensor in self.inputs}) != len(self.inputs):
            raise ValueError(f'model "{name}": the same tensor is given twice among the inputs')
        self.nodes: list[Node] = []
        self.operations: list[Operation] = []
        self._sort()

    def _sort(self) -> None:
        given = {id(tensor) for tensor in self.inputs}
        discovered: dict[int, int] = {}  # id(operation) -> when the walk from the outputs met it first
        done: set[int] = set()
        open_now: set[int] = set()
        by_operation: dict[int, Operation] = {}

        # Depth first without recursion, for models may be thousands of layers deep.
        def visit(start: KerasTensor) -> None:
            stack: list[tuple[KerasTensor, bool]] = [(start, False)]
            while stack:
                tensor, leaving = stack.pop()
                history = tensor._keras_history
                if history is None:
                    raise ValueError(f'model "{self.name}": {tensor!r} was not made by Input() or by a call of a layer')
                node = history.operation._inbound_nodes[history.node_index]
                if leaving:
                    open_now.discard(id(node))
                    if id(node) not in done:
                        done.add(id(node))
                        self.nodes.append(node)
                    continue
                if id(node) in done or id(node) in open_now:
                    continue
                discovered.setdefault(id(node.operation), len(discovered))
                by_operation[id(node.operation)] = node.operation
                if id(tensor) in given:
                    if node.is_input:
                        done.add(id(node))
                        self.nodes.append(node)
                    continue
                if node.is_input:
                    raise ValueError(
                        f'model "{self.name}": the outputs depend on the input "{tensor.name}", which is not among the '
                        f"inputs of the model ({', '.join(t.name for t in self.inputs)}); add it to them"
                    )
                open_now.add(id(node))
                stack.append((tensor, True))
                stack.extend((parent, False) for parent in reversed(node.input_tensors))

        for output in self.outputs:
            visit(output)
        for tensor in self.inputs:  # inputs that no output depends on belong to the model too
            visit(tensor)
        # The order of `layers` and of the weights is Keras's: by depth from the outputs, then as met by the walk.
        depths: dict[int, int] = {}
        operation_depths: dict[int, int] = {}
        for node in reversed(self.nodes):
            depth = max(depths.get(id(node), 0), operation_depths.get(id(node.operation), 0))
            depths[id(node)] = operation_depths[id(node.operation)] = depth
            for parent in node.parents:
                depths[id(parent)] = max(depth + 1, depths.get(id(parent), 0))
        order = sorted(by_operation, key=lambda key: (-operation_depths.get(key, 0), discovered[key]))
        self.operations = [by_operation[key] for key in order]

    def replay(self, inputs: list[Any]) -> Any:
        """The outputs' structure for these tensors of a trace, in the order of `self.inputs`."""
        found = {id(symbol): tensor for symbol, tensor in zip(self.inputs, inputs, strict=True)}

        def look_up(leaf: Any) -> Any:
            return found[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

        for node in self.nodes:
            if node.is_input or all(id(tensor) in found for tensor in node.output_tensors):
                continue
            args, kwargs = map_structure(look_up, (node.arguments, node.keywords))
            results = flatten(node.operation.replay(*args, **kwargs))
            for symbol, tensor in zip(node.output_tensors, results, strict=False):
                found.setdefault(id(symbol), tensor)
        return map_structure(look_up, self.output_structure)
