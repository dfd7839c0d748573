"""Multinomial logistic regression (linnet.applications.LogisticRegression): the baseline."""

from typing import Any

from linnet.cli.recipes.images import ImageRecipe
from linnet.cli.recipes.recipe import Defaults


def build(**arguments: Any) -> Any:
    from linnet.applications import LogisticRegression

    return LogisticRegression(**arguments)


RECIPE = ImageRecipe(
    name="logistic",
    title="Logistic regression",
    description="A linear map and a softmax: the baseline that a network has to beat, 7,850 weights",
    defaults={
        "digits": Defaults(epochs=30, batch_size=32, learning_rate=2e-3),
        "mnist": Defaults(epochs=12, batch_size=128, learning_rate=2e-3),
        "fashion_mnist": Defaults(epochs=15, batch_size=128, learning_rate=1e-3),
    },
    builder=build,
)
