"""`plot_model`: a picture of a model's layers and of what flows between them.

The picture is made here, without Graphviz: every layer is a box in the row of its depth (one more than the deepest of
the layers it depends on), boxes of one row stand side by side, and lines go from outputs to inputs. It is written as
SVG, which every browser shows; or, with matplotlib installed (`pip install linnet[viz]`), as PNG or PDF.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from linnet.models.model import Model

_CHAR, _LINE, _GAP_X, _GAP_Y, _PAD, _DETOUR = 7.2, 17.0, 24.0, 34.0, 8.0, 10.0  # pixels


@dataclass
class Box:
    """A layer: its lines of text, its place, and the boxes whose outputs it takes."""

    lines: list[str]
    depth: int = 0
    sources: list[int] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        return max(len(line) for line in self.lines) * _CHAR + 2 * _PAD

    @property
    def height(self) -> float:
        return len(self.lines) * _LINE + 2 * _PAD


def plot_model(
    model: Model,
    to_file: str | os.PathLike[str] = "model.svg",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **kwargs: Any,
) -> None:
    """Writes a picture of a built model: .svg, or .png and .pdf with matplotlib.

    show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: more lines in the boxes.
    expand_nested: the layers of inner models instead of one box for each. rankdir: "TB" (top to bottom) or "LR".
    Raises ValueError for a model without known inputs.
    """
    if kwargs:
        raise TypeError(f"plot_model: unknown arguments {', '.join(kwargs)}")
    if rankdir not in ("TB", "LR"):
        raise ValueError(f'plot_model: rankdir must be "TB" or "LR", got {rankdir!r}')
    shown = {
        "shapes": show_shapes,
        "dtype": show_dtype,
        "names": show_layer_names,
        "activations": show_layer_activations,
        "trainable": show_trainable,
    }
    boxes = boxes_of(model, shown, expand_nested)
    width, height = _place(boxes, rankdir == "LR")
    edges = _edges(boxes, rankdir == "LR")
    width = max([width, *(x + _PAD for line in edges for x, _ in line)])
    height = max([height, *(y + _PAD for line in edges for _, y in line)])
    path = Path(to_file)
    if path.suffix.lower() == ".svg":
        path.write_text(svg(boxes, edges, width, height), encoding="utf-8")
    else:
        _with_matplotlib(boxes, edges, width, height, path, dpi)


def boxes_of(model: Model, shown: dict[str, bool], expand_nested: bool = False) -> list[Box]:
    """The boxes of a model in an order in which sources come first."""
    function = model._symbolic_function()
    if function is None:
        raise ValueError(f"{model._title()}: plot_model needs known inputs; start with linnet.Input, or build() it")
    boxes: list[Box] = []
    made_by: dict[int, int] = {}  # id(symbolic tensor) -> box

    def walk(part: Any, given: dict[int, int], prefix: str) -> None:
        made_by.update(given)
        for node in part.nodes:
            inner = node.operation._symbolic_function() if isinstance(node.operation, Model) else None
            sources = [made_by[id(tensor)] for tensor in node.input_tensors if id(tensor) in made_by]
            if node.is_input and any(id(tensor) in given for tensor in node.output_tensors):
                continue
            if inner is not None and expand_nested:
                walk(inner, dict(zip(map(id, inner.inputs), sources, strict=False)), f"{prefix}{node.operation.name}/")
                for outer, own in zip(node.output_tensors, inner.outputs, strict=True):
                    made_by[id(outer)] = made_by[id(own)]
                continue
            box = Box(_lines(node, shown, prefix), sources=sources)
            box.depth = 1 + max((boxes[source].depth for source in sources), default=-1)
            boxes.append(box)
            for tensor in node.output_tensors:
                made_by[id(tensor)] = len(boxes) - 1

    walk(function, {}, "")
    return boxes


def _lines(node: Any, shown: dict[str, bool], prefix: str) -> list[str]:
    operation = node.operation
    name = getattr(getattr(operation, "function", None), "__name__", type(operation).__name__)
    lines = [f"{prefix}{operation.name} ({name})" if shown["names"] or prefix else name]
    activation = getattr(operation, "activation", None)
    if shown["activations"] and activation is not None:
        lines.append(f"activation: {getattr(activation, '__name__', activation)}")
    if shown["shapes"]:
        before = ", ".join(str(tensor.shape) for tensor in node.input_tensors)
        after = ", ".join(str(tensor.shape) for tensor in node.output_tensors)
        lines.append(f"{before} → {after}" if before else after)
    if shown["dtype"]:
        lines.append(f"dtype: {', '.join(tensor.dtype for tensor in node.output_tensors)}")
    if shown["trainable"] and getattr(operation, "weights", None):
        lines.append("trainable" if operation.trainable else "not trainable")
    return lines


def _place(boxes: list[Box], sideways: bool) -> tuple[float, float]:
    """Gives every box its place and returns the size of the picture."""
    rows: dict[int, list[Box]] = {}
    for box in boxes:
        rows.setdefault(box.depth, []).append(box)
    along = {depth: sum((b.height if sideways else b.width) + _GAP_X for b in row) for depth, row in rows.items()}
    widest = max(along.values())
    across = _PAD
    for depth in sorted(rows):
        place = _PAD + (widest - along[depth]) / 2
        for box in rows[depth]:
            box.x, box.y = (across, place) if sideways else (place, across)
            place += (box.height if sideways else box.width) + _GAP_X
        across += max(b.width if sideways else b.height for b in rows[depth]) + _GAP_Y
    size = (across - _GAP_Y + _PAD, widest + 2 * _PAD)
    return size if sideways else (size[1], size[0])


Line = list[tuple[float, float]]


def _edges(boxes: list[Box], sideways: bool) -> list[Line]:
    """Lines from outputs to inputs. One that passes by other rows goes around all boxes, at a distance of its own."""
    found: list[Line] = []
    far = max(box.y + box.height if sideways else box.x + box.width for box in boxes)
    for box in boxes:
        for source in (boxes[i] for i in box.sources):
            middle = [(b.x + b.width / 2, b.y + b.height / 2) for b in (source, box)]
            if box.depth > source.depth + 1:
                far += _DETOUR
                if sideways:
                    ends = [(middle[0][0], source.y + source.height), (middle[1][0], box.y + box.height)]
                    found.append([ends[0], (ends[0][0], far), (ends[1][0], far), ends[1]])
                else:
                    ends = [(source.x + source.width, middle[0][1]), (box.x + box.width, middle[1][1])]
                    found.append([ends[0], (far, ends[0][1]), (far, ends[1][1]), ends[1]])
            elif sideways:
                found.append([(source.x + source.width, middle[0][1]), (box.x, middle[1][1])])
            else:
                found.append([(middle[0][0], source.y + source.height), (middle[1][0], box.y)])
    return found


def svg(boxes: list[Box], edges: list[Line], width: float, height: float) -> str:
    """The picture as text."""
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        'font-family="monospace" font-size="12">',
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z"/></marker></defs><rect width="100%" height="100%" fill="white"/>',
    ]
    for edge in edges:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in edge)
        out.append(f'<polyline points="{points}" fill="none" stroke="black" marker-end="url(#tip)"/>')
    for box in boxes:
        out.append(
            f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
            'fill="#eef3f8" stroke="black" rx="4"/>'
        )
        for i, line in enumerate(box.lines):
            y = box.y + _PAD + (i + 0.75) * _LINE
            weight = ' font-weight="bold"' if i == 0 else ""
            out.append(
                f'<text x="{box.x + box.width / 2:.1f}" y="{y:.1f}" text-anchor="middle"{weight}>{escape(line)}</text>'
            )
    return "\n".join([*out, "</svg>", ""])


def _with_matplotlib(boxes: list[Box], edges: list[Line], width: float, height: float, path: Path, dpi: int) -> None:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import FancyBboxPatch
    except ImportError:
        raise ImportError(
            f"plot_model: writing {path.suffix or 'this kind of file'} needs matplotlib (pip install linnet[viz]); "
            "a name ending in .svg needs nothing"
        ) from None
    figure = Figure(figsize=(width / 96, height / 96))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    for line in edges:
        axes.plot(*zip(*line, strict=True), color="black", linewidth=1)
        axes.annotate("", line[-1], line[-2], arrowprops={"arrowstyle": "->", "shrinkA": 0, "shrinkB": 0})
    for box in boxes:
        patch = FancyBboxPatch((box.x, box.y), box.width, box.height, boxstyle="square,pad=0", facecolor="#eef3f8")
        axes.add_patch(patch)
        middle = (box.x + box.width / 2, box.y + box.height / 2)
        axes.text(*middle, "\n".join(box.lines), ha="center", va="center", fontsize=8.5, family="monospace")
    figure.savefig(path, dpi=dpi)
