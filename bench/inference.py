"""Latency of one image, against onnxruntime and OpenVINO (float32, at their latency settings).

    python bench/inference.py --only lenet5-batch-1 --threads 1
    python bench/inference.py --only resnet50-batch-1 vgg16-batch-1 --rounds 5 --seconds 2

needs torch (to export the model), onnx, onnxruntime and openvino beside linnet. All are called from Python with a NumPy
array and return one; all have the same weights and must give the same result.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from interleave import Step, main
from networks import batch, copy_weights, linnet_network, random_weights, torch_network

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))


def model_of(name: str) -> Any:
    import linnet

    linnet.utils.set_random_seed(0)
    model = linnet_network(name)
    random_weights(model)
    return model


def linnet_model(name: str, rows: int) -> Callable[[], Step]:
    def make() -> Step:
        model = model_of(name)
        x, _ = batch(name, rows)
        return lambda: model.predict_on_batch(x)

    return make


def onnx_file(name: str, x: np.ndarray) -> tuple[bytes, np.ndarray]:
    """The model as an ONNX file, and linnet's answer to x (n, c, h, w)."""
    import torch

    model, network = model_of(name), torch_network(name).eval()
    copy_weights(model, network)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter needs a further package
        torch.onnx.export(network, (torch.from_numpy(x),), file, dynamo=False, input_names=["x"])
    return file.getvalue(), np.asarray(model.predict_on_batch(x.transpose(0, 2, 3, 1)))


def check(name: str, theirs: np.ndarray, ours: np.ndarray) -> None:
    error = np.linalg.norm(theirs - ours) / np.linalg.norm(ours)
    assert error < 1e-4, f"{name}: the two models differ by {error:.1e}"


def onnxruntime_model(name: str, rows: int) -> Callable[[], Step]:
    def make() -> Step:
        import onnxruntime

        x = batch(name, rows)[0].transpose(0, 3, 1, 2).copy()
        file, ours = onnx_file(name, x)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        check(name, session.run(None, {"x": x})[0], ours)
        return lambda: session.run(None, {"x": x})

    return make


def openvino_model(name: str, rows: int) -> Callable[[], Step]:
    def make() -> Step:
        import openvino

        x = batch(name, rows)[0].transpose(0, 3, 1, 2).copy()
        file, ours = onnx_file(name, x)
        settings = {
            "INFERENCE_NUM_THREADS": THREADS,
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(file), "CPU", settings)
        check(name, compiled(x)[0], ours)
        return lambda: compiled(x)[0]

    return make


CASES = {
    f"{name}-batch-{rows}": {
        "linnet": linnet_model(name, rows),
        "onnxruntime": onnxruntime_model(name, rows),
        "openvino": openvino_model(name, rows),
    }
    for name, rows in (("lenet5", 1), ("resnet20", 1), ("resnet50", 1), ("vgg16", 1), ("resnet20", 32))
}

if __name__ == "__main__":
    main(__doc__, CASES)
