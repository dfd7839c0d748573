"""The configuration of a functional model, and the model made again from it. The form is Keras 3's:

    layers          each layer or operation with its config and `inbound_nodes`, the arguments of every call of it
    input_layers    [layer name, call, tensor] for each input; output_layers the same for each output

A symbolic tensor among the arguments is written as {"class_name": "__keras_tensor__", "config": {"keras_history":
[name, call, tensor], ...}}. An operation of linnet.ops has the class_name "Operation" and its function's name in its
config.
"""

from __future__ import annotations

from typing import Any

from linnet.backend.function import FunctionOperation, registry
from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.lookup import choose
from linnet.backend.operation import Node
from linnet.backend.tree import map_structure
from linnet.layers.layer import Layer

Calls = dict[tuple[str, int], int]  # (operation name, node index) -> the number of the call inside this model


def config_of(model: Any) -> dict[str, Any]:
    """The configuration of a functional model."""
    from linnet.saving import serialize_keras_object

    function = model._function
    calls: Calls = {}
    nodes_of: dict[int, list[Node]] = {}
    known = {id(node) for node in function.nodes}
    for operation in function.operations:
        nodes_of[id(operation)] = [node for node in operation._inbound_nodes if id(node) in known]
        for call, node in enumerate(nodes_of[id(operation)]):
            calls[operation.name, operation._inbound_nodes.index(node)] = call
    layers = []
    for operation in function.operations:
        if isinstance(operation, FunctionOperation):
            entry: dict[str, Any] = {
                "module": "ops",
                "class_name": "Operation",
                "config": {"name": operation.name, "function": operation.function.__name__},
                "registered_name": None,
            }
        else:
            entry = serialize_keras_object(operation)
        entry["name"] = operation.name
        entry["inbound_nodes"] = [
            {"args": _written(list(node.arguments), calls), "kwargs": _written(node.keywords, calls)}
            for node in nodes_of[id(operation)]
            if not node.is_input
        ]
        layers.append(entry)
    return {
        "name": model.name,
        "trainable": model._trainable,
        "layers": layers,
        "input_layers": map_structure(lambda t: _place(t, calls), function.input_structure),
        "output_layers": map_structure(lambda t: _place(t, calls), function.output_structure),
    }


def _place(tensor: KerasTensor, calls: Calls) -> Any:
    history = tensor._keras_history
    assert history is not None
    return _Place([history.operation.name, calls[history.operation.name, history.node_index], history.tensor_index])


class _Place(list):
    """[layer name, call, tensor]: a leaf here, a plain list in JSON."""


def _written(structure: Any, calls: Calls) -> Any:
    from linnet.saving import serialize_keras_object

    if isinstance(structure, KerasTensor):
        config = {
            "shape": list(structure.shape),
            "dtype": structure.dtype,
            "keras_history": list(_place(structure, calls)),
        }
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(structure, dict):
        return {key: _written(value, calls) for key, value in structure.items()}
    if isinstance(structure, list):
        return [_written(value, calls) for value in structure]
    if isinstance(structure, tuple):
        return {"class_name": "__tuple__", "items": [_written(value, calls) for value in structure]}
    return serialize_keras_object(structure)


def model_from_config(cls: type, config: dict[str, Any], custom_objects: dict[str, Any] | None) -> Any:
    """The model of a configuration, with fresh weights."""
    from linnet.saving import deserialize_keras_object

    operations: dict[str, Any] = {}
    waiting: list[tuple[Any, dict[str, Any]]] = []
    for entry in config["layers"]:
        if entry["class_name"] == "Operation":
            settings = entry["config"]
            function = choose("operation", settings["function"], registry)
            operation: Any = FunctionOperation(function, settings["name"])
        else:
            operation = deserialize_keras_object(entry, custom_objects=custom_objects)
            if not isinstance(operation, Layer):
                raise ValueError(f'the entry "{entry.get("name")}" of a model\'s layers is not a layer')
        # A get_config of one's own may leave out the name; the calls are written down under it.
        operation.name = entry["name"]
        operations[entry["name"]] = operation
        waiting += [(operation, node) for node in entry["inbound_nodes"]]
    # A layer may be called again on its own output's descendants, so calls are made as their arguments appear.
    offsets = {name: len(op._inbound_nodes) for name, op in operations.items() if not _is_input(op)}
    made: dict[tuple[str, int], Node] = {}
    for name, operation in operations.items():
        if _is_input(operation):
            made[name, 0] = operation._inbound_nodes[0]
    counts = dict.fromkeys(offsets, 0)
    while waiting:
        later: list[tuple[Any, dict[str, Any]]] = []
        for operation, node in waiting:
            earlier_call_waits = any(other is operation for other, _ in later)
            if earlier_call_waits or not all(place in made for place in _places(node)):
                later.append((operation, node))
                continue
            args, kwargs = _read(node["args"], made), _read(node["kwargs"], made)
            if isinstance(operation, FunctionOperation):
                operation.symbolic_call(tuple(args), kwargs)
            else:
                operation(*args, **kwargs)
            made[operation.name, counts[operation.name]] = operation._inbound_nodes[-1]
            counts[operation.name] += 1
        if len(later) == len(waiting):
            names = sorted({operation.name for operation, _ in later})
            raise ValueError(f"the configuration of the model is not complete: {', '.join(names)} cannot be connected")
        waiting = later

    def tensor(place: Any) -> KerasTensor:
        name, call, index = place
        if (name, call) not in made:
            raise ValueError(f'the configuration of the model names a tensor of "{name}" that it does not define')
        return made[name, call].output_tensors[index]

    inputs, outputs = _map_places(tensor, config["input_layers"]), _map_places(tensor, config["output_layers"])
    if cls.__name__ == "Model":
        from linnet.models.functional import Functional

        cls = Functional
    model = cls(inputs=inputs, outputs=outputs, name=config.get("name"))
    if config.get("trainable") is False:
        model.trainable = False
    return model


def _is_input(operation: Any) -> bool:
    return bool(operation._inbound_nodes) and operation._inbound_nodes[0].is_input


def _map_places(function: Any, structure: Any) -> Any:
    if isinstance(structure, dict) and structure.get("class_name") == "__tuple__":
        return tuple(_map_places(function, item) for item in structure["items"])
    if isinstance(structure, dict):
        return {key: _map_places(function, value) for key, value in structure.items()}
    if len(structure) == 3 and isinstance(structure[0], str) and isinstance(structure[1], int):
        return function(structure)
    return [_map_places(function, item) for item in structure]


def _places(node: Any) -> list[tuple[str, int]]:
    """(operation name, call) of all symbolic tensors among written arguments."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            name, call, _ = node["config"]["keras_history"]
            return [(name, call)]
        return [place for value in node.values() for place in _places(value)]
    if isinstance(node, list):
        return [place for value in node for place in _places(value)]
    return []


def _read(written: Any, made: dict[tuple[str, int], Node]) -> Any:
    from linnet.saving import deserialize_keras_object

    if isinstance(written, dict):
        if written.get("class_name") == "__keras_tensor__":
            name, call, index = written["config"]["keras_history"]
            return made[name, call].output_tensors[index]
        if written.get("class_name") == "__tuple__":
            return tuple(_read(item, made) for item in written["items"])
        if "class_name" in written:
            return deserialize_keras_object(written)
        return {key: _read(value, made) for key, value in written.items()}
    if isinstance(written, list):
        return [_read(item, made) for item in written]
    return written
