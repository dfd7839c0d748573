"""A character LSTM on Tiny Shakespeare: reads and writes letter by letter."""

from linnet.cli.recipes.language_model import LanguageModel
from linnet.cli.recipes.recipe import Defaults
from linnet.utils.sequences import Vocabulary


def texts(data: str, data_dir: str | None) -> tuple[str, str, str]:
    from linnet.datasets import tiny_shakespeare

    return tiny_shakespeare.load_data(data_dir=data_dir)


RECIPE = LanguageModel(
    name="char_lstm",
    title="Character LSTM",
    description="Predicts a text letter by letter, and writes one",
    unit="character",
    defaults={
        "tiny_shakespeare": Defaults(
            epochs=20,
            batch_size=64,
            learning_rate=4e-3,
            clipnorm=1.0,
            model={"embedding": 64, "units": 256, "depth": 2, "dropout": 0.3},
        )
    },
    texts=texts,
    vocabulary=lambda text: Vocabulary([text], special=()),
    split=tuple,
    join="".join,
    prompt="ROMEO:\n",
)
