"""Copies between layouts: transpose, slices, concatenate, pad, broadcast and what is made of them."""

import numpy as np
import pytest
from support import check_op, samples

import linnet
from linnet import ops


@pytest.mark.parametrize("axes", [None, (1, 0, 2), (2, 0, 1), (0, 2, 1), (0, 1, 2)])
@pytest.mark.parametrize("shape", [(2, 3, 4), (1, 17, 33), (5, 1, 1)])
def test_transpose(axes, shape):
    check_op(lambda x: ops.transpose(x, axes), lambda x: np.transpose(x, axes), [samples(shape)])


def test_transpose_of_a_batch():
    check_op(lambda x: ops.transpose(x, (0, 2, 1)), lambda x: x.transpose(0, 2, 1), [samples((5, 3, 4))], batched=True)
    check_op(lambda x: ops.transpose(x, (1, 0, 2)), lambda x: x.transpose(1, 0, 2), [samples((5, 3, 4))])


def test_moving_axes():
    x = samples((2, 3, 4, 5))
    np.testing.assert_array_equal(ops.swapaxes(x, 1, -1), np.swapaxes(x, 1, -1))
    np.testing.assert_array_equal(ops.moveaxis(x, 0, 2), np.moveaxis(x, 0, 2))
    np.testing.assert_array_equal(ops.moveaxis(x, (0, 1), (-1, 0)), np.moveaxis(x, (0, 1), (-1, 0)))


KEYS = [
    np.s_[1],
    np.s_[-1, 2],
    np.s_[1:3],
    np.s_[:, ::2],
    np.s_[::-1, 1:4],
    np.s_[..., 0],
    np.s_[:, None, 2:],
    np.s_[1:2, ..., None],
    np.s_[:, -3:-1],
    np.s_[3:1],
    np.s_[:, 4:0:-2],
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_slices(key):
    check_op(lambda x: ops.get_item(x, key) * 1.0, lambda x: x[key], [samples((4, 6, 3))])


def test_slices_of_a_batch():
    check_op(
        lambda x: x[:, 1:3] * 1.0 if not isinstance(x, np.ndarray) else x[:, 1:3],
        lambda x: x[:, 1:3],
        [samples((5, 4))],
        batched=True,
    )
    x = linnet.Input((4,))
    assert x[:, 2].shape == (None,)
    for key, message in ((0, "single row of the batch"), (slice(0, 2), "only be taken as a whole")):
        with pytest.raises(NotImplementedError, match=message):
            x[key]
    with pytest.raises(IndexError, match="axis 1 has size 4"):
        x[:, 4]
    with pytest.raises(IndexError, match="only 2 axes"):
        x[:, 0, 0]


def test_slice_with_start_and_shape():
    x = samples((4, 5))
    np.testing.assert_array_equal(ops.slice(x, (1, 2), (2, 3)), x[1:3, 2:5])
    with pytest.raises(ValueError, match="does not lie inside"):
        ops.slice(x, (1, 2), (2, 4))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concatenate_and_stack(axis):
    arrays = [samples((2, 3, 4), seed) for seed in range(3)]
    check_op(lambda *xs: ops.concatenate(list(xs), axis), lambda *xs: np.concatenate(xs, axis), arrays)
    check_op(lambda *xs: ops.stack(list(xs), axis), lambda *xs: np.stack(xs, axis), arrays)


def test_concatenate_a_batch():
    check_op(
        lambda x, y: ops.concatenate([x, y, x], -1),
        lambda x, y: np.concatenate([x, y, x], -1),
        [samples((5, 3)), samples((5, 2))],
        batched=True,
    )


def test_hstack_vstack():
    x, y = samples((3,)), samples((3,), 2)
    np.testing.assert_array_equal(ops.hstack([x, y]), np.hstack([x, y]))
    np.testing.assert_array_equal(ops.vstack([x, y]), np.vstack([x, y]))


@pytest.mark.parametrize(("where", "axis"), [(3, 1), ([2, 5], 1), ([0, 1], 0), (2, 0), ([1, 9], 0)])
def test_split(where, axis):
    x = samples((4, 6))
    found, expected = ops.split(x, where, axis), np.split(x, where, axis)
    assert len(found) == len(expected)
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, want)


