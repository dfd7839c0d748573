"""The layers. Each lives in a file of its own name and is imported when first used, so that `import linnet` stays
quick: `from linnet.layers import Dense` and `linnet.layers.Dense` both work.
"""

import importlib
from typing import Any

from linnet.backend.input_spec import InputSpec
from linnet.layers.input_layer import Input, InputLayer
from linnet.layers.layer import Layer

# Where each class lives.
_LAYERS = {
    "Activation": "activation",
    "Add": "add",
    "AveragePooling2D": "average_pooling2d",
    "AvgPool2D": "average_pooling2d",
    "BatchNormalization": "batch_normalization",
    "Concatenate": "concatenate",
    "Conv2D": "conv2d",
    "Convolution2D": "conv2d",
    "Dense": "dense",
    "Dropout": "dropout",
    "Flatten": "flatten",
    "GlobalAveragePooling2D": "global_average_pooling2d",
    "GlobalAvgPool2D": "global_average_pooling2d",
    "MaxPool2D": "max_pooling2d",
    "MaxPooling2D": "max_pooling2d",
    "ReLU": "relu",
    "Reshape": "reshape",
    "Softmax": "softmax",
}

__all__ = ["Input", "InputLayer", "InputSpec", "Layer", *_LAYERS]


def __getattr__(name: str) -> Any:
    if name in _LAYERS:
        return getattr(importlib.import_module(f"linnet.layers.{_LAYERS[name]}"), name)
    from linnet.backend.lookup import unknown_name

    raise AttributeError(str(unknown_name("layer", name, __all__)))


def __dir__() -> list[str]:
    return sorted(__all__)
