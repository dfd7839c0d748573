"""Variables outside and inside a trace, and their flat layout."""

import numpy as np
import pytest

import linnet
from linnet import Variable, ops
from linnet.backend.flat import ALIGNMENT, FlatParameters
from linnet.backend.trace import Trace


def test_outside_a_trace_it_is_an_array_with_a_name():
    v = Variable([1.0, 2.0], name="v")
    assert (v.shape, v.ndim, v.dtype, v.name, v.path, v.trainable) == ((2,), 1, "float32", "v", "v", True)
    v.assign([3, 4])
    v.assign_add(1.0)
    v.assign_sub([0.0, 1.0])
    np.testing.assert_array_equal(v.numpy(), [4, 4])
    np.testing.assert_array_equal(v * 2 + 1, [9, 9])
    np.testing.assert_array_equal(2 / v, [0.5, 0.5])
    np.testing.assert_array_equal(np.asarray(v), [4, 4])
    np.testing.assert_array_equal(np.ones(2) + v, [5, 5])
    v.assign(0)
    assert not v.numpy().any()
    assert len(v) == 2


def test_initializers_types_and_shapes():
    assert Variable("ones", shape=(2, 3)).numpy().sum() == 6
    assert Variable(lambda shape, dtype: np.full(shape, 7), shape=(2,)).numpy().tolist() == [7, 7]
    assert Variable(3, dtype="int32").dtype == "int32"
    assert Variable(np.arange(3)).dtype == "int32"
    assert Variable(np.array([True, False])).numpy().dtype == bool
    assert float(Variable(2.5)) == 2.5
    with pytest.raises(ValueError, match="a shape is needed"):
        Variable("zeros")
    with pytest.raises(ValueError, match=r"expected shape \(3,\)"):
        Variable(np.zeros(2), shape=(3,))
    with pytest.raises(ValueError, match='unknown initializer "zeroes"'):
        Variable("zeroes", shape=(2,))


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.zeros(3), ValueError, r'"v" has shape \(2,\) and cannot take a value of shape \(3,\)'),
        (["a", "b"], TypeError, "expected numbers"),
    ],
)
def test_wrong_values(value, error, message):
    with pytest.raises(error, match=message):
        Variable([1.0, 2.0], name="v").assign(value)


def test_memory_is_aligned_and_keeps_its_place():
    v = Variable(np.zeros((3, 5)))
    array = v.value
    assert array.ctypes.data % 64 == 0
    v.assign(np.ones((3, 5)))
    assert v.value.ctypes.data == array.ctypes.data
    assert array.all()


def test_a_value_of_the_batch_cannot_be_assigned():
    v = Variable([0.0])
    trace = Trace()
    with trace:
        x = trace.input("x", (-1, 3))
        with pytest.raises(ValueError, match="reduce it over the batch"):
            v.assign(ops.sum(x, -1))


def flat_pair():
    a, b = Variable(np.arange(5.0), name="a"), Variable(np.ones((2, 3)), name="b")
    return a, b, FlatParameters([a, b])


def test_flat_layout():
    a, b, flat = flat_pair()
    assert flat.size == 2 * ALIGNMENT
    np.testing.assert_array_equal(a.numpy(), np.arange(5.0))
    b.assign(2.0)
    whole = flat.variable.numpy()
    np.testing.assert_array_equal(whole[ALIGNMENT : ALIGNMENT + 6], 2)
    assert whole[5:ALIGNMENT].sum() == 0
    assert flat.valid([a, b])
    assert not flat.valid([b, a])
    FlatParameters([b])
    assert not flat.valid([a, b])


def test_parts_of_the_flat_array_are_read_and_written():
    a, b, flat = flat_pair()
    trace = Trace(flat=flat)
    with trace:
        before = a.value
        a.assign(a * 10.0)  # one part
        total = ops.sum(a.value) + ops.sum(b)
        program = trace.compile([before, total], 1)
    old, total = program.run(1, [])
    np.testing.assert_array_equal(old, np.arange(5.0))
    assert total == 100 + 6
    np.testing.assert_array_equal(a.numpy(), 10 * np.arange(5.0))
    np.testing.assert_array_equal(b.numpy(), np.ones((2, 3)))


@pytest.mark.parametrize("flat", [False, True])
def test_an_alias_read_before_an_assignment_keeps_its_value(flat):
    if flat:
        v, _, whole = flat_pair()
        trace = Trace(flat=whole)
    else:
        v, trace = Variable(np.arange(5.0)), Trace()
    with trace:
        before = ops.reshape(v.value, (5, 1))  # shares the variable's memory
        v.assign(v * 10.0)
        program = trace.compile([before], 1)
    program.bind()
    np.testing.assert_array_equal(program.run(1, [])[0][:, 0], np.arange(5.0))
    np.testing.assert_array_equal(v.numpy(), 10 * np.arange(5.0))


def test_an_update_of_the_whole_is_seen_in_the_parts():
    a, b, flat = flat_pair()
    trace = Trace(flat=flat)
    with trace:
        flat.variable.assign(flat.variable * 2.0)
        b.assign(b + 1.0)  # as a constraint does after the optimizer
        program = trace.compile([ops.sum(a.value)], 1)
    (total,) = program.run(1, [])
    assert total == 20
    np.testing.assert_array_equal(a.numpy(), 2 * np.arange(5.0))
    np.testing.assert_array_equal(b.numpy(), np.full((2, 3), 3.0))


def test_programs_follow_a_variable_that_moves():
    v = Variable([1.0, 2.0])
    trace = Trace()
    with trace:
        program = trace.compile([v * 3.0], 1)
    np.testing.assert_array_equal(program.run(1, [])[0], [3, 6])
    FlatParameters([v])
    v.assign([5.0, 5.0])
    np.testing.assert_array_equal(program.run(1, [])[0], [15, 15])


def test_names_in_scopes():
    layer = linnet.layers.Dense(2, name="head")
    layer.build((None, 3))
    assert layer.kernel.path == "head/kernel"
    assert Variable(0.0).name == "variable"
    assert Variable(0.0).name == "variable_1"
