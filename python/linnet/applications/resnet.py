"""ResNet: every block adds what it has learnt to what it was given, y = relu(x + f(x)), so that depth does no harm.

    K. He, X. Zhang, S. Ren, J. Sun: Deep residual learning for image recognition, 2016.

`f` is two 3x3 convolutions (the basic block: ResNet18, ResNet34 and the networks for CIFAR) or 1x1, 3x3, 1x1 with a
quarter of the channels in the middle (the bottleneck: ResNet50, ResNet101, ResNet152), each followed by a batch
normalisation. Where a block halves the image or changes the channels, the shortcut is a 1x1 convolution too.

ResNet50, 101 and 152 are layer by layer Keras' (names, biases, epsilon, the stride in the first 1x1 convolution of a
stack), so that weights can be moved over. `resnet` builds any other: without the biases, which a batch normalisation
makes useless, or with the stride in the 3x3 convolution ("ResNet v1.5", what PyTorch's torchvision builds).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from linnet import layers
from linnet.applications.imagenet import check_arguments, pooled
from linnet.models import Model

EPSILON = 1.001e-5


def resnet(
    blocks: Sequence[int],
    block: Literal["basic", "bottleneck"] = "bottleneck",
    filters: Sequence[int] = (64, 128, 256, 512),
    stem: Literal["imagenet", "cifar"] = "imagenet",
    stride_in: Literal["1x1", "3x3"] = "1x1",
    use_bias: bool = True,
    include_top: bool = True,
    weights: Any = None,
    input_shape: tuple[int, int, int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    name: str = "resnet",
) -> Model:
    """A residual network of `len(blocks)` stacks; stack i has blocks[i] blocks of filters[i] channels (a bottleneck
    gives out four times as many). stem "imagenet" is a 7x7 convolution with stride 2 and a 3x3 pool with stride 2,
    "cifar" one 3x3 convolution. stride_in: which convolution of a bottleneck halves the image. The other arguments are
    those of `ResNet50`."""
    if len(blocks) != len(filters):
        raise ValueError(f"{name}: {len(blocks)} stacks of blocks and {len(filters)} of filters; give as many of both")
    least = 32 if stem == "imagenet" else 2 ** (len(blocks) - 1)
    shape = check_arguments(name, include_top, weights, input_shape, pooling, least)
    unit = _bottleneck if block == "bottleneck" else _basic
    x = inputs = layers.Input(shape)
    if stem == "imagenet":
        x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
        x = _conv(x, 64, 7, 2, use_bias, "conv1")
        x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
        x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    else:
        x = _conv(x, filters[0], 3, 1, use_bias, "conv1")
    for stack, (count, channels) in enumerate(zip(blocks, filters, strict=True)):
        for i in range(count):
            stride = 2 if stack > 0 and i == 0 else 1
            x = unit(x, channels, stride, stride_in, use_bias, f"conv{stack + 2}_block{i + 1}")
    if not include_top:
        return Model(inputs, pooled(x, pooling), name=name)
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return Model(inputs, layers.Dense(classes, activation=classifier_activation, name="predictions")(x), name=name)


def _conv(x: Any, filters: int, size: int, stride: int, use_bias: bool, name: str, relu: bool = True) -> Any:
    padding = "same" if size == 3 and stride == 1 else "valid"
    if size == 3 and stride == 2:  # one pixel on every side, as the paper does; "same" would put both behind
        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    x = layers.Conv2D(filters, size, strides=stride, padding=padding, use_bias=use_bias, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x) if relu else x


def _joined(x: Any, y: Any, filters: int, stride: int, use_bias: bool, name: str) -> Any:
    """relu(shortcut + y): the shortcut is x, or x through a 1x1 convolution where the shapes differ."""
    if stride != 1 or x.shape[-1] != filters:
        x = _conv(x, filters, 1, stride, use_bias, f"{name}_0", relu=False)
    return layers.Activation("relu", name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, y]))


def _bottleneck(x: Any, filters: int, stride: int, stride_in: str, use_bias: bool, name: str) -> Any:
    first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
    y = _conv(x, filters, 1, first, use_bias, f"{name}_1")
    y = _conv(y, filters, 3, second, use_bias, f"{name}_2")
    y = _conv(y, 4 * filters, 1, 1, use_bias, f"{name}_3", relu=False)
    return _joined(x, y, 4 * filters, stride, use_bias, name)


def _basic(x: Any, filters: int, stride: int, stride_in: str, use_bias: bool, name: str) -> Any:
    y = _conv(x, filters, 3, stride, use_bias, f"{name}_1")
    y = _conv(y, filters, 3, 1, use_bias, f"{name}_2", relu=False)
    return _joined(x, y, filters, stride, use_bias, name)


def ResNet18(**arguments: Any) -> Model:
    """The 18-layer network of the paper; arguments as of ResNet50."""
    return resnet(**{"blocks": (2, 2, 2, 2), "block": "basic", "use_bias": False, "name": "resnet18", **arguments})


def ResNet34(**arguments: Any) -> Model:
    """The 34-layer network of the paper; arguments as of ResNet50."""
    return resnet(**{"blocks": (3, 4, 6, 3), "block": "basic", "use_bias": False, "name": "resnet34", **arguments})


def ResNet50(
    include_top: bool = True,
    weights: Any = None,
    input_shape: tuple[int, int, int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    name: str = "resnet50",
) -> Model:
    """25.6 million weights. input_shape: (height, width, channels), at least 32x32, by default (224, 224, 3). Without a
    top the result is the last feature map, or with `pooling` ("avg", "max") its mean or maximum over the positions.
    classifier_activation: None gives logits. Raises ValueError for weights other than None."""
    return resnet(
        (3, 4, 6, 3),
        include_top=include_top,
        weights=weights,
        input_shape=input_shape,
        pooling=pooling,
        classes=classes,
        classifier_activation=classifier_activation,
        name=name,
    )


def ResNet101(**arguments: Any) -> Model:
    """44.7 million weights; arguments as of ResNet50."""
    return resnet(**{"blocks": (3, 4, 23, 3), "name": "resnet101", **arguments})


def ResNet152(**arguments: Any) -> Model:
    """60.4 million weights; arguments as of ResNet50."""
    return resnet(**{"blocks": (3, 8, 36, 3), "name": "resnet152", **arguments})


def ResNetCIFAR(depth: int = 20, input_shape: tuple[int, int, int] = (32, 32, 3), **arguments: Any) -> Model:
    """The paper's networks for CIFAR-10: 6 k + 2 layers (20, 32, 44, 56, 110) in three stacks of 16, 32 and 64
    channels; 0.27 million weights at 20 layers. Arguments as of ResNet50, with 10 classes."""
    if depth < 8 or depth % 6 != 2:
        raise ValueError(f"ResNetCIFAR: depth must be 6 k + 2 (20, 32, 44, 56, 110), got {depth}")
    settings = {"classes": 10, "use_bias": False, "name": f"resnet{depth}", **arguments}
    return resnet(
        ((depth - 2) // 6,) * 3, block="basic", filters=(16, 32, 64), stem="cifar", input_shape=input_shape, **settings
    )
