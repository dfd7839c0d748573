"""A word-level LSTM on WikiText-2.

Its own training file has 2.1 million words and takes hours; `--data wikitext2` uses it. With `wikitext2_small`, the
default, the 241,211 words of its test file are for training, and the halves of the validation file for validation and
test: such figures are comparable among themselves only.
"""

from collections.abc import Iterable

from linnet.cli.recipes.language_model import LanguageModel
from linnet.cli.recipes.recipe import Defaults
from linnet.utils.sequences import UNKNOWN, Vocabulary


def texts(data: str, data_dir: str | None) -> tuple[list[str], list[str], list[str]]:
    from linnet.datasets import wikitext2

    if data == "wikitext2":
        train, valid, test = wikitext2.load_data(data_dir=data_dir)
        return train, valid, test
    train, other = wikitext2.load_data(data_dir=data_dir, splits=("test", "valid"))
    half = len(other) // 2
    return train, other[:half], other[half:]


def join(words: Iterable[str]) -> str:
    return " ".join(words).replace(" <eos>", "\n").replace("<eos>", "\n").strip()


RECIPE = LanguageModel(
    name="word_lstm",
    title="Word LSTM",
    description="Predicts a text word by word, and writes one",
    unit="word",
    defaults={
        "wikitext2_small": Defaults(
            epochs=8,
            batch_size=32,
            learning_rate=3e-3,
            clipnorm=1.0,
            model={"embedding": 128, "units": 128, "depth": 1, "dropout": 0.5},
        ),
        "wikitext2": Defaults(
            epochs=6,
            batch_size=32,
            learning_rate=3e-3,
            clipnorm=1.0,
            model={"embedding": 256, "units": 256, "depth": 2, "dropout": 0.4},
        ),
    },
    texts=texts,
    vocabulary=lambda words: Vocabulary([words], special=(UNKNOWN,), min_count=3),
    split=str.split,
    join=join,
    prompt="The city of",
)
