"""The layers. Each lives in a file of its own name and is imported when first used, so that `import linnet` stays
quick: `from linnet.layers import Dense` and `linnet.layers.Dense` both work.
"""

import importlib
from typing import Any

from linnet.backend.input_spec import InputSpec
from linnet.layers.input_layer import Input, InputLayer
from linnet.layers.layer import Layer

# Where each class, or function, lives.
_LAYERS = {
    "Activation": "activation",
    "Add": "merge",
    "Average": "merge",
    "AveragePooling2D": "average_pooling2d",
    "AvgPool2D": "average_pooling2d",
    "BatchNormalization": "batch_normalization",
    "Concatenate": "merge",
    "Conv1D": "conv1d",
    "Conv1DTranspose": "conv1d_transpose",
    "Conv2D": "conv2d",
    "Conv2DTranspose": "conv2d_transpose",
    "Conv3D": "conv3d",
    "Conv3DTranspose": "conv3d_transpose",
    "Convolution1D": "conv1d",
    "Convolution1DTranspose": "conv1d_transpose",
    "Convolution2D": "conv2d",
    "Convolution2DTranspose": "conv2d_transpose",
    "Convolution3D": "conv3d",
    "Convolution3DTranspose": "conv3d_transpose",
    "Dense": "dense",
    "DepthwiseConv1D": "depthwise_conv1d",
    "DepthwiseConv2D": "depthwise_conv2d",
    "Dropout": "dropout",
    "Flatten": "flatten",
    "GlobalAveragePooling2D": "global_average_pooling2d",
    "GlobalAvgPool2D": "global_average_pooling2d",
    "GlobalMaxPool2D": "global_max_pooling2d",
    "GlobalMaxPooling2D": "global_max_pooling2d",
    "MaxPool2D": "max_pooling2d",
    "MaxPooling2D": "max_pooling2d",
    "Maximum": "merge",
    "Minimum": "merge",
    "Multiply": "merge",
    "ReLU": "relu",
    "Rescaling": "rescaling",
    "Reshape": "reshape",
    "SeparableConv1D": "separable_conv1d",
    "SeparableConv2D": "separable_conv2d",
    "SeparableConvolution1D": "separable_conv1d",
    "SeparableConvolution2D": "separable_conv2d",
    "Softmax": "softmax",
    "Subtract": "merge",
    "ZeroPadding2D": "zero_padding2d",
    "add": "merge",
    "average": "merge",
    "concatenate": "merge",
    "maximum": "merge",
    "minimum": "merge",
    "multiply": "merge",
    "subtract": "merge",
}

__all__ = ["Input", "InputLayer", "InputSpec", "Layer"]
__all__ += list(_LAYERS)


def __getattr__(name: str) -> Any:
    if name in _LAYERS:
        value = globals()[name] = getattr(importlib.import_module(f"linnet.layers.{_LAYERS[name]}"), name)
        return value
    from linnet.backend.lookup import unknown_name

    raise AttributeError(str(unknown_name("layer", name, __all__)))


def __dir__() -> list[str]:
    return sorted(__all__)
