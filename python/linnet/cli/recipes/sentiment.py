"""Is a review of a film good or bad? A bidirectional LSTM over its words: many-to-one.

The baseline is the more frequent class. Words seen once in training become "<unk>", so that the model learns what to do
with words that it will not know.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from linnet.cli.recipes.recipe import Data, Defaults, Recipe, Sampling
from linnet.utils.sequences import Vocabulary, pad_sequences


class Sentiment(Recipe):
    name = "sentiment"
    title = "Bidirectional LSTM"
    description = "Words of a review, embedded and read in both directions: negative or positive"
    takes_texts = True
    defaults: Mapping[str, Defaults] = {
        "sst2": Defaults(
            epochs=4,
            batch_size=32,
            learning_rate=1.5e-3,
            optimizer="adamw",
            clipnorm=1.0,
            model={"embedding": 256, "units": 64, "dropout": 0.7},
        )
    }

    def load(self, data: str, data_dir: str | None) -> Data:
        from linnet.datasets import sst2

        parts = sst2.load_data(data_dir=data_dir)
        words = Vocabulary((sentence.split() for sentence in parts[0][0]), min_count=2)
        (x, y), validation, (x_test, y_test) = (
            (pad_sequences([words.encode(one.split()) for one in sentences], padding="post"), labels)
            for sentences, labels in parts
        )
        return Data(
            x_train=x,
            y_train=y,
            x_test=x_test,
            y_test=y_test,
            classes=sst2.CLASSES,
            text=f"{len(x):,} training, {len(validation[0]):,} dev and {len(x_test):,} test sentences, "
            f"{len(words):,} words",
            validation=validation,
            vocabularies={"words": words},
        )

    def build(self, data: Data, embedding: int, units: int, dropout: float) -> Any:  # type: ignore[override]
        import linnet
        from linnet import layers

        return linnet.Sequential(
            [
                linnet.Input((None,), dtype="int32"),
                layers.Embedding(len(data.vocabularies["words"]), embedding, mask_zero=True, name="words"),
                layers.SpatialDropout1D(dropout, name="dropped_features"),
                layers.Bidirectional(layers.LSTM(units), name="both_directions"),
                layers.Dropout(dropout, name="dropout"),
                layers.Dense(1, activation="sigmoid", name="output"),
            ],
            name="sentiment",
        )

    def loss(self) -> Any:
        return "binary_crossentropy"

    def metrics(self) -> list[Any]:
        return ["accuracy"]

    def baseline(self, data: Data) -> str:
        share = float(np.mean(data.y_test))
        return f"always the more frequent class: accuracy {100 * max(share, 1 - share):.2f} %"

    def answer(self, model: Any, vocabularies: Mapping[str, Vocabulary], text: str, sampling: Sampling) -> str:
        ids = vocabularies["words"].encode(text.lower().split())
        share = float(np.asarray(model.predict(np.array([ids], np.int32), verbose=0))[0, 0])
        name, share = ("positive", share) if share >= 0.5 else ("negative", 1 - share)
        return f"{name} ({100 * share:.1f} %)"


RECIPE = Sentiment()
