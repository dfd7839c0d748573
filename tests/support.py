"""What many tests share: a layer checked in every respect that all layers have in common, and gradients held against
central differences of a float64 oracle."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import linnet
from linnet import _engine, ops
from linnet.backend.flat import FlatParameters
from linnet.backend.trace import Trace

RNG_SEED = 20


def samples(shape: Sequence[int], seed: int = RNG_SEED) -> np.ndarray:
    """Normal float32 numbers, always the same."""
    return np.random.default_rng(seed).standard_normal(tuple(shape)).astype(np.float32)


def run_traced(function: Callable[..., Any], arrays: Sequence[np.ndarray], training: bool = False) -> list[np.ndarray]:
    """The outputs of function(*tensors), traced and compiled for these arrays (no batch axis)."""
    trace = Trace(training=training)
    with trace:
        tensors = [
            trace.input(f"x{i}", array.shape, "int32" if array.dtype.kind in "iu" else "float32")
            for i, array in enumerate(arrays)
        ]
        outputs = function(*tensors)
        outputs = [trace.tensor(one) for one in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]
    program = trace.compile(outputs, 1)
    ready = [np.asarray(a, np.int32 if a.dtype.kind in "iu" else np.float32, order="C") for a in arrays]
    return program.run(1, ready)


def gradients(function: Callable[..., Any], arrays: Sequence[np.ndarray], weights: np.ndarray) -> list[np.ndarray]:
    """The gradients of sum(weights * function(*arrays)) in the float arrays."""

    def step(*tensors: Any) -> list[Any]:
        loss = ops.sum(function(*tensors) * weights.astype(np.float32))
        targets = [t for t, a in zip(tensors, arrays, strict=True) if a.dtype.kind == "f"]
        found = loss.trace.gradients(loss, targets)
        return [ops.zeros_like(t) if g is None else g for g, t in zip(found, targets, strict=True)]

    return run_traced(step, arrays)


def central_difference(
    oracle: Callable[..., np.ndarray], arrays: Sequence[np.ndarray], weights: np.ndarray, step: float = 1e-5
) -> list[np.ndarray]:
    """The same gradients from a float64 NumPy function, element by element."""
    wide = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]
    found = []
    for array in wide:
        if array.dtype.kind != "f":
            continue
        gradient = np.zeros_like(array)
        flat, out = array.reshape(-1), gradient.reshape(-1)
        for i in range(flat.size):
            kept = flat[i]
            flat[i] = kept + step
            above = np.sum(weights * oracle(*wide))
            flat[i] = kept - step
            below = np.sum(weights * oracle(*wide))
            flat[i] = kept
            out[i] = (above - below) / (2 * step)
        found.append(gradient)
    return found


def check_function(
    function: Callable[..., Any],
    oracle: Callable[..., np.ndarray],
    arrays: Sequence[np.ndarray],
    rtol: float = 2e-5,
    atol: float = 2e-6,
    differentiable: bool = True,
) -> None:
    """Values, run at once and traced, and gradients of a function against its float64 oracle."""
    wide = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]
    expected = np.asarray(oracle(*wide))
    np.testing.assert_allclose(np.asarray(function(*arrays)), expected, rtol=rtol, atol=atol)
    np.testing.assert_allclose(run_traced(function, arrays)[0], expected, rtol=rtol, atol=atol)
    if differentiable:
        weights = np.random.default_rng(7).standard_normal(expected.shape)
        for got, want in zip(
            gradients(function, arrays, weights), central_difference(oracle, arrays, weights), strict=True
        ):
            np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4)


def _outputs_and_gradients(
    function: Callable[..., Any], arrays: Sequence[np.ndarray], weights: np.ndarray | None, batched: bool
) -> list[np.ndarray]:
    """function's output, and its gradients if weights are given. batched: the first axis of all arrays is the batch."""
    trace = Trace()
    rows = len(arrays[0]) if batched else 1
    with trace:
        tensors = [
            trace.input(
                f"x{i}",
                (-1, *array.shape[1:]) if batched else array.shape,
                "int32" if array.dtype.kind in "iu" else "float32",
            )
            for i, array in enumerate(arrays)
        ]
        output = trace.tensor(function(*tensors))
        results = [output]
        if weights is not None:
            scale = trace.input("weights", output.dims, "float32")
            targets = [t for t in tensors if t.dtype == "float32"]
            found = trace.gradients(ops.sum(output * scale), targets)
            results += [ops.zeros_like(t) if g is None else g for g, t in zip(found, targets, strict=True)]
    program = trace.compile(results, rows + 3 if batched else 1)
    given = [*arrays, weights] if weights is not None else arrays
    ready = [np.asarray(a, np.int32 if a.dtype.kind in "iu" else np.float32, order="C") for a in given]
    # Twice: a plan must not depend on what the run before left in its memory.
    program.run(rows, ready)
    return program.run(rows, ready)


