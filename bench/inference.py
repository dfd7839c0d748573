"""Latency of one image through LeNet-5, against onnxruntime.

    python bench/inference.py --threads 1

needs onnxruntime and onnx beside linnet. Both are called from Python with a NumPy array and return one.
"""

from __future__ import annotations

import os

import numpy as np
from interleave import Step, main

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
SIZES = [(5, 5, 1, 6), (6,), (5, 5, 6, 16), (16,), (400, 120), (120,), (120, 84), (84,), (84, 10), (10,)]


def weights() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(size, dtype=np.float32) * 0.1 for size in SIZES]


def image() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((1, 28, 28, 1), dtype=np.float32)


def linnet_model() -> Step:
    import linnet

    layers = linnet.layers
    model = linnet.Sequential(
        [
            linnet.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10),
        ]
    )
    model.set_weights(weights())
    x = image()
    return lambda: model.predict_on_batch(x)


def onnxruntime_model() -> Step:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    w = weights()
    # ONNX keeps channels first: kernels (out, in, h, w), and the flattened features in that order.
    w[0], w[2] = w[0].transpose(3, 2, 0, 1), w[2].transpose(3, 2, 0, 1)
    w[4] = w[4].reshape(5, 5, 16, 120).transpose(2, 0, 1, 3).reshape(400, 120)
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w0", "w1"], ["c1"], pads=[2, 2, 2, 2]),
        node("Relu", ["c1"], ["r1"]),
        node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p1", "w2", "w3"], ["c2"]),
        node("Relu", ["c2"], ["r2"]),
        node("MaxPool", ["r2"], ["p2"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["p2"], ["f"]),
        node("Gemm", ["f", "w4", "w5"], ["d1"]),
        node("Relu", ["d1"], ["a1"]),
        node("Gemm", ["a1", "w6", "w7"], ["d2"]),
        node("Relu", ["d2"], ["a2"]),
        node("Gemm", ["a2", "w8", "w9"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "lenet5",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 28, 28])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(np.ascontiguousarray(a), f"w{i}") for i, a in enumerate(w)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = image().transpose(0, 3, 1, 2)
    ours = linnet_model()()
    assert np.allclose(session.run(None, {"x": x})[0], ours, atol=1e-4), "the two models differ"
    return lambda: session.run(None, {"x": x})


CASES = {"lenet5-batch-1": {"linnet": linnet_model, "onnxruntime": onnxruntime_model}}

if __name__ == "__main__":
    main(__doc__, CASES)
