"""The adding problem: of a long sequence of random numbers, add the two that are marked. A test of long memory.

S. Hochreiter, J. Schmidhuber: Long short-term memory, Neural Computation 9, 1997, experiment 4, in today's usual form:
numbers from 0 to 1, one mark in each half. Solved is a mean squared error well below the baseline, which is that of
always saying 1. An LSTM solves it; a tanh network of the same size does not, since its gradients vanish on the way back
(examples/adding_problem.py trains both and draws the gradients).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from linnet.cli.recipes.recipe import Data, Defaults, Recipe

LENGTHS = {"length_100": 100, "length_50": 50}
SEQUENCES = 74_000  # with the validation part; those of the test come on top
TEST = 2_000
SOLVED = 0.04  # an absolute error below it counts as right, as in the paper


class Adding(Recipe):
    name = "adding"
    title = "LSTM"
    description = "The adding problem: two marked numbers of a long sequence are to be added"
    defaults: Mapping[str, Defaults] = {
        name: Defaults(
            epochs=1,
            batch_size=32,
            learning_rate=1e-2,
            schedule="cosine",
            validation_split=1000 / SEQUENCES,
            clipnorm=1.0,
            model={"units": 64},
        )
        for name in LENGTHS
    }

    def load(self, data: str, data_dir: str | None) -> Data:
        length = LENGTHS[data]
        x, y = sequences(SEQUENCES + TEST, length, seed=0)
        return Data(
            x_train=x[TEST:],
            y_train=y[TEST:],
            x_test=x[:TEST],
            y_test=y[:TEST],
            classes=(),
            text=f"{SEQUENCES:,} training and {TEST:,} test sequences of {length} numbers",
        )

    def build(self, data: Data, units: int) -> Any:  # type: ignore[override]
        import linnet
        from linnet import layers

        return linnet.Sequential(
            [
                linnet.Input(data.x_train.shape[1:]),
                layers.LSTM(units, name="lstm"),
                layers.Dense(1, name="output"),
            ],
            name="adding",
        )

    def loss(self) -> Any:
        return "mse"

    def metrics(self) -> list[Any]:
        return ["mae"]

    def score(self, model: Any, data: Data, batch_size: int) -> dict[str, float]:
        found = np.asarray(model.predict(data.x_test, batch_size=batch_size, verbose=0))
        error = np.abs(found - data.y_test)
        return {
            f"accuracy (error below {SOLVED})": float((error < SOLVED).mean()),
            "mean squared error": float(np.square(error).mean()),
        }

    def baseline(self, data: Data) -> str:
        error = np.abs(data.y_test - 1)
        return f"always 1: {100 * (error < SOLVED).mean():.2f} %, mean squared error {np.square(error).mean():.4f}"


def sequences(n: int, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """x (n, length, 2): numbers from 0 to 1, and marks, 1 at a step of each half, else 0. y (n, 1): the marked sum."""
    random = np.random.default_rng(seed)
    numbers = random.random((n, length), np.float32)
    first = random.integers(0, length // 2, n)
    second = random.integers(length // 2, length, n)
    rows = np.arange(n)
    marks = np.zeros_like(numbers)
    marks[rows, first] = marks[rows, second] = 1
    return np.stack([numbers, marks], axis=-1), (numbers[rows, first] + numbers[rows, second])[:, None]


RECIPE = Adding()
