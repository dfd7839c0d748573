"""English to German: an encoder-decoder with attention, many-to-many with different lengths.

A bidirectional LSTM reads the English sentence; a second LSTM writes the German one, and at each step looks back at the
English words by attention (M.-T. Luong et al.: Effective approaches to attention-based neural machine translation,
2015, arXiv:1508.04025, with the dot product). In training it reads the true word before; a translation is found by beam
search: of all beginnings, the BEAM likeliest are kept and continued, and the likeliest per word wins.

Text is lower-cased and split into words and signs; words seen once are "<unk>". BLEU is sacrebleu's, on lower-cased
text, where that library is installed (extra `text`). The baseline repeats the English sentence.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from linnet.cli.recipes.recipe import Data, Defaults, Recipe, Report, Sampling
from linnet.utils.sequences import PADDING, UNKNOWN, Vocabulary, pad_sequences

BEGIN, END = "<begin>", "<end>"
SPECIAL = (PADDING, UNKNOWN, BEGIN, END)
LONGEST = 40  # words; of training sentences, and of translations
BEAM = 4


class Translation(Recipe):
    name = "translation"
    title = "Encoder-decoder LSTM with attention"
    description = "Translates captions of photographs from English to German"
    takes_texts = True
    defaults: Mapping[str, Defaults] = {
        "multi30k": Defaults(
            epochs=8,
            batch_size=64,
            learning_rate=2e-3,
            clipnorm=1.0,
            model={"embedding": 192, "units": 256, "dropout": 0.3},
        )
    }

    def load(self, data: str, data_dir: str | None) -> Data:
        from linnet.datasets import multi30k

        parts = multi30k.load_data(data_dir=data_dir)
        vocabularies = {
            name: Vocabulary(map(tokens, sentences), min_count=2, special=SPECIAL)
            for name, sentences in zip(("source", "target"), parts[0], strict=True)
        }
        (x, y), validation, (x_test, y_test) = (_arrays(sources, targets, vocabularies) for sources, targets in parts)
        return Data(
            x_train=x,
            y_train=y,
            x_test=x_test,
            y_test=y_test,
            classes=(),
            text=f"{len(y):,} training, {len(validation[1]):,} validation and {len(y_test):,} test pairs, "
            f"{len(vocabularies['source']):,} English and {len(vocabularies['target']):,} German words",
            validation=validation,
            vocabularies=vocabularies,
            extra={"sources": parts[2][0], "references": parts[2][1]},
        )

    def build(self, data: Data, embedding: int, units: int, dropout: float) -> Any:  # type: ignore[override]
        import linnet
        from linnet import layers

        source = linnet.Input((None,), dtype="int32", name="source")
        x = layers.Embedding(len(data.vocabularies["source"]), embedding, mask_zero=True, name="source_words")(source)
        x = layers.Dropout(dropout, name="source_dropout")(x)
        reader = layers.LSTM(units // 2, return_sequences=True, return_state=True)
        encoded, *states = layers.Bidirectional(reader, name="encoder")(x)
        hidden = layers.Concatenate(name="first_hidden")([states[0], states[2]])
        cell = layers.Concatenate(name="first_cell")([states[1], states[3]])

        before = linnet.Input((None,), dtype="int32", name="before")
        y = layers.Embedding(len(data.vocabularies["target"]), embedding, mask_zero=True, name="target_words")(before)
        y = layers.Dropout(dropout, name="target_dropout")(y)
        writer = layers.LSTM(units, return_sequences=True, return_state=True, name="decoder")
        written, _, _ = writer(y, initial_state=[hidden, cell])
        seen = layers.Attention(name="attention")([written, encoded])
        y = layers.Concatenate(name="written_and_seen")([written, seen])
        y = layers.Dense(units, activation="tanh", name="combined")(y)
        y = layers.Dropout(dropout, name="dropout")(y)
        outputs = layers.Dense(len(data.vocabularies["target"]), name="output")(y)
        return linnet.Model([source, before], outputs, name="translation")

    def loss(self) -> Any:
        from linnet.losses import SparseCategoricalCrossentropy

        return SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)

    def metrics(self) -> list[Any]:
        return []

    def score(self, model: Any, data: Data, batch_size: int) -> dict[str, float]:
        loss = super().score(model, data, batch_size)["loss"]
        found = translate(model, data.x_test[0], data.vocabularies["target"])
        figures = {"loss": loss, "perplexity": float(np.exp(loss))}
        score = bleu(found, data.extra["references"][: len(found)])
        return {"BLEU": score, **figures} if score is not None else figures

    def baseline(self, data: Data) -> str | None:
        score = bleu(data.extra["sources"], data.extra["references"])
        return None if score is None else f"the English sentence as it is: BLEU {score:.1f}"

    def report(self, model: Any, data: Data, folder: Path) -> Report:
        found = translate(model, data.x_test[0][:3], data.vocabularies["target"])
        lines = [f"{a} -> {b}" for a, b in zip(data.extra["sources"], found, strict=False)]
        if bleu(["a"], ["a"]) is None:
            lines.append('no BLEU: it needs sacrebleu (pip install "linnet[text]")')
        return Report(tuple(lines))

    def answer(self, model: Any, vocabularies: Mapping[str, Vocabulary], text: str, sampling: Sampling) -> str:
        ids = vocabularies["source"].encode(tokens(text))
        if not ids:
            return ""
        return translate(model, np.array([ids], np.int32), vocabularies["target"], min(sampling.length, LONGEST))[0]


def tokens(sentence: str) -> list[str]:
    """Words and signs, lower-cased: "Two dogs." -> ["two", "dogs", "."]."""
    return re.findall(r"\w+|[^\w\s]", sentence.lower())


def joined(words: Sequence[str]) -> str:
    """The reverse, as far as that goes: no space before signs."""
    return re.sub(r" ([.,;:!?')\]])", r"\1", " ".join(words))


def bleu(found: Sequence[str], references: Sequence[str]) -> float | None:
    """Corpus BLEU, lower-cased (M. Post: A call for clarity in reporting BLEU scores, 2018); None without sacrebleu."""
    try:
        import sacrebleu
    except ModuleNotFoundError:
        return None
    return float(sacrebleu.corpus_bleu(list(found), [list(references)], lowercase=True, force=True).score)


def _arrays(
    sources: Sequence[str], targets: Sequence[str], vocabularies: Mapping[str, Vocabulary]
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """((English ids, German ids before), German ids), all (sentences, longest), 0 behind the end."""
    begin, end = (vocabularies["target"][token] for token in (BEGIN, END))
    english = [vocabularies["source"].encode(tokens(one)[:LONGEST]) for one in sources]
    german = [vocabularies["target"].encode(tokens(one)[:LONGEST]) for one in targets]
    return (
        pad_sequences(english, padding="post"),
        pad_sequences([[begin, *ids] for ids in german], padding="post"),
    ), pad_sequences([[*ids, end] for ids in german], padding="post")


def translate(
    model: Any, sources: np.ndarray, target: Vocabulary, longest: int = LONGEST, beam: int = BEAM
) -> list[str]:
    """The likeliest translations by beam search. sources (n, words): ids, 0 behind the end."""
    encoder, step = _halves(model)
    begin, end = target[BEGIN], target[END]
    results = []
    for rows in np.array_split(sources, -(-len(sources) // 64) or 1):
        n = len(rows)
        # Row i * beam + j is beginning j of sentence i.
        encoded, hidden, cell = (np.repeat(a, beam, axis=0) for a in encoder.predict(rows, verbose=0))
        source = np.repeat(rows, beam, axis=0)
        ids = np.full((n * beam, 1), begin, np.int32)
        # In the beginning all are the same, so only the first counts.
        sums = np.tile(np.array([0.0] + [-np.inf] * (beam - 1)), n)
        ended = np.zeros(n * beam, bool)
        for _ in range(longest):
            logits, hidden, cell = step.predict((source, ids[:, -1:], encoded, hidden, cell), verbose=0)
            logits = logits[:, 0].astype(np.float64)
            logits[:, [target[PADDING], target[UNKNOWN], begin]] = -np.inf
            peak = logits.max(axis=1, keepdims=True)
            logits -= peak + np.log(np.exp(logits - peak).sum(axis=1, keepdims=True))
            # What has ended goes on with END at no cost.
            logits[ended] = -np.inf
            logits[ended, end] = 0
            length = np.maximum(1, (ids[:, 1:] != end).sum(axis=1) + ~ended)
            totals = sums[:, None] + logits
            ranked = (totals / length[:, None]).reshape(n, -1)
            best = np.argsort(-ranked, axis=1, kind="stable")[:, :beam]  # in sentence i: beginning * words + word
            parents = (best // len(target) + beam * np.arange(n)[:, None]).reshape(-1)
            words = (best % len(target)).reshape(-1)
            sums = totals[parents, words]
            ids = np.concatenate([ids[parents], words[:, None].astype(np.int32)], axis=1)
            hidden, cell = hidden[parents], cell[parents]
            ended = ended[parents] | (words == end)
            if ended.all():
                break
        for row in ids[::beam, 1:]:
            words_of_row = row[: int(np.argmax(row == end))] if end in row else row
            results.append(joined(target.decode(words_of_row)))
    return results


def _halves(model: Any) -> tuple[Any, Any]:
    """The trained model as an encoder (sentence -> encoded words and first states), and one step of the decoder."""
    import linnet

    layer = model.get_layer
    source, _ = model.inputs
    units = layer("decoder").units
    encoder = linnet.Model(
        source, [layer("encoder").output[0], layer("first_hidden").output, layer("first_cell").output]
    )
    words = linnet.Input((None,), dtype="int32")
    before = linnet.Input((1,), dtype="int32")
    encoded = linnet.Input((None, units))
    states = [linnet.Input((units,)), linnet.Input((units,))]
    written, hidden, cell = layer("decoder")(layer("target_words")(before), initial_state=states)
    seen = layer("attention")([written, encoded], mask=[None, linnet.ops.not_equal(words, 0)])
    combined = layer("combined")(layer("written_and_seen")([written, seen]))
    return encoder, linnet.Model([words, before, encoded, *states], [layer("output")(combined), hidden, cell])


RECIPE = Translation()
