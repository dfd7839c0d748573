"""LeNet-5 (linnet.applications.LeNet5): the goal is the error of the 1998 paper on MNIST, 0.95 %."""

from typing import Any

from linnet.cli.recipes.images import ImageRecipe
from linnet.cli.recipes.recipe import Defaults


def build(**arguments: Any) -> Any:
    from linnet.applications import LeNet5

    return LeNet5(**arguments)


RECIPE = ImageRecipe(
    name="lenet5",
    title="LeNet-5",
    description="The convolutional network of LeCun et al., 1998: 61,706 weights",
    defaults={
        "digits": Defaults(epochs=40, batch_size=32, learning_rate=4e-3, model={"dropout": 0.5}),
        "mnist": Defaults(epochs=12, batch_size=32, learning_rate=1e-3, model={"dropout": 0.2}),
        "fashion_mnist": Defaults(epochs=20, batch_size=64, learning_rate=2e-3, model={"dropout": 0.2}),
    },
    builder=build,
)
