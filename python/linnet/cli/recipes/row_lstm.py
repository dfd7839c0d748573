"""An LSTM that reads an image row by row, from top to bottom, and names the digit at the end: many-to-one."""

from typing import Any

from linnet.cli.recipes.images import ImageRecipe
from linnet.cli.recipes.recipe import Defaults


def build(
    input_shape: tuple[int, ...], classes: int, classifier_activation: str | None, units: int, dropout: float
) -> Any:
    import linnet
    from linnet import layers

    return linnet.Sequential(
        [
            linnet.Input(input_shape),
            layers.Reshape(input_shape[:2], name="rows"),  # 28 steps of 28 pixels
            layers.LSTM(units, name="lstm"),
            layers.Dropout(dropout, name="dropout"),
            layers.Dense(classes, activation=classifier_activation, name="output"),
        ],
        name="row_lstm",
    )


RECIPE = ImageRecipe(
    name="row_lstm",
    title="Row-wise LSTM",
    description="An image as a sequence of its rows, read by an LSTM of 128 units: 81,674 weights",
    defaults={
        "digits": Defaults(epochs=30, batch_size=32, learning_rate=3e-3, model={"units": 128, "dropout": 0.2}),
        "mnist": Defaults(epochs=10, batch_size=64, learning_rate=2e-3, model={"units": 128, "dropout": 0.2}),
        "fashion_mnist": Defaults(epochs=15, batch_size=64, learning_rate=2e-3, model={"units": 128, "dropout": 0.2}),
    },
    builder=build,
)
