"""What `char_lstm` and `word_lstm` share: a language model, which predicts each token of a text from those before it.

The text is cut into windows of `WINDOW` tokens; the target of a window is the window one token later, so that every
position is trained at once (many-to-many). Each window starts without memory: that is truncated back-propagation
through time at its simplest. The loss is in nats per token. To generate (one-to-many), the model runs over the prompt
once, and then token by token: each is drawn from the softmax of the logits divided by the temperature and fed back.

The baseline knows how often each token occurs and nothing else.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from linnet.cli.recipes.recipe import Data, Defaults, Recipe, Report, Sampling
from linnet.utils.sequences import Vocabulary

WINDOW = 128


class LanguageModel(Recipe):
    """texts(data, data_dir): training, validation and test text, as sequences of tokens; split and join: between a text
    and its tokens; unit: what a token is called; prompt: what the sample after training begins with."""

    takes_texts = True

    def __init__(
        self,
        name: str,
        title: str,
        description: str,
        unit: str,
        defaults: Mapping[str, Defaults],
        texts: Callable[[str, str | None], tuple[Sequence[str], Sequence[str], Sequence[str]]],
        vocabulary: Callable[[Sequence[str]], Vocabulary],
        split: Callable[[str], Sequence[str]],
        join: Callable[[Iterable[str]], str],
        prompt: str,
    ) -> None:
        self.name = name
        self.title = title
        self.description = description
        self.unit = unit
        self.defaults = defaults
        self.texts = texts
        self.vocabulary = vocabulary
        self.split = split
        self.join = join
        self.prompt = prompt

    def load(self, data: str, data_dir: str | None) -> Data:
        parts = self.texts(data, data_dir)
        vocabulary = self.vocabulary(parts[0])
        ids = [np.array(vocabulary.encode(part), np.int32) for part in parts]
        (x, y), validation, (x_test, y_test) = (windows(part) for part in ids)
        return Data(
            x_train=x,
            y_train=y,
            x_test=x_test,
            y_test=y_test,
            classes=(),
            text=f"{len(ids[0]):,} {self.unit}s for training, {len(ids[1]):,} for validation, {len(ids[2]):,} for the "
            f"test; {len(vocabulary):,} different ones",
            validation=validation,
            vocabularies={"tokens": vocabulary},
            extra={"counts": np.bincount(ids[0], minlength=len(vocabulary))},
        )

    def build(self, data: Data, embedding: int, units: int, depth: int, dropout: float) -> Any:  # type: ignore[override]
        import linnet
        from linnet import layers

        size = len(data.vocabularies["tokens"])
        stack: list[Any] = [linnet.Input((None,), dtype="int32"), layers.Embedding(size, embedding, name="tokens")]
        for i in range(depth):
            stack += [layers.Dropout(dropout, name=f"dropout_{i}")] if dropout and (i or embedding > 128) else []
            stack.append(layers.LSTM(units, return_sequences=True, name=f"lstm_{i}"))
        stack += [layers.Dropout(dropout, name="dropout")] if dropout else []
        stack.append(layers.Dense(size, name="output"))
        return linnet.Sequential(stack, name=self.name)

    def loss(self) -> Any:
        from linnet.losses import SparseCategoricalCrossentropy

        return SparseCategoricalCrossentropy(from_logits=True)

    def metrics(self) -> list[Any]:
        return []

    def score(self, model: Any, data: Data, batch_size: int) -> dict[str, float]:
        loss = super().score(model, data, batch_size)["loss"]
        return {f"nats per {self.unit}": loss, "perplexity": float(np.exp(loss))}

    def baseline(self, data: Data) -> str:
        counts = data.extra["counts"] + 1.0
        loss = float(-np.log(counts / counts.sum())[data.y_test].mean())
        return f"how often each {self.unit} occurs: {loss:.4g} nats, perplexity {np.exp(loss):.4g}"

    def report(self, model: Any, data: Data, folder: Path) -> Report:
        return Report(("a sample:", self.answer(model, data.vocabularies, self.prompt, Sampling())))

    def answer(self, model: Any, vocabularies: Mapping[str, Vocabulary], text: str, sampling: Sampling) -> str:
        tokens = vocabularies["tokens"]
        prompt = tokens.encode(self.split(text))
        if not prompt:
            raise ValueError(f"{self.name}: expected a text of at least one {self.unit} to begin with, got {text!r}")
        return self.join(tokens.decode([*prompt, *generate(model, prompt, sampling)]))


def windows(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(x, y), each (n, WINDOW): consecutive parts of a text, and the same one token later. The rest is dropped."""
    n = (len(ids) - 1) // WINDOW
    return ids[: n * WINDOW].reshape(n, WINDOW), ids[1 : n * WINDOW + 1].reshape(n, WINDOW)


def generate(model: Any, prompt: Sequence[int], sampling: Sampling) -> list[int]:
    """Tokens that follow the prompt, each drawn from softmax(logits / temperature)."""
    step = stateful(model)
    random = np.random.default_rng(sampling.seed)
    logits = np.asarray(step.predict_on_batch(np.array([prompt], np.int32)))[0, -1]
    ids = []
    for _ in range(sampling.length):
        powers = np.exp((logits - logits.max()).astype(np.float64) / sampling.temperature)
        ids.append(int(random.choice(len(powers), p=powers / powers.sum())))
        logits = np.asarray(step.predict_on_batch(np.array([[ids[-1]]], np.int32)))[0, -1]
    return ids


def stateful(model: Any) -> Any:
    """The same model for a batch of one that remembers: each call goes on where the last one stopped."""
    import linnet

    config = model.get_config()
    layers = []
    for layer in config["layers"]:
        if layer["class_name"] == "InputLayer":
            continue
        if layer["class_name"] == "LSTM":
            layer["config"]["stateful"] = True
        layers.append(linnet.utils.deserialize_keras_object(layer))
    copy = linnet.Sequential([linnet.Input(batch_shape=(1, None), dtype="int32"), *layers])
    copy.set_weights(model.get_weights())
    return copy
