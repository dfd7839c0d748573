"""LeNet-5: the convolutional network with which digits on cheques were read (61,706 weights).

    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition, 1998.

    28x28x1 -> conv 6@5x5 -> pool -> 14x14x6 -> conv 16@5x5 -> pool -> 5x5x16 -> dense 120 -> dense 84 -> dense 10

What is kept: the layers, their sizes and their order. What is of today: ReLU instead of a scaled tanh, max pooling
instead of averages with weights, all 6 x 16 connections between the convolutions instead of a table of 60, softmax
instead of radial basis functions, and an image of 28x28 padded by the first convolution ("same") instead of one of
32x32. `dropout` is in front of the dense layers 120 and 84; the paper has none.
"""

from linnet import layers
from linnet.models import Sequential


def LeNet5(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    classes: int = 10,
    classifier_activation: str | None = "softmax",
    dropout: float = 0.0,
    name: str = "lenet5",
) -> Sequential:
    """input_shape: (height, width, channels), at least 12x12. classifier_activation: None gives logits."""
    if len(input_shape) != 3 or min(input_shape[:2]) < 12:
        raise ValueError(f"LeNet5: expected an input_shape (height, width, channels) from 12x12 on, got {input_shape}")
    drop = [[layers.Dropout(dropout)] if dropout else [] for _ in range(2)]
    return Sequential(
        [
            layers.Input(input_shape),
            layers.Conv2D(6, 5, padding="same", activation="relu", name="c1"),
            layers.MaxPooling2D(2, name="s2"),
            layers.Conv2D(16, 5, activation="relu", name="c3"),
            layers.MaxPooling2D(2, name="s4"),
            layers.Flatten(),
            *drop[0],
            layers.Dense(120, activation="relu", name="c5"),
            *drop[1],
            layers.Dense(84, activation="relu", name="f6"),
            layers.Dense(classes, activation=classifier_activation, name="output"),
        ],
        name=name,
    )
