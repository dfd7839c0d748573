"""linnet: neural networks on CPUs, with Keras's interface and a small engine of its own.

    import linnet

    model = linnet.Sequential([linnet.Input((784,)), linnet.layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=5)

Parts are imported when first used, so that `import linnet` costs little more than NumPy.
"""

import importlib
from typing import Any

from linnet._engine import default_num_threads, num_threads, set_num_threads
from linnet.backend.errors import NonFiniteError, ShapeError, UnsupportedError
from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.variable import Variable
from linnet.layers.input_layer import Input
from linnet.layers.layer import Layer

__version__ = "0.1.0"

_MODULES = (
    "activations",
    "applications",
    "backend",
    "callbacks",
    "cli",
    "config",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "utils",
    "viz",
)
_NAMES = {
    "Functional": "linnet.models.functional",
    "Initializer": "linnet.initializers",
    "InputSpec": "linnet.backend.input_spec",
    "Loss": "linnet.losses",
    "Metric": "linnet.metrics",
    "Model": "linnet.models.model",
    "Optimizer": "linnet.optimizers",
    "Regularizer": "linnet.regularizers",
    "Sequential": "linnet.models.sequential",
    "gradients": "linnet.backend.gradient",
    "value_and_grad": "linnet.backend.gradient",
}

# The lazy names too: __getattr__ finds them.
__all__ = [
    "Functional",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "NonFiniteError",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "ShapeError",
    "UnsupportedError",
    "Variable",
    "__version__",
    "activations",
    "applications",
    "backend",
    "callbacks",
    "cli",
    "config",
    "constraints",
    "datasets",
    "default_num_threads",
    "gradients",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "num_threads",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "set_num_threads",
    "utils",
    "value_and_grad",
    "viz",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"linnet.{name}")
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'linnet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
