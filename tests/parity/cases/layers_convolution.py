"""Convolutions: every argument of every layer."""

from parity.harness import LayerCase, numbers

SEQUENCE = numbers((2, 9, 4))
IMAGE = numbers((2, 7, 8, 4))
VOLUME = numbers((2, 5, 6, 4, 2))
INPUT = {"1": SEQUENCE, "2": IMAGE, "3": VOLUME}


def case(name, cls, *positional, **arguments):
    rank = next(c for c in cls if c.isdigit())
    return LayerCase(
        name, lambda k: getattr(k.layers, cls)(*positional, **arguments), [INPUT[rank]], rtol=1e-4, atol=1e-5
    )


CASES = [
    case("conv1d", "Conv1D", 3, 3),
    case("conv1d_same", "Conv1D", 3, 4, padding="same", activation="relu"),
    case("conv1d_strides", "Conv1D", 3, 3, strides=2),
    case("conv1d_strides_same", "Conv1D", 3, 3, strides=2, padding="same"),
    case("conv1d_dilation", "Conv1D", 3, 3, dilation_rate=2),
    case("conv1d_groups", "Conv1D", 6, 3, groups=2),
    case("conv1d_causal", "Conv1D", 3, 3, padding="causal"),
    case("conv1d_causal_dilation", "Conv1D", 3, 2, padding="causal", dilation_rate=3),
    case("conv1d_no_bias", "Conv1D", 3, 1, use_bias=False),
    case("conv2d", "Conv2D", 3, 3),
    case("conv2d_same", "Conv2D", 3, (3, 2), padding="same", activation="tanh"),
    case("conv2d_strides", "Conv2D", 3, 3, strides=(2, 1)),
    case("conv2d_strides_same", "Conv2D", 3, 3, strides=2, padding="same"),
    case("conv2d_dilation", "Conv2D", 3, 3, dilation_rate=(2, 1)),
    case("conv2d_dilation_same", "Conv2D", 3, 3, dilation_rate=2, padding="same"),
    case("conv2d_groups", "Conv2D", 8, 3, groups=4, padding="same"),
    case("conv2d_one", "Conv2D", 5, 1),
    case("conv2d_one_strides", "Conv2D", 5, 1, strides=2),
    case("conv2d_five", "Conv2D", 3, 5, padding="same"),
    case("conv2d_no_bias", "Conv2D", 3, 2, use_bias=False, activation="sigmoid"),
    case("conv2d_regularized", "Conv2D", 3, 3, kernel_regularizer="l2", bias_regularizer="l1"),
    case("conv2d_constraint", "Conv2D", 3, 3, kernel_constraint="max_norm"),
    case("conv3d", "Conv3D", 3, 2),
    case("conv3d_same", "Conv3D", 3, (3, 2, 3), padding="same", activation="relu"),
    case("conv3d_strides", "Conv3D", 3, 3, strides=(1, 2, 1)),
    case("conv3d_strides_same", "Conv3D", 3, 3, strides=2, padding="same"),
    case("conv3d_dilation", "Conv3D", 3, 2, dilation_rate=(2, 1, 2)),
    case("conv3d_groups", "Conv3D", 4, 2, groups=2),
    case("conv1d_transpose", "Conv1DTranspose", 3, 3),
    case("conv1d_transpose_strides", "Conv1DTranspose", 3, 3, strides=2),
    case("conv1d_transpose_same", "Conv1DTranspose", 3, 4, strides=3, padding="same"),
    case("conv1d_transpose_output_padding", "Conv1DTranspose", 3, 3, strides=2, output_padding=1),
    case("conv1d_transpose_output_padding_same", "Conv1DTranspose", 3, 3, strides=3, padding="same", output_padding=2),
    case("conv1d_transpose_dilation", "Conv1DTranspose", 3, 3, dilation_rate=2),
    case("conv2d_transpose", "Conv2DTranspose", 3, 3),
    case("conv2d_transpose_strides", "Conv2DTranspose", 3, (3, 2), strides=(2, 3), activation="relu"),
    case("conv2d_transpose_same", "Conv2DTranspose", 3, 3, strides=2, padding="same"),
    case("conv2d_transpose_output_padding", "Conv2DTranspose", 3, 3, strides=2, padding="same", output_padding=1),
    case("conv2d_transpose_output_padding_valid", "Conv2DTranspose", 3, 2, strides=(3, 2), output_padding=(2, 1)),
    case("conv2d_transpose_no_bias", "Conv2DTranspose", 3, 2, strides=2, use_bias=False),
    case("conv2d_transpose_dilation", "Conv2DTranspose", 3, 2, dilation_rate=2),
    case("conv3d_transpose", "Conv3DTranspose", 3, 2),
    case("conv3d_transpose_strides", "Conv3DTranspose", 3, 3, strides=2),
    case("conv3d_transpose_same", "Conv3DTranspose", 3, (3, 2, 3), strides=(2, 1, 2), padding="same"),
    case("conv3d_transpose_output_padding", "Conv3DTranspose", 3, 3, strides=2, padding="same", output_padding=1),
    case("depthwise_conv1d", "DepthwiseConv1D", 3),
    case("depthwise_conv1d_multiplier", "DepthwiseConv1D", 3, depth_multiplier=2, padding="same", strides=2),
    case("depthwise_conv1d_dilation", "DepthwiseConv1D", 2, dilation_rate=2),
    case("depthwise_conv2d", "DepthwiseConv2D", 3),
    case("depthwise_conv2d_multiplier", "DepthwiseConv2D", (3, 2), depth_multiplier=3, activation="relu"),
    case("depthwise_conv2d_strides_same", "DepthwiseConv2D", 3, strides=2, padding="same", use_bias=False),
    case("depthwise_conv2d_dilation", "DepthwiseConv2D", 2, dilation_rate=2),
    case("separable_conv1d", "SeparableConv1D", 5, 3),
    case("separable_conv1d_multiplier", "SeparableConv1D", 5, 3, depth_multiplier=2, padding="same", strides=2),
    case("separable_conv2d", "SeparableConv2D", 5, 3),
    case("separable_conv2d_multiplier", "SeparableConv2D", 5, (2, 3), depth_multiplier=2, activation="relu"),
    case("separable_conv2d_strides_same", "SeparableConv2D", 5, 3, strides=2, padding="same", use_bias=False),
    case("separable_conv2d_dilation", "SeparableConv2D", 5, 2, dilation_rate=2),
]
