"""Multinomial logistic regression: one linear map and a softmax. The baseline that any network has to beat.

Its loss is convex: every start ends at the same weights, so they begin at zero.
"""

from linnet import layers
from linnet.models import Sequential


def LogisticRegression(
    input_shape: tuple[int, ...] = (28, 28, 1),
    classes: int = 10,
    classifier_activation: str | None = "softmax",
    name: str = "logistic",
) -> Sequential:
    """classifier_activation: None gives logits."""
    return Sequential(
        [
            layers.Input(input_shape),
            layers.Flatten(),
            layers.Dense(classes, activation=classifier_activation, kernel_initializer="zeros", name="output"),
        ],
        name=name,
    )
