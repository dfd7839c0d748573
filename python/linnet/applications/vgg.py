"""VGG: nothing but 3x3 convolutions, in blocks between which the image is halved and the channels doubled.

    K. Simonyan, A. Zisserman: Very deep convolutional networks for large-scale image recognition, 2015.

Two 3x3 windows see as much as one of 5x5 and three as much as one of 7x7, with fewer weights and more nonlinearities:
that is the whole idea. Layers are named as in Keras (block1_conv1 ... predictions). 138.4 million weights in VGG16,
of which the first dense layer holds 102.8.
"""

from __future__ import annotations

from typing import Any

from linnet import layers
from linnet.applications.imagenet import check_arguments, pooled
from linnet.models import Model

CHANNELS = (64, 128, 256, 512, 512)  # of the five blocks


def VGG16(
    include_top: bool = True,
    weights: Any = None,
    input_shape: tuple[int, int, int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    name: str = "vgg16",
) -> Model:
    """Configuration D of the paper: 2, 2, 3, 3, 3 convolutions. input_shape: (height, width, channels), at least 32x32,
    by default (224, 224, 3). Without a top the result is the last feature map, or with `pooling` ("avg", "max") its
    mean or maximum over the positions. classifier_activation: None gives logits."""
    return _vgg((2, 2, 3, 3, 3), include_top, weights, input_shape, pooling, classes, classifier_activation, name)


def VGG19(
    include_top: bool = True,
    weights: Any = None,
    input_shape: tuple[int, int, int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    name: str = "vgg19",
) -> Model:
    """Configuration E of the paper: 2, 2, 4, 4, 4 convolutions. Arguments as of VGG16."""
    return _vgg((2, 2, 4, 4, 4), include_top, weights, input_shape, pooling, classes, classifier_activation, name)


def _vgg(
    convolutions: tuple[int, ...],
    include_top: bool,
    weights: Any,
    input_shape: Any,
    pooling: str | None,
    classes: int,
    classifier_activation: str | None,
    name: str,
) -> Model:
    shape = check_arguments(name, include_top, weights, input_shape, pooling, least=32)
    x = inputs = layers.Input(shape)
    for block, (count, channels) in enumerate(zip(convolutions, CHANNELS, strict=True), start=1):
        for i in range(1, count + 1):
            x = layers.Conv2D(channels, 3, padding="same", activation="relu", name=f"block{block}_conv{i}")(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    if not include_top:
        return Model(inputs, pooled(x, pooling), name=name)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(4096, activation="relu", name="fc1")(x)
    x = layers.Dense(4096, activation="relu", name="fc2")(x)
    return Model(inputs, layers.Dense(classes, activation=classifier_activation, name="predictions")(x), name=name)
