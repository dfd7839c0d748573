"""A recipe: a model, the data sets it is for, and settings that are known to work on each of them.

A recipe is data plus a few methods: `load` gives the arrays, `build` the model, `loss` and `metrics` what is trained
and reported; `score` and `report` may add what those cannot say (exact matches, a baseline, a sample of text, a
picture). The command `train` does the rest in the same way for all of them. Settings were chosen on a validation part
of the training data, never on the test data.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from linnet.cli.errors import UsageError
from linnet.utils.sequences import Vocabulary


@dataclass(frozen=True)
class Defaults:
    """The settings of a recipe on one data set. Those that are not in `model` are options of the command."""

    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: str = "adam"
    schedule: str = "cosine"  # the learning rate falls to 0 on a half cosine; or "constant"
    validation_split: float = 0.1  # this last part of the training data is not trained on
    clipnorm: float | None = None  # of the optimizer: gradients of the whole model are clipped to this norm
    model: Mapping[str, Any] = field(default_factory=dict)  # keyword arguments of the model's builder


@dataclass(frozen=True)
class Data:
    """What `load` returns. x and y are what `fit` takes: arrays (n, ...), or tuples of them."""

    x_train: Any
    y_train: Any
    x_test: Any
    y_test: Any
    classes: tuple[str, ...]  # names, for a classifier; else empty
    text: str  # "1,297 training and 500 test images of 28x28"
    validation: tuple[Any, Any] | None = None  # (x, y), where the data set has a part for it; then nothing is split off
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=dict)  # of texts; saved with the model
    extra: Mapping[str, Any] = field(default_factory=dict)  # what else score and report need

    def first(self, n: int) -> "Data":
        """The same with at most n samples in each part."""
        parts = {name: take(getattr(self, name), n) for name in ("x_train", "y_train", "x_test", "y_test")}
        validation = None if self.validation is None else (take(self.validation[0], n), take(self.validation[1], n))
        return replace(self, **parts, validation=validation)


def take(arrays: Any, n: int) -> Any:
    """The first n rows of an array, or of each of a tuple of arrays."""
    return tuple(array[:n] for array in arrays) if isinstance(arrays, tuple) else arrays[:n]


def rows(arrays: Any) -> int:
    """How many samples an array, or a tuple of arrays, has."""
    return len(arrays[0] if isinstance(arrays, tuple) else arrays)


@dataclass(frozen=True)
class Report:
    """What a recipe has to say at the end: lines to print, and names of the files it wrote into the folder."""

    lines: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sampling:
    """How text is generated."""

    temperature: float = 0.8  # the logits are divided by it: below 1 likely, above 1 surprising
    length: int = 300  # at most so many tokens
    seed: int = 0


class Recipe(ABC):
    name: str  # as on the command line
    title: str  # "LeNet-5"
    description: str  # one sentence
    defaults: Mapping[str, Defaults]  # data set -> settings; the first is the default data set
    takes_texts = False  # whether `linnet predict` passes texts to `answer`

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

    def score(self, model: Any, data: Data, batch_size: int) -> dict[str, float]:
        """The figures of a trained model on the test data: its loss and metrics, or what says more."""
        scores: dict[str, float] = model.evaluate(
            data.x_test, data.y_test, batch_size=batch_size, verbose=0, return_dict=True
        )
        return scores

    def baseline(self, data: Data) -> str | None:
        """One line on what the simplest method reaches on the test data: what the model has to beat."""
        return None

    def report(self, model: Any, data: Data, folder: Path) -> Report:
        """What else there is to tell about a trained model."""
        return Report()

    def answer(self, model: Any, vocabularies: Mapping[str, Vocabulary], text: str, sampling: Sampling) -> str:
        """What a trained model makes of a text, for recipes of texts."""
        raise UsageError(f"{self.name} does not take texts")
