"""Add and its relatives, and Concatenate."""

import functools

import numpy as np
import pytest
from support import check_layer, samples

import linnet
from linnet import layers

SHAPES = [(3, 4), (3, 4), (3, 4)]
FUNCTIONS = {
    "Add": lambda xs: sum(xs),
    "Multiply": lambda xs: functools.reduce(np.multiply, xs),
    "Average": lambda xs: sum(xs) / len(xs),
    "Maximum": lambda xs: functools.reduce(np.maximum, xs),
    "Minimum": lambda xs: functools.reduce(np.minimum, xs),
    "Subtract": lambda xs: xs[0] - xs[1],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values(name):
    count = 2 if name == "Subtract" else 3
    check_layer(getattr(layers, name), {}, SHAPES[:count], (3, 4), 0)
    xs = [samples((5, 3, 4), seed) for seed in range(count)]
    np.testing.assert_allclose(getattr(layers, name)()(xs), FUNCTIONS[name](xs), rtol=1e-6)
    np.testing.assert_allclose(getattr(layers, name.lower())(xs), FUNCTIONS[name](xs), rtol=1e-6)


def test_functions_make_nodes_of_a_model():
    a, b = linnet.Input((3,)), linnet.Input((3,))
    model = linnet.Model([a, b], layers.concatenate([layers.add([a, b]), layers.subtract([a, b])]))
    x, y = samples((2, 3), 1), samples((2, 3), 2)
    np.testing.assert_allclose(model([x, y]), np.concatenate([x + y, x - y], -1), rtol=1e-6)


def test_lower_rank_and_size_one_are_broadcast():
    x, y = samples((2, 3, 5, 4), 1), samples((2, 4), 2)
    np.testing.assert_allclose(layers.Add()([x, y]), x + y[:, None, None], rtol=1e-6)
    np.testing.assert_allclose(layers.Multiply()([x, x[:, :1, :, :1]]), x * x[:, :1, :, :1], rtol=1e-6)


def test_what_does_not_fit():
    with pytest.raises(ValueError, match=r'add "sum": inputs of shapes \(None, 3\), \(None, 4\) do not fit'):
        layers.Add(name="sum")([linnet.Input((3,)), linnet.Input((4,))])
    with pytest.raises(ValueError, match="needs a list of inputs"):
        layers.Add()(linnet.Input((3,)))
    with pytest.raises(ValueError, match="takes exactly two inputs, got 3"):
        layers.Subtract()([linnet.Input((3,))] * 3)


@pytest.mark.parametrize(
    ("axis", "shapes", "out"), [(-1, [(2, 3), (2, 5)], (2, 8)), (1, [(2, 3), (4, 3), (1, 3)], (7, 3))]
)
def test_concatenate(axis, shapes, out):
    check_layer(layers.Concatenate, {"axis": axis}, shapes, out, 0)
    xs = [samples((3, *shape), i) for i, shape in enumerate(shapes)]
    np.testing.assert_array_equal(layers.Concatenate(axis=axis)(xs), np.concatenate(xs, axis))


def test_concatenate_what_does_not_fit():
    with pytest.raises(ValueError, match=r'concatenate "join": the inputs must agree in all axes but -1'):
        layers.Concatenate(name="join")([linnet.Input((2, 3)), linnet.Input((4, 3))])
    with pytest.raises(ValueError, match="same rank"):
        layers.Concatenate()([linnet.Input((2, 3)), linnet.Input((3,))])
    with pytest.raises(ValueError, match="axis 0 is not an axis behind the batch"):
        layers.Concatenate(axis=0)([linnet.Input((2, 3)), linnet.Input((2, 3))])
    with pytest.raises(ValueError, match="needs a list of inputs"):
        layers.Concatenate()(linnet.Input((3,)))
