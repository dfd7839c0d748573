"""`model.export`: the prediction of a model as a file that runs without Python.

The file is the traced inference graph: a safetensors file with the weights and the graph's constants as tensors, and in
its metadata the list of operations as JSON. There are no layers and no code in it, so any model that can predict can be
exported, a Sequential, a functional model, or a subclass. C++ programs read it with `linnet::Model::load`
(cpp/linnet/model.cpp, which describes the JSON); training goes on from files by `model.save`, not from these.
"""

from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from linnet.backend.errors import UnsupportedError
from linnet.backend.tensor import Tensor
from linnet.backend.trace import Trace, placeholder_dims
from linnet.backend.tree import flatten, map_structure, pack_like
from linnet.saving import files
from linnet.saving.weights_file import FORMAT, VERSION, WEIGHTS, named_weights

if TYPE_CHECKING:
    from linnet.models.model import Model

GRAPH = "linnet-graph"


def export_model(
    model: Model, filepath: str | os.PathLike[str], format: str = GRAPH, input_signature: Any = None
) -> None:
    """Writes the file. input_signature: arrays, Inputs or others with `shape` and `dtype`, as the model is called with
    them; needed only for models without symbolic inputs."""
    from linnet import __version__

    if format != GRAPH:
        raise ValueError(f'{model._title()}: unknown export format {format!r}; known is "{GRAPH}"')
    trace, inputs, outputs = _trace(model, input_signature)
    tensors, graph = _describe(model, trace, inputs, outputs)
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "kind": "graph",
        "linnet_version": __version__,
        "graph": json.dumps(graph, allow_nan=False),
    }
    files.write(filepath, tensors, metadata)


def _trace(model: Model, input_signature: Any) -> tuple[Trace, dict[str, Tensor], dict[str, Tensor]]:
    """The trace of a prediction, its inputs and its outputs by name."""
    function = model._symbolic_function()
    signature = function.input_structure if input_signature is None and function is not None else input_signature
    if signature is None:
        raise ValueError(
            f"{model._title()}: export needs to know the inputs; start the model with linnet.Input, or give "
            "input_signature, for instance a batch of data"
        )
    if isinstance(signature, (list, tuple)) and len(signature) == 1:
        signature = signature[0]
    trace = Trace(training=False)
    with trace:
        leaves = flatten(signature)
        inputs = [_input(trace, model, leaf, index) for index, leaf in enumerate(leaves)]
        result = model.predict_step((pack_like(signature, inputs), None, None))
        outputs: list[Tensor] = flatten(map_structure(trace.tensor, result))
    for output in outputs:
        if not output.dims or output.dims[0] >= 0:
            raise ValueError(f"{model._title()}: the output of shape {output.shape} has no batch axis in front")
    nodes = len(trace.graph.nodes())
    with trace:
        trace.finish()
    if len(trace.graph.nodes()) > nodes:
        raise UnsupportedError(f"{model._title()}: a prediction changes variables; such a model cannot be exported")
    input_names = [getattr(leaf, "name", None) or f"input_{index}" for index, leaf in enumerate(leaves)]
    if len(set(input_names)) < len(input_names):
        raise ValueError(f"{model._title()}: two inputs have the same name among {', '.join(input_names)}")
    known = function is not None and len(function.outputs) == len(outputs)
    output_names = model.output_names if known else [f"output_{index}" for index in range(len(outputs))]
    return trace, dict(zip(input_names, inputs, strict=True)), dict(zip(output_names, outputs, strict=True))


def _input(trace: Trace, model: Model, leaf: Any, index: int) -> Tensor:
    shape = tuple(getattr(leaf, "shape", ()))
    if not shape:
        raise ValueError(f"{model._title()}: input_signature needs things with a shape and a batch axis, got {leaf!r}")
    if any(size is None for size in shape[1:]):
        raise ValueError(
            f"{model._title()}: input {index} has the shape {shape}; export needs every size behind the batch: give "
            "input_signature, for instance a batch of data"
        )
    kind = np.dtype(str(leaf.dtype)).kind
    dtype = "int32" if kind in "iu" else "float32"
    return trace.input(getattr(leaf, "name", None) or f"input_{index}", placeholder_dims((None, *shape[1:])), dtype)


def _describe(
    model: Model, trace: Trace, inputs: dict[str, Tensor], outputs: dict[str, Tensor]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The tensors and the JSON of the graph, of which only what the outputs need is kept."""
    nodes = trace.graph.nodes()
    used = {output.value for output in outputs.values()}
    kept = []
    for node in reversed(nodes):
        if not used.isdisjoint(node[2]):
            used.update(node[1])
            kept.append(node)
    number: dict[int, int] = {}  # value of the graph -> number in the file

    def count(value: int) -> None:
        number[value] = len(number)

    starts = []
    for name, tensor in inputs.items():
        count(tensor.value)
        dtype = "int32" if tensor.dtype == "int32" else "float32"
        starts.append({"name": name, "shape": list(tensor.dims), "dtype": dtype})
    tensors: dict[str, np.ndarray] = {}
    constants: list[str] = []
    variables: list[str] = []
    for value, array in trace.graph.constants().items():
        if value in used:
            count(value)
            constants.append(f"constants/{len(constants)}")
            tensors[constants[-1]] = array
    names_of = {id(variable): WEIGHTS + name for name, variable in named_weights(model).items()}
    for variable, value in trace.variables().values():
        if value in used:
            count(value)
            variables.append(names_of.get(id(variable), f"variables/{value}"))
            tensors[variables[-1]] = variable._array
    listed = []
    for op, operands, results, attributes, layer in reversed(kept):
        listed.append(
            {
                "op": op,
                "layer": layer,
                "inputs": [number[value] for value in operands],
                "attributes": {key: _finite(value) for key, value in attributes.items()},
            }
        )
        for value in results:
            count(value)
    ends = [{"name": name, "value": number[out.value]} for name, out in outputs.items()]
    return tensors, {
        "inputs": starts,
        "constants": constants,
        "variables": variables,
        "nodes": listed,
        "outputs": ends,
    }


def _finite(value: Any) -> Any:
    """JSON has no infinities: they are written as "inf", "-inf" and "nan"."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
