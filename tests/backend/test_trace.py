"""Traces, tensors, symbolic tensors, eager programs, lookup, types, structures."""

import threading

import numpy as np
import pytest

import linnet
from linnet import ops
from linnet.backend import tree
from linnet.backend.dtypes import engine_array, standardize_dtype
from linnet.backend.lookup import choose
from linnet.backend.naming import to_snake_case
from linnet.backend.program import ProgramCache, _eager_cache, round_capacity
from linnet.backend.tensor import BatchSize
from linnet.backend.trace import Trace, current_trace


def test_tensors_say_what_they_cannot_do():
    trace = Trace()
    with trace:
        x = trace.input("x", (None, 3))
        assert x.shape == (None, 3)
        assert repr(x) == "<Tensor shape=(None, 3) dtype=float32>"
        for use, message in (
            (bool, "truth value"),
            (float, "no number"),
            (len, "batch size is not known"),
            (np.asarray, "use linnet.ops"),
            (list, "cannot iterate over the batch"),
        ):
            with pytest.raises(TypeError, match=message):
                use(x)
        rows = trace.constant(np.arange(6.0).reshape(2, 3))
        assert len(list(rows)) == len(rows) == 2


def test_operators():
    x, y = np.array([5.0, -3.0], np.float32), np.array([2.0, 4.0], np.float32)

    def every(x, y):
        return [
            x + y,
            x - y,
            x * y,
            x / y,
            x // y,
            x % y,
            x**2,
            -x,
            +x,
            abs(x),
            1 + x,
            1 - x,
            2 * x,
            2 / x,
            7 // x,
            7 % x,
            2**x,
            x @ y,
            x < y,
            x <= y,
            x > y,
            x >= y,
            x == y,
            x != y,
            (x > y) & (y > 3),
            (x > y) | (y > 3),
            ~(x > y),
            (x > y) ^ (y > 3),
            y @ x,
        ]

    variables = every(linnet.Variable(x), linnet.Variable(y))
    for got, want in zip(variables, every(x, y), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6)
        assert np.asarray(got).dtype.kind == want.dtype.kind
    a, b = linnet.Input((2,)), linnet.Input((2,))
    symbolic = [a + b, a * 2.0, 1.0 - a, a > b, ~(a > b), abs(a), a**2]
    found = linnet.Model([a, b], symbolic).predict([x[None], y[None]], verbose=0)
    for got, want in zip(found, [x + y, x * 2, 1 - x, x > y, ~(x > y), abs(x), x**2], strict=True):
        np.testing.assert_allclose(got[0], want)


def test_batch_size_arithmetic():
    n = BatchSize()
    assert 3 * n == n * 3 == BatchSize(3)
    assert (n * 6) // 3 == BatchSize(2)
    assert (n * 6) // n == 6
    assert repr(n * 2) == "2*batch"
    with pytest.raises(ValueError, match="without a rest"):
        (n * 5) // 2
    with pytest.raises(TypeError, match="int only"):
        n * 1.5


def test_traces_of_threads_do_not_mix():
    seen = []
    with Trace() as trace:
        thread = threading.Thread(target=lambda: seen.append(current_trace()))
        thread.start()
        thread.join()
        assert current_trace() is trace
    assert seen == [None]
    assert current_trace() is None


def test_eager_programs_are_kept_and_bounded():
    linnet.backend.clear_session()
    for _ in range(3):
        ops.add(np.ones(4), 1.0)
    assert len(_eager_cache) == 1
    for n in range(1, 300):
        ops.add(np.ones(n), 1.0)
    assert len(_eager_cache) == 256
    cache = ProgramCache(2)
    for key in "abac":
        cache.put(key, key) if cache.get(key) is None else None
    assert cache.get("a") == "a"
    assert cache.get("b") is None
    assert [round_capacity(n) for n in (0, 1, 2, 3, 32, 33)] == [1, 1, 2, 4, 32, 64]


def test_functions_of_arrays_return_structures():
    mean, variance = ops.moments(np.arange(4.0), 0)
    assert (float(mean), float(variance)) == (1.5, 1.25)
    assert [part.tolist() for part in ops.split(np.arange(4), 2)] == [[0, 1], [2, 3]]


def test_types():
    assert [standardize_dtype(d) for d in (None, "float64", np.uint8, "int64", bool, "bool", float)] == [
        "float32",
        "float32",
        "int32",
        "int32",
        "bool",
        "bool",
        "float32",
    ]
    with pytest.raises(ValueError, match="not supported"):
        standardize_dtype("complex64")
    with pytest.raises(ValueError, match="do not fit into int32"):
        engine_array(np.array([2**40]))
    assert engine_array(np.float64(3)).shape == ()


def test_structures():
    structure = {"b": [1, (2, 3)], "a": None}
    assert tree.flatten(structure) == [None, 1, 2, 3]
    assert tree.map_structure(str, structure) == {"b": ["1", ("2", "3")], "a": "None"}
    assert list(tree.map_structure(str, structure)) == ["b", "a"]
    assert tree.pack_like(structure, "wxyz") == {"b": ["x", ("y", "z")], "a": "w"}
    assert tree.freeze({"a": [1, 2.0]}) != tree.freeze({"a": [1.0, 2.0]})
    assert hash(tree.freeze({"a": [1, {"b": np.ones(2)}]}))


def test_near_names():
    with pytest.raises(ValueError, match='unknown fruit "aple"; did you mean "apple"'):
        choose("fruit", "aple", {"apple": 1, "pear": 2})
    with pytest.raises(ValueError, match="known: apple, pear"):
        choose("fruit", "zzz", {"apple": 1, "pear": 2})
    assert choose("fruit", "pear", {"apple": 1, "pear": 2}) == 2


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Dense", "dense"),
        ("Conv2D", "conv2d"),
        ("MaxPooling2D", "max_pooling2d"),
        ("ReLU", "re_lu"),
        ("BatchNormalization", "batch_normalization"),
        ("GlobalAveragePooling2D", "global_average_pooling2d"),
    ],
)
def test_snake_case(name, snake):
    assert to_snake_case(name) == snake


def test_the_package_is_lazy():
    import subprocess
    import sys

    late = ["tqdm", "matplotlib", *(f"linnet.{name}" for name in ("datasets", "saving", "models", "callbacks"))]
    code = f"import sys, linnet; print([m for m in {late} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    assert linnet.layers.Dense is linnet.layers.Dense
    assert {"Dense", "Conv2D", "Input"} <= set(dir(linnet.layers))
    assert {"Sequential", "ops", "datasets"} <= set(dir(linnet))
    with pytest.raises(AttributeError, match="no attribute 'Sequental'"):
        linnet.Sequental  # noqa: B018
