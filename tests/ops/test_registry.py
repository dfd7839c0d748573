"""Walks the engine's registry: every operation that a graph can be given is called through `linnet.ops` or a trace by
the tests beside this one, and nothing unknown has been added without a test."""

import numpy as np
import pytest

from linnet import _engine

POINTWISE = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "maximum",
    "minimum",
    "power",
    "floor_divide",
    "mod",
    "arctan2",
    "divide_no_nan",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "logical_and",
    "logical_or",
    "where",
    "negative",
    "absolute",
    "sign",
    "square",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "exp",
    "expm1",
    "log",
    "log1p",
    "sin",
    "cos",
    "tan",
    "tanh",
    "sigmoid",
    "softplus",
    "erf",
    "floor",
    "ceil",
    "round",
    "relu",
    "logical_not",
    "is_nan",
    "is_finite",
]
# Which test file holds the oracle of an operation.
TESTED_IN = {
    **dict.fromkeys(POINTWISE, "test_pointwise"),
    **dict.fromkeys(["copy", "assign", "update", "view", "pack"], "test_optimizers"),
    **dict.fromkeys(["random_uniform", "random_normal", "dropout"], "test_random"),
    **dict.fromkeys(["reshape", "cast", "stop_gradient"], "test_reshape"),
    **dict.fromkeys(["transpose", "broadcast_to", "slice", "pad", "concatenate"], "test_strided"),
    **dict.fromkeys(["sum", "mean", "max", "min", "prod", "argmax", "argmin", "row_numbers"], "test_reduce"),
    **dict.fromkeys(["softmax", "log_softmax"], "test_softmax"),
    **dict.fromkeys(["sparse_cross_entropy", "cross_entropy"], "test_cross_entropy"),
    **dict.fromkeys(["embedding", "one_hot"], "test_embedding"),
    **dict.fromkeys(["max_pool2d", "average_pool2d"], "test_pool2d"),
    **dict.fromkeys(["argsort"], "test_sorting"),
    **dict.fromkeys(["take_along"], "test_segments"),
    **dict.fromkeys(["cumulative_sum"], "test_cumulative"),
    **dict.fromkeys(["affine_transform", "resize"], "test_image"),
    **dict.fromkeys(["lstm", "gru", "simple_rnn"], "test_recurrent"),
    "static_batch": "test_static_batch",
    "matmul": "test_matmul",
    "conv2d": "test_conv2d",
    "conv3d": "test_conv3d",
    "batch_norm": "test_batch_norm",
    "group_norm": "test_group_norm",
}
# Made by the engine alone, for gradients; the gradient checks of the operations above run them.
INNER = {"relu_grad", "count"}


def test_every_operation_has_a_test():
    known = set(TESTED_IN) | INNER
    left = {name for name in _engine.operations() if name not in known and "_grad" not in name}
    assert not left, f"operations without a test: {sorted(left)}"


def test_no_test_is_for_an_operation_that_is_gone():
    assert set(TESTED_IN) | INNER <= set(_engine.operations())


@pytest.mark.parametrize("name", sorted(_engine.operations()))
def test_wrong_use_is_an_error_that_names_the_operation(name):
    graph = _engine.Graph()
    with pytest.raises((ValueError, TypeError), match=name):
        graph.add(name, [graph.constant(np.zeros(1, np.float32))] * 9, {"no_such_attribute": 1}, "")


def test_unknown_operation():
    graph = _engine.Graph()
    with pytest.raises(ValueError, match="no_such_op"):
        graph.add("no_such_op", [], {}, "")


def test_stop_gradient():
    from linnet import ops
    from linnet.backend.trace import Trace

    trace = Trace()
    with trace:
        x = trace.input("x", (3,))
        y = ops.sum(x * ops.stop_gradient(x))
        (gradient,) = trace.gradients(y, [x])
        program = trace.compile([gradient], 1)
    given = np.array([1.0, -2.0, 3.0], np.float32)
    np.testing.assert_array_equal(program.run(1, [given])[0], given)
