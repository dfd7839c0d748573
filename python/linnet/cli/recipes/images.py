"""Recipes that classify small grey images: what they share is everything but the model.

Images are float32 from 0 to 1, (n, 28, 28, 1); the digits that come with linnet are enlarged to 28x28, so that one
model fits all three data sets. The models end in logits, from which the loss is computed without overflow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from linnet.cli.recipes.recipe import Data, Defaults, Recipe

IMAGE_SIZE = 28
DATASETS = ("digits", "mnist", "fashion_mnist")


@dataclass(frozen=True)
class ImageRecipe(Recipe):
    name: str
    title: str
    description: str
    defaults: Mapping[str, Defaults]
    builder: Callable[..., Any]  # (input_shape, classes, classifier_activation, **Defaults.model) -> Model

    def load(self, data: str, data_dir: str | None) -> Data:
        return load_images(data, data_dir)

    def build(self, data: Data, **model: Any) -> Any:
        return self.builder(
            input_shape=data.x_train.shape[1:], classes=len(data.classes), classifier_activation=None, **model
        )

    def loss(self) -> Any:
        from linnet.losses import SparseCategoricalCrossentropy

        return SparseCategoricalCrossentropy(from_logits=True)

    def metrics(self) -> list[Any]:
        return ["accuracy"]


def load_images(data: str, data_dir: str | None, size: int = IMAGE_SIZE) -> Data:
    """An image data set by name, ready for a model with inputs (size, size, 1)."""
    module = dataset(data)
    arguments: dict[str, Any] = {"image_size": size} if data == "digits" else {"data_dir": data_dir}
    (x_train, y_train), (x_test, y_test) = module.load_data(**arguments)
    height, width = x_train.shape[1:]
    return Data(
        x_train=to_input(x_train),
        y_train=y_train,
        x_test=to_input(x_test),
        y_test=y_test,
        classes=module.CLASSES,
        text=f"{len(x_train):,} training and {len(x_test):,} test images of {height}x{width}",
    )


def dataset(name: str) -> ModuleType:
    from importlib import import_module

    return import_module(f"linnet.datasets.{name}")


def to_input(images: np.ndarray) -> np.ndarray:
    """uint8 (n, h, w) from 0 to 255 -> float32 (n, h, w, 1) from 0 to 1."""
    return np.divide(images, 255, dtype=np.float32)[..., None]
