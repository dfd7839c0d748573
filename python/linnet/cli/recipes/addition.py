"""Sums of numbers as text, "17+25" -> "42": an encoder-decoder, many-to-many with different lengths.

One LSTM reads the question and keeps it in its state; the other unfolds the answer from it, digit by digit
(I. Sutskever, O. Vinyals, Q. Le: Sequence to sequence learning with neural networks, 2014, arXiv:1409.3215, from where
the reversed question comes, too). Questions of the test are not among those of the training. What counts is the whole
answer.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from linnet.cli.recipes.recipe import Data, Defaults, Recipe, Sampling
from linnet.utils.sequences import Vocabulary

CHARACTERS = tuple(" +0123456789")
DIGITS = {"two_digits": 2, "three_digits": 3}
QUESTIONS = 60_000  # at most


class Addition(Recipe):
    name = "addition"
    title = "Encoder-decoder LSTM"
    description = "Adds two numbers that are given as text"
    takes_texts = True
    defaults: Mapping[str, Defaults] = {
        "two_digits": Defaults(epochs=60, batch_size=64, learning_rate=4e-3, clipnorm=1.0, model={"units": 128}),
        "three_digits": Defaults(epochs=40, batch_size=64, learning_rate=3e-3, clipnorm=1.0, model={"units": 160}),
    }

    def load(self, data: str, data_dir: str | None) -> Data:
        digits = DIGITS[data]
        numbers = 10**digits
        # Different pairs, in an order that is always the same.
        chosen = np.random.default_rng(0).permutation(numbers * numbers)[:QUESTIONS]
        a, b = chosen // numbers, chosen % numbers
        characters = Vocabulary.of(CHARACTERS)
        x = np.array([characters.encode(question(i, j, digits)) for i, j in zip(a, b, strict=True)], np.int32)
        y = np.array([characters.encode(f"{i + j:<{digits + 1}}") for i, j in zip(a, b, strict=True)], np.int32)
        test = len(x) // 10
        return Data(
            x_train=x[test:],
            y_train=y[test:],
            x_test=x[:test],
            y_test=y[:test],
            classes=(),
            text=f"{len(x) - test:,} training and {test:,} test sums of two numbers below {numbers}",
            vocabularies={"characters": characters},
        )

    def build(self, data: Data, units: int) -> Any:  # type: ignore[override]
        import linnet
        from linnet import layers

        size = len(data.vocabularies["characters"])
        return linnet.Sequential(
            [
                linnet.Input((data.x_train.shape[1],), dtype="int32"),
                layers.Embedding(size, 16, name="characters"),
                layers.LSTM(units, name="encoder"),
                layers.RepeatVector(data.y_train.shape[1], name="steps_of_the_answer"),
                layers.LSTM(units, return_sequences=True, name="decoder"),
                layers.Dense(size, name="output"),
            ],
            name="addition",
        )

    def loss(self) -> Any:
        from linnet.losses import SparseCategoricalCrossentropy

        return SparseCategoricalCrossentropy(from_logits=True)

    def metrics(self) -> list[Any]:
        return ["accuracy"]

    def score(self, model: Any, data: Data, batch_size: int) -> dict[str, float]:
        scores = super().score(model, data, batch_size)
        answers = np.asarray(model.predict(data.x_test, batch_size=batch_size, verbose=0)).argmax(axis=-1)
        exact = float((answers == data.y_test).all(axis=1).mean())
        return {
            "accuracy of whole answers": exact,
            "accuracy of characters": scores["accuracy"],
            "loss": scores["loss"],
        }

    def baseline(self, data: Data) -> str:
        whole, counts = np.unique(data.y_train, axis=0, return_counts=True)
        share = float((data.y_test == whole[counts.argmax()]).all(axis=1).mean())
        return f"always the most frequent sum: {100 * share:.2f} % of whole answers"

    def answer(self, model: Any, vocabularies: Mapping[str, Vocabulary], text: str, sampling: Sampling) -> str:
        steps = model.input_shape[1]
        digits = (steps - 1) // 2
        left, plus, right = text.replace(" ", "").partition("+")
        if not plus or not (left.isdecimal() and right.isdecimal() and max(len(left), len(right)) <= digits):
            raise ValueError(
                f"addition: expected two numbers of at most {digits} digits with a + between, got {text!r}"
            )
        ids = vocabularies["characters"].encode(question(int(left), int(right), digits))
        scores = np.asarray(model.predict(np.array([ids], np.int32), verbose=0))[0]
        return "".join(vocabularies["characters"].decode(scores.argmax(axis=-1))).strip()


def question(a: int, b: int, digits: int) -> str:
    """'17+25' filled up to the length of the longest, and reversed: '52+71'."""
    return f"{f'{a}+{b}':<{2 * digits + 1}}"[::-1]


RECIPE = Addition()
