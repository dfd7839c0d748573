"""A multi-layer perceptron with one hidden layer of 512 (linnet.applications.MLP)."""

from typing import Any

from linnet.cli.recipes.images import ImageRecipe
from linnet.cli.recipes.recipe import Defaults


def build(**arguments: Any) -> Any:
    from linnet.applications import MLP

    return MLP(**arguments)


RECIPE = ImageRecipe(
    name="mlp",
    title="Multi-layer perceptron",
    description="One hidden layer of 512: the network of every first lesson, 407,050 weights",
    defaults={
        "digits": Defaults(epochs=30, batch_size=32, learning_rate=1e-3, model={"dropout": 0.3}),
        "mnist": Defaults(epochs=12, batch_size=128, learning_rate=2e-3, model={"dropout": 0.3}),
        "fashion_mnist": Defaults(epochs=15, batch_size=128, learning_rate=1e-3, model={"dropout": 0.3}),
    },
    builder=build,
)
