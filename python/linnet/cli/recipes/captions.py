"""A picture of one to four handwritten digits in a row, and the LSTM says which: one-to-many, an image to a text.

A small convolutional network turns the picture into a vector, which is the first state of an LSTM; from it the LSTM
unfolds the digits and an end sign (O. Vinyals et al.: Show and tell, 2015, arXiv:1411.4555, with rows of digits for
pictures). In training the LSTM reads the true digit before (teacher forcing); for an answer it reads its own.
What counts is the whole row.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from linnet.cli.recipes.images import dataset
from linnet.cli.recipes.recipe import Data, Defaults, Recipe

LONGEST = 4
SIZE = 28
END = 10  # also what the decoder reads at the beginning, as START, and behind the end
START = 11
COUNTS = {"digits": (6_000, 1_000), "mnist": (30_000, 5_000)}  # training and test pictures


class Captions(Recipe):
    name = "captions"
    title = "Convolutional encoder, LSTM decoder"
    description = "Reads a row of one to four handwritten digits from one picture"
    defaults: Mapping[str, Defaults] = {
        "digits": Defaults(epochs=20, batch_size=32, learning_rate=2e-3, clipnorm=1.0, model={"units": 96}),
        "mnist": Defaults(epochs=8, batch_size=64, learning_rate=2e-3, clipnorm=1.0, model={"units": 128}),
    }

    def load(self, data: str, data_dir: str | None) -> Data:
        arguments: dict[str, Any] = {"image_size": SIZE} if data == "digits" else {"data_dir": data_dir}
        train, test = dataset(data).load_data(**arguments)
        count, test_count = COUNTS[data]
        images, rows = compose(train[0], train[1], count, seed=0)
        test_images, test_rows = compose(test[0], test[1], test_count, seed=1)
        return Data(
            x_train=(images, before(rows)),
            y_train=rows,
            x_test=(test_images, before(test_rows)),
            y_test=test_rows,
            classes=(),
            text=f"{len(rows):,} training and {len(test_rows):,} test pictures of 1 to {LONGEST} digits",
        )

    def build(self, data: Data, units: int) -> Any:  # type: ignore[override]
        import linnet
        from linnet import layers

        picture = linnet.Input((SIZE, SIZE * LONGEST, 1), name="picture")
        x = picture
        for i, filters in enumerate((16, 32, 64)):
            x = layers.Conv2D(filters, 3, activation="relu", padding="same", name=f"conv_{i}")(x)
            x = layers.MaxPooling2D(2, name=f"pool_{i}")(x)
        x = layers.Dropout(0.3, name="dropout")(layers.Flatten(name="flatten")(x))
        hidden = layers.Dense(units, activation="tanh", name="first_hidden")(x)
        cell = layers.Dense(units, name="first_cell")(x)
        digits = linnet.Input((LONGEST + 1,), dtype="int32", name="digits_before")
        y = layers.Embedding(START + 1, 16, name="digits")(digits)
        y = layers.LSTM(units, return_sequences=True, name="decoder")(y, initial_state=[hidden, cell])
        return linnet.Model([picture, digits], layers.Dense(END + 1, name="output")(y), name="captions")

    def loss(self) -> Any:
        from linnet.losses import SparseCategoricalCrossentropy

        return SparseCategoricalCrossentropy(from_logits=True)

    def metrics(self) -> list[Any]:
        return ["accuracy"]

    def score(self, model: Any, data: Data, batch_size: int) -> dict[str, float]:
        rows = read(model, data.x_test[0], batch_size)
        return {"accuracy of whole rows": float((rows == data.y_test).all(axis=1).mean())}

    def baseline(self, data: Data) -> str:
        whole, counts = np.unique(data.y_train, axis=0, return_counts=True)
        share = float((data.y_test == whole[counts.argmax()]).all(axis=1).mean())
        return f"always the most frequent row: {100 * share:.2f} %"


def compose(images: np.ndarray, labels: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (count, 28, 112, 1), from 0 to 1, of 1 to 4 digits, and rows (count, 5): the digits, then END."""
    random = np.random.default_rng(seed)
    chosen = random.integers(0, len(images), (count, LONGEST))
    there = np.arange(LONGEST) < random.integers(1, LONGEST + 1, (count, 1))
    pictures = np.where(there[..., None, None], images[chosen], 0)  # (count, 4, 28, 28)
    pictures = pictures.transpose(0, 2, 1, 3).reshape(count, SIZE, LONGEST * SIZE, 1)
    rows = np.full((count, LONGEST + 1), END, np.int32)
    rows[:, :LONGEST] = np.where(there, labels[chosen], END)
    return np.divide(pictures, 255, dtype=np.float32), rows


def before(rows: np.ndarray) -> np.ndarray:
    """What the decoder reads: START, and each digit one step later."""
    return np.concatenate([np.full((len(rows), 1), START, np.int32), rows[:, :-1]], axis=1)


def read(model: Any, pictures: np.ndarray, batch_size: int) -> np.ndarray:
    """The rows (n, 5) that the model reads from pictures, each step fed with its own answers before."""
    rows = np.full((len(pictures), LONGEST + 1), END, np.int32)
    for step in range(LONGEST + 1):
        scores = np.asarray(model.predict((pictures, before(rows)), batch_size=batch_size, verbose=0))
        rows[:, step] = scores[:, step].argmax(axis=-1)
    # Behind the first END nothing counts.
    ended = np.cumsum(rows == END, axis=1) > 0
    return np.where(ended, END, rows)


RECIPE = Captions()