def test_split_needs_equal_parts():
    with pytest.raises(ValueError, match="does not divide"):
        ops.split(np.zeros((4, 6)), 4, 1)


def test_unstack():
    x = samples((3, 4))
    np.testing.assert_array_equal(np.stack(ops.unstack(x, axis=1)), x.T)


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 2)])
def test_flip(axis):
    check_op(lambda x: ops.flip(x, axis), lambda x: np.flip(x, axis), [samples((3, 4, 2))])


@pytest.mark.parametrize(("shift", "axis"), [(1, 0), (-2, 1), ((1, 2), (0, 1)), (5, None), (0, 0)])
def test_roll(shift, axis):
    check_op(lambda x: ops.roll(x, shift, axis) * 1.0, lambda x: np.roll(x, shift, axis), [samples((3, 4))])


@pytest.mark.parametrize("repeats", [2, (2,), (3, 1), (2, 1, 2)])
def test_tile(repeats):
    check_op(lambda x: ops.tile(x, repeats), lambda x: np.tile(x, repeats), [samples((2, 3))])


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_repeat(axis):
    check_op(lambda x: ops.repeat(x, 3, axis), lambda x: np.repeat(x, 3, axis), [samples((2, 3))])
    with pytest.raises(ValueError, match="repeats must not be negative, got -1"):
        ops.repeat(samples((2, 3)), -1, axis)
    with pytest.raises(TypeError, match="repeats must be an int or 2 of them"):
        ops.repeat(samples((2, 3)), [1, 2, 3], 0)


@pytest.mark.parametrize("width", [1, ((1, 2), (0, 3)), ((0, 0), (2, 0))])
@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric"])
def test_pad(width, mode):
    check_op(lambda x: ops.pad(x, width, mode), lambda x: np.pad(x, width, mode), [samples((4, 5))])


def test_pad_with_a_value():
    x = samples((2, 3))
    np.testing.assert_array_equal(ops.pad(x, 1, constant_values=7.0), np.pad(x, 1, constant_values=7.0))
    with pytest.raises(ValueError, match='unknown padding mode "reflec"; did you mean "reflect"'):
        ops.pad(x, 1, "reflec")


@pytest.mark.parametrize(("shape", "to"), [((3,), (2, 3)), ((2, 1), (2, 4)), ((1, 1, 3), (5, 2, 3)), ((), (3, 2))])
def test_broadcast_to(shape, to):
    check_op(lambda x: ops.broadcast_to(x, to), lambda x: np.broadcast_to(x, to), [np.asarray(samples(shape))])


@pytest.mark.parametrize("k", [-1, 0, 2])
def test_triangles(k):
    x = samples((4, 5))
    check_op(lambda x: ops.tril(x, k), lambda x: np.tril(x, k), [x])
    check_op(lambda x: ops.triu(x, k), lambda x: np.triu(x, k), [x])


def test_new_tensors():
    np.testing.assert_array_equal(ops.zeros((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(ops.full((2,), 7), [7, 7])
    np.testing.assert_array_equal(ops.arange(2, 8, 3), [2, 5])
    np.testing.assert_array_equal(ops.eye(2, 3, 1), np.eye(2, 3, 1))
    np.testing.assert_allclose(ops.linspace(0.0, 1.0, 5), np.linspace(0, 1, 5))
    assert ops.zeros_like(np.ones((2, 2), np.int64)).dtype == np.int32
    assert ops.ones_like(np.zeros((2, 2)), dtype="bool").dtype == bool
    assert ops.full((2,), True).dtype == bool
    assert ops.cast([0.0, 2.5], "int32").tolist() == [0, 2]
    assert ops.cast([0.0, 2.5], "bool").tolist() == [False, True]


def test_zeros_of_the_batch():
    check_op(
        lambda x: x + ops.zeros((ops.shape(x)[0], 3)) + ops.ones_like(x),
        lambda x: x + 1,
        [samples((5, 3))],
        batched=True,
    )
