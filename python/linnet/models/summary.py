"""`model.summary()`: a table of the layers with their output shapes and numbers of weights.

A functional model that is not a plain chain gets a column that says what each layer is connected to. Nothing here
computes: shapes come from the symbolic calls, so a layer that was never called on symbolic tensors shows none.
"""

from __future__ import annotations

from typing import Any

from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.tree import flatten
from linnet.layers.layer import Layer


def summary_text(
    model: Any,
    line_length: int | None,
    positions: list[float] | None,
    expand_nested: bool,
    show_trainable: bool,
    layer_range: tuple[str, str] | None,
) -> str:
    """The text of model.summary; see there for the arguments."""
    chain = _is_chain(model)
    headers = ["Layer (type)", "Output Shape", "Param #"]
    if not chain:
        headers.append("Connected to")
    if show_trainable:
        headers.append("Trainable")
    rows = _rows(model, "", chain, expand_nested, show_trainable, layer_range)
    widths = _widths(headers, rows, line_length, positions)
    lines = [f'Model: "{model.name}"', *_table(headers, rows, widths), *_totals(model)]
    return "\n".join(lines)


def _is_chain(model: Any) -> bool:
    """Whether every layer has one input, made by the layer before: then "Connected to" says nothing."""
    function = model._symbolic_function()
    if function is None or not isinstance(model, Layer):
        return True
    if len(function.inputs) != 1 or len(function.outputs) != 1:
        return False
    previous = function.inputs[0]
    for node in function.nodes:
        if node.is_input:
            continue
        if len(node.input_tensors) != 1 or node.input_tensors[0] is not previous or len(node.output_tensors) != 1:
            return False
        previous = node.output_tensors[0]
    return True


def _rows(
    model: Any,
    indent: str,
    chain: bool,
    expand_nested: bool,
    show_trainable: bool,
    layer_range: tuple[str, str] | None,
) -> list[list[str]]:
    function = model._symbolic_function()
    operations = model.operations
    if type(model).__name__ == "Sequential":
        operations = model.layers
    if layer_range is not None:
        operations = _between(model, operations, *layer_range)
    known = set() if function is None else {id(node) for node in function.nodes}
    rows = []
    for operation in operations:
        nodes = [node for node in operation._inbound_nodes if id(node) in known]
        kind = type(operation).__name__ if isinstance(operation, Layer) else "Operation"
        row = [f"{indent}{operation.name} ({kind})", _shape(operation, nodes), _count(operation)]
        if not chain:
            row.append(", ".join(_source(t) for node in nodes for t in node.input_tensors) or "-")
        if show_trainable:
            trainable = isinstance(operation, Layer) and operation.weights
            row.append(("Y" if operation.trainable else "N") if trainable else "-")
        rows.append(row)
        if expand_nested and hasattr(operation, "_symbolic_function"):
            rows += _rows(operation, indent + "  ", chain, True, show_trainable, None)
    return rows


def _between(model: Any, operations: list[Any], first: str, last: str) -> list[Any]:
    from linnet.backend.lookup import unknown_name

    names = [operation.name for operation in operations]
    for name in (first, last):
        if name not in names:
            raise unknown_name(f'layer of model "{model.name}"', name, names)
    return operations[names.index(first) : names.index(last) + 1]


def _shape(operation: Any, nodes: list[Any]) -> str:
    nodes = nodes or operation._inbound_nodes
    if not nodes:
        return "?" if not getattr(operation, "built", True) else "-"
    shapes = [str(t.shape) for t in flatten(nodes[0].outputs) if isinstance(t, KerasTensor)]
    return ", ".join(shapes) if len(shapes) == 1 else f"[{', '.join(shapes)}]"


def _count(operation: Any) -> str:
    if not isinstance(operation, Layer):
        return "0"
    if not operation.built:
        return "0 (unbuilt)"
    return f"{operation.count_params():,}"


def _source(tensor: KerasTensor) -> str:
    history = tensor._keras_history
    if history is None:
        return tensor.name
    return f"{history.operation.name}[{history.node_index}][{history.tensor_index}]"


def _widths(
    headers: list[str], rows: list[list[str]], line_length: int | None, positions: list[float] | None
) -> list[int]:
    if positions:
        # As in Keras: where each column ends, in characters or as shares of the line.
        line = line_length or 80
        ends = [int(p * line) if p <= 1 else int(p) for p in positions[: len(headers)]]
        starts = [0, *ends[:-1]]
        return [max(end - start - 3, 4) for start, end in zip(starts, ends, strict=True)]
    widths = [max(len(cell) for cell in column) for column in zip(headers, *rows, strict=True)]
    minimum = [27, 22, 12, 12, 9]
    widths = [max(width, least) for width, least in zip(widths, minimum, strict=False)]
    if line_length is not None:
        spare = line_length - sum(widths) - 3 * len(widths) - 1
        widths[0] = max(widths[0] + spare, 12)
    return widths


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _table(headers: list[str], rows: list[list[str]], widths: list[int]) -> list[str]:
    def line(cells: list[str], bar: str) -> str:
        parts = []
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            cell = _cut(cell, width)
            parts.append(cell.rjust(width) if i == 2 else cell.ljust(width))
        return f"{bar} " + f" {bar} ".join(parts) + f" {bar}"

    def rule(left: str, middle: str, right: str, dash: str) -> str:
        return left + middle.join(dash * (width + 2) for width in widths) + right

    body = []
    for i, row in enumerate(rows):
        if i:
            body.append(rule("├", "┼", "┤", "─"))
        body.append(line(row, "│"))
    return [
        rule("┏", "┳", "┓", "━"),
        line(headers, "┃"),
        rule("┡", "╇", "┩", "━"),
        *body,
        rule("└", "┴", "┘", "─"),
    ]


def _totals(model: Any) -> list[str]:
    trainable = sum(variable.size for variable in model.trainable_weights)
    frozen = sum(variable.size for variable in model.non_trainable_weights)
    lines = [
        ("Total params", trainable + frozen),
        ("Trainable params", trainable),
        ("Non-trainable params", frozen),
    ]
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        slots = sum(variable.size for variable in optimizer.variables)
        lines[0] = ("Total params", trainable + frozen + slots)
        lines.append(("Optimizer params", slots))
    return [f" {title}: {count:,} ({_bytes(4 * count)})" for title, count in lines]


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.2f} {unit}"
        size /= 1024
    raise AssertionError
