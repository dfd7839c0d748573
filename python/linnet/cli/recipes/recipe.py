"""A recipe: a model, the data sets it is for, and settings that are known to work on each of them.

A recipe is data plus three methods: `load` gives the arrays, `build` the model, `loss` and `metrics` what is trained
and reported. The command `train` does the rest in the same way for all of them. Settings were chosen on a validation
part of the training data, never on the test data.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Defaults:
    """The settings of a recipe on one data set. Those that are not in `model` are options of the command."""

    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: str = "adam"
    schedule: str = "cosine"  # the learning rate falls to 0 on a half cosine; or "constant"
    validation_split: float = 0.1  # this last part of the training data is not trained on
    model: Mapping[str, Any] = field(default_factory=dict)  # keyword arguments of the model's builder


@dataclass(frozen=True)
class Data:
    """What `load` returns. x and y are what `fit` takes."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: tuple[str, ...]  # names; for a classifier
    text: str  # "1,297 training and 500 test images of 28x28"


class Recipe(ABC):
    name: str  # as on the command line
    title: str  # "LeNet-5"
    description: str  # one sentence
    defaults: Mapping[str, Defaults]  # data set -> settings; the first is the default data set

    @abstractmethod
    def load(self, data: str, data_dir: str | None) -> Data:
        """The arrays of a data set among `defaults`."""

    @abstractmethod
    def build(self, data: Data, **model: Any) -> Any:
        """A fresh linnet.Model. model: `Defaults.model`."""

    @abstractmethod
    def loss(self) -> Any: ...

    @abstractmethod
    def metrics(self) -> list[Any]: ...
