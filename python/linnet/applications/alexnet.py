"""AlexNet: the network with which deep learning won ImageNet in 2012 (62.4 million weights).

    A. Krizhevsky, I. Sutskever, G. Hinton: ImageNet classification with deep convolutional neural networks, 2012.

    227x227x3 -> conv 96@11x11/4 -> pool -> conv 256@5x5 -> pool -> conv 384@3x3 -> conv 384@3x3 -> conv 256@3x3 -> pool
    -> dense 4096 -> dense 4096 -> dense 1000; every pool takes windows of 3x3 two pixels apart

What is kept: the layers, their sizes, overlapping pooling and dropout. What is left out: the two halves that the paper
put on two graphics cards (here every filter sees all channels of the layer before), and the local response
normalisation, which later work found to be of no use.
"""

from __future__ import annotations

from typing import Any

from linnet import layers
from linnet.applications.imagenet import check_arguments, pooled
from linnet.models import Model


def AlexNet(
    include_top: bool = True,
    weights: Any = None,
    input_shape: tuple[int, int, int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    dropout: float = 0.5,
    name: str = "alexnet",
) -> Model:
    """input_shape: (height, width, channels), at least 67x67, by default (227, 227, 3). classifier_activation: None
    gives logits. Without a top the result is the last feature map, or with `pooling` ("avg", "max") its mean or
    maximum over the positions."""
    shape = check_arguments(name, include_top, weights, input_shape or (227, 227, 3), pooling, least=67)
    x = inputs = layers.Input(shape)
    x = layers.Conv2D(96, 11, strides=4, activation="relu", name="conv1")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    x = layers.Conv2D(256, 5, padding="same", activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool2")(x)
    x = layers.Conv2D(384, 3, padding="same", activation="relu", name="conv3")(x)
    x = layers.Conv2D(384, 3, padding="same", activation="relu", name="conv4")(x)
    x = layers.Conv2D(256, 3, padding="same", activation="relu", name="conv5")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool5")(x)
    if not include_top:
        return Model(inputs, pooled(x, pooling), name=name)
    x = layers.Flatten(name="flatten")(x)
    for number in (6, 7):
        x = layers.Dense(4096, activation="relu", name=f"fc{number}")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"dropout{number}")(x)
    return Model(inputs, layers.Dense(classes, activation=classifier_activation, name="predictions")(x), name=name)
