"""A multi-layer perceptron: the image as a vector, one or more hidden layers, one output per class.

The network of every first lesson. It does not know which pixels are neighbours; compare it with LeNet5, which does.
"""

from collections.abc import Sequence

from linnet import layers
from linnet.models import Sequential


def MLP(
    input_shape: tuple[int, ...] = (28, 28, 1),
    hidden: Sequence[int] = (512,),
    classes: int = 10,
    classifier_activation: str | None = "softmax",
    dropout: float = 0.0,
    name: str = "mlp",
) -> Sequential:
    """hidden: the width of each hidden layer (ReLU), each followed by `dropout` if that is not 0."""
    body = []
    for i, units in enumerate(hidden, start=1):
        body.append(layers.Dense(units, activation="relu", name=f"hidden_{i}"))
        if dropout:
            body.append(layers.Dropout(dropout))
    return Sequential(
        [
            layers.Input(input_shape),
            layers.Flatten(),
            *body,
            layers.Dense(classes, activation=classifier_activation, name="output"),
        ],
        name=name,
    )
