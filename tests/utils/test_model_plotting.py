"""plot_model: boxes, lines and files."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

import linnet
from linnet import layers, ops
from linnet.utils import plot_model

SVG = "{http://www.w3.org/2000/svg}"


def model():
    inner = linnet.Sequential([linnet.Input((3,)), layers.Dense(4, activation="relu", name="deep")], name="inner")
    source = linnet.Input((3,), name="source")
    x = inner(source)
    y = layers.Dense(4, name="side")(source)
    return linnet.Model(source, ops.add(x, y) * 2.0)


def texts(path):
    return ["".join(node.itertext()) for node in ET.parse(path).iter(f"{SVG}text")]


def test_boxes_and_lines(tmp_path):
    plot_model(model(), tmp_path / "a.svg")
    assert texts(tmp_path / "a.svg") == ["InputLayer", "Sequential", "Dense", "add", "multiply"]
    assert len(list(ET.parse(tmp_path / "a.svg").iter(f"{SVG}polyline"))) == 5


def test_everything_shown(tmp_path):
    net = model()
    net.get_layer("side").trainable = False
    for rankdir in ("TB", "LR"):
        plot_model(
            net,
            tmp_path / "a.svg",
            show_shapes=True,
            show_dtype=True,
            show_layer_names=True,
            expand_nested=True,
            show_layer_activations=True,
            show_trainable=True,
            rankdir=rankdir,
        )
        found = texts(tmp_path / "a.svg")
        for line in ("inner/deep (Dense)", "activation: relu", "(None, 3) → (None, 4)", "not trainable"):
            assert line in found


def test_boxes_do_not_overlap(tmp_path):
    plot_model(model(), tmp_path / "a.svg", show_shapes=True)
    rects = [r for r in ET.parse(tmp_path / "a.svg").iter(f"{SVG}rect") if r.get("x")]
    corners = np.array([[float(r.get(k)) for k in ("x", "y", "width", "height")] for r in rects])
    for i, (x, y, w, h) in enumerate(corners):
        for x2, y2, w2, h2 in corners[i + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_a_connection_that_skips_layers_goes_around_them(tmp_path, rankdir):
    source = linnet.Input((3,))
    x = layers.Dense(3)(layers.Dense(3)(source))
    plot_model(linnet.Model(source, ops.add(x, source)), tmp_path / "a.svg", rankdir=rankdir)
    tree = ET.parse(tmp_path / "a.svg")
    size = [float(tree.getroot().get(key)) for key in ("width", "height")]
    boxes = [[float(r.get(k)) for k in ("x", "y", "width", "height")] for r in tree.iter(f"{SVG}rect") if r.get("x")]
    lines = [[[float(v) for v in p.split(",")] for p in e.get("points").split()] for e in tree.iter(f"{SVG}polyline")]
    assert sorted(len(line) for line in lines) == [2, 2, 2, 4]
    axis = 0 if rankdir == "TB" else 1
    around = max(point[axis] for line in lines for point in line)
    assert max(box[axis] + box[axis + 2] for box in boxes) < around < size[axis]


def test_png(tmp_path):
    pytest.importorskip("matplotlib")
    plot_model(model(), tmp_path / "a.png", show_shapes=True)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plot_model(linnet.Sequential([layers.Dense(1)])), ValueError, "known inputs"),
        (lambda: plot_model(model(), rankdir="up"), ValueError, "rankdir"),
        (lambda: plot_model(model(), colour="red"), TypeError, "colour"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