def check_op(
    function: Callable[..., Any],
    oracle: Callable[..., np.ndarray],
    arrays: Sequence[np.ndarray],
    rtol: float = 2e-5,
    atol: float = 2e-6,
    gradient_rtol: float = 1e-3,
    gradient_atol: float = 1e-4,
    differentiable: bool = True,
    batched: bool = False,
) -> None:
    """An operation against its float64 oracle: values and gradients, on every instruction set, with 1 and 3 threads
    (the same bits), fused and planned or not, and run at once on arrays."""
    wide = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]
    expected = np.asarray(oracle(*wide))
    weights = wanted = None
    if differentiable:
        weights = np.random.default_rng(7).standard_normal(expected.shape)
        wanted = central_difference(oracle, arrays, weights)

    def check(found: Sequence[np.ndarray], what: str) -> None:
        assert found[0].shape == expected.shape, what
        np.testing.assert_allclose(found[0], expected, rtol=rtol, atol=atol, err_msg=what)
        for got, want in zip(found[1:], wanted or [], strict=True):
            np.testing.assert_allclose(got, want, rtol=gradient_rtol, atol=gradient_atol, err_msg=f"gradient, {what}")

    isa, threads = _engine.isa(), _engine.num_threads()
    try:
        for level in _engine.available_isas():
            _engine.set_isa(level)
            bits = []
            for count in (1, 3):
                _engine.set_num_threads(count)
                found = _outputs_and_gradients(function, arrays, weights, batched)
                check(found, f"{level}, {count} threads")
                bits.append([array.tobytes() for array in found])
            assert bits[0] == bits[1], f"{level}: the bits depend on the number of threads"
    finally:
        _engine.set_isa(isa)
        _engine.set_num_threads(threads)
    before = os.environ.get("LINNET_DEBUG")
    try:
        os.environ["LINNET_DEBUG"] = "nofuse,noplan,reference"
        check(_outputs_and_gradients(function, arrays, weights, batched), "nofuse,noplan,reference")
    finally:
        if before is None:
            del os.environ["LINNET_DEBUG"]
        else:
            os.environ["LINNET_DEBUG"] = before
    at_once = np.asarray(function(*arrays))
    assert at_once.shape == expected.shape
    np.testing.assert_allclose(at_once, expected, rtol=rtol, atol=atol)


def training_losses(model: Any, x: Any, y: Any, loss: Any, optimizer: Any, steps: int) -> list[float]:
    """The loss before each of `steps` full-batch training steps, recorded and compiled as fit does it."""
    inputs = x if isinstance(x, list) else [x]
    rows = len(inputs[0])
    flat = FlatParameters(model.trainable_variables)
    trace = Trace(training=True, flat=flat)
    with trace:
        tensors = [trace.input(f"x{i}", (-1, *one.shape[1:]), "float32") for i, one in enumerate(inputs)]
        target = trace.input("y", (-1, *y.shape[1:]), "int32" if y.dtype.kind in "iu" else "float32")
        value = loss(target, model(tensors if isinstance(x, list) else tensors[0], training=True))
        for extra in model.losses:
            value = value + extra
        found = trace.gradients(value, [trace.read(variable) for variable in flat.variables])
        optimizer.apply(found, flat.variables)
    program = trace.compile([value], rows)
    ready = [np.ascontiguousarray(one, np.float32) for one in inputs]
    ready.append(np.ascontiguousarray(y, np.int32 if y.dtype.kind in "iu" else np.float32))
    return [float(program.run(rows, ready, seed=1, step=step)[0]) for step in range(steps)]


def check_layer(
    cls: Callable[..., Any],
    kwargs: dict[str, Any],
    in_shape: Any,
    out_shape: tuple[int, ...],
    n_weights: int,
    n_trainable: int | None = None,
    same_in_any_batch: bool = True,
) -> None:
    """All that every layer can: shapes, weights, configuration, saving, training.

    in_shape: the shape of one sample, or a list of shapes for a layer with several inputs. out_shape: of one sample.
    n_weights: arrays of weights, of which n_trainable (default: all) are trained.
    """
    several = isinstance(in_shape, list)
    shapes = in_shape if several else [in_shape]
    arrays = [samples((5, *shape), seed=i) for i, shape in enumerate(shapes)]
    x = arrays if several else arrays[0]
    n_trainable = n_weights if n_trainable is None else n_trainable

    # Symbolically: shapes and weights.
    layer = cls(**kwargs)
    sources = [linnet.Input(shape) for shape in shapes]
    output = layer(sources if several else sources[0])
    assert output.shape == (None, *out_shape)
    assert layer.built
    assert len(layer.weights) == n_weights
    assert len(layer.trainable_weights) == n_trainable
    computed = layer.compute_output_shape([(None, *s) for s in shapes] if several else (None, *shapes[0]))
    assert tuple(computed) == (None, *out_shape)
    assert layer.name in repr(layer)

    # At once, on arrays.
    y = layer(x)
    assert isinstance(y, np.ndarray)
    assert y.dtype == np.float32
    assert y.shape == (5, *out_shape)
    assert np.isfinite(y).all()
    if same_in_any_batch:
        one = layer([a[2:3] for a in arrays] if several else arrays[0][2:3])
        np.testing.assert_array_equal(one[0], y[2])

    # The configuration, through JSON, makes the same layer.
    config = json.loads(json.dumps(linnet.saving.serialize_keras_object(layer)))
    twin = linnet.saving.deserialize_keras_object(config)
    assert twin.get_config() == layer.get_config()
    twin(x)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(x), y)

    # Saved and loaded, it gives the same.
    model = linnet.Model(sources if several else sources[0], output)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.linnet"
        model.save(path)
        loaded = linnet.saving.load_model(path)
    np.testing.assert_array_equal(loaded(x), model(x))
    assert [v.shape for v in loaded.weights] == [v.shape for v in model.weights]

    # It learns, or lets what lies below it learn: the gradient passes.
    linnet.utils.set_random_seed(3)
    sources = [linnet.Input(shape) for shape in shapes]
    scaled = [linnet.layers.Dense(shape[-1], name=f"below_{i}")(s) for i, (s, shape) in enumerate(zip(sources, shapes))]  # noqa: B905
    trained = cls(**kwargs)
    model = linnet.Model(sources, trained(scaled if several else scaled[0]))
    target = samples((5, *out_shape), seed=9)
    losses = training_losses(
        model, arrays, target, linnet.losses.MeanSquaredError(), linnet.optimizers.SGD(0.05), steps=12
    )
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
