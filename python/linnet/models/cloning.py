"""`clone_model`: the same graph of calls with layers of its own and fresh weights.

Every layer is made again once (from its configuration, or by a function of the caller's), however often it is called;
then the calls are made again in their order on new symbolic tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from linnet.backend.function import FunctionOperation
from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.tree import flatten, map_structure
from linnet.layers.input_layer import Input, InputLayer
from linnet.models.functional import Functional
from linnet.models.model import Model
from linnet.models.sequential import Sequential


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Model:
    """A model of the same architecture with layers of its own and fresh weights.

    input_tensors: symbolic tensors to begin with instead of new Inputs. clone_function(layer): makes the layer that
    stands for `layer` (it may return it unchanged, to share it); by default one of the same configuration.
    call_function(layer, *args, **kwargs): calls it; not for a Sequential. recursive: the layers of inner models go
    through clone_function too, else the inner model does as a whole.
    """
    if model._symbolic_function() is None and not isinstance(model, Sequential):
        if clone_function or call_function or input_tensors is not None:
            raise ValueError(f"{model._title()}: only a Sequential, or a model of Inputs and outputs, can be cloned so")
        return type(model).from_config(model.get_config())

    def made_anew(layer: Any) -> Any:
        if isinstance(layer, Model) and recursive:
            return clone_model(layer, None, clone_function, call_function, True)
        return (clone_function or _same)(layer)

    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError("clone_model: call_function is for functional models, not for a Sequential")
        return _clone_sequential(model, input_tensors, made_anew)
    return _clone_functional(model, input_tensors, made_anew, call_function)


def _same(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config())


def _clone_sequential(model: Sequential, input_tensors: Any, made_anew: Callable[[Any], Any]) -> Model:
    layers: list[Any] = []
    given = flatten(input_tensors) if input_tensors is not None else []
    if len(given) > 1:
        raise ValueError("clone_model: a Sequential has one input")
    for layer in model._chain:
        if not isinstance(layer, InputLayer):
            layers.append(made_anew(layer))
        elif not given:
            layers.append(_same(layer))
    if given:
        layers.insert(0, Input(batch_shape=given[0].shape, dtype=given[0].dtype, name=given[0].name))
    twin = type(model)(layers, name=model.name)
    twin.trainable = model.trainable if not model.trainable else twin.trainable
    return twin


def _clone_functional(
    model: Model, input_tensors: Any, made_anew: Callable[[Any], Any], call_function: Callable[..., Any] | None
) -> Model:
    function = model._symbolic_function()
    assert function is not None
    given = flatten(input_tensors) if input_tensors is not None else []
    if given and len(given) != len(function.inputs):
        raise ValueError(f"clone_model: the model has {len(function.inputs)} inputs, got {len(given)} input_tensors")
    found: dict[int, Any] = {}
    for i, symbol in enumerate(function.inputs):
        found[id(symbol)] = given[i] if given else Input(batch_shape=symbol.shape, dtype=symbol.dtype, name=symbol.name)
    twins: dict[int, Any] = {}

    def look_up(leaf: Any) -> Any:
        return found[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

    for node in function.nodes:
        if node.is_input or all(id(tensor) in found for tensor in node.output_tensors):
            continue
        operation = node.operation
        args, kwargs = map_structure(look_up, (node.arguments, node.keywords))
        if isinstance(operation, FunctionOperation):
            outputs = FunctionOperation(operation.function, operation.name).symbolic_call(args, kwargs)
        else:
            if id(operation) not in twins:
                twins[id(operation)] = made_anew(operation)
            twin = twins[id(operation)]
            outputs = call_function(twin, *args, **kwargs) if call_function is not None else twin(*args, **kwargs)
        for symbol, tensor in zip(node.output_tensors, flatten(outputs), strict=True):
            found[id(symbol)] = tensor
    inputs = map_structure(look_up, function.input_structure)
    twin = Functional(inputs, map_structure(look_up, function.output_structure), name=model.name)
    if not model.trainable:
        twin.trainable = False
    return twin
