"""The part of speech of each word of a sentence: a bidirectional LSTM, many-to-many, an output for every input.

A word comes as three ids: itself in lower case, its last three letters (which tell a noun from an adverb where the word
is unknown) and how it is written (capitals, digits, signs). Sentences are padded at the end with id 0, which the
embeddings mask: padding costs no time in the LSTM and counts in no loss or accuracy.

The baseline gives each word its most frequent tag, and NOUN to words that were not in the training sentences.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from linnet.cli.recipes.recipe import Data, Defaults, Recipe, Sampling
from linnet.utils.sequences import PADDING, Vocabulary, pad_sequences

Words = Sequence[str]


def form(word: str) -> str:
    """How a word is written: all capitals, a first capital, digits, signs, or small letters."""
    if any(letter.isdigit() for letter in word):
        return "digits"
    if not any(letter.isalpha() for letter in word):
        return "signs"
    if word.isupper():
        return "capitals" if len(word) > 1 else "one capital"
    return "capital first" if word[0].isupper() else "small"


FEATURES = {
    "words": lambda word: word.lower(),
    "endings": lambda word: word.lower()[-3:],
    "forms": form,
}


class Tagging(Recipe):
    name = "tagging"
    title = "Bidirectional LSTM"
    description = "The part of speech of every word of a sentence"
    takes_texts = True
    defaults: Mapping[str, Defaults] = {
        "ud_english": Defaults(
            epochs=6,
            batch_size=32,
            learning_rate=2e-3,
            clipnorm=1.0,
            model={"units": 96, "dropout": 0.5},
        )
    }

    def load(self, data: str, data_dir: str | None) -> Data:
        from linnet.datasets import ud_english

        parts = ud_english.load_data(data_dir=data_dir)
        train_words, train_tags = parts[0]
        vocabularies = {
            name: Vocabulary(([feature(word) for word in words] for words in train_words), min_count=2)
            for name, feature in FEATURES.items()
        }
        tags = Vocabulary.of((PADDING, *ud_english.TAGS))
        (x, y), validation, (x_test, y_test) = (
            (features(words, vocabularies), pad_sequences([tags.encode(one) for one in labels], padding="post"))
            for words, labels in parts
        )
        return Data(
            x_train=x,
            y_train=y,
            x_test=x_test,
            y_test=y_test,
            classes=ud_english.TAGS,
            text=f"{len(train_words):,} training, {len(parts[1][0]):,} dev and {len(parts[2][0]):,} test sentences, "
            f"{len(vocabularies['words']):,} words",
            validation=validation,
            vocabularies={**vocabularies, "tags": tags},
            extra={"baseline": _most_frequent_tags(train_words, train_tags, *parts[2])},
        )

    def build(self, data: Data, units: int, dropout: float) -> Any:  # type: ignore[override]
        import linnet
        from linnet import layers

        inputs, embedded = [], []
        for name, size in (("words", 96), ("endings", 48), ("forms", 16)):
            ids = linnet.Input((None,), dtype="int32", name=name)
            inputs.append(ids)
            embedded.append(
                layers.Embedding(len(data.vocabularies[name]), size, mask_zero=True, name=f"{name}_embedding")(ids)
            )
        x = layers.Concatenate(name="features")(embedded)
        x = layers.SpatialDropout1D(dropout, name="dropped_features")(x)
        x = layers.Bidirectional(layers.LSTM(units, return_sequences=True), name="both_directions")(x)
        x = layers.Dropout(dropout, name="dropout")(x)
        outputs = layers.Dense(len(data.vocabularies["tags"]), name="output")(x)
        return linnet.Model(inputs, outputs, name="tagging")

    def loss(self) -> Any:
        from linnet.losses import SparseCategoricalCrossentropy

        return SparseCategoricalCrossentropy(from_logits=True)

    def metrics(self) -> list[Any]:
        return ["accuracy"]

    def baseline(self, data: Data) -> str:
        return f"each word's most frequent tag: accuracy {100 * data.extra['baseline']:.2f} %"

    def answer(self, model: Any, vocabularies: Mapping[str, Vocabulary], text: str, sampling: Sampling) -> str:
        words = text.split()
        if not words:
            return ""
        scores = np.asarray(model.predict(features([words], vocabularies), verbose=0))[0]
        tags = vocabularies["tags"].decode(scores.argmax(axis=-1))
        return " ".join(f"{word}/{tag}" for word, tag in zip(words, tags, strict=True))


def features(sentences: Sequence[Words], vocabularies: Mapping[str, Vocabulary]) -> tuple[np.ndarray, ...]:
    """Ids of words, endings and forms: three arrays (sentences, longest), int32, 0 behind the end."""
    return tuple(
        pad_sequences(
            [vocabularies[name].encode([feature(word) for word in words]) for words in sentences], padding="post"
        )
        for name, feature in FEATURES.items()
    )


def _most_frequent_tags(
    words: Sequence[Words], tags: Sequence[Words], test_words: Sequence[Words], test_tags: Sequence[Words]
) -> float:
    """The accuracy on the test sentences of giving each word the tag it most often had in training."""
    counts: dict[str, Counter[str]] = {}
    for sentence, labels in zip(words, tags, strict=True):
        for word, tag in zip(sentence, labels, strict=True):
            counts.setdefault(word, Counter())[tag] += 1
    best = {word: count.most_common(1)[0][0] for word, count in counts.items()}
    right = [
        best.get(word, "NOUN") == tag
        for sentence, labels in zip(test_words, test_tags, strict=True)
        for word, tag in zip(sentence, labels, strict=True)
    ]
    return sum(right) / len(right)


RECIPE = Tagging()
