"""Elementwise operations: every one against NumPy in float64, with broadcasting, types and edge cases."""

import math

import numpy as np
import pytest
from support import check_op, samples

from linnet import ops

ERF = np.vectorize(math.erf, otypes=[float])


def positive(shape, seed=3):
    return np.abs(samples(shape, seed)) + 0.5


def away_from_integers(shape, seed=4):
    x = 3 * samples(shape, seed)
    return np.where(np.abs(x - np.round(x)) < 0.05, x + 0.2, x).astype(np.float32)


UNARY = {
    "negative": (np.negative, samples),
    "absolute": (np.abs, samples),
    "abs": (np.abs, samples),
    "square": (np.square, samples),
    "sqrt": (np.sqrt, positive),
    "rsqrt": (lambda x: x**-0.5, positive),
    "reciprocal": (lambda x: 1 / x, positive),
    "exp": (np.exp, samples),
    "exp2": (np.exp2, samples),
    "expm1": (np.expm1, samples),
    "log": (np.log, positive),
    "log1p": (np.log1p, positive),
    "log2": (np.log2, positive),
    "log10": (np.log10, positive),
    "sin": (np.sin, samples),
    "cos": (np.cos, samples),
    "tan": (np.tan, lambda shape: np.clip(samples(shape), -1.2, 1.2)),
    "sinh": (np.sinh, samples),
    "cosh": (np.cosh, samples),
    "tanh": (np.tanh, samples),
    "arcsin": (np.arcsin, lambda shape: np.tanh(samples(shape)) * np.float32(0.9)),
    "arccos": (np.arccos, lambda shape: np.tanh(samples(shape)) * np.float32(0.9)),
    "arctan": (np.arctan, samples),
    "arcsinh": (np.arcsinh, samples),
    "arccosh": (np.arccosh, lambda shape: positive(shape) + 1),
    "arctanh": (np.arctanh, lambda shape: np.tanh(samples(shape)) * np.float32(0.9)),
    "erf": (ERF, samples),
    "degrees": (np.degrees, samples),
    "radians": (np.radians, samples),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), samples),
    "softplus": (lambda x: np.log1p(np.exp(x)), samples),
    "log_sigmoid": (lambda x: -np.log1p(np.exp(-x)), samples),
    "relu": (lambda x: np.maximum(x, 0), samples),
    "relu6": (lambda x: np.clip(x, 0, 6), lambda shape: 5 * samples(shape)),
    "silu": (lambda x: x / (1 + np.exp(-x)), samples),
    "swish": (lambda x: x / (1 + np.exp(-x)), samples),
    "softsign": (lambda x: x / (1 + np.abs(x)), samples),
    "mish": (lambda x: x * np.tanh(np.log1p(np.exp(x))), samples),
    "gelu": (lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))), samples),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.2 * x), samples),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(x)), samples),
    "selu": (
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
        samples,
    ),
    "celu": (lambda x: np.maximum(x, 0) + np.minimum(np.expm1(x), 0), samples),
    "hard_sigmoid": (lambda x: np.clip(x / 6 + 0.5, 0, 1), lambda shape: 3 * samples(shape)),
    "hard_silu": (lambda x: x * np.clip(x / 6 + 0.5, 0, 1), lambda shape: 3 * samples(shape)),
    "hard_swish": (lambda x: x * np.clip(x / 6 + 0.5, 0, 1), lambda shape: 3 * samples(shape)),
    "hard_tanh": (lambda x: np.clip(x, -1, 1), samples),
    "tanh_shrink": (lambda x: x - np.tanh(x), samples),
    "soft_shrink": (lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0), samples),
    "hard_shrink": (lambda x: np.where(np.abs(x) <= 0.5, 0, x), samples),
    "squareplus": (lambda x: 0.5 * (x + np.sqrt(x * x + 4)), samples),
    "sparse_plus": (lambda x: np.where(x <= -1, 0, np.where(x > 1, x, 0.25 * (x + 1) ** 2)), samples),
    "sparse_sigmoid": (lambda x: np.clip(0.5 * (x + 1), 0, 1), samples),
}
STEPS = {"sign": np.sign, "floor": np.floor, "ceil": np.ceil, "round": np.round, "trunc": np.trunc}
BINARY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "true_divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "arctan2": np.arctan2,
    "logaddexp": np.logaddexp,
}
COMPARISONS = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
}


@pytest.mark.parametrize("name", UNARY)
def test_unary(name):
    oracle, make = UNARY[name]
    x = np.asarray(make((5, 7)), np.float32)
    check_op(getattr(ops, name), oracle, [x])
    check_op(getattr(ops, name), oracle, [x], batched=True)


