"""Recurrent layers, forward and forward + backward, against PyTorch; a step of generation; training and its memory.

    python bench/recurrent.py --only 'lstm*'
    python bench/recurrent.py --only 'stream*' 'char*'
    python bench/recurrent.py --only '*-train' 'char*' --python keras=/venv/bin/python
    python bench/recurrent.py --memory

needs torch beside linnet, and onnx and onnxruntime for the rows `stream`; with `--python keras=PATH`, an environment of
Keras and JAX, that is a contender, too (compiled, on all processors whatever the number of threads). A row
`lstm-64x50-64-128` has batch 64, 50 steps, 64 features and 128 units; every output of the sequence gets a gradient, and
the input's is computed, too. Its operations are those of the products. `stream` rows take one step of one sequence,
with the state handed in and out (`-model` through Model.predict_on_batch, `-stateful` kept in the layer); the share of
the limit is that of reading the weights from the caches. `bidirectional` rows predict a batch with both directions of
an LSTM, by the model that a user would write on either side. `char` rows are whole training steps with Adam of a
language model on characters: an embedding of 65 characters, two layers, and logits.
`--memory` prints the most memory that either side needs for these training steps.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from engine import Program, keep_freed_memory, normal
from interleave import Row, Step, main

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
# Also in the process of that contender.
KERAS = any(argument == "keras" or argument.startswith("keras=") for argument in sys.argv)
GATES = {"lstm": 4, "gru": 3, "simple_rnn": 1}
# One sentence, a few, a batch.
DIRECTIONS = [(1, 30, 64, 64), (1, 50, 100, 128), (4, 50, 100, 128), (64, 50, 64, 128)]
# batch, steps, features, units: those of the course's recipes, a large one, and one sequence.
SHAPES = [(128, 28, 28, 128), (64, 50, 64, 128), (128, 128, 9, 32), (1, 100, 128, 256), (128, 128, 256, 512)]


def arrays(cell: str, n: int, t: int, features: int, units: int) -> list[np.ndarray]:
    """x, kernel, recurrent kernel, bias, dy."""
    columns = GATES[cell] * units
    bias = (2, columns) if cell == "gru" else (columns,)
    shapes = [(n, t, features), (features, columns), (units, columns), bias, (n, t, units)]
    scales = [1.0, features**-0.5, units**-0.5, 0.1, 1.0]
    return [scale * normal(i, *shape) for i, (shape, scale) in enumerate(zip(shapes, scales, strict=True))]


def linnet_row(cell: str, n: int, t: int, features: int, units: int, backward: bool) -> Callable[[], Step]:
    def make() -> Step:
        program = Program()
        x, *weights, dy = (program.array(a) for a in arrays(cell, n, t, features, units))
        y, *rest = program.outputs(cell, x, *weights, bias=True)
        if not backward:
            return program.compile(y)
        saved = rest[-1:] if cell != "simple_rnn" else []
        return program.compile(y, *program.outputs(f"{cell}_grad", x, *weights, y, *saved, dy, bias=True, dy=True))

    return make


def torch_layer(cell: str, features: int, units: int) -> Any:
    import torch

    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "simple_rnn": torch.nn.RNN}[cell]
    return kind(features, units, batch_first=True)


def torch_row(cell: str, n: int, t: int, features: int, units: int, backward: bool) -> Callable[[], Step]:
    def make() -> Step:
        import torch

        layer = torch_layer(cell, features, units)
        x, *_, dy = (torch.from_numpy(a) for a in arrays(cell, n, t, features, units))
        if not backward:

            def step() -> None:
                with torch.no_grad():
                    layer(x)

            return step
        x.requires_grad_()

        def train() -> None:
            x.grad = None
            layer.zero_grad()
            layer(x)[0].backward(dy)

        return train

    return make


def keras_layer(cell: str, units: int) -> Any:
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    kinds = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple_rnn": keras.layers.SimpleRNN}
    return kinds[cell](units, return_sequences=True)


def keras_row(cell: str, n: int, t: int, features: int, units: int, backward: bool) -> Callable[[], Step]:
    def make() -> Step:
        layer = keras_layer(cell, units)
        import jax

        layer.build((n, t, features))
        x, *_, dy = (jax.numpy.asarray(a) for a in arrays(cell, n, t, features, units))
        weights = [v.value for v in layer.trainable_variables]
        others = [v.value for v in layer.non_trainable_variables]

        def forward(weights: Any, x: Any) -> Any:
            return layer.stateless_call(weights, others, x)[0]

        def both(weights: Any, x: Any) -> Any:
            y, back = jax.vjp(forward, weights, x)
            return y, back(dy)

        compiled = jax.jit(both if backward else forward)
        return lambda: jax.block_until_ready(compiled(weights, x))

    return make


# ---- one step at a time ----------------------------------------------------------------------------------------------


def stream_linnet(features: int, units: int) -> Callable[[], Step]:
    def make() -> Step:
        import linnet
        from linnet import layers

        x = linnet.Input((1, features))
        states = [linnet.Input((units,)) for _ in range(2)]
        y = layers.LSTM(units, return_state=True)(x, initial_state=states)
        model = linnet.Model([x, *states], list(y))
        data = [normal(0, 1, 1, features), *(normal(i, 1, units) for i in (1, 2))]
        model.predict_on_batch(data)
        return lambda: model.predict_on_batch(data)

    return make


def stream_stateful(features: int, units: int) -> Callable[[], Step]:
    def make() -> Step:
        import linnet
        from linnet import layers

        model = linnet.Sequential([linnet.Input((1, features), batch_size=1), layers.LSTM(units, stateful=True)])
        x = normal(0, 1, 1, features)
        return lambda: model.predict_on_batch(x)

    return make


def stream_engine(features: int, units: int) -> Callable[[], Step]:
    def make() -> Step:
        from linnet import _engine

        x, *weights, _ = arrays("lstm", 1, 1, features, units)
        graph = _engine.Graph()
        values = [graph.input("x", (-1, 1, features), "float32")]
        values += [graph.variable(f"w{i}", w.shape, "float32") for i, w in enumerate(weights)]
        states = [graph.input(name, (-1, units), "float32") for name in "hc"]
        outputs = graph.add("lstm", values + states, {"bias": True, "state": True})[1:3]
        program = _engine.Executable(graph, outputs, 1, prepare=True)
        for value, w in zip(values[1:], weights, strict=True):
            program.bind_variable(value, w)
        data = [x, normal(1, 1, units), normal(2, 1, units)]
        return lambda: program.run(1, data)

    return make


def stream_onnxruntime(features: int, units: int) -> Callable[[], Step]:
    def make() -> Step:
        import onnxruntime
        import torch

        layer = torch_layer("lstm", features, units).eval()
        file = io.BytesIO()
        x, h, c = torch.zeros(1, 1, features), torch.zeros(1, 1, units), torch.zeros(1, 1, units)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = {"input_names": ["x", "h", "c"], "output_names": ["y", "hn", "cn"]}
            torch.onnx.export(layer, (x, (h, c)), file, dynamo=False, **names)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
        data = {"x": normal(0, 1, 1, features), "h": normal(1, 1, 1, units), "c": normal(2, 1, 1, units)}
        return lambda: session.run(["hn", "cn"], data)

    return make


# ---- two directions --------------------------------------------------------------------------------------------------


def bidirectional_linnet(n: int, t: int, features: int, units: int) -> Callable[[], Step]:
    def make() -> Step:
        import linnet
        from linnet import layers

        layer = layers.Bidirectional(layers.LSTM(units, return_sequences=True))
        model = linnet.Sequential([linnet.Input((t, features)), layer])
        x = normal(0, n, t, features)
        return lambda: model.predict_on_batch(x)

    return make


def bidirectional_torch(n: int, t: int, features: int, units: int) -> Callable[[], Step]:
    def make() -> Step:
        import torch

        torch.set_num_threads(THREADS)
        layer = torch.nn.LSTM(features, units, batch_first=True, bidirectional=True).eval()
        x = torch.from_numpy(normal(0, n, t, features))

        def step() -> None:
            with torch.inference_mode():
                layer(x)

        return step

    return make


# ---- training --------------------------------------------------------------------------------------------------------

CHARACTERS = 65


def text(n: int, t: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return tuple(rng.integers(0, CHARACTERS, (n, t)).astype(np.int32) for _ in range(2))  # type: ignore[return-value]


def char_linnet(cell: str, units: int, n: int, t: int) -> Callable[[], Step]:
    def make() -> Step:
        import linnet
        from linnet import layers

        kind = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}[cell]
        model = linnet.Sequential(
            [
                linnet.Input((t,), dtype="int32"),
                layers.Embedding(CHARACTERS, units),
                kind(units, return_sequences=True),
                kind(units, return_sequences=True),
                layers.Dense(CHARACTERS),
            ]
        )
        model.compile("adam", linnet.losses.SparseCategoricalCrossentropy(from_logits=True))
        x, y = text(n, t)
        return lambda: model.train_on_batch(x, y)

    return make


def char_keras(cell: str, units: int, n: int, t: int) -> Callable[[], Step]:
    def make() -> Step:
        recurrent = [keras_layer(cell, units) for _ in range(2)]
        import keras

        model = keras.Sequential(
            [keras.Input((t,), dtype="int32"), keras.layers.Embedding(CHARACTERS, units), *recurrent]
        )
        model.add(keras.layers.Dense(CHARACTERS))
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        x, y = text(n, t)
        return lambda: model.train_on_batch(x, y)

    return make


def char_torch(cell: str, units: int, n: int, t: int, fused: bool) -> Callable[[], Step]:
    def make() -> Step:
        import torch

        torch.set_num_threads(THREADS)
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "simple_rnn": torch.nn.RNN}[cell]
        embedding = torch.nn.Embedding(CHARACTERS, units)
        layer = kind(units, units, num_layers=2, batch_first=True)
        head = torch.nn.Linear(units, CHARACTERS)
        parameters = [p for module in (embedding, layer, head) for p in module.parameters()]
        optimizer = torch.optim.Adam(parameters, fused=fused)
        loss = torch.nn.CrossEntropyLoss()
        x, y = (torch.from_numpy(a).long() for a in text(n, t))

        def step() -> float:
            optimizer.zero_grad()
            value = loss(head(layer(embedding(x))[0]).flatten(0, 1), y.flatten())
            value.backward()
            optimizer.step()
            return float(value.item())

        return step

    return make


def cases() -> dict[str, Row]:
    found = {}
    for cell, gates in GATES.items():
        for shape in SHAPES:
            n, t, features, units = shape
            flops = 2 * n * t * (features + units) * gates * units
            for backward in (False, True):
                name = f"{cell}-{n}x{t}-{features}-{units}" + ("-train" if backward else "")
                contenders = {"linnet": linnet_row(cell, *shape, backward), "torch": torch_row(cell, *shape, backward)}
                if KERAS:
                    contenders["keras"] = keras_row(cell, *shape, backward)
                found[name] = Row(contenders, flops=flops * (3 if backward else 1), group=cell)
    for features, units in ((128, 256), (64, 128)):
        weights = 4 * 4 * units * (features + units)
        peer = stream_onnxruntime(features, units)
        name = f"stream-{features}-{units}"
        found[name] = Row(
            {"linnet": stream_engine(features, units), "onnxruntime": peer}, bytes=weights, cached=True, group="stream"
        )
        for kind, make in (("model", stream_linnet), ("stateful", stream_stateful)):
            contenders = {"linnet": make(features, units), "onnxruntime": peer}
            found[f"{name}-{kind}"] = Row(contenders, bytes=weights, cached=True, group="stream")
    for shape in DIRECTIONS:
        n, t, features, units = shape
        contenders = {"linnet": bidirectional_linnet(*shape), "torch": bidirectional_torch(*shape)}
        flops = 2 * 2 * n * t * (features + units) * 4 * units
        found[f"bidirectional-{n}x{t}-{features}-{units}"] = Row(contenders, flops=flops, group="bidirectional")
    for cell in GATES:
        contenders = {"linnet": char_linnet(cell, 128, 64, 50)}
        contenders |= {
            "torch": char_torch(cell, 128, 64, 50, fused=False),
            "torch fused": char_torch(cell, 128, 64, 50, fused=True),
        }
        if KERAS:
            contenders["keras"] = char_keras(cell, 128, 64, 50)
        found[f"char-{cell}-2x128"] = Row(contenders, group="training", own_processes=True)
    return found


CASES = cases()
MEMORY = [f"lstm-{n}x{t}-{f}-{u}-train" for n, t, f, u in SHAPES] + ["char-lstm-2x128"]


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory() -> None:
    """The most memory that each side has resident after three steps, less what it has after importing itself."""
    for name in MEMORY:
        peaks = {}
        for contender in ("linnet", "torch"):
            command = [sys.executable, sys.argv[0], "--memory-of", name, contender]
            answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            peaks[contender] = json.loads(answer.splitlines()[-1])
        ours, theirs = peaks["linnet"], peaks["torch"]
        print(
            f"{name:32} linnet {ours[1]:6.0f} MB, {ours[1] - ours[0]:6.0f} beyond the libraries;  "
            f"torch {theirs[1]:6.0f} MB, {theirs[1] - theirs[0]:6.0f};  "
            f"{ours[1] / theirs[1]:.2f}, {(ours[1] - ours[0]) / (theirs[1] - theirs[0]):.2f}",
            flush=True,
        )


def memory_of(name: str, contender: str) -> None:
    if contender == "torch":
        import torch  # noqa: F401
    else:
        import linnet  # noqa: F401
    before = megabytes()
    step = CASES[name].contenders[contender]()
    for _ in range(3):
        step()  # type: ignore[operator]
    print(json.dumps([before, megabytes()]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        memory()
    elif sys.argv[1:2] == ["--memory-of"]:
        memory_of(*sys.argv[2:4])
    else:
        keep_freed_memory()
        main(__doc__, CASES)
