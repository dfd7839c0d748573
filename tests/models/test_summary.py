"""The table of model.summary()."""

import pytest

import linnet
from linnet import layers


def text(model, **kwargs):
    lines = []
    model.summary(print_fn=lines.append, **kwargs)
    return "\n".join(lines)


def chain():
    inner = linnet.Sequential([linnet.Input((4,)), layers.Dense(3, name="deep")], name="inner")
    return linnet.Sequential([linnet.Input((4,)), inner, layers.Dense(2, name="head")], name="net")


def test_chain():
    table = text(chain())
    assert table.splitlines()[0] == 'Model: "net"'
    assert "inner (Sequential)" in table
    assert "head (Dense)" in table
    assert "(None, 2)" in table
    assert "Connected to" not in table
    assert "deep" not in table
    assert "Total params: 23 (92.00 B)" in table
    assert "Trainable params: 23" in table
    assert len({len(line) for line in table.splitlines()[1:-3]}) == 1  # the box is straight


def test_nested_and_trainable():
    model = chain()
    model.layers[0].trainable = False
    table = text(model, expand_nested=True, show_trainable=True)
    assert "deep (Dense)" in table
    assert "Non-trainable params: 15" in table
    rows = {line.split()[1]: line.split()[-2] for line in table.splitlines() if "Dense" in line}
    assert rows == {"deep": "N", "head": "Y"}


def test_graph_names_its_connections():
    a, b = linnet.Input((4,), name="a"), linnet.Input((4,), name="b")
    model = linnet.Model([a, b], layers.Add(name="plus")([a, b]) * 2.0)
    table = text(model)
    assert "Connected to" in table
    assert "a[0][0], b[0][0]" in table
    assert "multiply (Operation)" in table


def test_widths_and_range():
    assert all(len(line) <= 70 for line in text(chain(), line_length=70).splitlines())
    table = text(chain(), layer_range=("head", "head"))
    assert "inner" not in table
    with pytest.raises(ValueError, match='did you mean "head"'):
        text(chain(), layer_range=("hed", "head"))


def test_not_built():
    table = text(linnet.Sequential([layers.Dense(3)]))
    assert "0 (unbuilt)" in table