@pytest.mark.parametrize("name", STEPS)
def test_steps_have_zero_gradient(name):
    check_op(getattr(ops, name), STEPS[name], [away_from_integers((4, 6))])


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(
    "shapes", [((3, 5), (3, 5)), ((4, 3, 5), (5,)), ((4, 1, 5), (3, 1)), ((), (2, 3)), ((17,), (1,))]
)
def test_binary(name, shapes):
    first, second = samples(shapes[0], 1), samples(shapes[1], 2)
    second = np.where(np.abs(second) < 0.3, second + np.float32(0.7), second)
    check_op(getattr(ops, name), BINARY[name], [np.asarray(first), np.asarray(second, np.float32)])


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_give_bools(name):
    first = np.array([[0.0, 1.0, -2.0], [3.0, 0.0, 1.0]], np.float32)
    second = np.array([1.0, 1.0, 0.0], np.float32)
    check_op(getattr(ops, name), COMPARISONS[name], [first, second], differentiable=False)
    assert getattr(ops, name)(first, second).dtype == bool


@pytest.mark.parametrize("divisor", [3.0, -2.5])
def test_mod_and_floor_divide_have_the_sign_of_the_divisor(divisor):
    x = away_from_integers((30,)) * np.float32(abs(divisor))
    check_op(lambda x: ops.mod(x, divisor), lambda x: np.mod(x, divisor), [x], rtol=1e-4, atol=1e-5)
    check_op(lambda x: ops.floor_divide(x, divisor), lambda x: np.floor_divide(x, divisor), [x])


@pytest.mark.parametrize("exponent", [2, 3, 1, 0.5, -1.0, 2.5, -2])
def test_power_of_a_constant(exponent):
    check_op(lambda x: ops.power(x, exponent), lambda x: np.power(x, float(exponent)), [positive((4, 5))])


def test_power_of_tensors():
    check_op(ops.power, np.power, [positive((4, 5)), samples((4, 5), 9)])


def test_divide_no_nan():
    x, y = np.array([1.0, 2.0, 0.0], np.float32), np.array([0.0, 4.0, 0.0], np.float32)
    np.testing.assert_array_equal(ops.divide_no_nan(x, y), [0.0, 0.5, 0.0])


def test_where_and_clip():
    condition = np.array([[1, 0, 1]], np.int32)
    check_op(
        lambda x, y: ops.where(condition, x, y),
        lambda x, y: np.where(condition, x, y),
        [samples((4, 3), 1), samples((1, 3), 2)],
    )
    check_op(lambda x: ops.clip(x, -0.5, 1.0), lambda x: np.clip(x, -0.5, 1.0), [samples((9, 3))])


def test_special_values():
    x = np.array([np.nan, np.inf, -np.inf, 0.0, 2.0], np.float32)
    np.testing.assert_array_equal(ops.isnan(x), np.isnan(x))
    np.testing.assert_array_equal(ops.isinf(x), np.isinf(x))
    np.testing.assert_array_equal(ops.isfinite(x), np.isfinite(x))
    np.testing.assert_array_equal(ops.nan_to_num(x), np.nan_to_num(x))
    np.testing.assert_array_equal(ops.isclose(x, x, equal_nan=True), np.isclose(x, x, equal_nan=True))
    assert ops.softplus(np.float32(200)) == 200
    assert ops.sigmoid(np.float32(-200)) == pytest.approx(0, abs=1e-30)


def test_types_follow_the_operands():
    ints, floats = np.array([1, 2, 3]), np.array([0.5, 1.5, 2.5])
    assert ops.add(ints, 1).dtype == np.int32
    assert ops.add(ints, 1.0).dtype == np.float32
    assert ops.add(floats, 1).dtype == np.float32
    assert ops.divide(ints, 2).dtype == np.float32
    assert ops.negative(ints).tolist() == [-1, -2, -3]
    assert ops.logical_not(ints > 1).tolist() == [True, False, False]
    assert ops.where([True, False], 1, 2).dtype == np.int32


@pytest.mark.parametrize("shape", [(0,), (0, 3), (1,), (1, 1), (257,), (3, 0, 2)])
def test_hostile_sizes(shape):
    x = np.asarray(samples(shape)).reshape(shape)
    check_op(lambda x: ops.relu(x) * 2.0 + ops.exp(x), lambda x: np.maximum(x, 0) * 2 + np.exp(x), [x])


def test_a_long_chain_is_the_same_fused_or_not():
    def chain(x, y):
        for _ in range(12):
            x = ops.tanh(x * y + 0.1) - ops.sigmoid(x)
        return x

    def oracle(x, y):
        for _ in range(12):
            x = np.tanh(x * y + 0.1) - 1 / (1 + np.exp(-x))
        return x

    check_op(chain, oracle, [samples((33, 5), 1), samples((5,), 2)], rtol=1e-4, atol=1e-5, batched=False)


def test_shapes_that_do_not_broadcast():
    with pytest.raises(ValueError, match="add"):
        ops.add(np.zeros((2, 3)), np.zeros((2, 4)))


@pytest.mark.parametrize("bad", [np.array(["a"]), np.array([1 + 2j]), np.array([None, 1])])
def test_no_numbers(bad):
    with pytest.raises(TypeError, match="expected numbers"):
        ops.add(bad, 1)
