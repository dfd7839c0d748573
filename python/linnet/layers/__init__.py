"""The layers. Each lives in a file of its own name and is imported when first used, so that `import linnet` stays
quick: `from linnet.layers import Dense` and `linnet.layers.Dense` both work.

A new layer adds its file and a line here, in the order of the alphabet.
"""

import importlib
from typing import Any

from linnet.backend.input_spec import InputSpec
from linnet.layers.input_layer import Input, InputLayer
from linnet.layers.layer import Layer

# Where each class, or function, lives.
_LAYERS = {
    "Activation": "activation",
    "ActivityRegularization": "activity_regularization",
    "Add": "merge",
    "AdditiveAttention": "additive_attention",
    "AlphaDropout": "alpha_dropout",
    "Attention": "attention",
    "Average": "merge",
    "AveragePooling1D": "average_pooling",
    "AveragePooling2D": "average_pooling",
    "AveragePooling3D": "average_pooling",
    "AvgPool1D": "average_pooling",
    "AvgPool2D": "average_pooling",
    "AvgPool3D": "average_pooling",
    "BatchNormalization": "batch_normalization",
    "Bidirectional": "bidirectional",
    "CenterCrop": "center_crop",
    "Concatenate": "merge",
    "Conv1D": "conv1d",
    "Conv1DTranspose": "conv1d_transpose",
    "Conv2D": "conv2d",
    "Conv2DTranspose": "conv2d_transpose",
    "Conv3D": "conv3d",
    "Conv3DTranspose": "conv3d_transpose",
    "ConvLSTM1D": "conv_lstm1d",
    "ConvLSTM2D": "conv_lstm2d",
    "Convolution1D": "conv1d",
    "Convolution1DTranspose": "conv1d_transpose",
    "Convolution2D": "conv2d",
    "Convolution2DTranspose": "conv2d_transpose",
    "Convolution3D": "conv3d",
    "Convolution3DTranspose": "conv3d_transpose",
    "Cropping1D": "cropping",
    "Cropping2D": "cropping",
    "Cropping3D": "cropping",
    "Dense": "dense",
    "DepthwiseConv1D": "depthwise_conv1d",
    "DepthwiseConv2D": "depthwise_conv2d",
    "Dot": "merge",
    "Dropout": "dropout",
    "ELU": "elu",
    "EinsumDense": "einsum_dense",
    "Embedding": "embedding",
    "Flatten": "flatten",
    "GRU": "gru",
    "GRUCell": "gru",
    "GaussianDropout": "gaussian_dropout",
    "GaussianNoise": "gaussian_noise",
    "GlobalAveragePooling1D": "global_average_pooling",
    "GlobalAveragePooling2D": "global_average_pooling",
    "GlobalAveragePooling3D": "global_average_pooling",
    "GlobalAvgPool1D": "global_average_pooling",
    "GlobalAvgPool2D": "global_average_pooling",
    "GlobalAvgPool3D": "global_average_pooling",
    "GlobalMaxPool1D": "global_max_pooling",
    "GlobalMaxPool2D": "global_max_pooling",
    "GlobalMaxPool3D": "global_max_pooling",
    "GlobalMaxPooling1D": "global_max_pooling",
    "GlobalMaxPooling2D": "global_max_pooling",
    "GlobalMaxPooling3D": "global_max_pooling",
    "GroupNormalization": "group_normalization",
    "GroupQueryAttention": "grouped_query_attention",
    "GroupedQueryAttention": "grouped_query_attention",
    "Identity": "identity",
    "LSTM": "lstm",
    "LSTMCell": "lstm",
    "Lambda": "lambda_layer",
    "LayerNormalization": "layer_normalization",
    "LeakyReLU": "leaky_relu",
    "Masking": "masking",
    "MaxPool1D": "max_pooling",
    "MaxPool2D": "max_pooling",
    "MaxPool3D": "max_pooling",
    "MaxPooling1D": "max_pooling",
    "MaxPooling2D": "max_pooling",
    "MaxPooling3D": "max_pooling",
    "Maximum": "merge",
    "Minimum": "merge",
    "MultiHeadAttention": "multi_head_attention",
    "Multiply": "merge",
    "Normalization": "normalization",
    "PReLU": "prelu",
    "Permute": "permute",
    "RMSNormalization": "rms_normalization",
    "RNN": "rnn",
    "RandomBrightness": "random_brightness",
    "RandomColorJitter": "random_color_jitter",
    "RandomContrast": "random_contrast",
    "RandomCrop": "random_crop",
    "RandomErasing": "random_erasing",
    "RandomFlip": "random_flip",
    "RandomGrayscale": "random_grayscale",
    "RandomHue": "random_hue",
    "RandomRotation": "random_rotation",
    "RandomSaturation": "random_saturation",
    "RandomSharpness": "random_sharpness",
    "RandomTranslation": "random_translation",
    "RandomZoom": "random_zoom",
    "ReLU": "relu",
    "RepeatVector": "repeat_vector",
    "Rescaling": "rescaling",
    "Reshape": "reshape",
    "Resizing": "resizing",
    "SeparableConv1D": "separable_conv1d",
    "SeparableConv2D": "separable_conv2d",
    "SeparableConvolution1D": "separable_conv1d",
    "SeparableConvolution2D": "separable_conv2d",
    "SimpleRNN": "simple_rnn",
    "SimpleRNNCell": "simple_rnn",
    "Softmax": "softmax",
    "SpatialDropout1D": "spatial_dropout",
    "SpatialDropout2D": "spatial_dropout",
    "SpatialDropout3D": "spatial_dropout",
    "StackedRNNCells": "stacked_rnn_cells",
    "Subtract": "merge",
    "TimeDistributed": "time_distributed",
    "UnitNormalization": "unit_normalization",
    "UpSampling1D": "up_sampling",
    "UpSampling2D": "up_sampling",
    "UpSampling3D": "up_sampling",
    "Wrapper": "wrapper",
    "ZeroPadding1D": "zero_padding",
    "ZeroPadding2D": "zero_padding",
    "ZeroPadding3D": "zero_padding",
    "add": "merge",
    "average": "merge",
    "concatenate": "merge",
    "dot": "merge",
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
