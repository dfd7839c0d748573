"""Rows by number: take, one_hot and what is made of them."""

import numpy as np
import pytest
from support import check_op, samples

from linnet import ops


@pytest.mark.parametrize("ids", [np.array([0, 4, 2, 4]), np.array([[1], [3]]), np.array(2), np.zeros((0,), np.int32)])
@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_take(ids, axis):
    check_op(lambda x: ops.take(x, ids, axis), lambda x: np.take(x, ids, axis), [samples((5, 6, 7))])


def test_take_with_ids_of_a_batch():
    table = samples((5, 3))
    check_op(
        lambda ids: ops.take(table, ids, 0),
        lambda ids: table[ids],
        [np.array([[1, 2], [0, 4], [3, 3]])],
        batched=True,
        differentiable=False,
    )


def test_gradient_of_repeated_rows_is_summed():
    ids = np.array([1, 1, 1, 0])
    check_op(lambda t: ops.take(t, ids, 0) ** 2, lambda t: t[ids] ** 2, [samples((3, 2))])


@pytest.mark.parametrize("axis", [0, 1, None])
def test_take_along_axis(axis):
    x = samples((3, 4))
    ids = np.array([[2, 0, 1, 1]]) if axis == 0 else np.array([[3], [0], [2]]) if axis == 1 else np.array([5, 0, 11])
    check_op(lambda x: ops.take_along_axis(x, ids, axis), lambda x: np.take_along_axis(x, ids, axis), [x])


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_one_hot(axis):
    ids = np.array([[0, 2], [1, 1], [2, 0]])
    expected = np.moveaxis(np.eye(3)[ids], -1, axis)
    np.testing.assert_array_equal(ops.one_hot(ids, 3, axis), expected)
    assert ops.one_hot(ids, 3, dtype="int32").dtype == np.int32


def test_multi_hot():
    np.testing.assert_array_equal(ops.multi_hot(np.array([[0, 2], [1, 1]]), 4), [[1, 0, 1, 0], [0, 1, 0, 0]])


def test_rows_by_an_array_of_numbers():
    x = samples((5, 3))
    np.testing.assert_array_equal(ops.get_item(x, [4, 0]), x[[4, 0]])
    with pytest.raises(NotImplementedError, match=r"use ops\.where"):
        ops.get_item(x, x[:, 0] > 0)


@pytest.mark.parametrize("bad", [-6, 5])
def test_number_outside_the_table(bad):
    with pytest.raises(ValueError, match=r"id -1 |id 5 "):
        ops.take(samples((5, 3)), [0, bad], 0)
